#include "train/session.h"
#include "base/memory.h"
#include "engine/build.h"

#include <string.h>

struct extractor {
    struct program *program;
    struct input_shape input;
    int64_t batch, width;
};

static status extractor_build(struct extractor *made, struct store *store,
                              const struct method *method, enum extract what,
                              const struct target *target)
{
    struct method own = *method;
    struct graph *g = graph_new(store);
    val view[VIEWS_MAX], z[EMBEDDINGS_MAX];
    int64_t side = made->input.size;
    if (!g)
        return TACIT_RESOURCES;
    own.training = own.update = false;
    /* With running statistics all rows are independent, so that the views may be one and the same.
     */
    view[0] = input(g, "pictures", F32, SHAPE(made->batch, made->input.channels, side, side));
    if (what == EXTRACT_EMBEDDING) {
        for (int i = 1; i < own.type->views; i++)
            view[i] = view[0];
        own.type->embed(&own, g, view, z);
    } else {
        z[0] = method_encode(&own, g, view[0], 1);
    }
    output(z[0], "rows");
    if (!is_none(z[0]))
        made->width = shape_size(shape_of(z[0])) / made->batch;
    status result = compile(g, target, &made->program);
    graph_free(g);
    return result;
}

status extractor_new(struct store *store, const struct method *method,
                     const struct input_shape *input, int64_t batch, enum extract what,
                     const struct target *target, struct extractor **extractor)
{
    *extractor = NULL;
    struct extractor *made = memory_new(1, sizeof *made);
    if (!made)
        return TACIT_RESOURCES;
    made->input = *input;
    made->batch = batch;
    status result = extractor_build(made, store, method, what, target);
    if (result == TACIT_OK)
        *extractor = made;
    else
        extractor_free(made);
    return result;
}

void extractor_free(struct extractor *extractor)
{
    if (!extractor)
        return;
    program_free(extractor->program);
    memory_free(extractor);
}

int64_t extractor_width(const struct extractor *extractor)
{
    return extractor->width;
}

status extractor_run(struct extractor *extractor, const float *pictures, int64_t count,
                     float *rows_out)
{
    size_t side = (size_t)extractor->input.size;
    size_t row = (size_t)extractor->input.channels * side * side;
    size_t width = (size_t)extractor->width;
    float *to = program_input(extractor->program, "pictures");
    const float *from = program_output(extractor->program, "rows");
    for (int64_t first = 0; first < count; first += extractor->batch) {
        int64_t left = count - first;
        size_t part = (size_t)(left < extractor->batch ? left : extractor->batch);
        memcpy(to, pictures + (size_t)first * row, part * row * sizeof *to);
        memset(to + part * row, 0, ((size_t)extractor->batch - part) * row * sizeof *to);
        TRY(program_run(extractor->program, 0));
        memcpy(rows_out + (size_t)first * width, from, part * width * sizeof *from);
    }
    return TACIT_OK;
}

static status rows_gather(struct extractor *extractor, struct loader *loader, size_t count,
                          extract_advance *advance, void *argument, float *rows_out, uint32_t *kept,
                          size_t *kept_count)
{
    const struct batch *batch;
    for (*kept_count = 0;;) {
        TRY(loader_next(loader, &batch));
        if (!batch)
            return TACIT_OK;
        TRY(extractor_run(extractor, batch->field[0], batch->count,
                          rows_out + *kept_count * (size_t)extractor->width));
        memcpy(kept + *kept_count, batch->index, (size_t)batch->count * sizeof *kept);
        *kept_count += (size_t)batch->count;
        loader_release(loader);
        if (advance && !advance(argument, *kept_count, count))
            return fail(TACIT_STOPPED, "stopped");
    }
}

status extractor_source(struct extractor *extractor, struct source *source, const uint32_t *index,
                        size_t count, extract_advance *advance, void *argument, float *rows_out,
                        uint32_t *kept, size_t *kept_count)
{
    struct augment_settings settings;
    struct field field;
    struct views views;
    struct loader *loader = NULL;
    *kept_count = 0;
    TRY(augment_preset("eval", &settings));
    settings.views = views_fields(&extractor->input, 1, &field);
    TRY(views_new(&settings, &extractor->input, source, &views));
    struct loader_options options = { .source = source,
                                      .index = index,
                                      .count = count,
                                      .sequential = true,
                                      .batch = (int)extractor->batch,
                                      .field = &field,
                                      .fields = 1,
                                      .threads = 1,
                                      .make = views_make,
                                      .argument = &views,
                                      .scratch_bytes = views.scratch_bytes };
    status result = loader_new(&options, &loader);
    if (result == TACIT_OK)
        result =
            rows_gather(extractor, loader, count, advance, argument, rows_out, kept, kept_count);
    loader_free(loader);
    views_free(&views);
    return result;
}
