/* Functions of whole rows: softmax, cross-entropy, layer normalisation, unit vectors. */
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/curves.h"

#include <math.h>

/* Largest item, and sum of e^(x - largest); the exponentials go to y when it is given. */
static double row_exponentials(const float *x, float *y, int64_t width, float *largest)
{
    enum { STRETCH = 64 }; /* vectors added in f32 before their sum is in double */
    float best = -INFINITY;
    double total = 0;
    int64_t i = 0;
    KERNEL(run_max)(x, width, &best);
    *largest = best;
    while (i + LANES <= width) {
        v16 part = v16_set(0);
        for (int k = 0; k < STRETCH && i + LANES <= width; k++, i += LANES) {
            v16 power = v16_exp(v16_load(x + i) - best);
            part += power;
            if (y)
                v16_store(y + i, power);
        }
        total += v16_sum(part);
    }
    if (i < width) {
        v16 rest = v16_set(-INFINITY);
        memcpy(&rest, x + i, (size_t)(width - i) * sizeof *x);
        rest = v16_exp(rest - best);
        for (int64_t k = 0; k < width - i; k++)
            total += (double)rest[k];
        if (y)
            memcpy(y + i, &rest, (size_t)(width - i) * sizeof *y);
    }
    return total;
}

void KERNEL(softmax)(const float *x, float *y, int64_t rows, int64_t width, bool logarithm)
{
    for (int64_t r = 0; r < rows; r++, x += width, y += width) {
        float largest;
        double total = row_exponentials(x, logarithm ? NULL : y, width, &largest);
        float level = largest + (float)log(total), share = (float)(1 / total);
        for (int64_t i = 0; i < width; i++)
            y[i] = logarithm ? x[i] - level : y[i] * share;
    }
}

/* A target from outside that names no class gives NaN, which the finite check notices. */
void KERNEL(cross_entropy)(const float *x, const int32_t *target, float *y, int64_t rows,
                           int64_t width)
{
    for (int64_t r = 0; r < rows; r++, x += width) {
        float largest;
        double total = row_exponentials(x, NULL, width, &largest);
        bool known = target[r] >= 0 && target[r] < width;
        y[r] = known ? (float)(log(total) + (double)largest - (double)x[target[r]]) : NAN;
    }
}

/* The sum of squared distances from `centre`. */
static double spread_around(const float *x, int64_t width, float centre)
{
    enum { STRETCH = 64 };
    double total = 0;
    int64_t i = 0;
    while (i + LANES <= width) {
        v16 part = v16_set(0);
        for (int k = 0; k < STRETCH && i + LANES <= width; k++, i += LANES) {
            v16 apart = v16_load(x + i) - centre;
            part += apart * apart;
        }
        total += v16_sum(part);
    }
    for (; i < width; i++)
        total += (double)((x[i] - centre) * (x[i] - centre));
    return total;
}

INLINE void normalize_row(const float *x, const float *weight, const float *bias, float centre,
                          float factor, void *y, int64_t at, int64_t width, bool bf16)
{
    int64_t i = 0;
    for (; i + LANES <= width; i += LANES)
        v16_put(y, at + i,
                (v16_load(x + i) - centre) * factor * v16_load(weight + i) + v16_load(bias + i),
                bf16);
    for (; i < width; i++)
        scalar_put(y, at + i, (x[i] - centre) * factor * weight[i] + bias[i], bf16);
}

void KERNEL(layer_norm)(const float *x, const float *weight, const float *bias, double epsilon,
                        void *y, bool bf16, float *mean, float *inverse, int64_t rows,
                        int64_t width)
{
    for (int64_t r = 0; r < rows; r++, x += width) {
        double total = 0;
        KERNEL(run_sum)(x, width, &total);
        float centre = (float)(total / (double)width);
        double variance = spread_around(x, width, centre) / (double)width;
        float factor = (float)(1 / sqrt(variance + epsilon));
        if (bf16)
            normalize_row(x, weight, bias, centre, factor, y, r * width, width, true);
        else
            normalize_row(x, weight, bias, centre, factor, y, r * width, width, false);
        mean[r] = centre;
        inverse[r] = factor;
    }
}

/* One row: two sums, then dx; dweight and dbias gain what the row gives. dy lies `at` items on. */
INLINE void gradient_row(const float *x, const float *weight, float centre, float factor,
                         const void *dy, int64_t at, float *dx, double *dweight, double *dbias,
                         int64_t width, bool bf16)
{
    v16 of_g = v16_set(0), of_gx = v16_set(0);
    int64_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        v16 hat = (v16_load(x + i) - centre) * factor, slope = v16_get(dy, at + i, bf16);
        v16 g = slope * v16_load(weight + i);
        of_g += g;
        of_gx += g * hat;
        d16_add(dweight + i, slope * hat);
        d16_add(dbias + i, slope);
    }
    double g_sum = v16_sum(of_g), gx_sum = v16_sum(of_gx);
    for (; i < width; i++) {
        float hat = (x[i] - centre) * factor, slope = scalar_get(dy, at + i, bf16);
        g_sum += (double)(slope * weight[i]);
        gx_sum += (double)(slope * weight[i] * hat);
        dweight[i] += (double)(slope * hat);
        dbias[i] += (double)slope;
    }
    float shift = (float)(g_sum / (double)width), radial = (float)(gx_sum / (double)width);
    for (i = 0; i + LANES <= width; i += LANES) { /* dx may lie where dy does */
        v16 g = v16_get(dy, at + i, bf16) * v16_load(weight + i);
        v16_store(dx + i, factor * (g - shift - (v16_load(x + i) - centre) * factor * radial));
    }
    for (; i < width; i++)
        dx[i] = factor * (scalar_get(dy, at + i, bf16) * weight[i] - shift -
                          (x[i] - centre) * factor * radial);
}

void KERNEL(layer_norm_gradient)(const float *x, const float *weight, const float *mean,
                                 const float *inverse, const void *dy, bool bf16, float *dx,
                                 double *dweight, double *dbias, int64_t rows, int64_t width)
{
    for (int64_t r = 0; r < rows; r++, x += width, dx += width)
        if (bf16)
            gradient_row(x, weight, mean[r], inverse[r], dy, r * width, dx, dweight, dbias, width,
                         true);
        else
            gradient_row(x, weight, mean[r], inverse[r], dy, r * width, dx, dweight, dbias, width,
                         false);
}

void KERNEL(l2_normalize)(const float *x, double epsilon, float *y, float *inverse, int64_t rows,
                          int64_t width)
{
    for (int64_t r = 0; r < rows; r++, x += width, y += width) {
        double squares = 0;
        for (int64_t i = 0; i < width; i++)
            y[i] = x[i] * x[i];
        KERNEL(run_sum)(y, width, &squares);
        double norm = sqrt(squares);
        inverse[r] = (float)(1 / (norm > epsilon ? norm : epsilon));
        for (int64_t i = 0; i < width; i++)
            y[i] = x[i] * inverse[r];
    }
}
