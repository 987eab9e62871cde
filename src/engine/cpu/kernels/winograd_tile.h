/* Tiles of Winograd's F(4x4, 3x3) and their transforms, shared by its kernels in f32 and in fixed
 * point. */
#ifndef ENGINE_CPU_KERNELS_WINOGRAD_TILE_H
#define ENGINE_CPU_KERNELS_WINOGRAD_TILE_H

#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/vector.h"

/* The widest vector of the instruction set; a v16 without AVX-512 would live in memory. */
#ifdef __AVX512F__
enum { WIDE = 16 };
#else
enum { WIDE = 8 };
#endif

enum { SIDE = 6 };

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 24")
#endif

typedef float vec __attribute__((vector_size(4 * WIDE)));
typedef float vec_unaligned __attribute__((vector_size(4 * WIDE), aligned(4), may_alias));
typedef int32_t vec_mask __attribute__((vector_size(4 * WIDE)));
typedef uint32_t vec_bits __attribute__((vector_size(4 * WIDE)));
typedef uint16_t vec_half __attribute__((vector_size(2 * WIDE)));
typedef uint16_t vec_half_unaligned __attribute__((vector_size(2 * WIDE), aligned(2), may_alias));

#define POINT_A 0.625F
#define POINT_B 1.5F
#define A2 (POINT_A * POINT_A)
#define B2 (POINT_B * POINT_B)
/* Products of the differences of a point to the others. */
#define SCALE_0 (1 / (A2 * B2))
#define SCALE_A (1 / (2 * A2 * (A2 - B2)))
#define SCALE_B (1 / (2 * B2 * (B2 - A2)))

INLINE vec vec_set(float x)
{
    return x - (vec){ 0 }; /* x + 0 would cost an addition: -0 */
}

INLINE vec vec_load(const float *p)
{
    return *(const vec_unaligned *)p;
}

INLINE void vec_store(float *p, vec x)
{
    *(vec_unaligned *)p = x;
}

/* As v16_get and v16_put, in the native width. */
INLINE vec vec_get(const void *p, int64_t at, bool bf16)
{
    if (!bf16)
        return vec_load((const float *)p + at);
    vec_half half = *(const vec_half_unaligned *)((const uint16_t *)p + at);
    return (vec)(__builtin_convertvector(half, vec_bits) << 16);
}

INLINE void vec_put(void *p, int64_t at, vec x, bool bf16)
{
    if (!bf16) {
        vec_store((float *)p + at, x);
        return;
    }
#ifdef __AVX512BF16__
    v16_store_bf16((uint16_t *)p + at, x);
#else
    vec_bits bits = (vec_bits)x, is_nan = (vec_bits)(x != x);
    vec_bits rounded = bits + 0x7FFF + ((bits >> 16) & 1);
    vec_bits chosen = (is_nan & (bits | 0x400000)) | (~is_nan & rounded);
    *(vec_half_unaligned *)((uint16_t *)p + at) = __builtin_convertvector(chosen >> 16, vec_half);
#endif
}

/* ---- one axis of the transforms ---- */

INLINE void source_line(const vec d[6], vec v[6])
{
    vec even_a = d[4] - B2 * d[2], odd_a = d[3] - B2 * d[1];
    vec even_b = d[4] - A2 * d[2], odd_b = d[3] - A2 * d[1];
    v[0] = d[4] - (A2 + B2) * d[2] + (A2 * B2) * d[0];
    v[1] = even_a + POINT_A * odd_a;
    v[2] = even_a - POINT_A * odd_a;
    v[3] = even_b + POINT_B * odd_b;
    v[4] = even_b - POINT_B * odd_b;
    v[5] = d[5] - (A2 + B2) * d[3] + (A2 * B2) * d[1];
}

INLINE void result_line(const vec m[6], vec y[4])
{
    vec sum_a = m[1] + m[2], difference_a = m[1] - m[2];
    vec sum_b = m[3] + m[4], difference_b = m[3] - m[4];
    y[0] = m[0] + sum_a + sum_b;
    y[1] = POINT_A * difference_a + POINT_B * difference_b;
    y[2] = A2 * sum_a + B2 * sum_b;
    y[3] = m[5] + (A2 * POINT_A) * difference_a + (B2 * POINT_B) * difference_b;
}

INLINE void cotangent_line(const vec y[4], vec m[6])
{
    vec even_a = y[0] + A2 * y[2], odd_a = y[1] + A2 * y[3];
    vec even_b = y[0] + B2 * y[2], odd_b = y[1] + B2 * y[3];
    m[0] = y[0];
    m[1] = even_a + POINT_A * odd_a;
    m[2] = even_a - POINT_A * odd_a;
    m[3] = even_b + POINT_B * odd_b;
    m[4] = even_b - POINT_B * odd_b;
    m[5] = y[3];
}

