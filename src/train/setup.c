#include "train/setup.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "data/holdout.h"
#include "io/hash.h"
#include "train/initial.h"
#include "train/labelled.h"
#include "train/modality.h"
#include "train/recipe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void team_settle(int threads)
{
    static bool done;
    if (!done) /* kernels that are ready already know the number of threads */
        parallel_set_threads(threads);
    done = true;
    parallel_flush_denormals();
}

/* Of pictures and texts side by side: those that the method learns from, else those of the weights
 * to begin with or of the recipe. */
static enum wanted_kind wanted_kind(const struct setup *setup)
{
    const char *name = config_value(setup->config, "method");
    const struct method_type *method = name ? method_find(name) : NULL;
    const char *given = config_value(setup->config, "recipe");
    const struct recipe *recipe = given ? recipe_find(given) : NULL;
    if (method && !method->either)
        return wanted_by(method->kind);
    if (setup->initial)
        return wanted_by(setup->initial->input.kind);
    return recipe ? wanted_by(recipe->kind) : WANT_EITHER;
}

static status data_open(struct setup *setup, const struct setup_request *request)
{
    const struct config *config = setup->config;
    if (request->source) {
        setup->source = request->source;
        return TACIT_OK;
    }
    struct source_options options = { .labels = config_text(config, "labels"),
                                      .channels =
                                          setup->initial ? setup->initial->input.channels : 0,
                                      .cache_bytes = (size_t)1 << 30,
                                      .strict = config_boolean(config, "strict"),
                                      .wanted = wanted_kind(setup),
                                      .unit = config_text(config, "unit"),
                                      .field = config_text(config, "field") };
    setup->own_source = true;
    return source_open(config_text(config, "data"), &options, &setup->source);
}

uint64_t setup_identity(const struct setup *setup)
{
    const struct source *source = setup->source;
    int64_t numbers[] = { source->kind, source->texts, (int64_t)setup->count,
                          (int64_t)setup->rows };
    uint64_t hash = hash_bytes(numbers, sizeof numbers, 0);
    for (size_t i = 0; i < setup->count; i++) {
        const struct sample *sample = &source->sample[setup->index[i]];
        int64_t place[] = { setup->index[i], sample->number, sample->label };
        hash = hash_bytes(place, sizeof place, hash);
        if (sample->number <= 0)
            hash = hash_bytes(sample->name, strlen(sample->name), hash);
    }
    return hash;
}

/* Takes out of index[] what holdout= names. */
static status samples_hold_out(struct setup *setup)
{
    size_t left = 0;
    setup->held = memory_new(setup->source->count, sizeof *setup->held);
    if (!setup->held)
        return TACIT_RESOURCES;
    TRY(holdout_mark(setup->source, config_text(setup->config, "holdout"), setup->seed,
                     setup->index, setup->count, setup->held));
    for (size_t i = 0; i < setup->count; i++)
        if (!setup->held[setup->index[i]])
            setup->index[left++] = setup->index[i];
    setup->held_count = setup->count - left;
    setup->count = left;
    return TACIT_OK;
}

/* The part train where there are parts; only labelled samples where labels are needed; less those
 * held out. */
static status samples_choose(struct setup *setup, const struct setup_request *request)
{
    struct source *source = setup->source;
    bool labelled = setup->method.type->labels, numbered = setup->method.type->numbers;
    size_t most = request->index ? request->count : source->count;
    setup->index = memory_new(most ? most : 1, sizeof *setup->index);
    if (!setup->index)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < most; i++) {
        size_t sample = request->index ? request->index[i] : i;
        bool train =
            request->index || !source->has_parts || source->sample[sample].split == SPLIT_TRAIN;
        if (train && (!labelled || source->sample[sample].label >= 0) &&
            (!numbered || (source->target && isfinite(source->target[sample]))))
            setup->index[setup->count++] = (uint32_t)sample;
    }
    if (labelled && (setup->count == 0 || source->classes < 2))
        return fail(TACIT_BAD_DATA,
                    "%s: method=%s needs labels of at least two classes; say where they are, such "
                    "as labels=folders",
                    source->path, setup->method.type->name);
    if (numbered && setup->count == 0)
        return fail(TACIT_BAD_DATA,
                    "%s: method=%s needs labels that are numbers, such as labels=field:score",
                    source->path, setup->method.type->name);
    if (setup->count == 0)
        return fail(TACIT_BAD_DATA, "%s: has no %s to learn from%s", source->path,
                    setup->modality->samples, source->has_parts ? " in its part train" : "");
    TRY(samples_hold_out(setup));
    TRY(labelled_draw(setup));
    return setup->count ? TACIT_OK
                        : fail(TACIT_BAD_DATA, "holdout=%s: leaves no %s to learn from",
                               config_text(setup->config, "holdout"), setup->modality->samples);
}

/* Which method, before the rest is resolved: it decides which samples count. */
static status method_choose(struct setup *setup, const struct audience *audience)
{
    if (setup->tune)
        TRY(initial_method(setup, audience));
    const char *name = recipe_method(setup->config);
    setup->method.type = method_find(name);
    return setup->method.type ? TACIT_OK : fail(TACIT_USAGE, "method=%s: there is none", name);
}

