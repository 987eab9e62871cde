/* Philox4x32-10 (base/random.h) for many blocks at once. 64-bit lanes hold one 32-bit word each,
 * whose upper half means nothing: the products read lower halves only. */
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/vector.h"

#include <immintrin.h>

enum { PIECE = RANDOM_PIECE, PIECE_BLOCKS = PIECE / 4 };

#ifdef __AVX512F__
enum { BLOCKS = 8 }; /* of one vector: one lane each */
typedef uint64_t words __attribute__((vector_size(64)));
static const words lane_number = { 0, 1, 2, 3, 4, 5, 6, 7 };

INLINE words product(words a, words b)
{
    return (words)_mm512_mul_epu32((__m512i)a, (__m512i)b);
}

/* a0 b0 a1 b1 … in two vectors. */
INLINE void interleave(words a, words b, uint32_t *to)
{
    const words lower = { 0, 8, 1, 9, 2, 10, 3, 11 }, upper = { 4, 12, 5, 13, 6, 14, 7, 15 };
    _mm512_storeu_si512(to, _mm512_permutex2var_epi64((__m512i)a, (__m512i)lower, (__m512i)b));
    _mm512_storeu_si512(to + 16, _mm512_permutex2var_epi64((__m512i)a, (__m512i)upper, (__m512i)b));
}
#else
enum { BLOCKS = 4 };
typedef uint64_t words __attribute__((vector_size(32)));
static const words lane_number = { 0, 1, 2, 3 };

INLINE words product(words a, words b)
{
    return (words)_mm256_mul_epu32((__m256i)a, (__m256i)b);
}

INLINE void interleave(words a, words b, uint32_t *to)
{
    __m256i even = _mm256_unpacklo_epi64((__m256i)a, (__m256i)b);
    __m256i odd = _mm256_unpackhi_epi64((__m256i)a, (__m256i)b);
    _mm256_storeu_si256((__m256i *)to, _mm256_permute2x128_si256(even, odd, 0x20));
    _mm256_storeu_si256((__m256i *)(to + 8), _mm256_permute2x128_si256(even, odd, 0x31));
}
#endif

enum { VECTORS = PIECE_BLOCKS / BLOCKS };

/* The numbers 0 … 2^24-1 of blocks first … first+15 of a stream, in the order in which
 * random_float gives them: the last word of a block first. */
INLINE void draw_piece(uint64_t key, uint64_t high, uint64_t first, uint32_t to[PIECE])
{
    words c0[VECTORS], c1[VECTORS], c2[VECTORS], c3[VECTORS];
    const words none = { 0 };
    for (int v = 0; v < VECTORS; v++) {
        c0[v] = lane_number + (first + (uint64_t)(v * BLOCKS));
        c1[v] = c0[v] >> 32;
        c2[v] = none + high;
        c3[v] = none + (high >> 32);
    }
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        for (int v = 0; v < VECTORS; v++) {
            words p0 = product(c0[v], none + 0xD2511F53u), p1 = product(c2[v], none + 0xCD9E8D57u);
            c0[v] = (p1 >> 32) ^ c1[v] ^ (none + k0);
            c1[v] = p1;
            c2[v] = (p0 >> 32) ^ c3[v] ^ (none + k1);
            c3[v] = p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    /* Upper 24 bits of each word, the last word of a block first. */
    for (int v = 0; v < VECTORS; v++)
        interleave((c3[v] & 0xFFFFFFFFu) >> 8 | (c2[v] & 0xFFFFFF00u) << 24,
                   (c1[v] & 0xFFFFFFFFu) >> 8 | (c0[v] & 0xFFFFFF00u) << 24, to + v * BLOCKS * 4);
}

void KERNEL(random_uniform)(uint64_t key, uint64_t high, int64_t first, float *y, int64_t count)
{
    uint32_t draw[PIECE];
    for (int64_t at = 0; at < count; at += PIECE) {
        int64_t some = count - at < PIECE ? count - at : PIECE;
        draw_piece(key, high, (uint64_t)(first + at) / 4, draw);
        if (some == PIECE)
            for (int i = 0; i < PIECE; i++)
                y[at + i] = (float)(int32_t)draw[i] * 0x1p-24f;
        else
            for (int64_t i = 0; i < some; i++)
                y[at + i] = (float)(int32_t)draw[i] * 0x1p-24f;
    }
}

void KERNEL(dropout)(uint64_t key, uint64_t high, int64_t first, uint32_t least, float factor,
                     const float *x, float *y, int64_t count)
{
    uint32_t draw[PIECE];
    for (int64_t at = 0; at < count; at += PIECE) {
        int64_t some = count - at < PIECE ? count - at : PIECE;
        draw_piece(key, high, (uint64_t)(first + at) / 4, draw);
        if (some == PIECE)
            for (int i = 0; i < PIECE; i++)
                y[at + i] = x[at + i] * ((int32_t)draw[i] >= (int32_t)least ? factor : 0.0f);
        else
            for (int64_t i = 0; i < some; i++)
                y[at + i] = x[at + i] * ((int32_t)draw[i] >= (int32_t)least ? factor : 0.0f);
    }
}
