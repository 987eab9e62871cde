#include "eval/decode.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "engine/cpu/kernels/kernels.h"
#include "eval/decode_matrix.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Rows of one text that share what they read of the cache. */
enum { BLOCK_ROWS = 48, NAME_BYTES = 128 };

struct layer {
    struct matrix qkv, mix, up, down;                   /* c_attn, c_proj, c_fc, c_proj */
    const float *weight_1, *bias_1, *weight_2, *bias_2; /* of the norms, [width] */
    float *key, *value; /* [sequences, heads] caches, see struct cache_shape */
};

/* Rows of one text in a feed. */
struct block {
    int64_t row, rows, sequence, position;
};

struct decoder {
    struct text_options text;
    int64_t sequences, most_rows, step, wide; /* rows of `x` and of `big` lie so far apart */
    int64_t head;                             /* width of a head */
    int64_t positions;                        /* context, up to a multiple of 32 */
    int64_t head_key, head_value;             /* items of a head's cache */
    struct matrix tokens;
    float *position;            /* [context, width] */
    const float *weight, *bias; /* of the last norm */
    struct layer *layer;        /* [layers] */
    int64_t *length;            /* [sequences] */
    float *x, *h;               /* [most_rows, step] the stream, and what a branch reads */
    float *big;                 /* [most_rows, wide] */
    float *logits;              /* [DECODER_SCORES, panel_up(vocabulary)] */
    float *widened;             /* [threads, longest in, 32] */
    float *score;               /* [threads, BLOCK_ROWS, positions] */
    struct block *block;        /* [most_rows] */
    struct arena memory;        /* of small vectors */
};

/* ---- Making ---- */

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
    d->widened = floats(threads, longest * PANEL_WIDTH);
    d->score = floats(threads, BLOCK_ROWS * d->positions);
    d->length = memory_new((size_t)d->sequences, sizeof *d->length);
    d->block = memory_new((size_t)d->most_rows, sizeof *d->block);
    return d->x && d->h && d->big && d->logits && d->widened && d->score && d->length && d->block
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
    float *const aligned[] = { d->position, d->x, d->h, d->big, d->logits, d->widened, d->score };
    for (size_t i = 0; i < sizeof aligned / sizeof *aligned; i++)
        memory_free_aligned(aligned[i]);
    arena_free(&d->memory);
    memory_free(d);
}

/* ---- Attention ---- */

struct attention_call {
    struct decoder *decoder;
    const struct layer *layer;
    int64_t blocks, slots, band; /* band: tokens seen, 0: all */
};

static float *key_of(const struct decoder *d, const struct layer *layer, int64_t sequence,
                     int64_t head)
{
    return layer->key + (sequence * d->text.heads + head) * d->head_key;
}

static float *value_of(const struct decoder *d, const struct layer *layer, int64_t sequence,
                       int64_t head)
{
    return layer->value + (sequence * d->text.heads + head) * d->head_value;
}

/* The cache is laid out as two matrices in panels: keys [head, positions], values [positions,
 * head]. */
static void cache_write(const struct decoder *d, const struct block *block,
                        const struct layer *layer, int64_t head)
{
    int64_t width = d->text.width;
    float *key = key_of(d, layer, block->sequence, head);
    float *value = value_of(d, layer, block->sequence, head);
    for (int64_t r = 0; r < block->rows; r++) {
        const float *k = d->big + (block->row + r) * d->wide + width + head * d->head;
        const float *v = k + width;
        int64_t p = block->position + r;
        float *to = key + p / PANEL_WIDTH * PANEL_WIDTH * d->head + p % PANEL_WIDTH;
        for (int64_t i = 0; i < d->head; i++) {
            to[i * PANEL_WIDTH] = k[i];
            value[(i / PANEL_WIDTH * d->positions + p) * PANEL_WIDTH + i % PANEL_WIDTH] = v[i];
        }
    }
}

/* softmax(q k^T / sqrt(head)) over what each row may see, 0 elsewhere; from position `first`. */
static void weights_find(const struct decoder *d, const struct block *block, int64_t band,
                         int64_t first, float *score)
{
    float factor = (float)(1 / sqrt((double)d->head));
    int64_t last = block->position + block->rows - 1;
    for (int64_t r = 0; r < block->rows; r++) {
        float *row = score + r * d->positions;
        int64_t own = block->position + r, begin = band && own >= band ? own - band + 1 : 0;
        for (int64_t p = begin; p <= own; p++)
            row[p] *= factor;
        kernels()->softmax(row + begin, row + begin, 1, own - begin + 1, false);
        for (int64_t p = first; p < begin; p++)
            row[p] = 0;
        for (int64_t p = own + 1; p <= last; p++)
            row[p] = 0;
    }
}

