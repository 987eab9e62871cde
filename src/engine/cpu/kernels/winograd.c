/* Winograd's minimal filtering F(4x4, 3x3) (Lavin & Gray 2016, arXiv:1509.09308) on activations in
 * blocks of 16 channels: an output tile of 4x4 places comes from 36 products instead of 144.
 *
 *     y = A' [ (G g G') . (B' d B) ] A,  d 6x6 places of x, g 3x3 weights, y 4x4 places
 *
 * with the interpolation points 0, ±a, ±b and infinity. a = 5/8, b = 3/2 lose fewer digits than the
 * usual ±1, ±2 (Barabasz et al. 2020, arXiv:1803.10986) and all their products here are exact. The
 * gradient by g is the adjoint: G' [ sum over tiles of (B' d B) . (A dy A') ] G. */
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/vector.h"

/* The widest vector of the instruction set; a v16 without AVX-512 would live in memory. */
#ifdef __AVX512F__
enum { WIDE = 16, PRODUCT_ROWS = 12, GRADIENT_ROWS = 8 };
#else
enum { WIDE = 8, PRODUCT_ROWS = 6, GRADIENT_ROWS = 4 };
#endif

/* A block of accumulators is this many native vectors wide. */
enum {
    COLUMNS = 2,
    SUM_BLOCKS = 4,
    SIDE = 6,
    GROUP = WINOGRAD_GROUP,
    GROUP_ITEMS = WINOGRAD_GROUP * LANES
};

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
    vec_bits bits = (vec_bits)x, is_nan = (vec_bits)(x != x);
    vec_bits rounded = bits + 0x7FFF + ((bits >> 16) & 1);
    vec_bits chosen = (is_nan & (bits | 0x400000)) | (~is_nan & rounded);
    *(vec_half_unaligned *)((uint16_t *)p + at) = __builtin_convertvector(chosen >> 16, vec_half);
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

INLINE void cotangent_tile(const void *dy, int64_t width, const struct place *p, int64_t lane,
                           float *m, int64_t step, bool whole, bool bf16)
{
    vec half[SIDE][4], line[SIDE];
    for (int64_t j = 0; j < 4; j++) {
        vec column[4];
        tile_column(dy, width, p, lane, j, 4, column, whole, bf16);
        cotangent_line(column, line);
        UNROLL
        for (int i = 0; i < SIDE; i++)
            half[i][j] = line[i];
    }
    for (int i = 0; i < SIDE; i++) {
        cotangent_line(half[i], line);
        UNROLL
        for (int j = 0; j < SIDE; j++)
            vec_store(m + (i * SIDE + j) * step + lane, line[j]);
    }
}

INLINE void gather(const struct winograd_image *image, const void *x, int64_t block, int64_t tile,
                   int64_t count, float *v, int64_t step, bool source, bool bf16)
{
    int64_t side = source ? SIDE : 4;
    for (int64_t t = 0; t < count; t++) {
        struct place p = place_of(image, block, tile + t, side);
        bool whole = !p.top && !p.left && p.bottom == side && p.right == side;
        for (int64_t lane = 0; lane < LANES; lane += WIDE) {
            float *to = v + t * LANES;
            if (source && whole)
                source_tile(x, image->width, &p, lane, to, step, true, bf16);
            else if (source)
                source_tile(x, image->width, &p, lane, to, step, false, bf16);
            else if (whole)
                cotangent_tile(x, image->width, &p, lane, to, step, true, bf16);
            else
                cotangent_tile(x, image->width, &p, lane, to, step, false, bf16);
        }
    }
}

void KERNEL(winograd_source)(const struct winograd_image *image, const void *x, int64_t block,
                             int64_t tile, int64_t count, float *v, int64_t step)
{
    if (image->bf16)
        gather(image, x, block, tile, count, v, step, true, true);
    else
        gather(image, x, block, tile, count, v, step, true, false);
}

void KERNEL(winograd_cotangent)(const struct winograd_image *image, const void *dy, int64_t block,
                                int64_t tile, int64_t count, float *m, int64_t step)
{
    if (image->bf16)
        gather(image, dy, block, tile, count, m, step, false, true);
    else
        gather(image, dy, block, tile, count, m, step, false, false);
}

INLINE void result_tile(const float *m, int64_t step, void *y, int64_t width, const struct place *p,
                        int64_t lane, bool bf16)
{
    vec half[4][SIDE], line[4];
    for (int j = 0; j < SIDE; j++) {
        vec column[SIDE];
        UNROLL
        for (int i = 0; i < SIDE; i++)
            column[i] = vec_load(m + (i * SIDE + j) * step);
        result_line(column, line);
        UNROLL
        for (int i = 0; i < 4; i++)
            half[i][j] = line[i];
    }
    for (int64_t i = 0; i < p->bottom; i++) {
        result_line(half[i], line);
        UNROLL
        for (int64_t j = 0; j < 4; j++)
            if (j < p->right)
                vec_put(y, p->at + (i * width + j) * LANES + lane, line[j], bf16);
    }
}

