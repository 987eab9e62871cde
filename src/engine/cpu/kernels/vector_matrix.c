/* Products of a few rows with a matrix that is read once: what decoding token by token waits for is
 * memory. The matrix lies in panels of 32 columns, [count, 32] each, one behind the other, so that
 * it is read from front to back. */
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/vector.h"

/* Rows that share what is read: their sums have to fit into the registers. */
#ifdef __AVX512F__
enum { ROWS = 12 };
#else
enum { ROWS = 3 };
#endif

/* A cache line asked for that far ahead arrives in time: 16 lines of 64 bytes. */
enum { AHEAD_BYTES = 1024 };

/* Lanes `half` 16 … of line i of a panel. */
INLINE v16 panel_lanes(const void *panel, enum panel_kind kind, int64_t i, int half)
{
    return v16_get(panel, i * PANEL_WIDTH + half * LANES, kind == PANEL_BF16);
}

INLINE void product_rows(const float *x, int64_t x_step, int rows, const void *panel,
                         enum panel_kind kind, int64_t count, float *y, int64_t y_step)
{
    v16 sum[ROWS][2] = { 0 };
    for (int64_t i = 0; i < count; i++) {
        v16 low = panel_lanes(panel, kind, i, 0), high = panel_lanes(panel, kind, i, 1);
        for (int r = 0; r < rows; r++) {
            sum[r][0] += low * x[r * x_step + i];
            sum[r][1] += high * x[r * x_step + i];
        }
    }
    for (int r = 0; r < rows; r++) {
        v16_store(y + r * y_step, sum[r][0]);
        v16_store(y + r * y_step + LANES, sum[r][1]);
    }
}

/* One row: four lines at a time, so that an addition need not wait for the one before. */
INLINE void product_row(const float *x, const void *panel, enum panel_kind kind, int64_t count,
                        float *y)
{
    enum { LINES = 4 };
    const int64_t bytes = LINES * PANEL_WIDTH * (kind == PANEL_F32 ? 4 : 2);
    v16 sum[LINES][2] = { 0 };
    int64_t i = 0;
    for (; i + LINES <= count; i += LINES) {
        const char *next = (const char *)panel + i / LINES * bytes + AHEAD_BYTES;
        for (int64_t line = 0; line < bytes; line += 64)
            __builtin_prefetch(next + line);
        for (int k = 0; k < LINES; k++)
            for (int half = 0; half < 2; half++)
                sum[k][half] += panel_lanes(panel, kind, i + k, half) * x[i + k];
    }
    for (; i < count; i++)
        for (int half = 0; half < 2; half++)
            sum[0][half] += panel_lanes(panel, kind, i, half) * x[i];
    for (int half = 0; half < 2; half++)
        v16_store(y + half * LANES, (sum[0][half] + sum[1][half]) + (sum[2][half] + sum[3][half]));
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
        int64_t part = rows - r < ROWS ? rows - r : ROWS;
        products[kind][part - 1](x + r * x_step, x_step, panel, count, y + r * y_step, y_step);
    }
}

void KERNEL(panel_widen)(const void *panel, int64_t count, float *y)
{
    for (int64_t i = 0; i < count; i++)
        for (int half = 0; half < 2; half++)
            v16_store(y + i * PANEL_WIDTH + half * LANES, panel_lanes(panel, PANEL_BF16, i, half));
}
