/* labels-only: the same network with a linear head, trained from its initial weights on the
 * labelled samples and nothing else; and protocol=finetune, which begins with the thing's. */
#include "eval/evaluation.h"
#include "base/memory.h"
#include "train/fit.h"
#include "train/tasks.h"

#include <stdio.h>
#include <string.h>

enum { MOST_EPOCHS = 10, WARMUP = 20 };

/* Few labels: as many steps as serve. Many: at most as many samples as pretraining went through,
 * so that this rival may cost what it is compared with, and no more than ten passes. */
struct supervised_plan supervised_plan(const struct evaluation *e, int64_t count)
{
    const struct evaluated *kind = evaluated_kind(e);
    struct supervised_plan plan = { .batch = count < kind->batch ? count : kind->batch,
                                    .rate = kind->rate,
                                    .decay = kind->decay,
                                    .shift = kind->shift(e) };
    int64_t batches = count / plan.batch, most = MOST_EPOCHS * batches;
    if (kind->scaled)
        plan.rate *= (double)plan.batch / (double)kind->batch;
    if (!config_automatic(e->config, "epochs")) {
        plan.steps = batches * config_integer(e->config, "epochs");
        return plan;
    }
    plan.steps = e->thing.pictures ? e->thing.pictures / plan.batch : most;
    plan.steps = plan.steps < most ? plan.steps : most;
    plan.steps = plan.steps > kind->least ? plan.steps : kind->least;
    return plan;
}

struct rival {
    struct evaluation *e;
    struct supervised_plan plan;
    tacit_observer observer; /* progress and stop, no messages */
    tacit_config *config;
    struct setup setup;
    struct fit fit;
    bool trained; /* begins with the weights of the thing */
    char phase[80];
    uint32_t *learn, *judge, *kept; /* sample numbers */
};

static void rival_free(struct rival *rival)
{
    fit_close(&rival->fit);
    setup_close(&rival->setup);
    tacit_config_free(rival->config);
    memory_free(rival->learn);
    memory_free(rival->judge);
    memory_free(rival->kept);
}

static status samples_list(const struct evaluation *e, const struct draw *rows, uint32_t **list)
{
    *list = memory_new((size_t)rows->count, sizeof **list);
    if (!*list)
        return TACIT_RESOURCES;
    for (int64_t i = 0; i < rows->count; i++)
        (*list)[i] = e->pool.index[rows->index[i]];
    return TACIT_OK;
}

static status set_number(tacit_config *config, const char *key, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.17g", value);
    return tacit_config_set(config, key, text);
}

static status rival_configure(struct rival *rival, int trial)
{
    const struct evaluation *e = rival->e;
    const char *const texts[][2] = {
        { "data", e->source->path },
        { "method", "supervised" },
        { "model", e->thing.model.method.network->name },
        { "tune", config_boolean(e->config, "tune") ? "true" : "false" },
    };
    const struct {
        const char *key;
        double value;
    } numbers[] = {
        { "batch_size", (double)rival->plan.batch },
        { "steps", (double)rival->plan.steps },
        { "seed", (double)(e->thing.seed + (uint64_t)trial) },
        { "optim.lr", rival->plan.rate },
        { "optim.weight_decay", rival->plan.decay },
        { "optim.warmup", (double)(rival->plan.steps / WARMUP) },
        { "threads", (double)config_integer(e->config, "threads") },
        { "watch.every", 0 },
    };
    TRY(tacit_config_new("pretrain", &rival->config));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        TRY(tacit_config_set(rival->config, texts[i][0], texts[i][1]));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        TRY(set_number(rival->config, numbers[i].key, numbers[i].value));
    TRY(evaluated_kind(e)->configure(e, &rival->plan, rival->config));
    return tacit_config_check(rival->config);
}

