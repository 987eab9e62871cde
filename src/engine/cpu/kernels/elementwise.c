/* Functions of single items, and plain sums. */
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/curves.h"

#include <math.h>

#define U(name, expression)                                               \
    static void unary_##name(const float *from, float *to, int64_t count) \
    {                                                                     \
        for (int64_t i = 0; i < count; i++) {                             \
            float x = from[i];                                            \
            to[i] = expression;                                           \
        }                                                                 \
    }
UNARY_PLAIN(U)
#undef U

/* The last, partial vector of a run. */
INLINE v16 v16_part(const float *from, int64_t count)
{
    v16 x = v16_set(0);
    memcpy(&x, from, (size_t)count * sizeof *from);
    return x;
}

#define U(name, expression)                                               \
    INLINE v16 curve_##name(v16 x)                                        \
    {                                                                     \
        return expression;                                                \
    }                                                                     \
    static void unary_##name(const float *from, float *to, int64_t count) \
    {                                                                     \
        int64_t i = 0;                                                    \
        for (; i + LANES <= count; i += LANES)                            \
            v16_store(to + i, curve_##name(v16_load(from + i)));          \
        if (i < count) {                                                  \
            v16 y = curve_##name(v16_part(from + i, count - i));          \
            memcpy(to + i, &y, (size_t)(count - i) * sizeof *to);         \
        }                                                                 \
    }
UNARY_CURVES(U)
#undef U

/* Exact GELU where it is rounded to bf16 afterwards, and dy times its slope. NaN passes. */
INLINE v16 rounded_gelu(v16 x)
{
    v16 density;
    return x * v16_normal(x, &density);
}

INLINE v16 rounded_slope(v16 x)
{
    v16 density, distribution = v16_normal(x, &density);
    return distribution + x * density;
}

void KERNEL(gelu_rounded)(const float *x, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v16_store(y + i, rounded_gelu(v16_load(x + i)));
    if (i < count) {
        v16 rest = rounded_gelu(v16_part(x + i, count - i));
        memcpy(y + i, &rest, (size_t)(count - i) * sizeof *y);
    }
}

void KERNEL(gelu_gradient_rounded)(const float *dy, const float *x, float *dx, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v16_store(dx + i, v16_load(dy + i) * rounded_slope(v16_load(x + i)));
    if (i < count) {
        v16 rest = v16_part(dy + i, count - i) * rounded_slope(v16_part(x + i, count - i));
        memcpy(dx + i, &rest, (size_t)(count - i) * sizeof *dx);
    }
}

INLINE void gelu_gradient(const float *dy, const float *x, float *dx, int64_t count, bool tanh_form)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        v16 at = v16_load(x + i);
        v16_store(dx + i,
                  v16_load(dy + i) * (tanh_form ? v16_gelu_tanh_slope(at) : v16_gelu_slope(at)));
    }
    if (i < count) {
        v16 at = v16_part(x + i, count - i);
        v16 y = v16_part(dy + i, count - i) *
                (tanh_form ? v16_gelu_tanh_slope(at) : v16_gelu_slope(at));
        memcpy(dx + i, &y, (size_t)(count - i) * sizeof *dx);
    }
}

void KERNEL(gelu_gradient)(bool tanh_form, const float *dy, const float *x, float *dx,
                           int64_t count)
{
    if (tanh_form)
        gelu_gradient(dy, x, dx, count, true);
    else
        gelu_gradient(dy, x, dx, count, false);
}

void KERNEL(unary)(enum unary_kind kind, const float *x, float *y, int64_t count)
{
    static void (*const function[])(const float *, float *, int64_t) = {
#define U(name, expression) [UNARY_##name] = unary_##name,
        UNARY_LIST(U)
#undef U
    };
    function[kind](x, y, count);
}

/* The three shapes of a run: both along, one of them repeated. */
#define B(name, expression)                                                                        \
    static void binary_##name(const float *pa, int64_t sa, const float *pb, int64_t sb, float *to, \
                              int64_t count)                                                       \
    {                                                                                              \
        if (sa && sb) {                                                                            \
            for (int64_t i = 0; i < count; i++) {                                                  \
                float a = pa[i], b = pb[i];                                                        \
                to[i] = expression;                                                                \
            }                                                                                      \
        } else if (sa) {                                                                           \
            float b = *pb;                                                                         \
            for (int64_t i = 0; i < count; i++) {                                                  \
                float a = pa[i];                                                                   \
                to[i] = expression;                                                                \
            }                                                                                      \
        } else {                                                                                   \
            float a = *pa;                                                                         \
            for (int64_t i = 0; i < count; i++) {                                                  \
                float b = pb[i * sb];                                                              \
                to[i] = expression;                                                                \
            }                                                                                      \
        }                                                                                          \
    }
