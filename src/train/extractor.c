#include "train/session.h"
#include "base/memory.h"
#include "engine/build.h"
#include "train/feed.h"

#include <string.h>

struct extractor {
    struct program *program;
    struct input_shape input;
    struct field field[FIELDS_MAX]; /* [fields] of a row */
    int fields;
    int64_t batch, width;
};

/* What the method reads of the fields that there are; the rest stays absent. */
static void inputs_make(struct extractor *made, const struct method *method, struct graph *g,
                        val view[])
{
    struct field wanted[FIELDS_MAX];
    int count = method->type->views;
    bool texts = made->input.kind == SAMPLE_TEXT;
    if (texts)
        count = method->type->fields(method, wanted);
    for (int i = 0; i < count; i++) {
        view[i] = no_value(g);
        for (int k = 0; k < made->fields; k++) {
            const struct field *field = &made->field[k];
            struct shape shape = field->item.shape;
            if (texts && strcmp(wanted[i].name, field->name) != 0)
                continue;
            memmove(shape.dim + 1, shape.dim, (size_t)shape.rank * sizeof *shape.dim);
            shape.dim[0] = made->batch;
            shape.rank++;
            view[i] = i > 0 && !texts ? view[0] : input(g, field->name, field->item.dtype, shape);
        }
    }
}

static status extractor_build(struct extractor *made, struct store *store,
                              const struct method *method, enum extract what,
                              const struct target *target)
{
    struct method own = *method;
    struct graph *g = graph_new(store);
    val view[FIELDS_MAX], z[EMBEDDINGS_MAX];
    if (!g)
        return TACIT_RESOURCES;
    own.training = own.update = false;
    /* With running statistics all rows are independent, so that the views may be one and the same.
     */
    inputs_make(made, &own, g, view);
    if (what == EXTRACT_EMBEDDING)
        own.type->embed(&own, g, view, z);
    else
        z[0] = method_features(&own, g, view);
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
    made->fields = feed_fields(input, made->field);
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

status extractor_run(struct extractor *extractor, void *const field[], int64_t count,
                     float *rows_out)
{
    size_t width = (size_t)extractor->width;
    const float *from = program_output(extractor->program, "rows");
    for (int64_t first = 0; first < count; first += extractor->batch) {
        int64_t left = count - first;
        size_t part = (size_t)(left < extractor->batch ? left : extractor->batch);
        for (int i = 0; i < extractor->fields; i++) {
            size_t row = field_bytes(&extractor->field[i]);
            unsigned char *to = program_input(extractor->program, extractor->field[i].name);
            if (!to)
                continue;
            memcpy(to, (const unsigned char *)field[i] + (size_t)first * row, part * row);
            memset(to + part * row, 0, ((size_t)extractor->batch - part) * row);
        }
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
        TRY(extractor_run(extractor, batch->field, batch->count,
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
    struct feed feed;
    struct loader *loader = NULL;
    *kept_count = 0;
    status result = feed_new(&extractor->input, source, &feed);
    struct loader_options options = { .source = source,
                                      .index = index,
                                      .count = count,
                                      .sequential = true,
                                      .batch = (int)extractor->batch,
                                      .field = feed.field,
                                      .fields = feed.fields,
                                      .threads = 1,
                                      .make = feed.make,
                                      .argument = &feed,
                                      .scratch_bytes = feed.scratch_bytes };
    if (result == TACIT_OK)
        result = loader_new(&options, &loader);
    if (result == TACIT_OK)
        result =
            rows_gather(extractor, loader, count, advance, argument, rows_out, kept, kept_count);
    loader_free(loader);
    feed_free(&feed);
    return result;
}
