#include "engine/cpu/kernels/winograd_fixed.h"

#ifdef __AVX512VNNI__

#include "engine/cpu/kernels/winograd_tile.h"

#include <float.h>
#include <immintrin.h>

enum {
    ROWS = WINOGRAD_GROUP, /* of a block of sums of the product; its width is two vectors */
    GRADIENT_ROWS = 8,
    COLUMNS = 2,
    PAIRS = LANES / 2,
    GROUP_PAIRS = WINOGRAD_GROUP * PAIRS,
    TILE_ITEMS = WINOGRAD_POINTS * LANES,
    POINTS_UP = 48 /* the points, whole vectors */
};

#define LENGTH 32000.0F

typedef int32_t i16_unaligned __attribute__((vector_size(64), aligned(4), may_alias));

INLINE i16 pairs_load(const void *p)
{
    return *(const i16_unaligned *)p;
}

INLINE void pairs_store(void *p, i16 x)
{
    *(i16_unaligned *)p = x;
}

INLINE i16 pairs_set(const int32_t *p)
{
    return *p - (i16){ 0 };
}

INLINE i16 rounded(vec x)
{
    return (i16)_mm512_cvtps_epi32((__m512)x);
}

/* Two numbers in the halves of each word. */
INLINE i16 paired(i16 low, i16 high)
{
    return (low & 0xFFFF) | (i16)((u16x32)high << 16);
}

INLINE i16 add_products(i16 sum, i16 a, i16 b)
{
    return (i16)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
}

/* From squares of lengths: what multiplies numbers to be rounded, and what undoes it. Not finite
 * lengths are undone as such, so that what is not finite stays so. */
INLINE vec scale_of(vec squares, vec *inverse)
{
    vec length = (vec)_mm512_sqrt_ps((__m512)squares);
    *inverse = length * (1 / LENGTH);
    return LENGTH / v16_max(length, v16_set(FLT_MIN));
}

/* ---- left operand of the product ---- */

/* All points of one tile from the staging. */
static void store_tile(const float *staging, int64_t blocks, float *v, int64_t step, int64_t t)
{
    float scale[POINTS_UP] = { 0 }, inverse[POINTS_UP];
    for (int64_t point = 0; point < WINOGRAD_POINTS; point++) {
        vec squares = vec_set(0);
        for (int64_t b = 0; b < blocks; b++) {
            vec x = vec_load(staging + b * TILE_ITEMS + point * LANES);
            squares += x * x;
        }
        scale[point] = _mm512_reduce_add_ps((__m512)squares);
    }
    for (int64_t i = 0; i < POINTS_UP; i += LANES) {
        vec undo;
        vec_store(scale + i, scale_of(vec_load(scale + i), &undo));
        vec_store(inverse + i, undo);
    }
    for (int64_t point = 0; point < WINOGRAD_POINTS; point++, v += step) {
        for (int64_t b = 0; b < blocks; b++) {
            vec x = vec_load(staging + b * TILE_ITEMS + point * LANES) * scale[point];
            _mm256_storeu_si256((void *)(v + b * GROUP_PAIRS + t * PAIRS),
                                _mm512_cvtsepi32_epi16((__m512i)rounded(x)));
        }
        v[blocks * GROUP_PAIRS + t] = inverse[point];
    }
}

static void clear_tile(int64_t blocks, float *v, int64_t step, int64_t t)
{
    for (int64_t point = 0; point < WINOGRAD_POINTS; point++, v += step) {
        for (int64_t b = 0; b < blocks; b++)
            memset(v + b * GROUP_PAIRS + t * PAIRS, 0, PAIRS * sizeof *v);
        v[blocks * GROUP_PAIRS + t] = 0;
    }
}

static void source(const struct winograd_image *image, const void *x, int64_t tile, int64_t count,
                   float *v, int64_t step, float *staging)
{
    for (int64_t t = 0; t < count; t++) {
        for (int64_t b = 0; b < image->blocks; b++) {
            struct place p = place_of(image, b, tile + t, SIDE);
            float *to = staging + b * TILE_ITEMS;
            if (!p.top && !p.left && p.bottom == SIDE && p.right == SIDE)
                source_tile(x, image->width, &p, 0, to, LANES, true, true);
            else
                source_tile(x, image->width, &p, 0, to, LANES, false, true);
        }
        store_tile(staging, image->blocks, v, step, t);
    }
    for (int64_t t = count; t < WINOGRAD_GROUP; t++)
        clear_tile(image->blocks, v, step, t);
}

/* ---- right operand of the product ---- */