BINARY_LIST(B)
#undef B

void KERNEL(binary)(enum binary_kind kind, const float *a, int64_t sa, const float *b, int64_t sb,
                    float *y, int64_t count)
{
    static void (*const function[])(const float *, int64_t, const float *, int64_t, float *,
                                    int64_t) = {
#define B(name, expression) [BINARY_##name] = binary_##name,
        BINARY_LIST(B)
#undef B
    };
    function[kind](a, sa, b, sb, y, count);
}

void KERNEL(select)(const float *c, int64_t sc, const float *a, int64_t sa, const float *b,
                    int64_t sb, float *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = c[i * sc] != 0 ? a[i * sa] : b[i * sb];
}

void KERNEL(accumulate)(const float *x, float *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] += x[i];
}

INLINE void sum_n(int parts, const void *const x[], void *y, int64_t begin, int64_t end, bool bf16)
{
    int64_t i = begin;
    for (; i + LANES <= end; i += LANES) {
        v16 total = v16_get(x[0], i, bf16);
        for (int k = 1; k < parts; k++)
            total += v16_get(x[k], i, bf16);
        v16_put(y, i, total, bf16);
    }
    for (; i < end; i++) {
        float total = scalar_get(x[0], i, bf16);
        for (int k = 1; k < parts; k++)
            total += scalar_get(x[k], i, bf16);
        scalar_put(y, i, total, bf16);
    }
}

void KERNEL(sum_n)(int parts, const void *const x[], void *y, int64_t begin, int64_t end, bool bf16)
{
    if (bf16)
        sum_n(parts, x, y, begin, end, true);
    else
        sum_n(parts, x, y, begin, end, false);
}

void KERNEL(run_sum)(const float *x, int64_t count, double *total)
{
    enum { STRETCH = 64 };
    double sum = 0;
    int64_t i = 0;
    while (i + LANES <= count) {
        v16 part = v16_set(0);
        for (int k = 0; k < STRETCH && i + LANES <= count; k++, i += LANES)
            part += v16_load(x + i);
        sum += v16_sum(part);
    }
    for (; i < count; i++)
        sum += (double)x[i];
    *total += sum;
}

void KERNEL(run_max)(const float *x, int64_t count, float *largest)
{
    float best = *largest;
    int64_t i = 0;
    if (count >= LANES) {
        v16 most = v16_set(best);
        for (; i + LANES <= count; i += LANES)
            most = v16_max(most, v16_load(x + i));
        for (int lane = 0; lane < LANES; lane++)
            best = most[lane] > best || most[lane] != most[lane] ? most[lane] : best;
    }
    for (; i < count; i++)
        best = x[i] > best || x[i] != x[i] ? x[i] : best;
    *largest = best;
}

INLINE void column_sum(const void *x, int64_t rows, int64_t width, double *total, bool bf16)
{
    enum { STRETCH = 32 }; /* rows summed in f32 before they are added in double */
    for (int64_t first = 0; first < rows; first += STRETCH) {
        int64_t c = 0, last = rows - first < STRETCH ? rows : first + STRETCH;
        for (; c + LANES <= width; c += LANES) {
            v16 part = v16_set(0);
            for (int64_t r = first; r < last; r++)
                part += v16_get(x, r * width + c, bf16);
            d16_add(total + c, part);
        }
        for (; c < width; c++)
            for (int64_t r = first; r < last; r++)
                total[c] += (double)scalar_get(x, r * width + c, bf16);
    }
}

void KERNEL(column_sum)(const void *x, bool bf16, int64_t rows, int64_t width, double *total)
{
    if (bf16)
        column_sum(x, rows, width, total, true);
    else
        column_sum(x, rows, width, total, false);
}

void KERNEL(to_bf16)(const float *x, void *y, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v16_store_bf16((uint16_t *)y + i, v16_load(x + i));
    for (; i < count; i++)
        scalar_put(y, i, x[i], true);
}

void KERNEL(from_bf16)(const void *x, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v16_store(y + i, v16_load_bf16((const uint16_t *)x + i));
    for (; i < count; i++)
        y[i] = scalar_get(x, i, true);
}
