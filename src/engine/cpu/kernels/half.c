/* Products of bf16 numbers with sums in f32. Two neighbouring terms of a sum lie together in 32
 * bits (a pair), as the processor's instruction takes them; without it pairs are taken apart. */
#include "engine/cpu/kernels/half.h"
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/vector.h"

#include <string.h>

enum { ROWS = HALF_ROWS, VECTORS = HALF_PANEL / LANES };

/* 16 pairs times 16 pairs, each added to its sum. */
INLINE v16 dot(v16 total, u16x32 a, u16x32 b)
{
#ifdef __AVX512BF16__
    return (v16)_mm512_dpbf16_ps((__m512)total, (__m512bh)a, (__m512bh)b);
#else
    total += (v16)(a << 16) * (v16)(b << 16);
    return total + (v16)(a & 0xFFFF0000u) * (v16)(b & 0xFFFF0000u);
#endif
}

/* ---- packing ---- */

/* The first `count` of 16 numbers, 0 behind them, as 32-bit integers of which the lower half is the
 * number in bf16. */
INLINE u16x32 numbers(const void *data, int64_t at, int64_t count, bool bf16)
{
    u16x16 narrow = { 0 };
    if (bf16) {
        memcpy(&narrow, (const uint16_t *)data + at, (size_t)count * sizeof(uint16_t));
    } else {
        v16 wide = v16_set(0);
        memcpy(&wide, (const float *)data + at, (size_t)count * sizeof(float));
        v16_store_bf16((uint16_t *)&narrow, wide);
    }
    return __builtin_convertvector(narrow, u16x32);
}

/* Items of a piece with those that fill its last panel. */
static int64_t whole_items(const struct half_piece *p)
{
    return (p->items + p->width - 1) / p->width * p->width;
}

/* What is read soon; rows lie too far apart for the processor to guess the next. */
INLINE void fetch(const struct half_operand *from, int64_t row, int64_t item, int64_t count,
                  bool bf16)
{
    int64_t bytes = bf16 ? 2 : 4;
    const char *at = (const char *)from->data + (row * from->step + item) * bytes;
    for (int64_t b = 0; b < count * bytes; b += 64)
        __builtin_prefetch(at + b);
}

/* Items of one panel from two rows of terms, of which the second may be missing. */
INLINE void weave_rows(const void *data, int64_t at, int64_t below, int64_t items, int64_t width,
                       uint32_t *to, bool bf16)
{
    int64_t i = 0;
    for (; i + LANES <= items; i += LANES) {
        u16x32 a = numbers(data, at + i, LANES, bf16), b = { 0 };
        if (below)
            b = numbers(data, at + below + i, LANES, bf16);
        v16_store((float *)(void *)(to + i), (v16)(a | b << 16));
    }
    if (i < items) {
        u16x32 a = numbers(data, at + i, items - i, bf16), b = { 0 };
        if (below)
            b = numbers(data, at + below + i, items - i, bf16);
        a |= b << 16;
        memcpy(to + i, &a, (size_t)(items - i) * sizeof *to);
    }
    if (items < width)
        memset(to + items, 0, (size_t)(width - items) * sizeof *to);
}

/* Terms are rows in memory: two of them are woven into one row of pairs. */
INLINE void weave(const struct half_operand *from, const struct half_piece *p, uint32_t *to,
                  bool bf16)
{
    enum { AHEAD = 12 };
    for (int64_t k = 0; k < p->terms; k += 2, to += p->width) {
        int64_t row = p->term + k, below = k + 1 < p->terms ? from->step : 0;
        if (k + AHEAD + 1 < p->terms) {
            fetch(from, row + AHEAD, p->item, p->items, bf16);
            fetch(from, row + AHEAD + 1, p->item, p->items, bf16);
        }
        for (int64_t i = 0; i < p->items; i += p->width)
            weave_rows(from->data, row * from->step + p->item + i, below,
                       p->items - i < p->width ? p->items - i : p->width, p->width,
                       to + i / p->width * p->panel, bf16);
    }
}

/* Terms are neighbours in memory: rows of pairs become columns, 16 at a time. */
INLINE void turn(const struct half_operand *from, const struct half_piece *p, uint32_t *to,
                 bool bf16)
{
    for (int64_t k = 0; k < p->terms; k += 2 * LANES) {
        int64_t count = p->terms - k < 2 * LANES ? p->terms - k : 2 * LANES;
        int64_t items = whole_items(p);
        for (int64_t i = 0; i < items; i++) {
            uint32_t pair[LANES] = { 0 };
            int64_t at = (p->item + i) * from->step + p->term + k;
            uint32_t *column = to + i / p->width * p->panel + k / 2 * p->width + i % p->width;
            if (i + 8 < p->items)
                fetch(from, p->item + i + 8, p->term + k, count, bf16);
            if (i < p->items && bf16)
                memcpy(pair, (const uint16_t *)from->data + at, (size_t)count * sizeof(uint16_t));
            else if (i < p->items)
                KERNEL(to_bf16)((const float *)from->data + at, pair, count);
            for (int64_t l = 0; l < (count + 1) / 2; l++)
                column[l * p->width] = pair[l];
        }
    }
}

