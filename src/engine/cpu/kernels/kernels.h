/* Our own vector kernels. Every file of this folder is compiled once per instruction set; each set
 * has one table of the functions below, and the CPU backend picks a table at start. All work on a
 * range given by the caller, serially; f32 unless said. */
#ifndef ENGINE_CPU_KERNELS_KERNELS_H
#define ENGINE_CPU_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/cpu/kernels/half.h"
#include "engine/cpu/kernels/panel.h"

/* Element-wise functions: U(name, expression in x), B(name, expression in a and b). */
#define UNARY_PLAIN(U)                                     \
    U(negate, -x)                                          \
    U(log, logf(x))                                        \
    U(sqrt, sqrtf(x))                                      \
    U(rsqrt, 1 / sqrtf(x))                                 \
    U(reciprocal, 1 / x)                                   \
    U(square, x *x)                                        \
    U(absolute, fabsf(x))                                  \
    U(relu, x < 0 ? 0 : x)                                 \
    U(softplus, (x > 0 ? x : 0) + log1pf(expf(-fabsf(x)))) \
    U(sin, sinf(x))                                        \
    U(cos, cosf(x))

/* The same of 16 items at once (curves.h). */
#define UNARY_CURVES(U)            \
    U(exp, v16_exp(x))             \
    U(gelu, v16_gelu(x))           \
    U(gelu_tanh, v16_gelu_tanh(x)) \
    U(silu, x *v16_sigmoid(x))     \
    U(tanh, v16_tanh(x))           \
    U(sigmoid, v16_sigmoid(x))     \
    U(erf, v16_erf(x))

#define UNARY_LIST(U) UNARY_PLAIN(U) UNARY_CURVES(U)

#define BINARY_LIST(B)                                   \
    B(add, a + b)                                        \
    B(subtract, a - b)                                   \
    B(multiply, a *b)                                    \
    B(divide, a / b)                                     \
    B(maximum, a > b || a != a ? a : b) /* NaN passes */ \
    B(minimum, a < b || a != a ? a : b)                  \
    B(power, powf(a, b))                                 \
    B(less, a < b)                                       \
    B(less_equal, a <= b)                                \
    B(greater, a > b)                                    \
    B(greater_equal, a >= b)                             \
    B(equal, a == b)                                     \
    B(not_equal, a != b)                                 \
    B(relu_gradient, b > 0 ? a : 0)

enum unary_kind {
#define U(name, expression) UNARY_##name,
    UNARY_LIST(U)
#undef U
};

enum binary_kind {
#define B(name, expression) BINARY_##name,
    BINARY_LIST(B)
#undef B
};

/* [N, C, plane] items: item (n, c, p) lies at ((n * C/block + c/block) * plane + p) * block +
 * c%block. */
struct image {
    int64_t rows, channels, plane, height, width, block;
    bool bf16; /* storage of x, y, dy, dx; statistics and parameters are f32 */
};

/* Operands of batch normalisation; statistics are [groups, channels]. */
struct batch_norm {
    struct image image;
    int64_t groups;
    bool relu;
    int pool; /* 2 or 0; y and dy then have half the height and width */
    const void *x, *residual, *dy, *y_forward;
    void *y, *dx, *dresidual;
    const float *slope, *offset;        /* [groups, channels]: y = slope x + offset */
    const float *dx_dy, *dx_x, *dx_one; /* [groups, channels]: dx = dx_dy dz + dx_x x + dx_one */
};

/* Windows of a plane: of maxima (with the place taken) or averages. */
struct window_pooling {
    struct image from, to;
    int64_t kernel[2], stride[2], padding[2];
};

/* Queries that attention treats together. */
enum { ATTENTION_QUERIES = 64 };

/* Attention over T = length positions: rows of qkv [texts, T, 3 width] are query, key and value. */
struct attention_work {
    int64_t heads, length, width, band; /* band 0: none */
    bool causal;
    const void *qkv;
    const int32_t *group; /* [texts, T], or NULL */
    void *y;              /* [texts, T, width] */
    float *level;         /* [texts, heads, T]: ln sum e^score */
    const void *dy;
    void *dqkv;
    bool y_bf16, dy_bf16, dqkv_bf16; /* only where qkv is bf16; all f32 else */
    /* Weights below `least` / 2^24 are dropped, the others times `factor`; 0: none is. Weight
     * (head, query, key) of a text is number (head T + query) T' + key of its stream, T' being T in
     * whole vectors. */
    uint32_t least;
    float factor;
    const struct attention_draw {
        uint64_t key, high;
    } * draw; /* [texts] */
};

/* Winograd's F(4x4, 3x3): 36 points stand for a tile. Left operands are stored by groups of 12
 * tiles, right ones by panels of 32 channels, sums of gradients by blocks of 64 x 64 channels. */
enum { WINOGRAD_POINTS = 36, WINOGRAD_GROUP = 12, WINOGRAD_PANEL = 32, WINOGRAD_BLOCK = 64 };

/* From point to point every operand skips a cache line more, so that the 36 places written or read
 * together do not meet in one set of the cache. */