static status rival_train(struct rival *rival, size_t count)
{
    struct evaluation *e = rival->e;
    struct setup_request request = {
        .config = &rival->config->config,
        .source = e->source,
        .index = rival->learn,
        .count = count,
        .anew = !rival->trained,
    };
    if (e->audience.observer)
        rival->observer = *e->audience.observer;
    rival->observer.message = NULL;
    rival->fit = (struct fit){ .setup = &rival->setup,
                               .audience = { &rival->observer, NULL },
                               .phase = rival->phase };
    TRY(setup_open(&request, &rival->fit.audience, &rival->setup));
    TRY(fit_open(&rival->fit));
    return fit_steps(&rival->fit);
}

static bool rival_goes_on(void *argument, size_t done, size_t count)
{
    const struct evaluation *e = argument;
    (void)done, (void)count;
    return !asked_to_stop(&e->audience);
}

/* The class of the largest logit of each sample. */
static status rival_judge(struct rival *rival, const struct extractor *extractor, size_t count,
                          const float *logit, size_t kept, int32_t *predicted)
{
    size_t classes = (size_t)extractor_width(extractor);
    if (kept != count)
        return fail(TACIT_BAD_DATA, "%s: samples that could be read before cannot be read now",
                    rival->e->source->path);
    for (size_t i = 0; i < count; i++) {
        size_t best = 0;
        for (size_t c = 1; c < classes; c++)
            if (logit[i * classes + c] > logit[i * classes + best])
                best = c;
        predicted[i] = (int32_t)best;
    }
    return TACIT_OK;
}

static status rival_predict(struct rival *rival, size_t count, int32_t *predicted)
{
    struct evaluation *e = rival->e;
    struct extractor *extractor;
    size_t kept = 0;
    TRY(extractor_new(rival->fit.store, &rival->setup.method, &rival->setup.input,
                      config_integer(e->config, "batch_size"), EXTRACT_EMBEDDING, &e->target,
                      &extractor));
    float *logit = memory_new(count, (size_t)extractor_width(extractor) * sizeof *logit);
    rival->kept = memory_new(count, sizeof *rival->kept);
    status result = logit && rival->kept ? TACIT_OK : TACIT_RESOURCES;
    if (result == TACIT_OK)
        result = extractor_source(extractor, e->source, rival->judge, count, rival_goes_on, e,
                                  logit, rival->kept, &kept);
    if (result == TACIT_OK)
        result = rival_judge(rival, extractor, count, logit, kept, predicted);
    memory_free(logit);
    extractor_free(extractor);
    return result;
}

static status rival_run(struct evaluation *e, bool trained, const struct draw *learn,
                        const struct draw *judge, int trial, int32_t *predicted)
{
    struct rival rival = { .e = e, .plan = supervised_plan(e, learn->count), .trained = trained };
    snprintf(rival.phase, sizeof rival.phase, "%s: %lld labels, trial %d",
             trained ? "finetune" : "labels-only", (long long)learn->count, trial + 1);
    status result = samples_list(e, learn, &rival.learn);
    if (result == TACIT_OK)
        result = samples_list(e, judge, &rival.judge);
    if (result == TACIT_OK)
        result = rival_configure(&rival, trial);
    if (result == TACIT_OK)
        result = rival_train(&rival, (size_t)learn->count);
    if (result == TACIT_OK)
        result = rival_predict(&rival, (size_t)judge->count, predicted);
    rival_free(&rival);
    return result;
}

status supervised_predict(struct evaluation *e, const struct draw *learn, const struct draw *judge,
                          int trial, int32_t *predicted)
{
    return rival_run(e, false, learn, judge, trial, predicted);
}

status finetune_predict(struct evaluation *e, const struct draw *learn, const struct draw *judge,
                        int trial, int32_t *predicted)
{
    if (e->source->kind != SAMPLE_TEXT)
        return fail(TACIT_USAGE,
                    "protocol=finetune: is for texts; take linear or knn, or tacit finetune %s",
                    e->path);
    return rival_run(e, true, learn, judge, trial, predicted);
}