static status method_settle(struct setup *setup)
{
    const struct config *config = setup->config;
    struct method *method = &setup->method;
    method->network = network_find(config_text(config, "model"));
    if (!method->network)
        return fail(TACIT_USAGE, "model=%s: there is none", config_text(config, "model"));
    method->network_options.stem = config_choice(config, "stem");
    method->network_options.width = config_real(config, "width");
    if (setup->initial)
        method->network_options = setup->initial->method.network_options;
    method->classes = setup->source->classes;
    method->frozen = config_boolean(config, "freeze");
    if (method->type->either &&
        (method->network->input == INPUT_TOKENS) != (setup->source->kind == SAMPLE_TEXT))
        return fail(TACIT_USAGE, "model=%s: does not read %s, which %s holds",
                    method->network->name, setup->modality->samples, setup->source->path);
    if (method->frozen && !method->type->networks[1])
        return fail(TACIT_USAGE, "freeze=true: method=%s trains nothing but the backbone",
                    method->type->name);
    return TACIT_OK;
}

/* Options that mean nothing for this kind of data are mistakes, unless they say what they say by
 * themselves, as in a configuration that a run has saved. */
static status foreign_check(const struct setup *setup)
{
    const char *const *foreign = setup->modality->foreign;
    struct text found = { 0 };
    int count = 0;
    status result = TACIT_OK;
    for (int i = 0; foreign[i]; i++) {
        const struct option *option = option_find(setup->config->set, foreign[i]);
        const char *value = config_value(setup->config, foreign[i]);
        if (config_given(setup->config, foreign[i]) && option && value &&
            strcmp(option->fallback, value) != 0)
            text_append(&found, "%s%s=%s", count++ ? ", " : "", foreign[i], value);
    }
    if (count)
        result = fail(TACIT_USAGE, "%s: mean%s nothing for %s, which %s holds", text_string(&found),
                      count == 1 ? "s" : "", setup->modality->samples, setup->source->path);
    text_free(&found);
    return result;
}

static void optimizer_settle(struct setup *setup)
{
    const struct config *config = setup->config;
    setup->optimizer = (struct optimizer_options){
        .type = optimizer_find(config_text(config, "optim.name")),
        .momentum = config_real(config, "optim.momentum"),
        .weight_decay = config_real(config, "optim.weight_decay"),
        .beta1 = config_real(config, "optim.beta1"),
        .beta2 = config_real(config, "optim.beta2"),
        .epsilon = config_real(config, "optim.epsilon"),
        .trust = config_real(config, "optim.trust"),
        .clip = config_real(config, "optim.clip"),
        .nesterov = config_boolean(config, "optim.nesterov"),
        .rate_in_buffer = config_choice(config, "optim.lars_rate") == 1,
        .decay_vectors = config_boolean(config, "optim.decay_norms"),
    };
    setup->schedule = (struct schedule){
        .type = schedule_find(config_text(config, "optim.schedule")),
        .form = (enum warmup_form)config_choice(config, "optim.warmup_form"),
        .base = config_real(config, "optim.lr"),
        .end = config_real(config, "optim.end"),
        .steps = setup->steps,
        .warmup = config_integer(config, "optim.warmup"),
    };
}

static status sizes_settle(struct setup *setup)
{
    const struct config *config = setup->config;
    setup->batch = config_integer(config, "batch_size");
    setup->microbatch = config_integer(config, "microbatch");
    setup->separate = config_choice(config, "microbatch_loss") == 1;
    setup->batches = (int64_t)setup->rows / setup->batch;
    int64_t epochs = config_integer(config, "epochs");
    setup->steps = config_integer(config, "steps");
    if (config_automatic(config, "steps")) {
        if (epochs > INT64_MAX / setup->batches)
            return fail(TACIT_USAGE, "epochs=%lld: that many steps cannot be counted",
                        (long long)epochs);
        setup->steps = epochs * setup->batches;
    }
    bool compares = setup->method.type->views > 1;
    if (compares && setup->batch < 2)
        return fail(TACIT_USAGE, "batch_size=1: method=%s needs another sample to compare with",
                    setup->method.type->name);
    if (compares && setup->separate && setup->microbatch < 2)
        return fail(TACIT_USAGE, "microbatch=1: has no other picture to compare with; take at "
                                 "least 2, or microbatch_loss=exact");
    setup->checkpoint_every = config_integer(config, "checkpoint_every");
    setup->watch_every = config_integer(config, "watch.every");
    setup->watch_pictures = config_integer(config, "watch.pictures");
    setup->loader_threads = (int)config_integer(config, "loader_threads");
    return TACIT_OK;
}

/* What must be known before the data are. */
static void machine_settle(struct setup *setup)
{
    const struct config *config = setup->config;
    setup->seed = (uint64_t)config_integer(config, "seed");
    setup->target = (struct target){ .profile = config_boolean(config, "profile"),
                                     .tune = config_boolean(config, "tune"),
                                     .seed = setup->seed };
    team_settle((int)config_integer(config, "threads"));
}

