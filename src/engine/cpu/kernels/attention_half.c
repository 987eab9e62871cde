/* Attention of one head of one text on queries, keys and values in bf16: products of bf16 numbers,
 * scores, exponentials and sums in f32; weights are rounded to bf16 before they meet the values.
 * The plan is that of attention.c. */
#include "engine/cpu/kernels/attention_sight.h"
#include "engine/cpu/kernels/curves.h"
#include "engine/cpu/kernels/half.h"

#include <string.h>

enum { QUERIES = ATTENTION_QUERIES, PANEL = HALF_PANEL };

/* One head: its columns of the operands and places in the scratch. */
struct head {
    const struct attention_work *work;
    const uint16_t *q, *k, *v; /* rows of 3 D items */
    const int32_t *group;      /* [T] or NULL */
    int64_t step, size;        /* 3 D, and items of a head */
    int64_t wide, room;        /* T and size in whole panels */
    int64_t text, number;
    struct attention_draw draw;
    float scale;
    uint32_t *keys;    /* K^T in panels of keys */
    uint32_t *values;  /* V in panels of columns */
    float *scores;     /* [QUERIES, wide] */
    uint16_t *rounded; /* [QUERIES, wide]: weights, or slopes of scores */
    float *rest;
};

/* Packs [rows, columns] at `from`: `turned` panels of rows, else panels of columns. */
static void pack(const void *from, bool bf16, bool turned, int64_t step, int64_t rows,
                 int64_t columns, int64_t pairs, uint32_t *to)
{
    struct half_operand operand = { from, bf16, turned, step };
    int64_t items = turned ? rows : columns, terms = turned ? columns : rows;
    int64_t packed = (terms + 1) / 2;
    struct half_piece piece = { 0, terms, 0, items, PANEL, pairs * PANEL };
    KERNEL(half_pack)(&operand, &piece, to);
    for (int64_t i = 0; i < items; i += PANEL, to += pairs * PANEL) /* a strip may end there */
        memset(to + packed * PANEL, 0, (size_t)((pairs - packed) * PANEL) * sizeof *to);
}

static struct head open_head(const struct attention_work *work, int64_t item, float *scratch)
{
    int64_t text = item / work->heads, number = item % work->heads;
    int64_t size = work->width / work->heads, step = 3 * work->width;
    struct head h = { .work = work,
                      .q = (const uint16_t *)work->qkv + text * work->length * step + number * size,
                      .group = work->group ? work->group + text * work->length : NULL,
                      .step = step,
                      .size = size,
                      .wide = whole_of(work->length, PANEL),
                      .room = whole_of(size, PANEL),
                      .text = text,
                      .number = number,
                      .scale = (float)(1 / sqrt((double)size)) };
    if (work->least)
        h.draw = work->draw[text];
    h.k = h.q + work->width;
    h.v = h.k + work->width;
    h.keys = (uint32_t *)scratch;
    h.values = h.keys + h.wide * size / 2;
    h.scores = (float *)h.values + h.room * h.wide / 2;
    h.rounded = (uint16_t *)(h.scores + QUERIES * h.wide);
    h.rest = h.scores + QUERIES * h.wide * 3 / 2;
    pack(h.k, true, true, step, work->length, size, size / 2, h.keys);
    return h;
}

/* result [count, last - first] = rows of pairs times packed keys, or values likewise packed. */
static void against_keys(const struct head *h, const void *rows, int64_t step, int64_t count,
                         const uint32_t *keys, int64_t first, int64_t last, float *result)
{
    struct half_sums s = { .rows = count,
                           .columns = last - first,
                           .pairs = h->size / 2,
                           .left = rows,
                           .right = keys + first * h->size / 2,
                           .left_row = step / 2,
                           .left_pair = 1,
                           .right_panel = h->size / 2 * PANEL,
                           .step = h->wide,
                           .result = result };
    KERNEL(half_multiply)(&s);
}

/* Sums over the strip: result [count, size] = the rounded rows times packed values, or keys. */
static void over_strip(const struct head *h, int64_t count, const uint32_t *values, int64_t first,
                       int64_t last, void *result, int64_t step, bool bf16)
{
    struct half_sums s = { .rows = count,
                           .columns = h->size,
                           .pairs = (last - first) / 2,
                           .left = (const uint32_t *)(const void *)h->rounded,
                           .right = values + first / 2 * PANEL,
                           .left_row = h->wide / 2,
                           .left_pair = 1,
                           .right_panel = h->wide / 2 * PANEL,
                           .step = step,
                           .result = result,
                           .bf16 = bf16 };
    KERNEL(half_multiply)(&s);
}

