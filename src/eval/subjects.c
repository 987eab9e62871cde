/* Who is compared, and how features are judged: the rows of both tables. */
#include "eval/evaluation.h"
#include "base/clock.h"
#include "base/memory.h"
#include "eval/knn.h"
#include "eval/probe.h"

enum { PIXELS_SIDE = 32, PIXELS_BETWEEN = 512 };

/* The argument of an extraction's progress. */
struct phase {
    const struct evaluation *e;
    const char *name;
    double since;
};

static bool rows_advance(void *argument, size_t done, size_t count)
{
    const struct phase *phase = argument;
    return evaluation_advance(phase->e, phase->name, (int64_t)done, (int64_t)count, phase->since);
}

/* Features of the backbone h in evaluation mode, from the file's weights or initial ones. */
static status network_rows(struct evaluation *e, const char *phase_name, bool trained,
                           float **value, int64_t *width, uint32_t *kept, size_t *kept_count)
{
    struct phase phase = { e, phase_name, clock_seconds() };
    struct extractor *extractor = NULL;
    struct store *store = store_new(e->thing.seed);
    if (!store)
        return TACIT_RESOURCES;
    status result = extractor_new(store, &e->thing.model.method, &e->input,
                                  config_integer(e->config, "batch_size"), EXTRACT_FEATURES,
                                  &e->target, &extractor);
    if (result == TACIT_OK && trained)
        result = model_file_values(&e->thing.model, store);
    if (result == TACIT_OK) {
        *width = extractor_width(extractor);
        *value = memory_new_aligned((size_t)e->pool.count, (size_t)*width * sizeof **value);
        result = *value
                     ? extractor_source(extractor, e->source, e->pool.index, (size_t)e->pool.count,
                                        rows_advance, &phase, *value, kept, kept_count)
                     : TACIT_RESOURCES;
    }
    extractor_free(extractor);
    store_free(store);
    return result;
}

static status run_rows(struct evaluation *e, float **value, int64_t *width, uint32_t *kept,
                       size_t *kept_count)
{
    return network_rows(e, "run: features", true, value, width, kept, kept_count);
}

static status untrained_rows(struct evaluation *e, float **value, int64_t *width, uint32_t *kept,
                             size_t *kept_count)
{
    return network_rows(e, "untrained: features", false, value, width, kept, kept_count);
}

int pixels_side(const struct input_shape *input)
{
    return input->size < PIXELS_SIDE ? input->size : PIXELS_SIDE;
}

/* One row; *readable tells whether there was a picture. */
static status pixels_row(struct evaluation *e, struct views *views, uint32_t index, float *row,
                         void *scratch, bool *readable)
{
    status result =
        views_make(views, &(struct turn){ 0, 0, index, index }, (void *[]){ row }, scratch);
    *readable = result == TACIT_OK;
    return result == TACIT_BAD_DATA ? source_health(e->source) : result;
}

/* The pictures as the pipeline "eval" shows them, from 0 to 1. */
static status pixels_rows(struct evaluation *e, float **value, int64_t *width, uint32_t *kept,
                          size_t *kept_count)
{
    struct phase phase = { e, "pixels: features", clock_seconds() };
    struct input_shape input = { .channels = e->input.channels,
                                 .size = pixels_side(&e->input),
                                 .std = { 1, 1, 1 } };
    struct augment_settings settings;
    struct views views;
    *width = (int64_t)input.channels * input.size * input.size;
    TRY(augment_preset("eval", &settings));
    TRY(views_new(&settings, &input, e->source, &views));
    void *scratch = memory_new_aligned(views.scratch_bytes, 1);
    *value = memory_new_aligned((size_t)e->pool.count, (size_t)*width * sizeof **value);
    status result = scratch && *value ? TACIT_OK : TACIT_RESOURCES;
    for (int64_t i = 0; i < e->pool.count && result == TACIT_OK; i++) {
        bool readable;
        float *row = *value + (int64_t)*kept_count * *width;
        result = pixels_row(e, &views, e->pool.index[i], row, scratch, &readable);
        if (readable)
            kept[(*kept_count)++] = e->pool.index[i];
        bool told = (i + 1) % PIXELS_BETWEEN == 0 || i + 1 == e->pool.count;
        if (result == TACIT_OK && told &&
            !rows_advance(&phase, (size_t)i + 1, (size_t)e->pool.count))
            result = fail(TACIT_STOPPED, "stopped");
    }
    memory_free_aligned(scratch);
    views_free(&views);
    return result;
}

const struct subject all_subjects[] = {
    { .name = "run", .reads = WANT_EITHER, .network = true, .rows = run_rows },
    { .name = "pixels", .reads = WANT_PICTURES, .rows = pixels_rows },
    { .name = "words", .reads = WANT_TEXTS, .plain = true, .rows = words_rows },
    { .name = "untrained", .reads = WANT_EITHER, .network = true, .rows = untrained_rows },
    { .name = "labels-only", .reads = WANT_EITHER, .network = true, .predict = supervised_predict },
    { .name = NULL },
};

static status classify_neighbours(const struct evaluation *e, const struct subject *subject,
                                  const struct features *learn, const struct features *judge,
                                  const struct features *side, int32_t *predicted)
{
    (void)subject, (void)side;
    int64_t k = config_integer(e->config, "k");
    struct knn_settings settings = { .k = k < learn->count ? k : learn->count,
                                     .temperature = config_real(e->config, "temperature") };
    return knn_classify(learn, judge, e->pool.classes, &settings, predicted);
}

static bool probe_goes_on(void *argument, int iteration, double objective, double gradient)
{
    const struct evaluation *e = argument;
    (void)iteration, (void)objective, (void)gradient;
    return !asked_to_stop(&e->audience);
}

static status classify_linear(const struct evaluation *e, const struct subject *subject,
                              const struct features *learn, const struct features *judge,
                              const struct features *side, int32_t *predicted)
{
    struct probe_settings settings = probe_defaults;
    struct probe *probe;
    settings.c = config_real(e->config, "c");
    settings.reference = side;
    settings.plain = subject->plain;
    settings.progress = probe_goes_on;
    settings.argument = (void *)e;
    TRY(probe_train(learn, e->pool.classes, &settings, &probe, NULL));
    status result = probe_predict(probe, judge, predicted);
    probe_free(probe);
    return result;
}

const struct protocol all_protocols[] = {
    { "knn", classify_neighbours, NULL },
    { "linear", classify_linear, NULL },
    { "finetune", NULL, finetune_predict },
    { "head", NULL, head_predict },
    { NULL, NULL, NULL },
};