INLINE void weight_line(const vec g[3], vec u[6])
{
    vec even_a = SCALE_A * g[0] + (A2 * SCALE_A) * g[2], odd_a = (POINT_A * SCALE_A) * g[1];
    vec even_b = SCALE_B * g[0] + (B2 * SCALE_B) * g[2], odd_b = (POINT_B * SCALE_B) * g[1];
    u[0] = SCALE_0 * g[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[2];
}

INLINE void weight_gradient_line(const vec s[6], vec g[3])
{
    vec sum_a = SCALE_A * (s[1] + s[2]), difference_a = SCALE_A * (s[1] - s[2]);
    vec sum_b = SCALE_B * (s[3] + s[4]), difference_b = SCALE_B * (s[3] - s[4]);
    g[0] = SCALE_0 * s[0] + sum_a + sum_b;
    g[1] = POINT_A * difference_a + POINT_B * difference_b;
    g[2] = A2 * sum_a + B2 * sum_b + s[5];
}

/* ---- tiles of an image ---- */

/* The part of a tile that lies in the image: rows [top, bottom), columns [left, right); `at` is the
 * item of its corner, which may lie outside. */
struct place {
    int64_t at, top, bottom, left, right;
};

INLINE int64_t clamped(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

INLINE struct place place_of(const struct winograd_image *image, int64_t block, int64_t tile,
                             int64_t side)
{
    int64_t in_image = image->tiles_high * image->tiles_wide, n = tile / in_image;
    int64_t i = tile % in_image / image->tiles_wide, j = tile % image->tiles_wide;
    int64_t row = 4 * i - image->padding, column = 4 * j - image->padding;
    int64_t plane = (n * image->blocks + block) * image->height;
    return (struct place){ ((plane + row) * image->width + column) * LANES, clamped(-row, 0, side),
                           clamped(image->height - row, 0, side), clamped(-column, 0, side),
                           clamped(image->width - column, 0, side) };
}

/* Column j of a tile; zeros outside the image. */
INLINE void tile_column(const void *x, int64_t width, const struct place *p, int64_t lane,
                        int64_t j, int64_t side, vec *column, bool whole, bool bf16)
{
    UNROLL
    for (int64_t i = 0; i < side; i++) {
        bool inside = whole || (i >= p->top && i < p->bottom && j >= p->left && j < p->right);
        column[i] = inside ? vec_get(x, p->at + (i * width + j) * LANES + lane, bf16) : vec_set(0);
    }
}

INLINE void source_tile(const void *x, int64_t width, const struct place *p, int64_t lane, float *v,
                        int64_t step, bool whole, bool bf16)
{
    vec half[SIDE][SIDE], line[SIDE];
    for (int64_t j = 0; j < SIDE; j++) {
        vec column[SIDE];
        tile_column(x, width, p, lane, j, SIDE, column, whole, bf16);
        source_line(column, line);
        UNROLL
        for (int i = 0; i < SIDE; i++)
            half[i][j] = line[i];
    }
    for (int i = 0; i < SIDE; i++) {
        source_line(half[i], line);
        UNROLL
        for (int j = 0; j < SIDE; j++)
            vec_store(v + (i * SIDE + j) * step + lane, line[j]);
    }
}

/* ---- weights ---- */

/* The taps of 16 rows for one native vector of lanes: tap[row][9][lane]. */
INLINE void gather_taps(const float *weight, int64_t lane_step, int64_t row_step, bool turned,
                        float tap[LANES][9][WIDE])
{
    for (int64_t lane = 0; lane < WIDE; lane++)
        for (int64_t r = 0; r < LANES; r++)
            UNROLL
    for (int i = 0; i < 9; i++)
        tap[r][turned ? 8 - i : i][lane] = weight[lane * lane_step + r * row_step + i];
}

INLINE void weight_tile(float tap[9][WIDE], float *u, int64_t step)
{
    vec half[SIDE][3], line[SIDE];
    for (int j = 0; j < 3; j++) {
        vec column[3] = { vec_load(tap[j]), vec_load(tap[3 + j]), vec_load(tap[6 + j]) };
        weight_line(column, line);
        UNROLL
        for (int i = 0; i < SIDE; i++)
            half[i][j] = line[i];
    }
    for (int i = 0; i < SIDE; i++) {
        weight_line(half[i], line);
        UNROLL
        for (int j = 0; j < SIDE; j++)
            vec_store(u + (i * SIDE + j) * step, line[j]);
    }
}

/* ---- fetching ahead ---- */

/* A walk along the lines to fetch, some at each of `stops`. */
struct walk {
    const struct winograd_fetch *fetch;
    int64_t run, line, pace;
};

INLINE struct walk walk_of(const struct winograd_fetch *fetch, int64_t stops)
{
    int64_t lines = 0;
    for (int64_t i = 0; i < fetch->count; i++)
        lines += fetch->lines[i];
    return (struct walk){ fetch, 0, 0, lines / stops + 1 };
}

INLINE void walk_on(struct walk *walk)
{
    for (int64_t i = 0; i < walk->pace && walk->run < walk->fetch->count; i++) {
        __builtin_prefetch(walk->fetch->at[walk->run] + walk->line * 64, 0, 2);
        if (++walk->line >= walk->fetch->lines[walk->run]) {
            walk->run++;
            walk->line = 0;
        }
    }
}

#endif