/* u of 16 lanes from the taps [rows, 9, 16]: made once for the lengths, once to be rounded. */
static void weight_vector(float (*tap)[9][WIDE], int64_t rows, int64_t width, float *u)
{
    int64_t step = rows / 2 * width + width + WINOGRAD_PAD;
    float made[2][TILE_ITEMS], scale[TILE_ITEMS] = { 0 };
    for (int64_t r = 0; r < rows; r++) {
        weight_tile(tap[r], made[0], LANES);
        for (int64_t i = 0; i < TILE_ITEMS; i += LANES) {
            vec x = vec_load(made[0] + i);
            vec_store(scale + i, vec_load(scale + i) + x * x);
        }
    }
    for (int64_t point = 0; point < WINOGRAD_POINTS; point++) {
        vec undo, factor = scale_of(vec_load(scale + point * LANES), &undo);
        vec_store(scale + point * LANES, factor);
        vec_store(u + point * step + rows / 2 * width, undo);
    }
    for (int64_t r = 0; r < rows; r += 2) {
        weight_tile(tap[r], made[0], LANES);
        weight_tile(tap[r + 1], made[1], LANES);
        for (int64_t point = 0; point < WINOGRAD_POINTS; point++) {
            int64_t i = point * LANES;
            vec factor = vec_load(scale + i);
            pairs_store(u + point * step + r / 2 * width,
                        paired(rounded(vec_load(made[0] + i) * factor),
                               rounded(vec_load(made[1] + i) * factor)));
        }
    }
}

static void weight(const float *weights, int64_t lane_step, int64_t row_step, bool turned,
                   int64_t rows, int64_t vectors, float *u, float *staging)
{
    float(*tap)[9][WIDE] = (void *)staging;
    for (int64_t k = 0; k < vectors * LANES; k += LANES) {
        for (int64_t r = 0; r < rows; r += LANES) {
            const float *from = weights + k * lane_step + r * row_step;
            if (turned)
                gather_taps(from, lane_step, row_step, true, tap + r);
            else
                gather_taps(from, lane_step, row_step, false, tap + r);
        }
        weight_vector(tap, rows, vectors * LANES, u + k);
    }
}

/* ---- the product ---- */

/* m[tile][columns] = sum over channels of v[channel / 16][tile][channel % 16] u[channel][columns]:
 * 12 x columns sums stay in registers. Meanwhile the operand `next` is fetched. */
INLINE void product_block(const float *v, const float *next, const float *u, int64_t blocks,
                          float *m, int64_t m_step, int columns)
{
    int64_t width = columns * LANES;
    i16 sum[ROWS * COLUMNS];
    UNROLL
    for (int i = 0; i < ROWS * columns; i++)
        sum[i] = (i16){ 0 };
    for (int64_t b = 0; b < blocks; b++, v += GROUP_PAIRS, next += GROUP_PAIRS) {
        UNROLL
        for (int i = 0; i < GROUP_PAIRS; i += LANES)
            __builtin_prefetch(next + i);
        for (int64_t c = 0; c < PAIRS; c++, u += width) {
            i16 right[COLUMNS];
            UNROLL
            for (int k = 0; k < columns; k++)
                right[k] = pairs_load(u + k * LANES);
            UNROLL
            for (int r = 0; r < ROWS; r++) {
                i16 left = pairs_set((const int32_t *)(const void *)v + r * PAIRS + c);
                UNROLL
                for (int k = 0; k < columns; k++)
                    sum[r * columns + k] = add_products(sum[r * columns + k], left, right[k]);
            }
        }
    }
    UNROLL
    for (int r = 0; r < ROWS; r++)
        UNROLL
    for (int k = 0; k < columns; k++)
        vec_store(m + r * m_step + k * LANES, __builtin_convertvector(sum[r * columns + k], vec) *
                                                  (v[r] * vec_load(u + k * LANES)));
}

static void product(const float *v, int64_t v_step, int64_t groups, int64_t blocks, const float *u,
                    int64_t vectors, float *m, const struct winograd_fetch *fetch)
{
    int64_t total = vectors * LANES, m_step = WINOGRAD_POINTS * total, rows = blocks * LANES;
    struct walk walk = walk_of(fetch, WINOGRAD_POINTS * groups);
    for (int64_t point = 0; point < WINOGRAD_POINTS; point++)
        for (int64_t g = 0; g < groups; g++) {
            const float *left = v + (g * WINOGRAD_POINTS + point) * v_step, *panel = u;
            const float *next = g + 1 < groups ? left + WINOGRAD_POINTS * v_step
                                               : v + (point + 1) % WINOGRAD_POINTS * v_step;
            float *to = m + g * WINOGRAD_GROUP * m_step + point * total;
            walk_on(&walk);
            for (int64_t k = 0; k < total; k += WINOGRAD_PANEL) {
                int64_t width = total - k < WINOGRAD_PANEL ? total - k : WINOGRAD_PANEL;
                int64_t step = rows / 2 * width + width + WINOGRAD_PAD;
                if (width == WINOGRAD_PANEL)
                    product_block(left, next, panel + point * step, blocks, to + k, m_step, 2);
                else
                    product_block(left, next, panel + point * step, blocks, to + k, m_step, 1);
                panel += WINOGRAD_POINTS * step;
            }
        }
}

