/* protocol=head: what the run's own head says. It learns nothing here, whatever labels there are.
 */
#include "base/memory.h"
#include "eval/evaluation.h"
#include "train/tasks.h"

#include <string.h>

enum { CLASS_NAME_BYTES = 512 };

static bool goes_on(void *argument, size_t done, size_t count)
{
    const struct evaluation *e = argument;
    (void)done, (void)count;
    return !asked_to_stop(&e->audience);
}

/* The data's class of each of the model's, -1: the data have none of this name. */
static void classes_match(const struct evaluation *e, int32_t *class_of)
{
    char name[CLASS_NAME_BYTES];
    for (int64_t c = 0; c < e->thing.model.method.classes; c++) {
        class_of[c] = -1;
        for (int s = 0; s < e->source->classes; s++)
            if (model_file_class(&e->thing.model, c, name, sizeof name) &&
                strcmp(name, e->source->class_name[s]) == 0)
                class_of[c] = s;
    }
}

struct answers {
    struct store *store;
    struct extractor *extractor;
    uint32_t *index, *kept;
    float *logit;
    int32_t *class_of;
};

static void answers_free(struct answers *answers)
{
    extractor_free(answers->extractor);
    store_free(answers->store);
    memory_free(answers->index);
    memory_free(answers->kept);
    memory_free(answers->logit);
    memory_free(answers->class_of);
}

static status answers_open(const struct evaluation *e, size_t count, struct answers *answers)
{
    const struct model_file *model = &e->thing.model;
    answers->store = store_new(0);
    if (!answers->store)
        return TACIT_RESOURCES;
    TRY(extractor_new(answers->store, &model->method, &e->input,
                      config_integer(e->config, "batch_size"), EXTRACT_EMBEDDING, &e->target,
                      &answers->extractor));
    TRY(model_file_values(model, answers->store));
    size_t width = (size_t)extractor_width(answers->extractor);
    answers->index = memory_new(count, sizeof *answers->index);
    answers->kept = memory_new(count, sizeof *answers->kept);
    answers->logit = memory_new(count, width * sizeof *answers->logit);
    answers->class_of = memory_new(width, sizeof *answers->class_of);
    if (!answers->index || !answers->kept || !answers->logit || !answers->class_of)
        return TACIT_RESOURCES;
    classes_match(e, answers->class_of);
    return TACIT_OK;
}

static status answers_read(struct evaluation *e, const struct draw *judge, struct answers *answers,
                           int32_t *predicted)
{
    size_t count = (size_t)judge->count, kept, width = (size_t)extractor_width(answers->extractor);
    for (size_t i = 0; i < count; i++)
        answers->index[i] = e->pool.index[judge->index[i]];
    TRY(extractor_source(answers->extractor, e->source, answers->index, count, goes_on, e,
                         answers->logit, answers->kept, &kept));
    if (kept != count)
        return fail(TACIT_BAD_DATA, "%s: samples that could be read before cannot be read now",
                    e->source->path);
    for (size_t i = 0; i < count; i++) {
        const float *row = answers->logit + i * width;
        size_t best = 0;
        for (size_t c = 1; c < width; c++)
            best = row[c] > row[best] ? c : best;
        predicted[i] = answers->class_of[best];
    }
    return TACIT_OK;
}

status head_predict(struct evaluation *e, const struct draw *learn, const struct draw *judge,
                    int trial, int32_t *predicted)
{
    struct answers answers = { 0 };
    const struct method_type *type = e->thing.model.method.type;
    (void)learn, (void)trial;
    if (type && type->numbers)
        return fail(TACIT_USAGE,
                    "protocol=head: the head of %s gives numbers, which predict judges: tacit "
                    "predict %s data=DATA labels=…",
                    e->path, e->path);
    if (!type || !type->labels || e->thing.model.method.classes < 2)
        return fail(TACIT_USAGE,
                    "protocol=head: %s has no head that tells classes apart; train one: tacit "
                    "finetune %s",
                    e->path, e->path);
    TRY(texts_check(e));
    status result = answers_open(e, (size_t)judge->count, &answers);
    if (result == TACIT_OK)
        result = answers_read(e, judge, &answers, predicted);
    answers_free(&answers);
    return result;
}
