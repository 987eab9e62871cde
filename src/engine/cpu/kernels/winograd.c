/* Winograd's minimal filtering F(4x4, 3x3) (Lavin & Gray 2016, arXiv:1509.09308) on activations in
 * blocks of 16 channels: an output tile of 4x4 places comes from 36 products instead of 144.
 *
 *     y = A' [ (G g G') . (B' d B) ] A,  d 6x6 places of x, g 3x3 weights, y 4x4 places
 *
 * with the interpolation points 0, ±a, ±b and infinity. a = 5/8, b = 3/2 lose fewer digits than the
 * usual ±1, ±2 (Barabasz et al. 2020, arXiv:1803.10986) and all their products here are exact. The
 * gradient by g is the adjoint: G' [ sum over tiles of (B' d B) . (A dy A') ] G. */
#include "engine/cpu/kernels/winograd_tile.h"

#ifdef __AVX512F__
enum { PRODUCT_ROWS = 12, GRADIENT_ROWS = 8 };
#else
enum { PRODUCT_ROWS = 6, GRADIENT_ROWS = 4 };
#endif

/* A block of accumulators is this many native vectors wide. */
enum { COLUMNS = 2, SUM_BLOCKS = 4, GROUP = WINOGRAD_GROUP, GROUP_ITEMS = WINOGRAD_GROUP * LANES };

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
