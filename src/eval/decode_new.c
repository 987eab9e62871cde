/* Declaring, packing and freeing of a decoder. */
#include "eval/decode_parts.h"

#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 128 };

struct part {
    const char *name;
    struct shape shape;
    bool bias;
};

enum { LAYER_PARTS = 12, OUTER_PARTS = 4 };

static void layer_parts(const struct text_options *o, struct part part[LAYER_PARTS])
{
    const struct part all[LAYER_PARTS] = {
        { "ln_1.weight", SHAPE(o->width), false },
        { "ln_1.bias", SHAPE(o->width), true },
        { "attn.c_attn.weight", SHAPE(o->width, 3 * o->width), false },
        { "attn.c_attn.bias", SHAPE(3 * o->width), true },
        { "attn.c_proj.weight", SHAPE(o->width, o->width), false },
        { "attn.c_proj.bias", SHAPE(o->width), true },
        { "ln_2.weight", SHAPE(o->width), false },
        { "ln_2.bias", SHAPE(o->width), true },
        { "mlp.c_fc.weight", SHAPE(o->width, o->inner), false },
        { "mlp.c_fc.bias", SHAPE(o->inner), true },
        { "mlp.c_proj.weight", SHAPE(o->inner, o->width), false },
        { "mlp.c_proj.bias", SHAPE(o->width), true },
    };
    memcpy(part, all, sizeof all);
}

static void outer_parts(const struct text_options *o, struct part part[OUTER_PARTS])
{
    const struct part all[OUTER_PARTS] = {
        { "wte.weight", SHAPE(o->vocabulary, o->width), false },
        { "wpe.weight", SHAPE(o->context, o->width), false },
        { "ln_f.weight", SHAPE(o->width), false },
        { "ln_f.bias", SHAPE(o->width), true },
    };
    memcpy(part, all, sizeof all);
}

static status part_declare(struct range *range, const struct text_options *o, const char *before,
                           const struct part *part)
{
    char name[NAME_BYTES];
    struct tensor *made;
    if (part->bias && o->biases != BIASES)
        return TACIT_OK;
    snprintf(name, sizeof name, "%s%s", before, part->name);
    return range_declare(range, name, TENSOR_PARAMETER, part->shape, init_constant(0), &made);
}

static status causal(const struct network_type *type)
{
    if (type->causal)
        return TACIT_OK;
    return fail(TACIT_USAGE,
                "%s does not guess the next token: take a language model, such as one that was "
                "trained with method=gpt",
                type->name);
}

status decoder_declare(const struct network_type *type, const struct network_options *options,
                       struct store *store)
{
    TRY(causal(type));
    struct text_options o = network_text(type, options);
    struct range *range = store_range(store, "backbone");
    struct part layer[LAYER_PARTS], outer[OUTER_PARTS];
    char before[NAME_BYTES / 2];
    layer_parts(&o, layer);
    outer_parts(&o, outer);
    snprintf(before, sizeof before, "%s.", type->prefix);
    for (int i = 0; range && i < OUTER_PARTS; i++)
        TRY(part_declare(range, &o, before, &outer[i]));
    for (int64_t l = 0; range && l < o.layers; l++) {
        snprintf(before, sizeof before, "%s.h.%lld.", type->prefix, (long long)l);
        for (int i = 0; i < LAYER_PARTS; i++)
            TRY(part_declare(range, &o, before, &layer[i]));
    }
    return range ? range_seal(range) : TACIT_RESOURCES;
}

struct maker {
    struct decoder *decoder;
    const struct range *range;
    enum panel_kind kind;
    char before[NAME_BYTES / 2];
};

static status find(const struct maker *maker, const char *name, const float **value)
{
    char whole[NAME_BYTES];
    snprintf(whole, sizeof whole, "%s%s", maker->before, name);
    const struct tensor *tensor = range_find(maker->range, whole);
    if (!tensor)
        return fail(TACIT_FAILED, "the network has no tensor %s", whole);
    *value = tensor_value(tensor);
    return TACIT_OK;
}

/* A copy of `count` numbers; zeroes for a bias of a network without. */
static status vector_keep(const struct maker *maker, const char *name, bool bias, int64_t count,
                          const float **kept)
{
    const float *from = NULL;
    if (!bias || maker->decoder->text.biases == BIASES)
        TRY(find(maker, name, &from));
    float *made = arena_new(&maker->decoder->memory, (size_t)count, sizeof *made);
    if (!made)
        return TACIT_RESOURCES;
    if (from)
        memcpy(made, from, (size_t)count * sizeof *made);
    *kept = made;
    return TACIT_OK;
}

/* y = x W + b with W [in, out], as GPT-2 stores its layers. */
static status matrix_make(const struct maker *maker, const char *name, int64_t in, int64_t out,
                          struct matrix *matrix)
{
    char full[NAME_BYTES / 2];
    struct matrix_source source = { .in = in, .out = out, .in_step = out, .out_step = 1 };
    snprintf(full, sizeof full, "%s.weight", name);
    TRY(find(maker, full, &source.value));
    snprintf(full, sizeof full, "%s.bias", name);
    if (maker->decoder->text.biases == BIASES)
        TRY(find(maker, full, &source.bias));
    return matrix_pack(&source, maker->kind, matrix);
}