enum { WINOGRAD_PAD = 16, WINOGRAD_SUMS = WINOGRAD_BLOCK * WINOGRAD_BLOCK + WINOGRAD_PAD };

/* An image [N, blocks, height, width, 16] cut into tiles; tile (i, j) of an image begins at place
 * (4i - padding, 4j - padding), what lies outside is 0. */
struct winograd_image {
    int64_t blocks, height, width;
    int64_t tiles_high, tiles_wide, padding;
    bool bf16;
};

/* Random numbers are made by pieces of so many. */
enum { RANDOM_PIECE = 64 };

enum { WINOGRAD_RUNS = 64 };

/* Runs of cache lines that will be wanted next and had better be on their way meanwhile. */
struct winograd_fetch {
    int64_t count;
    const char *at[WINOGRAD_RUNS];
    int64_t lines[WINOGRAD_RUNS];
};

#define KERNEL_LIST(X)                                                                             \
    /* y[i] = f(x[i]) */                                                                           \
    X(unary, (enum unary_kind kind, const float *x, float *y, int64_t count))                      \
    /* y[i] = f(a[i sa], b[i sb]) with strides 0 or 1 */                                           \
    X(binary, (enum binary_kind kind, const float *a, int64_t sa, const float *b, int64_t sb,      \
               float *y, int64_t count))                                                           \
    X(select, (const float *c, int64_t sc, const float *a, int64_t sa, const float *b, int64_t sb, \
               float *y, int64_t count))                                                           \
    /* y += x; y = sum of the parts, stored as f32 or bf16 */                                      \
    X(accumulate, (const float *x, float *y, int64_t count))                                       \
    X(sum_n, (int parts, const void *const x[], void *y, int64_t begin, int64_t end, bool bf16))   \
    /* sum and largest of a run; column sums of [rows, width] added to totals */                   \
    X(run_sum, (const float *x, int64_t count, double *total))                                     \
    X(run_max, (const float *x, int64_t count, float *largest))                                    \
    X(column_sum, (const void *x, bool bf16, int64_t rows, int64_t width, double *total))          \
    /* rows of `width` items */                                                                    \
    X(softmax, (const float *x, float *y, int64_t rows, int64_t width, bool logarithm))            \
    X(cross_entropy,                                                                               \
      (const float *x, const int32_t *target, float *y, int64_t rows, int64_t width))              \
    X(layer_norm, (const float *x, const float *weight, const float *bias, double epsilon,         \
                   void *y, bool bf16, float *mean, float *inverse, int64_t rows, int64_t width))  \
    X(layer_norm_gradient, (const float *x, const float *weight, const float *mean,                \
                            const float *inverse, const void *dy, bool bf16, float *dx,            \
                            double *dweight, double *dbias, int64_t rows, int64_t width))          \
    /* dx = dy times the slope of GELU at x: of its tanh form or the exact one */                  \
    X(gelu_gradient, (bool tanh_form, const float *dy, const float *x, float *dx, int64_t count))  \
    /* exact GELU and its gradient, within 1e-5: where they are rounded to bf16 afterwards */      \
    X(gelu_rounded, (const float *x, float *y, int64_t count))                                     \
    X(gelu_gradient_rounded, (const float *dy, const float *x, float *dx, int64_t count))          \
    /* one head of one text, item = text heads + head; scratch of attention_scratch items */       \
    X(attention, (const struct attention_work *work, int64_t item, float *scratch))                \
    X(attention_gradient, (const struct attention_work *work, int64_t item, float *scratch))       \
    /* the same where qkv is bf16; an even number of items a head */                               \
    X(attention_half, (const struct attention_work *work, int64_t item, float *scratch))           \
    X(attention_gradient_half, (const struct attention_work *work, int64_t item, float *scratch))  \
    X(l2_normalize,                                                                                \
      (const float *x, double epsilon, float *y, float *inverse, int64_t rows, int64_t width))     \
    /* random_float's numbers from `first`, a multiple of 4, of a stream (key, high);              \
     * y = x factor where a number is at least `least` / 2^24, else 0 */                           \
    X(random_uniform, (uint64_t key, uint64_t high, int64_t first, float *y, int64_t count))       \
    X(dropout, (uint64_t key, uint64_t high, int64_t first, uint32_t least, float factor,          \
                const float *x, float *y, int64_t count))                                          \
    /* images: rows [begin, end) */                                                                \
    X(bn_sums, (const struct batch_norm *b, int64_t begin, int64_t end, double *sums))             \
    X(bn_apply, (const struct batch_norm *b, int64_t begin, int64_t end))                          \
    X(bn_gradient_sums, (const struct batch_norm *b, int64_t begin, int64_t end, double *sums))    \
    X(bn_gradient_apply, (const struct batch_norm *b, int64_t begin, int64_t end))                 \
    X(image_reorder, (const struct image *from, const void *x, const struct image *to, void *y,    \
                      int64_t begin, int64_t end))                                                 \
    X(image_mean,                                                                                  \
      (const struct image *image, const void *x, float *y, int64_t begin, int64_t end))            \
    X(image_spread,                                                                                \
      (const struct image *image, const float *x, void *y, int64_t begin, int64_t end))            \
    X(max_pool, (const struct window_pooling *p, const void *x, void *y, int32_t *place,           \
                 int64_t begin, int64_t end))                                                      \
    X(max_pool_gradient, (const struct window_pooling *p, const void *dy, const int32_t *place,    \
                          void *dx, int64_t begin, int64_t end))                                   \
    X(average_pool,                                                                                \
      (const struct window_pooling *p, const void *x, void *y, int64_t begin, int64_t end))        \
    X(average_pool_gradient,                                                                       \
      (const struct window_pooling *p, const void *dy, void *dx, int64_t begin, int64_t end))      \
    /* Winograd: a source tile is 6x6 places, a result or its cotangent 4x4. v[point step + t 16]  \
     * for tiles [tile, tile + count) of one block of channels */                                  \
    X(winograd_source, (const struct winograd_image *image, const void *x, int64_t block,          \
                        int64_t tile, int64_t count, float *v, int64_t step))                      \
    X(winograd_cotangent, (const struct winograd_image *image, const void *dy, int64_t block,      \
                           int64_t tile, int64_t count, float *m, int64_t step))                   \
    /* y of blocks [block, block + vectors) from m [count, point, 16 vectors] */                   \
    X(winograd_result, (const struct winograd_image *image, const float *m, int64_t vectors,       \
                        int64_t block, int64_t tile, int64_t count, void *y))                      \
    /* u [point, rows, 16 vectors] from 3x3 weights at lane lane_step + row row_step */            \
    X(winograd_weight, (const float *weight, int64_t lane_step, int64_t row_step, bool turned,     \
                        int64_t rows, int64_t vectors, float *u))                                  \
    /* m [group tile, point, 16 vectors] = v [group, point, blocks, tile, 16] u, point by point;   \
     * u: panels of at most two vectors, one after the other */                                    \
    X(winograd_product,                                                                            \
      (const float *v, int64_t v_step, int64_t groups, int64_t blocks, const float *u,             \
       int64_t vectors, float *m, const struct winograd_fetch *fetch))                             \
    /* s [panel, 64, 32] of one point (+)= v [v_blocks, tiles, 16]' m [m_blocks, tiles, 16] */     \
    X(winograd_accumulate,                                                                         \
      (const float *v, int64_t v_blocks, const float *m, int64_t m_blocks, int64_t tiles,          \
       float *s, bool fresh, const struct winograd_fetch *fetch))                                  \
    /* 3x3 gradients at lane lane_step + 9 row from s [point, panel, 64, 32] */                    \
    X(winograd_weight_gradient,                                                                    \
      (const float *s, int64_t rows, int64_t lanes, int64_t lane_step, float *gradient))           \
    /* y [rows, 32] = x [rows, count] panel of f32 or bf16; rows lie a step apart. Of bf16 as f32  \
     */                                                                                            \
    X(panel_product, (const float *x, int64_t x_step, int64_t rows, const void *panel,             \
                      enum panel_kind kind, int64_t count, float *y, int64_t y_step))              \
    X(panel_widen, (const void *panel, int64_t count, float *y))                                   \
    /* x [count] as runs; y [rows, 32] = x panel of int8 without its scale, the runs of a row      \
     * [count / 256 up] behind each other, those of rows x_step apart */                           \
    X(panel_round, (const float *x, int64_t count, struct panel_run *runs))                        \
    X(panel_product_int8, (const struct panel_run *x, int64_t x_step, int64_t rows,                \
                           const uint8_t *panel, int64_t count, float *y, int64_t y_step))         \
    /* score [queries, rows] = query [queries, padded] row [rows, width]', and the rows' squares.  \
     * padded: width up to a multiple of 16, with zeroes behind the queries' ends */               \
    X(dots, (const float *row, int64_t rows, int64_t width, const float *query, int64_t padded,    \
             int64_t queries, float *squares, float *score))                                       \
    /* products in bf16 (half.h): one operand packed; sums of a block */                           \
    X(half_pack, (const struct half_operand *from, const struct half_piece *piece, uint32_t *to))  \
    X(half_multiply, (const struct half_sums *s))                                                  \
    /* f32 <-> bf16, rounding to nearest even */                                                   \
    X(to_bf16, (const float *x, void *y, int64_t count))                                           \
    X(from_bf16, (const void *x, float *y, int64_t count))

struct kernel_table {
    const char *name;
#define X(name, arguments) void(*name) arguments;
    KERNEL_LIST(X)
#undef X
};

extern const struct kernel_table kernel_table_avx2, kernel_table_avx512, kernel_table_avx512_bf16;

/* The table of this machine (TACIT_ISA caps it). */
const struct kernel_table *kernels(void);

/* Inside this folder: the name of a function for the instruction set being compiled. */
#define KERNEL_JOIN_(a, b) a##_##b
#define KERNEL_JOIN(a, b) KERNEL_JOIN_(a, b)
#define KERNEL(name) KERNEL_JOIN(name, KERNEL_ISA)

#ifdef KERNEL_ISA
#define X(name, arguments) void KERNEL(name) arguments;
KERNEL_LIST(X)
#undef X
#endif

#endif
