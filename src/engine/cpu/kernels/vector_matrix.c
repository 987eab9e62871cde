/* Products of a few rows with a matrix that is read once: what decoding token by token waits for is
 * memory. The matrix lies in panels of 32 columns, [count, 32] each, one behind the other, so that
 * it is read from front to back. */
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/vector.h"

/* Vectors as wide as registers: wider ones are kept in memory by gcc. ROWS share what is read,
 * their sums have to fit into the registers; of one row LINES are added apart, so that an addition
 * need not wait for the one before. */
#ifdef __AVX512F__
enum { WIDTH = 16, ROWS = 12, LINES = 4 };
#else
enum { WIDTH = 8, ROWS = 3, LINES = 2 };
#endif
enum { PARTS = PANEL_WIDTH / WIDTH };

typedef float part __attribute__((vector_size(WIDTH * 4)));
typedef float part_unaligned __attribute__((vector_size(WIDTH * 4), aligned(4), may_alias));
typedef uint32_t wide_part __attribute__((vector_size(WIDTH * 4)));
typedef uint16_t half_part __attribute__((vector_size(WIDTH * 2), aligned(2), may_alias));

/* A cache line asked for that far ahead arrives in time: 16 lines of 64 bytes. */
enum { AHEAD_BYTES = 1024 };

/* Part `p` of line i of a panel. */
INLINE part panel_part(const void *panel, enum panel_kind kind, int64_t i, int p)
{
    int64_t at = i * PANEL_WIDTH + p * WIDTH;
    if (kind == PANEL_F32)
        return *(const part_unaligned *)((const float *)panel + at);
    return (
        part)(__builtin_convertvector(*(const half_part *)((const uint16_t *)panel + at), wide_part)
              << 16);
}

INLINE void part_store(float *y, int p, part x)
{
    *(part_unaligned *)(y + (int64_t)p * WIDTH) = x;
}

INLINE void product_rows(const float *x, int64_t x_step, int rows, const void *panel,
                         enum panel_kind kind, int64_t count, float *y, int64_t y_step)
{
    part sum[ROWS][PARTS] = { 0 };
    for (int64_t i = 0; i < count; i++)
        for (int p = 0; p < PARTS; p++) {
            part line = panel_part(panel, kind, i, p);
            for (int r = 0; r < rows; r++)
                sum[r][p] += line * x[r * x_step + i];
        }
    for (int r = 0; r < rows; r++)
        for (int p = 0; p < PARTS; p++)
            part_store(y + r * y_step, p, sum[r][p]);
}

INLINE void product_row(const float *x, const void *panel, enum panel_kind kind, int64_t count,
                        float *y)
{
    const int64_t bytes = LINES * PANEL_WIDTH * (kind == PANEL_F32 ? 4 : 2);
    part sum[LINES][PARTS] = { 0 };
    int64_t i = 0;
    for (; i + LINES <= count; i += LINES) {
        const char *next = (const char *)panel + i / LINES * bytes + AHEAD_BYTES;
        for (int64_t line = 0; line < bytes; line += 64)
            __builtin_prefetch(next + line);
        for (int k = 0; k < LINES; k++)
            for (int p = 0; p < PARTS; p++)
                sum[k][p] += panel_part(panel, kind, i + k, p) * x[i + k];
    }
    for (; i < count; i++)
        for (int p = 0; p < PARTS; p++)
            sum[0][p] += panel_part(panel, kind, i, p) * x[i];
    for (int p = 0; p < PARTS; p++) {
        for (int k = LINES / 2; k > 0; k /= 2)
            for (int l = 0; l < k; l++)
                sum[l][p] += sum[l + k][p];
        part_store(y, p, sum[0][p]);
    }
}

typedef void panel_product(const float *x, int64_t x_step, const void *panel, int64_t count,
                           float *y, int64_t y_step);

#define PRODUCT(rows, kind, name)                                                               \
    static void name##_##rows(const float *x, int64_t x_step, const void *panel, int64_t count, \
                              float *y, int64_t y_step)                                         \
    {                                                                                           \
        if (rows == 1)                                                                          \
            product_row(x, panel, kind, count, y);                                              \
        else                                                                                    \
            product_rows(x, x_step, rows, panel, kind, count, y, y_step);                       \
    }
#define TO_3(X, kind, name) X(1, kind, name) X(2, kind, name) X(3, kind, name)
#define TO_6(X, kind, name) X(4, kind, name) X(5, kind, name) X(6, kind, name)
#define TO_9(X, kind, name) X(7, kind, name) X(8, kind, name) X(9, kind, name)
#define TO_12(X, kind, name) X(10, kind, name) X(11, kind, name) X(12, kind, name)
#ifdef __AVX512F__
#define EACH(X, kind, name) \
    TO_3(X, kind, name) TO_6(X, kind, name) TO_9(X, kind, name) TO_12(X, kind, name)
#else
#define EACH(X, kind, name) TO_3(X, kind, name)
#endif
#define ENTRY(rows, kind, name) name##_##rows,

EACH(PRODUCT, PANEL_F32, single)
EACH(PRODUCT, PANEL_BF16, half)

static panel_product *const products[][ROWS] = {
    [PANEL_F32] = { EACH(ENTRY, PANEL_F32, single) },
    [PANEL_BF16] = { EACH(ENTRY, PANEL_BF16, half) },
};

void KERNEL(panel_product)(const float *x, int64_t x_step, int64_t rows, const void *panel,
                           enum panel_kind kind, int64_t count, float *y, int64_t y_step)
{
    for (int64_t r = 0; r < rows; r += ROWS) {
        int64_t some = rows - r < ROWS ? rows - r : ROWS;
        products[kind][some - 1](x + r * x_step, x_step, panel, count, y + r * y_step, y_step);
    }
}

void KERNEL(panel_widen)(const void *panel, int64_t count, float *y)
{
    for (int64_t i = 0; i < count; i++)
        for (int p = 0; p < PARTS; p++)
            part_store(y + i * PANEL_WIDTH, p, panel_part(panel, PANEL_BF16, i, p));
}
