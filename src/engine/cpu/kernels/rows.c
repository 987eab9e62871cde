/* Functions of whole rows: softmax, cross-entropy, layer normalisation, unit vectors. */
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/vector.h"

#include <math.h>

/* e^x to about 1e-7 relative by 2^k times a polynomial (Cody-Waite reduction); 0 far below. */
INLINE float exponential_fast(float x)
{
    float bounded = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
    float k = (float)(int32_t)(bounded * 1.44269504f + (bounded < 0 ? -0.5f : 0.5f));
    float r = bounded - k * 0.693359375f;
    r -= k * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1;
    uint32_t bits = (uint32_t)((int32_t)k + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return x < -87.0f ? 0 : p * power;
}

/* Largest item, and sum of e^(x - largest); the exponentials go to y when it is given. */
static double row_exponentials(const float *x, float *y, int64_t width, float *largest)
{
    enum { STRETCH = 256 };
    float best = -INFINITY;
    double total = 0;
    KERNEL(run_max)(x, width, &best);
    *largest = best;
    for (int64_t i = 0; i < width; i += STRETCH) {
        float stretch[STRETCH];
        int64_t count = width - i < STRETCH ? width - i : STRETCH;
        for (int64_t k = 0; k < count; k++)
            stretch[k] = exponential_fast(x[i + k] - best);
        KERNEL(run_sum)(stretch, count, &total);
        if (y)
            memcpy(y + i, stretch, (size_t)count * sizeof *y);
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

void KERNEL(layer_norm)(const float *x, const float *weight, const float *bias, double epsilon,
                        float *y, float *mean, float *inverse, int64_t rows, int64_t width)
{
    for (int64_t r = 0; r < rows; r++, x += width, y += width) {
        double total = 0, squares = 0;
        KERNEL(run_sum)(x, width, &total);
        float centre = (float)(total / (double)width);
        for (int64_t i = 0; i < width; i++) /* y holds the squares for a moment */
            y[i] = (x[i] - centre) * (x[i] - centre);
        KERNEL(run_sum)(y, width, &squares);
        float factor = (float)(1 / sqrt(squares / (double)width + epsilon));
        for (int64_t i = 0; i < width; i++)
            y[i] = (x[i] - centre) * factor * weight[i] + bias[i];
        mean[r] = centre;
        inverse[r] = factor;
    }
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