static status layer_make(struct maker *maker, struct layer *layer)
{
    struct decoder *d = maker->decoder;
    int64_t width = d->text.width, inner = d->text.inner;
    size_t heads = (size_t)(d->sequences * d->text.heads);
    TRY(vector_keep(maker, "ln_1.weight", false, width, &layer->weight_1));
    TRY(vector_keep(maker, "ln_1.bias", true, width, &layer->bias_1));
    TRY(vector_keep(maker, "ln_2.weight", false, width, &layer->weight_2));
    TRY(vector_keep(maker, "ln_2.bias", true, width, &layer->bias_2));
    TRY(matrix_make(maker, "attn.c_attn", width, 3 * width, &layer->qkv));
    TRY(matrix_make(maker, "attn.c_proj", width, width, &layer->mix));
    TRY(matrix_make(maker, "mlp.c_fc", width, inner, &layer->up));
    TRY(matrix_make(maker, "mlp.c_proj", inner, width, &layer->down));
    layer->key = memory_new_aligned(heads, (size_t)d->head_key * sizeof(float));
    layer->value = memory_new_aligned(heads, (size_t)d->head_value * sizeof(float));
    return layer->key && layer->value ? TACIT_OK : TACIT_RESOURCES;
}

static status outer_make(struct maker *maker)
{
    struct decoder *d = maker->decoder;
    const struct text_options *o = &d->text;
    const float *position = NULL;
    struct matrix_source source = {
        .in = o->width, .out = o->vocabulary, .in_step = 1, .out_step = o->width
    };
    TRY(find(maker, "wte.weight", &source.value));
    TRY(matrix_pack(&source, maker->kind, &d->tokens));
    TRY(find(maker, "wpe.weight", &position));
    d->position = memory_new_aligned((size_t)(o->context * o->width), sizeof(float));
    if (!d->position)
        return TACIT_RESOURCES;
    memcpy(d->position, position, (size_t)(o->context * o->width) * sizeof(float));
    TRY(vector_keep(maker, "ln_f.weight", false, o->width, &d->weight));
    return vector_keep(maker, "ln_f.bias", true, o->width, &d->bias);
}

static float *floats(int64_t rows, int64_t width)
{
    return memory_new_aligned((size_t)rows, (size_t)width * sizeof(float));
}

static status buffers_make(struct decoder *d)
{
    const struct text_options *o = &d->text;
    int64_t threads = parallel_threads(), longest = o->width > o->inner ? o->width : o->inner;
    int64_t scores = d->most_rows < DECODER_SCORES ? d->most_rows : DECODER_SCORES;
    d->x = floats(d->most_rows, d->step);
    d->h = floats(d->most_rows, d->step);
    d->big = floats(d->most_rows, d->wide);
    d->logits = floats(scores, panel_up(o->vocabulary));
    d->own = floats(threads, FEW_ROWS * d->step);
    d->scratch_bytes = matrix_scratch(longest);
    d->scratch = memory_new_aligned((size_t)threads, d->scratch_bytes);
    d->score = floats(threads, BLOCK_ROWS * d->positions);
    d->length = memory_new((size_t)d->sequences, sizeof *d->length);
    d->block = memory_new((size_t)d->most_rows, sizeof *d->block);
    return d->x && d->h && d->big && d->logits && d->own && d->scratch && d->score && d->length &&
                   d->block
               ? TACIT_OK
               : TACIT_RESOURCES;
}

static status decoder_make(struct maker *maker, const char *prefix)
{
    struct decoder *d = maker->decoder;
    const struct text_options *o = &d->text;
    d->layer = memory_new((size_t)o->layers, sizeof *d->layer);
    if (!d->layer)
        return TACIT_RESOURCES;
    TRY(buffers_make(d));
    snprintf(maker->before, sizeof maker->before, "%s.", prefix);
    TRY(outer_make(maker));
    for (int64_t l = 0; l < o->layers; l++) {
        snprintf(maker->before, sizeof maker->before, "%s.h.%lld.", prefix, (long long)l);
        TRY(layer_make(maker, &d->layer[l]));
    }
    return TACIT_OK;
}

status decoder_new(const struct network_type *type, const struct network_options *options,
                   const struct range *backbone, const struct decoder_options *how,
                   struct decoder **decoder)
{
    *decoder = NULL;
    TRY(causal(type));
    struct decoder *d = memory_new(1, sizeof *d);
    if (!d)
        return TACIT_RESOURCES;
    d->text = network_text(type, options);
    d->sequences = how->sequences;
    d->most_rows = how->rows;
    d->step = panel_up(d->text.width);
    d->wide = panel_up(3 * d->text.width > d->text.inner ? 3 * d->text.width : d->text.inner);
    d->head = d->text.width / d->text.heads;
    d->positions = panel_up(d->text.context);
    d->head_key = d->positions * d->head;
    d->head_value = d->positions * panel_up(d->head);
    struct maker maker = { .decoder = d, .range = backbone, .kind = how->weights };
    status result = decoder_make(&maker, type->prefix);
    if (result == TACIT_OK)
        *decoder = d;
    else
        decoder_free(d);
    return result;
}

void decoder_free(struct decoder *d)
{
    if (!d)
        return;
    for (int64_t l = 0; d->layer && l < d->text.layers; l++) {
        struct layer *layer = &d->layer[l];
        matrix_free(&layer->qkv);
        matrix_free(&layer->mix);
        matrix_free(&layer->up);
        matrix_free(&layer->down);
        memory_free_aligned(layer->key);
        memory_free_aligned(layer->value);
    }
    matrix_free(&d->tokens);
    memory_free(d->layer);
    memory_free(d->length);
    memory_free(d->block);
    void *const aligned[] = { d->position, d->x,      d->h,     d->own,
                              d->big,      d->logits, d->score, d->scratch };
    for (size_t i = 0; i < sizeof aligned / sizeof *aligned; i++)
        memory_free_aligned(aligned[i]);
    arena_free(&d->memory);
    memory_free(d);
}
