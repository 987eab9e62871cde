/* Attention of one head of one text. Keys that a block of queries may see lie in one strip of
 * scores, which is all that is ever kept of the T x T matrix; what lies after a causal block or
 * before its band is not computed. */
#include "engine/cpu/kernels/attention_sight.h"
#include "engine/cpu/kernels/curves.h"

enum { QUERIES = ATTENTION_QUERIES };

#ifdef __AVX512F__
enum { TILE = 8, PAIR = 2 };
#else
enum { TILE = 4, PAIR = 1 };
#endif

/* Operands of a small product: c [m, n] (+)= a b, with n whole vectors; item (i, k) of a lies at
 * a_row i + a_column k, rows of b and c are b_row and c_row apart. */
struct small {
    int64_t m, n, k;
    const float *a, *b;
    float *c;
    int64_t a_row, a_column, b_row, c_row;
    bool add;
};

INLINE void tile(const struct small *s, int64_t i, int64_t j, int height, int vectors)
{
    v16 total[TILE][PAIR];
    const float *a = s->a + i * s->a_row, *b = s->b + j;
    float *c = s->c + i * s->c_row + j;
#pragma GCC unroll 8
    for (int r = 0; r < height; r++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++)
            total[r][v] = s->add ? v16_load(c + r * s->c_row + v * LANES) : v16_set(0);
    for (int64_t k = 0; k < s->k; k++) {
        v16 right[PAIR];
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++)
            right[v] = v16_load(b + k * s->b_row + v * LANES);
#pragma GCC unroll 8
        for (int r = 0; r < height; r++) {
            v16 left = v16_set(a[r * s->a_row + k * s->a_column]);
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++)
                total[r][v] += left * right[v];
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < height; r++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++)
            v16_store(c + r * s->c_row + v * LANES, total[r][v]);
}

static void small_product(const struct small *s)
{
    int64_t j = 0;
    for (; j + PAIR * LANES <= s->n; j += PAIR * LANES) {
        int64_t i = 0;
        for (; i + TILE <= s->m; i += TILE)
            tile(s, i, j, TILE, PAIR);
        for (; i < s->m; i++)
            tile(s, i, j, 1, PAIR);
    }
    for (; j < s->n; j += LANES) {
        int64_t i = 0;
        for (; i + TILE <= s->m; i += TILE)
            tile(s, i, j, TILE, 1);
        for (; i < s->m; i++)
            tile(s, i, j, 1, 1);
    }
}

/* [rows, width] at `step` apart to [rows, wide], 0 behind `width`, times a factor. */
static void pack_rows(const float *from, int64_t step, int64_t rows, int64_t width, int64_t wide,
                      float factor, float *to)
{
    for (int64_t r = 0; r < rows; r++, from += step, to += wide) {
        for (int64_t i = 0; i < width; i++)
            to[i] = from[i] * factor;
        memset(to + width, 0, (size_t)(wide - width) * sizeof *to);
    }
}

/* The same, transposed: [width, wide] with 0 behind the rows. */
static void pack_columns(const float *from, int64_t step, int64_t rows, int64_t width, int64_t wide,
                         float factor, float *to)
{
    for (int64_t i = 0; i < width; i++) {
        for (int64_t r = 0; r < rows; r++)
            to[i * wide + r] = from[r * step + i] * factor;
        memset(to + i * wide + rows, 0, (size_t)(wide - rows) * sizeof *to);
    }
}

/* What one head works with: its columns of the operands, and places in the scratch. */
struct head {
    const struct attention_work *work;
    const float *q, *k, *v; /* rows of 3 D items */
    const int32_t *group;   /* [T] or NULL */
    int64_t step;           /* 3 D */
    int64_t length, size;   /* T, and items of a head */
    int64_t wide, room;     /* T and size, rounded up to whole vectors */
    float scale;            /* of scores */
    int64_t number;         /* of the head */
    struct attention_draw draw;
    float *keys, *values; /* K^T scale [size, wide], V [T, room] */
    float *scores;        /* [QUERIES, wide] */
    float *result;        /* [QUERIES, room] */
    float *rest;          /* what else the gradient wants */
};

