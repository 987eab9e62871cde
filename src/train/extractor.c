#include "train/extractor.h"
#include "base/memory.h"
#include "engine/build.h"
#include "train/feed.h"

#include <string.h>

enum { TOKENS_AT_ONCE = 4096 };

/* The inputs of a graph for the fields of a stage. */
static void inputs_make(const struct extractor *made, const struct extractor_stage *stage,
                        struct graph *g, val in[])
{
    for (int i = 0; i < made->fields; i++)
        in[i] = field_input(g, &stage->field[i], stage->batch);
}

/* What the method reads of the inputs that there are; the rest stays absent. With running
 * statistics all rows are independent, so that all views may be one and the same. */
static void views_choose(const struct extractor *made, const struct method *method,
                         const struct extractor_stage *stage, struct graph *g, val view[])
{
    val in[FIELDS_MAX];
    struct field wanted[FIELDS_MAX];
    int count = method->type->fields ? method->type->fields(method, wanted) : method->type->views;
    inputs_make(made, stage, g, in);
    for (int i = 0; i < count; i++) {
        view[i] = method->type->fields ? no_value(g) : in[0];
        for (int k = 0; method->type->fields && k < made->fields; k++)
            if (strcmp(wanted[i].name, stage->field[k].name) == 0)
                view[i] = in[k];
    }
}

/* One text, or a pair, by itself: padding never counts, whatever the method trains on. */
static val text_features(const struct extractor *made, const struct method *method,
                         const struct extractor_stage *stage, struct graph *g)
{
    val in[FIELDS_MAX];
    inputs_make(made, stage, g, in);
    struct text_input text = { .tokens = in[FEED_TOKENS],
                               .group = in[FEED_GROUPS],
                               .segment = in[FEED_SEGMENTS] };
    return method_embed_text(method, g, text, method->pooling);
}

status extractor_compile(struct extractor *made, struct extractor_stage *stage)
{
    struct method own = made->method;
    val view[FIELDS_MAX], z[EMBEDDINGS_MAX];
    if (stage->program)
        return TACIT_OK;
    struct graph *g = graph_new(made->store);
    if (!g)
        return TACIT_RESOURCES;
    own.training = own.update = false;
    own.window = stage->window;
    if (made->what == EXTRACT_FEATURES && made->input.kind == SAMPLE_TEXT) {
        z[0] = text_features(made, &own, stage, g);
    } else {
        views_choose(made, &own, stage, g, view);
        if (made->what == EXTRACT_EMBEDDING)
            own.type->embed(&own, g, view, z);
        else
            z[0] = method_features(&own, g, view);
    }
    output(z[0], "rows");
    if (!is_none(z[0]))
        made->width = shape_size(shape_of(z[0])) / stage->batch;
    status result = compile(g, &made->target, &stage->program);
    graph_free(g);
    return result;
}

/* Windows of so many tokens and the whole one: a text costs little more than its length. */
static void stages_make(struct extractor *made, int64_t batch)
{
    bool texts = made->input.kind == SAMPLE_TEXT;
    for (int64_t window = texts ? WINDOW_LEAST : 0;; window = window_next(window)) {
        struct extractor_stage *stage = &made->stage[made->stages++];
        struct input_shape input = made->input;
        bool last = !texts || window >= made->input.window || made->stages == EXTRACTOR_STAGES;
        if (texts)
            input.window = stage->window = last ? made->input.window : window;
        int64_t most = texts ? TOKENS_AT_ONCE / stage->window : batch;
        stage->batch = most < 1 ? 1 : most < batch ? most : batch;
        made->fields = feed_fields(&input, stage->field);
        if (last)
            return;
    }
}

status extractor_new(struct store *store, const struct method *method,
                     const struct input_shape *input, int64_t batch, enum extract what,
                     const struct target *target, struct extractor **extractor)
{
    *extractor = NULL;
    TRY(method_pools(method));
    struct extractor *made = memory_new(1, sizeof *made);
    if (!made)
        return TACIT_RESOURCES;
    *made = (struct extractor){
        .store = store, .method = *method, .input = *input, .what = what, .target = *target
    };
    stages_make(made, batch);
    status result = extractor_compile(made, &made->stage[0]);
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
    for (int i = 0; i < extractor->stages; i++)
        program_free(extractor->stage[i].program);
    memory_free(extractor);
}

int64_t extractor_width(const struct extractor *extractor)
{
    return extractor->width;
}

status extractor_run(struct extractor *extractor, void *const field[], int64_t count,
                     float *rows_out)
{
    struct extractor_stage *stage = &extractor->stage[extractor->stages - 1];
    size_t width = (size_t)extractor->width;
    TRY(extractor_compile(extractor, stage));
    const float *from = program_output(stage->program, "rows");
    for (int64_t first = 0; first < count; first += stage->batch) {
        int64_t left = count - first;
        size_t part = (size_t)(left < stage->batch ? left : stage->batch);
        for (int i = 0; i < extractor->fields; i++) {
            size_t row = field_bytes(&stage->field[i]);
            unsigned char *to = program_input(stage->program, stage->field[i].name);
            if (!to)
                continue;
            memcpy(to, (const unsigned char *)field[i] + (size_t)first * row, part * row);
            memset(to + part * row, 0, ((size_t)stage->batch - part) * row);
        }
        TRY(program_run(stage->program, 0));
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

static status picture_source(struct extractor *extractor, struct source *source,
                             const uint32_t *index, size_t count, extract_advance *advance,
                             void *argument, float *rows_out, uint32_t *kept, size_t *kept_count)
{
    struct feed feed;
    struct loader *loader = NULL;
    status result = feed_new(&extractor->input, source, &feed);
    struct loader_options options = { .source = source,
                                      .index = index,
                                      .count = count,
                                      .sequential = true,
                                      .batch = (int)extractor->stage[0].batch,
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

status extractor_source(struct extractor *extractor, struct source *source, const uint32_t *index,
                        size_t count, extract_advance *advance, void *argument, float *rows_out,
                        uint32_t *kept, size_t *kept_count)
{
    bool texts = extractor->input.kind == SAMPLE_TEXT;
    *kept_count = 0;
    return (texts && source->kind == SAMPLE_TEXT ? extractor_text_source : picture_source)(
        extractor, source, index, count, advance, argument, rows_out, kept, kept_count);
}
