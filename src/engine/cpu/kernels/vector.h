/* Vectors of 16 numbers in gcc's and clang's vector extension: one AVX-512 register or two of AVX2.
 */
#ifndef ENGINE_CPU_KERNELS_VECTOR_H
#define ENGINE_CPU_KERNELS_VECTOR_H

#ifdef __AVX512F__
#include <immintrin.h>
#endif
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 16 };

typedef float v16 __attribute__((vector_size(64)));
typedef float v16_unaligned __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t i16 __attribute__((vector_size(64)));
typedef uint32_t u16x32 __attribute__((vector_size(64)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef uint16_t u16x16_unaligned __attribute__((vector_size(32), aligned(2), may_alias));
typedef double d16 __attribute__((vector_size(128)));
typedef double d16_unaligned __attribute__((vector_size(128), aligned(8), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE v16 v16_set(float x)
{
    return (v16){ 0 } + x;
}

INLINE v16 v16_load(const float *p)
{
    return *(const v16_unaligned *)p;
}

INLINE void v16_store(float *p, v16 x)
{
    *(v16_unaligned *)p = x;
}

INLINE v16 v16_select(i16 condition, v16 a, v16 b)
{
    return (v16)((condition & (i16)a) | (~condition & (i16)b));
}

INLINE v16 v16_max(v16 a, v16 b)
{
    return v16_select(a > b, a, b);
}

/* Storage as bf16: the upper half of an f32, rounded to nearest even (NaN stays NaN). The
 * instruction makes denormal numbers 0, as arithmetic does in training. */
INLINE v16 v16_load_bf16(const uint16_t *p)
{
    u16x32 wide = __builtin_convertvector(*(const u16x16_unaligned *)p, u16x32);
    return (v16)(wide << 16);
}

INLINE void v16_store_bf16(uint16_t *p, v16 x)
{
#ifdef __AVX512BF16__
    *(u16x16_unaligned *)p = (u16x16)_mm512_cvtneps_pbh((__m512)x);
#else
    u16x32 bits = (u16x32)x;
    u16x32 rounded = bits + 0x7FFF + ((bits >> 16) & 1);
    u16x32 quiet = bits | 0x400000;
    i16 is_nan = (x != x);
    u16x32 chosen = ((u16x32)is_nan & quiet) | (~(u16x32)is_nan & rounded);
    *(u16x16_unaligned *)p = __builtin_convertvector(chosen >> 16, u16x16);
#endif
}

/* Item `at` of a tensor stored as f32 or bf16; `bf16` is a constant where this is inlined. */
INLINE v16 v16_get(const void *p, int64_t at, bool bf16)
{
    return bf16 ? v16_load_bf16((const uint16_t *)p + at) : v16_load((const float *)p + at);
}

INLINE void v16_put(void *p, int64_t at, v16 x, bool bf16)
{
    if (bf16)
        v16_store_bf16((uint16_t *)p + at, x);
    else
        v16_store((float *)p + at, x);
}

INLINE float scalar_get(const void *p, int64_t at, bool bf16)
{
    if (!bf16)
        return ((const float *)p)[at];
    uint32_t bits = (uint32_t)((const uint16_t *)p)[at] << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

INLINE void scalar_put(void *p, int64_t at, float x, bool bf16)
{
    if (!bf16) {
        ((float *)p)[at] = x;
        return;
    }
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t rounded = x != x ? bits | 0x400000 : bits + 0x7FFF + ((bits >> 16) & 1);
    ((uint16_t *)p)[at] = (uint16_t)(rounded >> 16);
}

/* Adds 16 floats to 16 doubles. */
INLINE void d16_add(double *total, v16 x)
{
    d16_unaligned *to = (d16_unaligned *)total;
    *to += __builtin_convertvector(x, d16);
}

INLINE double v16_sum(v16 x)
{
    double total = 0;
    for (int i = 0; i < LANES; i++)
        total += (double)x[i];
    return total;
}

#endif