/* ---- weight gradient ---- */

/* By lanes, the squares of the lengths of `count` vectors. */
INLINE vec squares_of(const float *x, int64_t count)
{
    vec sum[4] = { vec_set(0), vec_set(0), vec_set(0), vec_set(0) };
    int64_t t = 0;
    for (; t + 4 <= count; t += 4)
        UNROLL
    for (int i = 0; i < 4; i++)
        sum[i] += vec_load(x + (t + i) * LANES) * vec_load(x + (t + i) * LANES);
    for (; t < count; t++)
        sum[0] += vec_load(x + t * LANES) * vec_load(x + t * LANES);
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static void pack(const float *staging, int64_t step, int64_t tiles, float *to, int64_t to_step)
{
    for (int64_t point = 0; point < WINOGRAD_POINTS; point++, staging += step, to += to_step) {
        vec undo, scale = scale_of(squares_of(staging, tiles), &undo);
        int64_t t = 0;
        for (; t + 2 <= tiles; t += 2)
            pairs_store(to + t / 2 * LANES,
                        paired(rounded(vec_load(staging + t * LANES) * scale),
                               rounded(vec_load(staging + (t + 1) * LANES) * scale)));
        if (t < tiles)
            pairs_store(to + t / 2 * LANES,
                        paired(rounded(vec_load(staging + t * LANES) * scale), (i16){ 0 }));
        vec_store(to + (tiles + 1) / 2 * LANES, undo);
    }
}

/* s[row][columns] (+)= sum over tiles of v[tile][row] m[tile][columns]. */
INLINE void gradient_block(const float *v, int64_t row, const float *m, int64_t m_column,
                           int64_t pairs, float *s, bool fresh, int columns)
{
    i16 sum[GRADIENT_ROWS * COLUMNS];
    UNROLL
    for (int i = 0; i < GRADIENT_ROWS * columns; i++)
        sum[i] = (i16){ 0 };
    v += row;
    for (int64_t t = 0; t < pairs; t++, v += LANES, m += LANES) {
        i16 right[COLUMNS];
        UNROLL
        for (int k = 0; k < columns; k++)
            right[k] = pairs_load(m + k * m_column);
        UNROLL
        for (int r = 0; r < GRADIENT_ROWS; r++) {
            i16 left = pairs_set((const int32_t *)(const void *)v + r);
            UNROLL
            for (int k = 0; k < columns; k++)
                sum[r * columns + k] = add_products(sum[r * columns + k], left, right[k]);
        }
    }
    UNROLL
    for (int r = 0; r < GRADIENT_ROWS; r++)
        UNROLL
    for (int k = 0; k < columns; k++) {
        float *to = s + r * WINOGRAD_PANEL + k * LANES;
        vec made = __builtin_convertvector(sum[r * columns + k], vec) *
                   (v[r] * vec_load(m + k * m_column));
        vec_store(to, fresh ? made : vec_load(to) + made);
    }
}

static void accumulate(const float *v, int64_t v_blocks, const float *m, int64_t m_blocks,
                       int64_t tiles, float *s, bool fresh, const struct winograd_fetch *fetch)
{
    int64_t pairs = (tiles + 1) / 2, size = (pairs + 1) * LANES;
    struct walk walk =
        walk_of(fetch, v_blocks * (LANES / GRADIENT_ROWS) * ((m_blocks + COLUMNS - 1) / COLUMNS));
    for (int64_t b = 0; b < v_blocks; b++)
        for (int64_t k = 0; k < m_blocks; k += COLUMNS)
            for (int64_t r = 0; r < LANES; r += GRADIENT_ROWS) {
                const float *left = v + b * size, *right = m + k * size;
                int64_t panel = k * LANES / WINOGRAD_PANEL;
                float *to = s + (panel * WINOGRAD_BLOCK + b * LANES + r) * WINOGRAD_PANEL;
                walk_on(&walk);
                if (k + COLUMNS <= m_blocks)
                    gradient_block(left, r, right, size, pairs, to, fresh, COLUMNS);
                else
                    gradient_block(left, r, right, size, pairs, to, fresh, 1);
            }
}

const struct fixed_kernels fixed_kernels_avx512_bf16 = { source, weight, product, pack,
                                                         accumulate };

#endif