/* Item `at` of a tensor in f32 or bf16. */
static void *place(const void *data, int64_t at, bool bf16)
{
    return (char *)(uintptr_t)data + at * (bf16 ? 2 : 4);
}

/* Weights of query i from its row of scores, rounded; its level. */
static float weigh(const struct head *h, int64_t i, int64_t first, int64_t last, float *row,
                   uint16_t *to)
{
    float largest = -INFINITY;
    hide(h->work, h->group, i, first, last, row);
    KERNEL(run_max)(row, last - first, &largest);
    v16 total = v16_set(0);
    for (int64_t j = 0; j < last - first; j += LANES) {
        v16 weight = v16_exp((v16_load(row + j) - largest) * h->scale);
        v16_store(row + j, weight);
        total += weight;
    }
    double sum = v16_sum(total);
    drop_weights(h->work, h->draw, h->number, i, first, row);
    for (int64_t j = 0; j < last - first; j += LANES)
        v16_store_bf16(to + j, v16_load(row + j) * (float)(1 / sum));
    return largest * h->scale + (float)log(sum);
}

void KERNEL(attention_half)(const struct attention_work *work, int64_t item, float *scratch)
{
    struct head h = open_head(work, item, scratch);
    int64_t length = work->length, first, last, row = h.text * length;
    pack(h.v, true, false, h.step, length, h.size, h.wide / 2, h.values);
    for (int64_t start = 0; start < length; start += QUERIES) {
        int64_t count = length - start < QUERIES ? length - start : QUERIES;
        strip(work, start, count, PANEL, &first, &last);
        against_keys(&h, h.q + start * h.step, h.step, count, h.keys, first, last, h.scores);
        for (int64_t r = 0; r < count; r++)
            work->level[item * length + start + r] =
                weigh(&h, start + r, first, last, h.scores + r * h.wide, h.rounded + r * h.wide);
        int64_t at = (row + start) * work->width + h.number * h.size;
        over_strip(&h, count, h.values, first, last, place(work->y, at, work->y_bf16), work->width,
                   work->y_bf16);
    }
}

/* Scratch of the gradient behind that of the forward pass. */
struct reverse {
    uint32_t *values;       /* V^T in panels of keys */
    uint32_t *keys;         /* K in panels of columns */
    float *dkeys, *dvalues; /* [wide, room] */
    float *slopes;          /* [QUERIES, wide] */
    float *kept;            /* [wide]: by what the weights of a query are multiplied */
    uint32_t *turned;       /* [QUERIES / 2, wide]: weights or slopes, queries being terms */
    uint32_t *block;        /* dy or Q of a block in panels of columns */
    uint32_t *dy;           /* [QUERIES, size / 2]: of a block, rounded */
};

static struct reverse open_reverse(const struct head *h)
{
    struct reverse r;
    int64_t length = h->work->length, sums = h->wide * h->room;
    r.values = (uint32_t *)h->rest;
    r.keys = r.values + h->wide * h->size / 2;
    r.dkeys = (float *)r.keys + sums / 2;
    r.dvalues = r.dkeys + sums;
    r.slopes = r.dvalues + sums;
    r.kept = r.slopes + QUERIES * h->wide;
    r.turned = (uint32_t *)r.kept + h->wide;
    r.block = r.turned + QUERIES / 2 * h->wide;
    r.dy = r.block + QUERIES / 2 * h->room;
    memset(r.dkeys, 0, (size_t)(2 * sums) * sizeof(float));
    pack(h->v, true, true, h->step, length, h->size, h->size / 2, r.values);
    pack(h->k, true, false, h->step, length, h->size, h->wide / 2, r.keys);
    return r;
}

/* Weights p m into the scores' place; scale p (m dp - y . dy), rounded, where m drops. */
static void slopes(const struct head *h, const struct reverse *r, int64_t i, float level,
                   float radial, int64_t first, int64_t last, int64_t row)
{
    float *p = h->scores + row * h->wide, *dp = r->slopes + row * h->wide;
    uint16_t *to = h->rounded + row * h->wide;
    hide(h->work, h->group, i, first, last, p);
    for (int64_t j = 0; h->work->least && j < last - first; j++)
        r->kept[j] = 1;
    drop_weights(h->work, h->draw, h->number, i, first, r->kept);
    for (int64_t j = 0; j < last - first; j += LANES) {
        v16 weight = v16_exp(v16_load(p + j) * h->scale - level), by = v16_load(dp + j);
        v16 kept = h->work->least ? v16_load(r->kept + j) : v16_set(1);
        v16_store(p + j, weight * kept);
        v16_store_bf16(to + j, weight * (by * kept - radial) * h->scale);
    }
}