void KERNEL(half_pack)(const struct half_operand *from, const struct half_piece *piece,
                       uint32_t *to)
{
    if (from->turned && from->bf16)
        turn(from, piece, to, true);
    else if (from->turned)
        turn(from, piece, to, false);
    else if (from->bf16)
        weave(from, piece, to, true);
    else
        weave(from, piece, to, false);
}

/* ---- multiplying ---- */

/* Sums of a block of rows: a panel's worth of vectors each. */
typedef v16 sums_of[ROWS][VECTORS];

/* Adds what lies at [i, v] in rows `step` apart; nothing where there is none. */
INLINE void add_rows(sums_of total, const float *from, int64_t step, int height)
{
    if (!from)
        return;
#pragma GCC unroll 12
    for (int i = 0; i < height; i++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            total[i][v] += v16_load(from + i * step + v * LANES);
}

/* What becomes of the sums of a whole panel. */
INLINE void finish(const struct half_sums *s, int64_t r, int64_t j, sums_of total, int height)
{
    int64_t at = r * s->step + j;
    add_rows(total, s->bias ? s->bias + j : NULL, 0, height);
    add_rows(total, s->residual ? s->residual + at : NULL, s->step, height);
    add_rows(total, s->add ? (const float *)s->result + at : NULL, s->step, height);
    if (s->bf16) {
        uint16_t *to = (uint16_t *)s->result + at;
#pragma GCC unroll 12
        for (int i = 0; i < height; i++)
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++)
                v16_store_bf16(to + i * s->step + v * LANES, total[i][v]);
    } else {
        float *to = (float *)s->result + at;
#pragma GCC unroll 12
        for (int i = 0; i < height; i++)
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++)
                v16_store(to + i * s->step + v * LANES, total[i][v]);
    }
}

/* The same of a panel that only `columns` of the result fill. */
INLINE void finish_part(const struct half_sums *s, int64_t r, int64_t j, int64_t columns,
                        sums_of total, int height)
{
    for (int i = 0; i < height; i++) {
        int64_t at = (r + i) * s->step + j;
        float row[HALF_PANEL];
        memcpy(row, total[i], sizeof row);
        for (int64_t c = 0; c < columns; c++) {
            float sum = row[c] + (s->bias ? s->bias[j + c] : 0);
            sum += s->residual ? s->residual[at + c] : 0;
            sum += s->add ? ((const float *)s->result)[at + c] : 0;
            scalar_put(s->result, at + c, sum, s->bf16);
        }
    }
}

/* Has the places of the result on their way while the sums are made. */
INLINE void fetch_result(const struct half_sums *s, int64_t r, int64_t j)
{
    int64_t at = r * s->step + j;
    if (s->bf16) {
        __builtin_prefetch((uint16_t *)s->result + at, 1);
    } else {
        __builtin_prefetch((float *)s->result + at, 1);
        __builtin_prefetch((float *)s->result + at + LANES, 1);
    }
    if (s->residual) {
        __builtin_prefetch(s->residual + at);
        __builtin_prefetch(s->residual + at + LANES);
    }
}

/* `height` rows from r on times one panel. */
INLINE void tile(const struct half_sums *s, const uint32_t *right, int64_t r, int64_t j, int height,
                 bool neighbours)
{
    sums_of total;
    const uint32_t *row[ROWS];
    int64_t row_step = neighbours ? 1 : s->left_row, pair_step = neighbours ? s->left_pair : 1;
#pragma GCC unroll 12
    for (int i = 0; i < height; i++) {
        row[i] = s->left + (r + i) * row_step;
        fetch_result(s, r + i, j);
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            total[i][v] = v16_set(0);
    }
    for (int64_t k = 0, at = 0; k < s->pairs; k++, at += pair_step, right += HALF_PANEL) {
        u16x32 b[VECTORS];
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            b[v] = (u16x32)v16_load((const float *)(const void *)(right + v * LANES));
#pragma GCC unroll 12
        for (int i = 0; i < height; i++) {
            u16x32 a = (u16x32){ 0 } + (neighbours ? row[0][at + i] : row[i][at]);
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++)
                total[i][v] = dot(total[i][v], a, b[v]);
        }
    }
    if (s->columns - j >= HALF_PANEL)
        finish(s, r, j, total, height);
    else
        finish_part(s, r, j, s->columns - j, total, height);
}

INLINE void strip(const struct half_sums *s, const uint32_t *right, int64_t j, bool neighbours)
{
    int64_t r = 0;
    for (; r + ROWS <= s->rows; r += ROWS)
        tile(s, right, r, j, ROWS, neighbours);
    for (; r + 4 <= s->rows; r += 4)
        tile(s, right, r, j, 4, neighbours);
    for (; r < s->rows; r++)
        tile(s, right, r, j, 1, neighbours);
}

void KERNEL(half_multiply)(const struct half_sums *s)
{
    for (int64_t j = 0; j < s->columns; j += HALF_PANEL) {
        const uint32_t *right = s->right + j / HALF_PANEL * s->right_panel;
        if (s->left_row == 1)
            strip(s, right, j, true);
        else
            strip(s, right, j, false);
    }
}
