/* Winograd's products in fixed point: twice the multiplications of f32, for activations stored as
 * bf16. Rows and columns of the products are scaled to a Euclidean length of 32,000 and rounded to
 * 16-bit integers; by Cauchy and Schwarz no sum of products leaves 32 bits, however many it has.
 * A number is off by 2^-16 of the length of its row, which for rows of 512 numbers is still a fifth
 * of what rounding to bf16 costs: the transforms of F(4x4, 3x3) multiply errors by about seven.
 *
 * Pairs of 16-bit numbers that are multiplied together lie in one 32-bit word, and lengths stand
 * behind what they belong to, so that steps count floats as they do for f32:
 *
 *     v of one point and group   [blocks, 12 tiles, 8 pairs of channels], [16] (12 of tiles)
 *     u of one point and panel   [rows / 2, width], [width]
 *     v, m of one point, block   [ceil(tiles / 2), 16 channels], [16]
 */
#ifndef ENGINE_CPU_KERNELS_WINOGRAD_FIXED_H
#define ENGINE_CPU_KERNELS_WINOGRAD_FIXED_H

#include "engine/cpu/kernels/kernels.h"

struct fixed_kernels {
    /* v of the group of `count` <= 12 tiles from `tile`, all blocks; staging [blocks, 36, 16]. */
    void (*source)(const struct winograd_image *image, const void *x, int64_t tile, int64_t count,
                   float *v, int64_t step, float *staging);
    /* As winograd_weight; staging [rows, 9, 16]. */
    void (*weight)(const float *weight, int64_t lane_step, int64_t row_step, bool turned,
                   int64_t rows, int64_t vectors, float *u, float *staging);
    /* As winograd_product. */
    void (*product)(const float *v, int64_t v_step, int64_t groups, int64_t blocks, const float *u,
                    int64_t vectors, float *m, const struct winograd_fetch *fetch);
    /* to[point to_step] = one block of v or m from what winograd_source or winograd_cotangent made:
     * staging[point step + tile 16]. */
    void (*pack)(const float *staging, int64_t step, int64_t tiles, float *to, int64_t to_step);
    /* As winograd_accumulate. */
    void (*accumulate)(const float *v, int64_t v_blocks, const float *m, int64_t m_blocks,
                       int64_t tiles, float *s, bool fresh, const struct winograd_fetch *fetch);
};

/* Needs products of 16-bit integers (AVX-512 VNNI), which every machine with bf16 products has. */
extern const struct fixed_kernels fixed_kernels_avx512_bf16;

#endif
