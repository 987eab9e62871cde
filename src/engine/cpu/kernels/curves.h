/* Smooth functions of 16 numbers in f32: errors of a few units in the last place of the result, or
 * of 1 where that is said. NaN passes. */
#ifndef ENGINE_CPU_KERNELS_CURVES_H
#define ENGINE_CPU_KERNELS_CURVES_H

#include "engine/cpu/kernels/vector.h"

INLINE v16 v16_bounded(v16 x, float least, float most)
{
    x = v16_select(x < v16_set(least), v16_set(least), x);
    return v16_select(x > v16_set(most), v16_set(most), x);
}

/* e^x = 2^k e^r with |r| <= ln(2) / 2, e^r by a polynomial (Cephes expf), relative error 1e-7.
 * 0 below e^-87, infinite above e^88.7. */
INLINE v16 v16_exp(v16 x)
{
    const float rounder = 12582912.0f; /* 1.5 2^23: adding it leaves the nearest integer */
    v16 bounded = v16_bounded(x, -87.0f, 88.72f);
    v16 shifted = bounded * 1.44269504f + rounder;
    v16 k = shifted - rounder;
    v16 r = bounded - k * 0.693359375f;
    r += k * 2.12194440e-4f;
    v16 p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1;
    /* Two factors: 2^128 is no float. */
    i16 whole = __builtin_convertvector(v16_select(k == k, k, v16_set(0)), i16), half = whole >> 1;
    v16 y = p * (v16)((half + 127) << 23) * (v16)((whole - half + 127) << 23);
    y = v16_select(x < v16_set(-87.0f), v16_set(0), y);
    return v16_select(x > v16_set(88.72f), v16_set(__builtin_inff()), y);
}

/* Relative error 1e-7 (the fits are those of N. Juffa's erff). */
INLINE v16 v16_erf(v16 x)
{
    v16 a = (v16)((i16)x & 0x7FFFFFFF), t = v16_select(a > v16_set(4), v16_set(4), a), s = t * t;
    v16 far = t * -1.72853470e-5f + 3.83197126e-4f;
    far = far * s + (t * -3.88396438e-3f + 2.42546219e-2f);
    far = far * t + -1.06777877e-1f;
    far = far * t + -6.34846687e-1f;
    far = far * t + -1.28717512e-1f;
    far = 1 - v16_exp(far * t - t);
    far = (v16)((i16)far | ((i16)x & (int32_t)0x80000000));
    v16 near = s * -5.96761703e-4f + 4.99119423e-3f;
    near = near * s + -2.67681349e-2f;
    near = near * s + 1.12819925e-1f;
    near = near * s + -3.76125336e-1f;
    near = near * s + 1.28379166e-1f;
    near = near * x + x;
    return v16_select(a > v16_set(0.927734375f), far, near);
}

/* 1 / (1 + e^-x). */
INLINE v16 v16_sigmoid(v16 x)
{
    return 1 / (1 + v16_exp(-x));
}

/* Relative error 3e-7 (Cephes tanhf). */
INLINE v16 v16_tanh(v16 x)
{
    v16 a = (v16)((i16)x & 0x7FFFFFFF), s = x * x;
    v16 far = 1 - 2 / (v16_exp(a + a) + 1);
    far = (v16)((i16)far | ((i16)x & (int32_t)0x80000000));
    v16 near = s * -5.70498872745e-3f + 2.06390887954e-2f;
    near = near * s + -5.37397155531e-2f;
    near = near * s + 1.33314422036e-1f;
    near = near * s + -3.33332819422e-1f;
    near = near * s * x + x;
    return v16_select(a > v16_set(0.625f), far, near);
}

/* x Phi(x) and its slope Phi(x) + x phi(x). */
INLINE v16 v16_gelu(v16 x)
{
    return 0.5f * x * (1 + v16_erf(x * 0.70710678f));
}

INLINE v16 v16_gelu_slope(v16 x)
{
    v16 distribution = 0.5f * (1 + v16_erf(x * 0.70710678f));
    return distribution + x * (0.39894228f * v16_exp(-0.5f * x * x));
}

/* e^-x for x >= 0, relative error 1e-7; e^-87 for what is farther. */
INLINE v16 v16_decay(v16 x)
{
    const float rounder = 12582912.0f; /* as in v16_exp */
    v16 bounded = v16_select(x > v16_set(87.0f), v16_set(87.0f), x);
    v16 shifted = bounded * -1.44269504f + rounder;
    v16 k = shifted - rounder;
    v16 r = -bounded - k * 0.693359375f;
    r += k * 2.12194440e-4f;
    v16 p = r * 8.3334519073e-3f + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1;
    i16 whole = (i16)shifted - (i16)v16_set(rounder);
    return p * (v16)((whole + 127) << 23);
}

/* Phi(x), also in its lower tail within 1e-5 of itself: what is enough where a result is rounded to
 * bf16; and phi(x). With a = |x| / sqrt(2) and t = 1 / (1 + .45 a), e^(a^2) erfc(a) is a polynomial
 * in t (a least-squares fit for a < 9). */
INLINE v16 v16_normal(v16 x, v16 *density)
{
    v16 a = (v16)((i16)x & 0x7FFFFFFF) * 0.70710678f, t = 1 / (1 + 0.45f * a);
    v16 power = v16_decay(a * a);
    v16 p = t * -0.134173553f + 0.286936685f;
    p = p * t + 0.0958430990f;
    p = p * t + 0.244836838f;
    p = p * t + 0.252677118f;
    p = p * t + 0.253871103f;
    v16 tail = 0.5f * p * t * power;
    *density = 0.39894228f * power;
    return v16_select(x > v16_set(0), 1 - tail, tail);
}

/* x sigmoid(2u) with u = sqrt(2 / pi) (x + .044715 x^3), as (1 + tanh(u)) / 2 = sigmoid(2u). */
INLINE v16 v16_gelu_tanh(v16 x)
{
    return x * v16_sigmoid(1.59576912f * (x + 0.044715f * x * x * x));
}

INLINE v16 v16_gelu_tanh_slope(v16 x)
{
    v16 s = v16_sigmoid(1.59576912f * (x + 0.044715f * x * x * x));
    return s + x * s * (1 - s) * (1.59576912f * (1 + 3 * 0.044715f * x * x));
}

#endif