static struct head open_head(const struct attention_work *work, int64_t item, float *scratch)
{
    int64_t text = item / work->heads, number = item % work->heads;
    int64_t size = work->width / work->heads, step = 3 * work->width;
    struct head h = { .work = work,
                      .q = (const float *)work->qkv + text * work->length * step + number * size,
                      .group = work->group ? work->group + text * work->length : NULL,
                      .step = step,
                      .length = work->length,
                      .size = size,
                      .wide = whole_of(work->length, LANES),
                      .room = whole_of(size, LANES),
                      .scale = (float)(1 / sqrt((double)size)),
                      .number = number };
    if (work->least)
        h.draw = work->draw[text];
    h.k = h.q + work->width;
    h.v = h.k + work->width;
    h.keys = scratch;
    h.values = h.keys + size * h.wide;
    h.scores = h.values + h.wide * h.room;
    h.result = h.scores + QUERIES * h.wide;
    h.rest = h.result + QUERIES * h.room;
    pack_columns(h.k, step, h.length, size, h.wide, h.scale, h.keys);
    return h;
}

/* Scores of a block of queries against its strip; what a query must not see is far below. */
static void score(const struct head *h, int64_t start, int64_t count, int64_t first, int64_t last)
{
    struct small product = { count,           last - first, h->size, h->q + start * h->step,
                             h->keys + first, h->scores,    h->step, 1,
                             h->wide,         h->wide,      false };
    small_product(&product);
    for (int64_t r = 0; r < count; r++)
        hide(h->work, h->group, start + r, first, last, h->scores + r * h->wide);
}

void KERNEL(attention)(const struct attention_work *work, int64_t item, float *scratch)
{
    struct head h = open_head(work, item, scratch);
    int64_t text = item / work->heads, number = item % work->heads, first, last;
    float *y = (float *)work->y + text * h.length * work->width + number * h.size;
    pack_rows(h.v, h.step, h.length, h.size, h.room, 1, h.values);
    for (int64_t start = 0; start < h.length; start += QUERIES) {
        int64_t count = h.length - start < QUERIES ? h.length - start : QUERIES;
        strip(work, start, count, LANES, &first, &last);
        score(&h, start, count, first, last);
        float share[QUERIES];
        for (int64_t r = 0; r < count; r++) {
            float *row = h.scores + r * h.wide, largest = -INFINITY;
            KERNEL(run_max)(row, last - first, &largest);
            v16 total = v16_set(0);
            for (int64_t j = 0; j < last - first; j += LANES) {
                v16 weight = v16_exp(v16_load(row + j) - largest);
                v16_store(row + j, weight);
                total += weight;
            }
            double sum = v16_sum(total);
            work->level[item * h.length + start + r] = largest + (float)log(sum);
            share[r] = (float)(1 / sum);
            drop_weights(work, h.draw, h.number, start + r, first, row);
        }
        int64_t seen = (last < h.length ? last : h.length) - first;
        struct small product = { count,    h.room, seen, h.scores, h.values + first * h.room,
                                 h.result, h.wide, 1,    h.room,   h.room,
                                 false };
        small_product(&product);
        for (int64_t r = 0; r < count; r++)
            for (int64_t i = 0; i < h.size; i++)
                y[(start + r) * work->width + i] = h.result[r * h.room + i] * share[r];
    }
}

/* Scratch of the gradient behind that of the forward pass. */
struct reverse {
    float *values;          /* V^T [size, wide] */
    float *keys;            /* K scale [T, room] */
    float *dkeys, *dvalues; /* [wide, room] */
    float *queries, *dy;    /* of a block: [QUERIES, room] */
    float *slopes;          /* [QUERIES, wide] */
    float *kept;            /* [wide]: by what the weights of a query are multiplied */
};

static struct reverse open_reverse(const struct head *h)
{
    struct reverse r;
    size_t bytes = (size_t)(h->wide * h->room) * sizeof(float);
    r.values = h->rest;
    r.keys = r.values + h->size * h->wide;
    r.dkeys = r.keys + h->wide * h->room;
    r.dvalues = r.dkeys + h->wide * h->room;
    r.queries = r.dvalues + h->wide * h->room;
    r.dy = r.queries + QUERIES * h->room;
    r.slopes = r.dy + QUERIES * h->room;
    r.kept = r.slopes + QUERIES * h->wide;
    memset(r.dkeys, 0, bytes);
    memset(r.dvalues, 0, bytes);
    pack_columns(h->v, h->step, h->length, h->size, h->wide, 1, r.values);
    pack_rows(h->k, h->step, h->length, h->size, h->room, h->scale, r.keys);
    return r;
}