static void tell_data(const struct setup *setup, const struct audience *audience)
{
    const struct source *source = setup->source;
    setup->modality->tell(setup, audience);
    if (setup->held_count)
        tell(audience, TACIT_INFO, "holdout: %zu %s are kept out", setup->held_count,
             setup->modality->samples);
    if (source->note)
        tell(audience, TACIT_NOTICE, "%s", source->note);
}

/* The numbers of the rows: a picture is a row, a window of text is cut from many texts. */
static status rows_number(struct setup *setup)
{
    if (setup->rows > UINT32_MAX)
        return fail(TACIT_USAGE, "%s: more than %u %s: take a larger window=", setup->source->path,
                    UINT32_MAX, setup->modality->rows);
    setup->row = memory_new(setup->rows ? setup->rows : 1, sizeof *setup->row);
    if (!setup->row)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < setup->rows; i++)
        setup->row[i] = setup->cut ? (uint32_t)i : setup->index[i];
    return TACIT_OK;
}

static status setup_resolve(struct setup *setup, const struct audience *audience, struct text *said)
{
    struct config *config = setup->config;
    TRY(initial_settle(setup, said));
    TRY(recipe_apply(config, setup->source, said));
    setup->target.precision =
        config_choice(config, "precision") == 1 ? PRECISION_BF16 : PRECISION_F32;
    TRY(method_settle(setup));
    TRY(setup->modality->settle(setup, audience, said));
    TRY(labelled_number(setup, audience));
    TRY(rows_number(setup));
    TRY(initial_rate(setup, said));
    return recipe_resolve(config, setup->rows, setup->modality->rows, said);
}

status setup_open(const struct setup_request *request, const struct audience *audience,
                  struct setup *setup)
{
    struct text said = { 0 };
    *setup = (struct setup){ .config = request->config,
                             .folder = request->folder,
                             .tune = request->tune,
                             .anew = request->anew };
    machine_settle(setup);
    TRY(initial_open(setup));
    TRY(data_open(setup, request));
    TRY(method_choose(setup, audience));
    setup->modality = modality_of(setup->source->kind);
    TRY(foreign_check(setup));
    TRY(samples_choose(setup, request));
    setup->hash = memory_new(setup->source->count, sizeof *setup->hash);
    if (!setup->hash)
        return TACIT_RESOURCES;
    tell_data(setup, audience);
    status result = setup_resolve(setup, audience, &said);
    if (result == TACIT_OK && said.length)
        tell(audience, TACIT_INFO, "auto: %s", text_string(&said));
    text_free(&said);
    TRY(result);
    TRY(sizes_settle(setup));
    optimizer_settle(setup);
    return TACIT_OK;
}

void setup_close(struct setup *setup)
{
    if (setup->modality)
        setup->modality->close(setup);
    initial_close(setup);
    memory_free(setup->row);
    memory_free(setup->length);
    memory_free(setup->index);
    memory_free(setup->held);
    memory_free((void *)setup->hash);
    if (setup->own_source)
        source_close(setup->source);
    *setup = (struct setup){ 0 };
}

/* Windows between the shortest and the longest text, where samples are single texts. */
static void windows_choose(const struct setup *setup, struct session_options *options)
{
    uint32_t least = UINT32_MAX, most = 0;
    if (!setup->length)
        return;
    for (size_t i = 0; i < setup->rows; i++) {
        least = setup->length[i] < least ? setup->length[i] : least;
        most = setup->length[i] > most ? setup->length[i] : most;
    }
    int64_t window = WINDOW_LEAST;
    for (; window < setup->input.window && options->windows + 1 < SESSION_WINDOWS;
         window = window_next(window)) {
        if (window >= least)
            options->window[options->windows++] = window;
        if (window >= most)
            break;
    }
    options->window[options->windows++] = setup->input.window;
    options->longest = texts_longest;
    options->argument = &setup->texts;
}

status setup_session(const struct setup *setup, struct store *store, struct session **session)
{
    struct session_options options = { .method = setup->method,
                                       .field = setup->field,
                                       .fields = setup->fields,
                                       .batch = setup->batch,
                                       .microbatch = setup->microbatch,
                                       .separate = setup->separate,
                                       .target = setup->target };
    windows_choose(setup, &options);
    return session_new(&options, store, session);
}

status setup_loader(struct setup *setup, struct loader **loader)
{
    struct loader_options options = { .source = setup->cut ? NULL : setup->source,
                                      .index = setup->row,
                                      .count = setup->rows,
                                      .length = setup->length,
                                      .batch = (int)setup->batch,
                                      .field = setup->field,
                                      .fields = setup->fields,
                                      .threads = setup->loader_threads,
                                      .seed = setup->seed,
                                      .make = setup->make,
                                      .argument = setup->argument,
                                      .scratch_bytes = setup->scratch_bytes };
    return loader_new(&options, loader);
}