INLINE void result(const struct winograd_image *image, const float *m, int64_t vectors,
                   int64_t block, int64_t tile, int64_t count, void *y, bool bf16)
{
    for (int64_t t = 0; t < count; t++)
        for (int64_t k = 0; k < vectors; k++) {
            struct place p = place_of(image, block + k, tile + t, 4);
            const float *from = m + (t * WINOGRAD_POINTS * vectors + k) * LANES;
            for (int64_t lane = 0; lane < LANES; lane += WIDE)
                result_tile(from + lane, vectors * LANES, y, image->width, &p, lane, bf16);
        }
}

void KERNEL(winograd_result)(const struct winograd_image *image, const float *m, int64_t vectors,
                             int64_t block, int64_t tile, int64_t count, void *y)
{
    if (image->bf16)
        result(image, m, vectors, block, tile, count, y, true);
    else
        result(image, m, vectors, block, tile, count, y, false);
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

void KERNEL(winograd_weight)(const float *weight, int64_t lane_step, int64_t row_step, bool turned,
                             int64_t rows, int64_t vectors, float *u)
{
    float tap[LANES][9][WIDE];
    int64_t width = vectors * LANES, step = rows * width + WINOGRAD_PAD;
    for (int64_t r = 0; r < rows; r += LANES)
        for (int64_t k = 0; k < width; k += WIDE) {
            const float *from = weight + k * lane_step + r * row_step;
            if (turned)
                gather_taps(from, lane_step, row_step, true, tap);
            else
                gather_taps(from, lane_step, row_step, false, tap);
            for (int64_t i = 0; i < LANES; i++)
                weight_tile(tap[i], u + (r + i) * width + k, step);
        }
}

INLINE void weight_gradient_tile(const float *s, float tap[9][WIDE])
{
    vec half[3][SIDE], line[3];
    for (int j = 0; j < SIDE; j++) {
        vec column[SIDE];
        UNROLL
        for (int i = 0; i < SIDE; i++)
            column[i] = vec_load(s + (i * SIDE + j) * WINOGRAD_SUMS);
        weight_gradient_line(column, line);
        UNROLL
        for (int i = 0; i < 3; i++)
            half[i][j] = line[i];
    }
    for (int i = 0; i < 3; i++) {
        weight_gradient_line(half[i], line);
        UNROLL
        for (int j = 0; j < 3; j++)
            vec_store(tap[i * 3 + j], line[j]);
    }
}

void KERNEL(winograd_weight_gradient)(const float *s, int64_t rows, int64_t lanes,
                                      int64_t lane_step, float *gradient)
{
    float tap[LANES][9][WIDE];
    for (int64_t r = 0; r < rows; r += LANES)
        for (int64_t k = 0; k < lanes; k += WIDE) {
            const float *from =
                s + (k / WINOGRAD_PANEL * WINOGRAD_BLOCK + r) * WINOGRAD_PANEL + k % WINOGRAD_PANEL;
            for (int64_t i = 0; i < LANES; i++)
                weight_gradient_tile(from + i * WINOGRAD_PANEL, tap[i]);
            for (int64_t lane = 0; lane < WIDE; lane++)
                for (int64_t i = 0; i < LANES; i++)
                    UNROLL
            for (int j = 0; j < 9; j++)
                gradient[(k + lane) * lane_step + (r + i) * 9 + j] = tap[i][j][lane];
        }
}

/* ---- matrix products ---- */

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

/* m[row][columns] (+)= sum over channels of v[channel / 16][row][channel % 16] u[channel][columns]:
 * rows x columns accumulators stay in registers. Meanwhile the operand `next` is fetched. */
INLINE void product_block(const float *v, const float *next, const float *u, int64_t blocks,
                          int64_t u_step, float *m, int64_t m_step, bool fresh, int columns)
{
    vec sum[PRODUCT_ROWS * COLUMNS];
    UNROLL
    for (int r = 0; r < PRODUCT_ROWS; r++)
        UNROLL
    for (int k = 0; k < columns; k++)
        sum[r * columns + k] = vec_set(0);
    for (int64_t b = 0; b < blocks; b++, v += GROUP_ITEMS, next += GROUP_ITEMS) {
        UNROLL
        for (int r = 0; r < PRODUCT_ROWS; r++)
            __builtin_prefetch(next + r * LANES);
        for (int64_t c = 0; c < LANES; c++, u += u_step) {
            vec right[COLUMNS];
            UNROLL
            for (int k = 0; k < columns; k++)
                right[k] = vec_load(u + k * WIDE);
            UNROLL
            for (int r = 0; r < PRODUCT_ROWS; r++) {
                vec left = vec_set(v[r * LANES + c]);
                UNROLL
                for (int k = 0; k < columns; k++)
                    sum[r * columns + k] += left * right[k];
            }
        }
    }
    UNROLL
    for (int r = 0; r < PRODUCT_ROWS; r++)
        UNROLL
    for (int k = 0; k < columns; k++) {
        float *to = m + r * m_step + k * WIDE;
        vec_store(to, fresh ? sum[r * columns + k] : sum[r * columns + k] + vec_load(to));
    }
}

/* All rows of a group by one panel of `width` columns. Sums of 64 channels are added up in turn,
 * which keeps the error of many channels near that of few. */
INLINE void product_group(const float *v, const float *next, const float *u, int64_t blocks,
                          int64_t width, float *m, int64_t m_step)
{
    for (int64_t r = 0; r < GROUP; r += PRODUCT_ROWS)
        for (int64_t b = 0; b < blocks; b += SUM_BLOCKS) {
            int64_t at = b * GROUP_ITEMS + r * LANES, k = 0;
            int64_t count = blocks - b < SUM_BLOCKS ? blocks - b : SUM_BLOCKS;
            const float *right = u + b * LANES * width;
            float *to = m + r * m_step;
            for (; k + COLUMNS * WIDE <= width; k += COLUMNS * WIDE)
                product_block(v + at, next + at, right + k, count, width, to + k, m_step, b == 0,
                              COLUMNS);
            if (k < width)
                product_block(v + at, next + at, right + k, count, width, to + k, m_step, b == 0,
                              1);
        }
}

void KERNEL(winograd_product)(const float *v, int64_t v_step, int64_t groups, int64_t blocks,
                              const float *u, int64_t vectors, float *m,
                              const struct winograd_fetch *fetch)
{
    int64_t total = vectors * LANES, m_step = WINOGRAD_POINTS * total;
    struct walk walk = walk_of(fetch, WINOGRAD_POINTS * groups);
    for (int64_t point = 0; point < WINOGRAD_POINTS; point++)
        for (int64_t g = 0; g < groups; g++) {
            const float *left = v + (g * WINOGRAD_POINTS + point) * v_step;
            const float *next = g + 1 < groups ? left + WINOGRAD_POINTS * v_step
                                               : v + (point + 1) % WINOGRAD_POINTS * v_step;
            float *to = m + g * GROUP * m_step + point * total;
            walk_on(&walk);
            for (int64_t k = 0; k < total; k += WINOGRAD_PANEL) {
                int64_t width = total - k < WINOGRAD_PANEL ? total - k : WINOGRAD_PANEL;
                const float *panel =
                    u + WINOGRAD_POINTS * (k * blocks * LANES + k / WINOGRAD_PANEL * WINOGRAD_PAD) +
                    point * (blocks * LANES * width + WINOGRAD_PAD);
                product_group(left, next, panel, blocks, width, to + k, m_step);
            }
        }
}

/* s[row][columns] (+)= sum over tiles of v[tile][row] m[tile][columns]. */
INLINE void gradient_block(const float *v, const float *m, int64_t tiles, int64_t m_column,
                           float *s, bool fresh, int columns)
{
    vec sum[GRADIENT_ROWS * COLUMNS];
    UNROLL
    for (int r = 0; r < GRADIENT_ROWS; r++)
        UNROLL
    for (int k = 0; k < columns; k++)
        sum[r * columns + k] = vec_set(0);
    for (int64_t t = 0; t < tiles; t++, v += LANES, m += LANES) {
        vec right[COLUMNS];
        UNROLL
        for (int k = 0; k < columns; k++)
            right[k] = vec_load(m + k * m_column);
        UNROLL
        for (int r = 0; r < GRADIENT_ROWS; r++) {
            vec left = vec_set(v[r]);
            UNROLL
            for (int k = 0; k < columns; k++)
                sum[r * columns + k] += left * right[k];
        }
    }
    UNROLL
    for (int r = 0; r < GRADIENT_ROWS; r++)
        UNROLL
    for (int k = 0; k < columns; k++) {
        float *to = s + r * WINOGRAD_PANEL + k * WIDE;
        vec_store(to, fresh ? sum[r * columns + k] : vec_load(to) + sum[r * columns + k]);
    }
}

void KERNEL(winograd_accumulate)(const float *v, int64_t v_blocks, const float *m, int64_t m_blocks,
                                 int64_t tiles, float *s, bool fresh,
                                 const struct winograd_fetch *fetch)
{
    /* Distance of the second native vector: the other half of 16 channels, or the next 16. */
    int64_t size = tiles * LANES, column = (int)WIDE == (int)LANES ? size : WIDE;
    int64_t width = WIDE * COLUMNS / LANES;
    struct walk walk =
        walk_of(fetch, v_blocks * (LANES / GRADIENT_ROWS) * ((m_blocks + width - 1) / width));
    for (int64_t b = 0; b < v_blocks; b++)
        for (int64_t k = 0; k < m_blocks; k += width)
            for (int64_t r = 0; r < LANES; r += GRADIENT_ROWS) {
                const float *left = v + b * size + r, *right = m + k * size;
                int64_t panel = k * LANES / WINOGRAD_PANEL, lane = k * LANES % WINOGRAD_PANEL;
                float *to = s + (panel * WINOGRAD_BLOCK + b * LANES + r) * WINOGRAD_PANEL + lane;
                walk_on(&walk);
                if (k + width <= m_blocks)
                    gradient_block(left, right, tiles, column, to, fresh, COLUMNS);
                else
                    gradient_block(left, right, tiles, column, to, fresh, 1);
            }
}
