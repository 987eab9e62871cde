#include "eval/decode.h"
#include "engine/cpu/kernels/kernels.h"
#include "eval/decode_parts.h"

#include <string.h>

/* ---- A feed ---- */

struct feed {
    struct decoder *decoder;
    int64_t rows, blocks;
    const uint32_t *token;
};

static void rows_normalise(const struct decoder *d, int64_t begin, int64_t end, const float *weight,
                           const float *bias, float *to)
{
    float mean, inverse;
    for (int64_t r = begin; r < end; r++)
        kernels()->layer_norm(d->x + r * d->step, weight, bias, d->text.epsilon, to + r * d->step,
                              false, &mean, &inverse, 1, d->text.width);
}

/* What a branch reads, for all members. */
static const float *normalise(const struct feed *feed, const float *weight, const float *bias,
                              struct member member)
{
    const struct decoder *d = feed->decoder;
    if (feed->rows <= FEW_ROWS) {
        float *own = d->own + member.rank * FEW_ROWS * d->step;
        rows_normalise(d, 0, feed->rows, weight, bias, own);
        return own;
    }
    rows_normalise(d, feed->rows * member.rank / member.size,
                   feed->rows * (member.rank + 1) / member.size, weight, bias, d->h);
    parallel_meet(member);
    return d->h;
}

static void apply(const struct decoder *d, const struct matrix *matrix,
                  const struct matrix_work *work, struct member member)
{
    matrix_apply(matrix, work, member, d->scratch + (size_t)member.rank * d->scratch_bytes);
}

static void layer_run(const struct feed *feed, int64_t index, struct member member)
{
    const struct decoder *d = feed->decoder;
    const struct layer *layer = &d->layer[index];
    struct matrix_work into = {
        .rows = feed->rows, .x_step = d->step, .y = d->big, .y_step = d->wide
    };
    struct matrix_work onto = { .rows = feed->rows, .y = d->x, .y_step = d->step, .add = true };
    into.x = normalise(feed, layer->weight_1, layer->bias_1, member);
    apply(d, &layer->qkv, &into, member);
    parallel_meet(member);
    decoder_attend(d, layer, feed->blocks, index % 2 ? d->text.band : 0, member);
    parallel_meet(member);
    onto.x = d->h;
    onto.x_step = d->step;
    apply(d, &layer->mix, &onto, member);
    parallel_meet(member);
    into.x = normalise(feed, layer->weight_2, layer->bias_2, member);
    into.activation = d->text.activation;
    apply(d, &layer->up, &into, member);
    parallel_meet(member);
    onto.x = d->big;
    onto.x_step = d->wide;
    apply(d, &layer->down, &onto, member);
    parallel_meet(member);
}

/* x = embedding of the token + that of its position. */
static void rows_embed(const struct feed *feed, struct member member)
{
    const struct decoder *d = feed->decoder;
    for (int64_t b = 0; b < feed->blocks; b++)
        for (int64_t r = 0; r < d->block[b].rows; r++) {
            int64_t row = d->block[b].row + r;
            float *x = d->x + row * d->step;
            const float *position = d->position + (d->block[b].position + r) * d->text.width;
            if (row % member.size != member.rank)
                continue;
            matrix_column(&d->tokens, feed->token[row], x);
            for (int64_t i = 0; i < d->text.width; i++)
                x[i] += position[i];
        }
}

static void feed_run(void *argument, struct member member)
{
    const struct feed *feed = argument;
    const struct decoder *d = feed->decoder;
    rows_embed(feed, member);
    parallel_meet(member);
    for (int64_t l = 0; l < d->text.layers; l++)
        layer_run(feed, l, member);
    rows_normalise(d, feed->rows * member.rank / member.size,
                   feed->rows * (member.rank + 1) / member.size, d->weight, d->bias, d->h);
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
    enum { MEETINGS = 5 };
    struct feed feed = { .decoder = d, .rows = rows, .token = token };
    TRY(blocks_make(d, rows, sequence, token, &feed.blocks));
    const struct layer *layer = d->layer;
    double cost = matrix_cost(&layer->qkv, rows) + matrix_cost(&layer->mix, rows) +
                  matrix_cost(&layer->up, rows) + matrix_cost(&layer->down, rows);
    parallel_together(cost / MEETINGS, feed_run, &feed);
    for (int64_t b = 0; b < feed.blocks; b++)
        d->length[d->block[b].sequence] += d->block[b].rows;
    return TACIT_OK;
}

struct scoring {
    const struct decoder *decoder;
    struct matrix_work work;
};

static void scores_run(void *argument, struct member member)
{
    const struct scoring *scoring = argument;
    apply(scoring->decoder, &scoring->decoder->tokens, &scoring->work, member);
}

const float *decoder_logits(struct decoder *d, int64_t first, int64_t count, int64_t *step)
{
    *step = panel_up(d->text.vocabulary);
    struct scoring scoring = { d,
                               { .rows = count,
                                 .x = d->h + first * d->step,
                                 .x_step = d->step,
                                 .y = d->logits,
                                 .y_step = *step } };
    parallel_together(matrix_cost(&d->tokens, count), scores_run, &scoring);
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
        memcpy(decoder_key(d, layer, to, 0), decoder_key(d, layer, from, 0),
               heads * (size_t)d->head_key * sizeof(float));
        memcpy(decoder_value(d, layer, to, 0), decoder_value(d, layer, from, 0),
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
