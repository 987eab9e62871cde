#include "train/watch.h"
#include "base/memory.h"
#include "engine/build.h"

#include <stdio.h>
#include <string.h>

enum { CHUNK = 64, PROBE_EPOCH = 1 << 30, PROBE_VIEWS = 2 };

struct watch {
    struct program *program;
    struct field field[FIELDS_MAX];  /* [fields] */
    unsigned char *rows[FIELDS_MAX]; /* [samples, item] */
    float *z[PROBE_VIEWS];           /* [samples, width] */
    size_t samples, chunk;
    int64_t width;
    int fields, views;
};

/* The embeddings of the first two views, or the features of samples where a method has one. */
static status watch_build(struct watch *watch, struct store *store,
                          const struct watch_options *options)
{
    struct method own = options->method;
    struct graph *g = graph_new(store);
    val view[FIELDS_MAX], z[EMBEDDINGS_MAX];
    if (!g)
        return TACIT_RESOURCES;
    own.training = own.update = false;
    for (int i = 0; i < watch->fields; i++) {
        bool probed = own.type->fields || watch->views == 1 || i < PROBE_VIEWS;
        view[i] = probed ? field_input(g, &watch->field[i], (int64_t)watch->chunk) : view[1];
    }
    if (watch->views > 1) {
        own.type->embed(&own, g, view, z);
        output(z[0], "z0");
        output(z[1], "z1");
    } else {
        z[0] = method_features(&own, g, view);
        output(z[0], "z0");
    }
    if (!is_none(z[0]))
        watch->width = shape_size(shape_of(z[0])) / (int64_t)watch->chunk;
    status result = compile(g, &options->target, &watch->program);
    graph_free(g);
    return result;
}

static status rows_read(struct watch *watch, const struct watch_options *options)
{
    size_t wanted = watch->samples;
    void *scratch = memory_new_aligned(options->scratch_bytes, 1);
    status result = scratch ? TACIT_OK : TACIT_RESOURCES;
    watch->samples = 0;
    for (size_t i = 0; i < wanted && result == TACIT_OK; i++) {
        uint32_t sample = options->row[i * options->rows / wanted];
        void *row[FIELDS_MAX];
        for (int k = 0; k < watch->fields; k++)
            row[k] = watch->rows[k] + watch->samples * field_bytes(&watch->field[k]);
        result = options->make(options->argument,
                               &(struct turn){ options->seed, PROBE_EPOCH, sample, sample }, row,
                               scratch);
        if (result == TACIT_OK)
            watch->samples++;
        else if (result == TACIT_BAD_DATA && source_health(options->source) == TACIT_OK)
            result = TACIT_OK;
    }
    memory_free_aligned(scratch);
    if (result == TACIT_OK && watch->samples < 2)
        result = fail(TACIT_BAD_DATA, "%s: fewer than two samples to watch", options->source->path);
    return result;
}

static status watch_fill(struct watch *watch, struct store *store,
                         const struct watch_options *options)
{
    watch->fields = options->fields;
    memcpy(watch->field, options->field, (size_t)options->fields * sizeof *watch->field);
    watch->samples = options->samples < options->rows ? options->samples : options->rows;
    watch->chunk = watch->samples < CHUNK ? watch->samples : CHUNK;
    watch->views = options->method.type->views > 1 ? PROBE_VIEWS : 1;
    TRY(watch_build(watch, store, options));
    for (int k = 0; k < watch->fields; k++)
        if (!(watch->rows[k] = memory_new(watch->samples, field_bytes(&watch->field[k]))))
            return TACIT_RESOURCES;
    for (int k = 0; k < watch->views; k++)
        if (!(watch->z[k] = memory_new(watch->samples * (size_t)watch->width, sizeof(float))))
            return TACIT_RESOURCES;
    return rows_read(watch, options);
}

status watch_new(const struct watch_options *options, struct store *store, struct watch **watch)
{
    *watch = NULL;
    struct watch *made = memory_new(1, sizeof *made);
    if (!made)
        return TACIT_RESOURCES;
    status result = watch_fill(made, store, options);
    if (result == TACIT_OK)
        *watch = made;
    else
        watch_free(made);
    return result;
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    program_free(watch->program);
    for (int k = 0; k < watch->fields; k++)
        memory_free(watch->rows[k]);
    for (int k = 0; k < PROBE_VIEWS; k++)
        memory_free(watch->z[k]);
    memory_free(watch);
}

status watch_take(struct watch *watch, struct measures *measures)
{
    static const char *const outputs[] = { "z0", "z1" };
    size_t width = (size_t)watch->width;
    for (size_t first = 0; first < watch->samples; first += watch->chunk) {
        size_t left = watch->samples - first;
        size_t part = left < watch->chunk ? left : watch->chunk;
        for (int k = 0; k < watch->fields; k++) {
            size_t row = field_bytes(&watch->field[k]);
            void *to = program_input(watch->program, watch->field[k].name);
            if (to)
                memcpy(to, watch->rows[k] + first * row, part * row);
        }
        TRY(program_run(watch->program, 0));
        for (int k = 0; k < watch->views; k++)
            memcpy(watch->z[k] + first * width, program_output(watch->program, outputs[k]),
                   part * width * sizeof(float));
    }
    return measures_take(watch->z[0], watch->views > 1 ? watch->z[1] : NULL,
                         (int64_t)watch->samples, watch->width, measures);
}

bool watch_collapsed(const struct measures *measures)
{
    return measures->deviation < .1 * measures->ideal || measures->rank < 1.5;
}

void watch_verdict(const struct measures *measures, char *text, size_t size)
{
    double width = measures->ideal > 0 ? 1 / (measures->ideal * measures->ideal) : 0;
    bool collapsed = watch_collapsed(measures);
    snprintf(text, size,
             "%s: deviation %.3g of the embedding (collapse 0, ideal %.3g), effective rank %.1f of "
             "%.0f%s",
             collapsed ? "COLLAPSED" : "HEALTHY", measures->deviation, measures->ideal,
             measures->rank, width,
             collapsed ? ": the embeddings have become alike and tell little"
                       : ": did not collapse; whether it is useful needs labels (tacit eval)");
}
