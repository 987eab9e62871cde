#include "train/watch.h"
#include "base/memory.h"
#include "engine/build.h"

#include <stdio.h>
#include <string.h>

enum { CHUNK = 64, PROBE_EPOCH = 1 << 30, PROBE_VIEWS = 2 };

struct watch {
    struct program *program;
    float *view[PROBE_VIEWS]; /* [pictures, channels, size, size] */
    float *z[PROBE_VIEWS];    /* [pictures, width] */
    size_t pictures, chunk, row;
    int64_t width;
    int views;
};

/* The embeddings of two views, or the features of one for methods of one view. */
static status watch_build(struct watch *watch, struct store *store,
                          const struct watch_options *options)
{
    struct method own = options->method;
    struct graph *g = graph_new(store);
    val view[VIEWS_MAX], z[EMBEDDINGS_MAX];
    int64_t side = options->input.size, chunk = (int64_t)watch->chunk;
    if (!g)
        return TACIT_RESOURCES;
    own.training = own.update = false;
    view[0] = input(g, "view0", F32, SHAPE(chunk, options->input.channels, side, side));
    if (watch->views > 1) {
        view[1] = input(g, "view1", F32, SHAPE(chunk, options->input.channels, side, side));
        for (int i = 2; i < own.type->views; i++)
            view[i] = view[1];
        own.type->embed(&own, g, view, z);
        output(z[0], "z0");
        output(z[1], "z1");
    } else {
        z[0] = method_encode(&own, g, view[0], 1);
        output(z[0], "z0");
    }
    if (!is_none(z[0]))
        watch->width = shape_size(shape_of(z[0])) / chunk;
    status result = compile(g, &options->target, &watch->program);
    graph_free(g);
    return result;
}

static status pictures_read(struct watch *watch, const struct watch_options *options)
{
    struct views views = *options->views;
    size_t wanted = watch->pictures;
    void *scratch = memory_new_aligned(views.scratch_bytes, 1);
    status result = scratch ? TACIT_OK : TACIT_RESOURCES;
    views.count = watch->views;
    watch->pictures = 0;
    for (size_t i = 0; i < wanted && result == TACIT_OK; i++) {
        uint32_t sample = options->index[i * options->count / wanted];
        void *row[PROBE_VIEWS];
        for (int k = 0; k < watch->views; k++)
            row[k] = watch->view[k] + watch->pictures * watch->row;
        result = views_make(&views, &(struct turn){ options->seed, PROBE_EPOCH, sample, sample },
                            row, scratch);
        if (result == TACIT_OK)
            watch->pictures++;
        else if (result == TACIT_BAD_DATA && source_health(options->source) == TACIT_OK)
            result = TACIT_OK;
    }
    memory_free_aligned(scratch);
    if (result == TACIT_OK && watch->pictures < 2)
        result =
            fail(TACIT_BAD_DATA, "%s: fewer than two pictures to watch", options->source->path);
    return result;
}

static status watch_fill(struct watch *watch, struct store *store,
                         const struct watch_options *options)
{
    size_t side = (size_t)options->input.size;
    watch->row = (size_t)options->input.channels * side * side;
    watch->pictures = options->pictures < options->count ? options->pictures : options->count;
    watch->chunk = watch->pictures < CHUNK ? watch->pictures : CHUNK;
    watch->views = options->method.type->views > 1 ? PROBE_VIEWS : 1;
    TRY(watch_build(watch, store, options));
    for (int k = 0; k < watch->views; k++) {
        watch->view[k] = memory_new(watch->pictures * watch->row, sizeof(float));
        watch->z[k] = memory_new(watch->pictures * (size_t)watch->width, sizeof(float));
        if (!watch->view[k] || !watch->z[k])
            return TACIT_RESOURCES;
    }
    return pictures_read(watch, options);
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
    for (int k = 0; k < PROBE_VIEWS; k++) {
        memory_free(watch->view[k]);
        memory_free(watch->z[k]);
    }
    memory_free(watch);
}

status watch_take(struct watch *watch, struct measures *measures)
{
    static const char *const inputs[] = { "view0", "view1" }, *const outputs[] = { "z0", "z1" };
    size_t width = (size_t)watch->width;
    for (size_t first = 0; first < watch->pictures; first += watch->chunk) {
        size_t left = watch->pictures - first;
        size_t part = left < watch->chunk ? left : watch->chunk;
        for (int k = 0; k < watch->views; k++)
            memcpy(program_input(watch->program, inputs[k]), watch->view[k] + first * watch->row,
                   part * watch->row * sizeof(float));
        TRY(program_run(watch->program, 0));
        for (int k = 0; k < watch->views; k++)
            memcpy(watch->z[k] + first * width, program_output(watch->program, outputs[k]),
                   part * width * sizeof(float));
    }
    return measures_take(watch->z[0], watch->views > 1 ? watch->z[1] : NULL,
                         (int64_t)watch->pictures, watch->width, measures);
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