/* Weights p m into the scores' place, p (m dp - sum(p m dp)) into that of dp, where m drops; that
 * sum is y . dy. */
static void slopes(const struct head *h, const struct reverse *r, int64_t start, const float *level,
                   const float *y, int64_t count, int64_t first, int64_t last)
{
    for (int64_t j = 0; j < last - first; j++)
        r->kept[j] = 1;
    for (int64_t i = 0; i < count; i++) {
        float *p = h->scores + i * h->wide, *dp = r->slopes + i * h->wide;
        const float *dy = r->dy + i * h->room;
        float radial = 0;
        for (int64_t k = 0; k < h->size; k++)
            radial += y[i * h->work->width + k] * dy[k];
        for (int64_t j = 0; h->work->least && j < last - first; j++)
            r->kept[j] = 1;
        drop_weights(h->work, h->draw, h->number, start + i, first, r->kept);
        for (int64_t j = 0; j < last - first; j += LANES) {
            v16 weight = v16_exp(v16_load(p + j) - level[i]), kept = v16_load(r->kept + j);
            v16_store(p + j, weight * kept);
            v16_store(dp + j, weight * (v16_load(dp + j) * kept - radial));
        }
    }
}

/* What a block of queries adds to the gradients; its own goes to dq, rows of 3 D items. */
static void reverse_block(const struct head *h, const struct reverse *r, int64_t start,
                          int64_t count, const float *level, const float *y, const float *dy,
                          float *dq)
{
    int64_t first, last, width = h->work->width;
    strip(h->work, start, count, LANES, &first, &last);
    int64_t seen = (last < h->length ? last : h->length) - first;
    score(h, start, count, first, last);
    pack_rows(h->q + start * h->step, h->step, count, h->size, h->room, h->scale, r->queries);
    pack_rows(dy + start * width, width, count, h->size, h->room, 1, r->dy);
    struct small of_weights = { count,     last - first, h->size, r->dy,   r->values + first,
                                r->slopes, h->room,      1,       h->wide, h->wide,
                                false };
    small_product(&of_weights);
    slopes(h, r, start, level + start, y + start * width, count, first, last);
    struct small of_queries = { count,     h->room, seen, r->slopes, r->keys + first * h->room,
                                h->result, h->wide, 1,    h->room,   h->room,
                                false };
    small_product(&of_queries);
    for (int64_t i = 0; i < count; i++)
        memcpy(dq + (start + i) * h->step, h->result + i * h->room, (size_t)h->size * sizeof *dq);
    struct small of_values = { seen,      h->room, count,
                               h->scores, r->dy,   r->dvalues + first * h->room,
                               1,         h->wide, h->room,
                               h->room,   true };
    small_product(&of_values);
    struct small of_keys = { seen,      h->room,    count,
                             r->slopes, r->queries, r->dkeys + first * h->room,
                             1,         h->wide,    h->room,
                             h->room,   true };
    small_product(&of_keys);
}

void KERNEL(attention_gradient)(const struct attention_work *work, int64_t item, float *scratch)
{
    struct head h = open_head(work, item, scratch);
    struct reverse r = open_reverse(&h);
    int64_t text = item / work->heads, number = item % work->heads;
    int64_t at = text * h.length * work->width + number * h.size;
    float *dq = (float *)work->dqkv + text * h.length * h.step + number * h.size;
    for (int64_t start = 0; start < h.length; start += QUERIES) {
        int64_t count = h.length - start < QUERIES ? h.length - start : QUERIES;
        reverse_block(&h, &r, start, count, work->level + item * h.length,
                      (const float *)work->y + at, (const float *)work->dy + at, dq);
    }
    for (int64_t t = 0; t < h.length; t++) {
        memcpy(dq + work->width + t * h.step, r.dkeys + t * h.room, (size_t)h.size * sizeof *dq);
        memcpy(dq + 2 * work->width + t * h.step, r.dvalues + t * h.room,
               (size_t)h.size * sizeof *dq);
    }
}