static void block_attend(const struct attention_call *call, const struct block *block, int64_t head,
                         float *score)
{
    const struct decoder *d = call->decoder;
    const float *key = key_of(d, call->layer, block->sequence, head);
    const float *value = value_of(d, call->layer, block->sequence, head);
    const float *query = d->big + block->row * d->wide + head * d->head;
    int64_t last = block->position + block->rows - 1, first = 0;
    float line[BLOCK_ROWS * PANEL_WIDTH];
    if (call->band && block->position >= call->band)
        first = (block->position - call->band + 1) / PANEL_WIDTH * PANEL_WIDTH;
    for (int64_t p = first; p <= last; p += PANEL_WIDTH)
        kernels()->panel_product(query, d->wide, block->rows, key + p * d->head, PANEL_F32, d->head,
                                 score + p, d->positions);
    weights_find(d, block, call->band, first, score);
    for (int64_t i = 0; i < d->head; i += PANEL_WIDTH) {
        int64_t columns = d->head - i < PANEL_WIDTH ? d->head - i : PANEL_WIDTH;
        kernels()->panel_product(score + first, d->positions, block->rows,
                                 value + i * d->positions + first * PANEL_WIDTH, PANEL_F32,
                                 last + 1 - first, line, PANEL_WIDTH);
        for (int64_t r = 0; r < block->rows; r++)
            memcpy(d->h + (block->row + r) * d->step + head * d->head + i, line + r * PANEL_WIDTH,
                   (size_t)columns * sizeof *line);
    }
}

/* A head is one thread's in all blocks, so that a text's later blocks find the earlier ones'
 * keys. */
static void heads_attend(void *argument, int64_t begin, int64_t end)
{
    const struct attention_call *call = argument;
    struct decoder *d = call->decoder;
    for (int64_t slot = begin; slot < end; slot++)
        for (int64_t head = d->text.heads * slot / call->slots;
             head < d->text.heads * (slot + 1) / call->slots; head++)
            for (int64_t b = 0; b < call->blocks; b++) {
                cache_write(d, &d->block[b], call->layer, head);
                block_attend(call, &d->block[b], head, d->score + slot * BLOCK_ROWS * d->positions);
            }
}

/* ---- A feed ---- */

struct norm_call {
    const struct decoder *decoder;
    const float *weight, *bias;
};

static void rows_normalise(void *argument, int64_t begin, int64_t end)
{
    const struct norm_call *call = argument;
    const struct decoder *d = call->decoder;
    float mean, inverse;
    for (int64_t r = begin; r < end; r++)
        kernels()->layer_norm(d->x + r * d->step, call->weight, call->bias, d->text.epsilon,
                              d->h + r * d->step, &mean, &inverse, 1, d->text.width);
}

static void normalise(const struct decoder *d, int64_t rows, const float *weight, const float *bias)
{
    struct norm_call call = { d, weight, bias };
    parallel_for(rows, (double)d->text.width, rows_normalise, &call);
}

static void layer_run(struct decoder *d, int64_t index, int64_t rows, int64_t blocks)
{
    static const struct matrix_finish plain = { ACTIVATION_OF_ROW, false },
                                      onto = { ACTIVATION_OF_ROW, true };
    const struct layer *layer = &d->layer[index];
    struct attention_call call = { d, layer, blocks, parallel_threads(),
                                   index % 2 ? d->text.band : 0 };
    int64_t last = d->block[blocks - 1].position + d->block[blocks - 1].rows;
    normalise(d, rows, layer->weight_1, layer->bias_1);
    matrix_apply(&layer->qkv, rows, d->h, d->step, plain, d->big, d->wide, d->widened);
    parallel_for(call.slots,
                 (double)rows * (double)last * (double)d->text.width * 0.1 / (double)call.slots,
                 heads_attend, &call);
    matrix_apply(&layer->mix, rows, d->h, d->step, onto, d->x, d->step, d->widened);
    normalise(d, rows, layer->weight_2, layer->bias_2);
    matrix_apply(&layer->up, rows, d->h, d->step,
                 (struct matrix_finish){ d->text.activation, false }, d->big, d->wide, d->widened);
    matrix_apply(&layer->down, rows, d->big, d->wide, onto, d->x, d->step, d->widened);
}