/* y . dy of one query. */
static float radial_of(const struct head *h, int64_t at)
{
    const struct attention_work *work = h->work;
    float total = 0;
    for (int64_t k = 0; k < h->size; k++)
        total +=
            scalar_get(work->y, at + k, work->y_bf16) * scalar_get(work->dy, at + k, work->dy_bf16);
    return total;
}

/* sums [last - first, room] += the transpose of [count, last - first] rows times the block. */
static void add_turned(const struct head *h, const struct reverse *r, const void *rows, bool bf16,
                       int64_t count, int64_t seen, float *sums)
{
    struct half_operand operand = { rows, bf16, false, h->wide };
    struct half_piece piece = { 0, count, 0, seen, seen, 0 };
    KERNEL(half_pack)(&operand, &piece, r->turned);
    struct half_sums s = { .rows = seen,
                           .columns = h->size,
                           .pairs = (count + 1) / 2,
                           .left = r->turned,
                           .right = r->block,
                           .left_row = 1,
                           .left_pair = seen,
                           .right_panel = QUERIES / 2 * PANEL,
                           .step = h->room,
                           .result = sums,
                           .add = true };
    KERNEL(half_multiply)(&s);
}

/* What a block of queries adds to the gradients; its own goes to its place. `at`: its first item of
 * y and dy, and so of dqkv behind three times the rows. */
static void reverse_block(const struct head *h, const struct reverse *r, int64_t start,
                          int64_t count, const float *level)
{
    const struct attention_work *work = h->work;
    int64_t first, last, row = h->text * work->length + start;
    int64_t at = row * work->width + h->number * h->size;
    int64_t at_q = row * h->step + h->number * h->size;
    strip(work, start, count, PANEL, &first, &last);
    const void *dy = place(work->dy, at, work->dy_bf16), *rows = dy;
    if (!work->dy_bf16) {
        for (int64_t i = 0; i < count; i++)
            KERNEL(to_bf16)((const float *)dy + i * work->width, r->dy + i * h->size / 2, h->size);
        rows = r->dy;
    }
    against_keys(h, h->q + start * h->step, h->step, count, h->keys, first, last, h->scores);
    against_keys(h, rows, work->dy_bf16 ? work->width : h->size, count, r->values, first, last,
                 r->slopes);
    for (int64_t i = 0; i < count; i++)
        slopes(h, r, start + i, level[start + i], radial_of(h, at + i * work->width), first, last,
               i);
    over_strip(h, count, r->keys, first, last, place(work->dqkv, at_q, work->dqkv_bf16), h->step,
               work->dqkv_bf16);
    pack(dy, work->dy_bf16, false, work->width, count, h->size, QUERIES / 2, r->block);
    add_turned(h, r, h->scores, false, count, last - first, r->dvalues + first * h->room);
    pack(h->q + start * h->step, true, false, h->step, count, h->size, QUERIES / 2, r->block);
    add_turned(h, r, h->rounded, true, count, last - first, r->dkeys + first * h->room);
}

void KERNEL(attention_gradient_half)(const struct attention_work *work, int64_t item,
                                     float *scratch)
{
    struct head h = open_head(work, item, scratch);
    struct reverse r = open_reverse(&h);
    for (int64_t start = 0; start < work->length; start += QUERIES) {
        int64_t count = work->length - start < QUERIES ? work->length - start : QUERIES;
        reverse_block(&h, &r, start, count, work->level + item * work->length);
    }
    for (int64_t t = 0; t < work->length; t++)
        for (int part = 1; part < 3; part++) {
            const float *from = (part == 1 ? r.dkeys : r.dvalues) + t * h.room;
            int64_t at = (h.text * work->length + t) * h.step + part * work->width;
            void *to = place(work->dqkv, at + h.number * h.size, work->dqkv_bf16);
            if (work->dqkv_bf16)
                KERNEL(to_bf16)(from, to, h.size);
            else
                memcpy(to, from, (size_t)h.size * sizeof *from);
        }
}