/* Divides the rows into blocks of one text each. */
static status blocks_make(struct decoder *d, int64_t rows, const int32_t *sequence,
                          const uint32_t *token, int64_t *blocks)
{
    *blocks = 0;
    if (rows < 1 || rows > d->most_rows)
        return fail(TACIT_USAGE, "%lld tokens at a time: 1 to %lld are allowed", (long long)rows,
                    (long long)d->most_rows);
    for (int64_t r = 0; r < rows; r++) {
        if (token[r] >= (uint32_t)d->text.vocabulary || sequence[r] < 0 ||
            sequence[r] >= d->sequences)
            return fail(TACIT_USAGE, "token %u of text %d: the vocabulary has %lld, texts are %lld",
                        token[r], sequence[r], (long long)d->text.vocabulary,
                        (long long)d->sequences);
        struct block *open = *blocks ? &d->block[*blocks - 1] : NULL;
        bool same = open && open->sequence == sequence[r];
        if (same && open->rows < BLOCK_ROWS) {
            open->rows++;
        } else {
            int64_t position = same ? open->position + open->rows : d->length[sequence[r]];
            open = &d->block[(*blocks)++];
            *open = (struct block){ r, 1, sequence[r], position };
        }
        if (open->position + open->rows > d->text.context)
            return fail(TACIT_USAGE, "a text is longer than the %lld positions of the network",
                        (long long)d->text.context);
    }
    return TACIT_OK;
}

status decoder_feed(struct decoder *d, int64_t rows, const int32_t *sequence, const uint32_t *token)
{
    int64_t blocks;
    TRY(blocks_make(d, rows, sequence, token, &blocks));
    for (int64_t b = 0; b < blocks; b++)
        for (int64_t r = 0; r < d->block[b].rows; r++) {
            int64_t row = d->block[b].row + r;
            float *x = d->x + row * d->step;
            const float *position = d->position + (d->block[b].position + r) * d->text.width;
            matrix_column(&d->tokens, token[row], x);
            for (int64_t i = 0; i < d->text.width; i++)
                x[i] += position[i];
        }
    for (int64_t l = 0; l < d->text.layers; l++)
        layer_run(d, l, rows, blocks);
    normalise(d, rows, d->weight, d->bias);
    for (int64_t b = 0; b < blocks; b++)
        d->length[d->block[b].sequence] += d->block[b].rows;
    return TACIT_OK;
}

const float *decoder_logits(struct decoder *d, int64_t first, int64_t count, int64_t *step)
{
    *step = panel_up(d->text.vocabulary);
    matrix_apply(&d->tokens, count, d->h + first * d->step, d->step,
                 (struct matrix_finish){ ACTIVATION_OF_ROW, false }, d->logits, *step, d->widened);
    return d->logits;
}

/* ---- Texts ---- */

int64_t decoder_length(const struct decoder *d, int64_t sequence)
{
    return d->length[sequence];
}

void decoder_cut(struct decoder *d, int64_t sequence, int64_t length)
{
    if (length < d->length[sequence])
        d->length[sequence] = length;
}

void decoder_copy(struct decoder *d, int64_t from, int64_t to)
{
    size_t heads = (size_t)d->text.heads;
    for (int64_t l = 0; l < d->text.layers && from != to; l++) {
        const struct layer *layer = &d->layer[l];
        memcpy(key_of(d, layer, to, 0), key_of(d, layer, from, 0),
               heads * (size_t)d->head_key * sizeof(float));
        memcpy(value_of(d, layer, to, 0), value_of(d, layer, from, 0),
               heads * (size_t)d->head_value * sizeof(float));
    }
    d->length[to] = d->length[from];
}

int64_t decoder_context(const struct decoder *d)
{
    return d->text.context;
}

int64_t decoder_vocabulary(const struct decoder *d)
{
    return d->text.vocabulary;
}

double decoder_bytes(const struct decoder *d)
{
    double bytes = matrix_bytes(&d->tokens);
    for (int64_t l = 0; l < d->text.layers; l++) {
        const struct layer *layer = &d->layer[l];
        bytes += matrix_bytes(&layer->qkv) + matrix_bytes(&layer->mix) + matrix_bytes(&layer->up) +
                 matrix_bytes(&layer->down);
    }
    return bytes;
}
