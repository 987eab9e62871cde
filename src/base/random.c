#include "base/random.h"

#include <math.h>

struct random_block random_philox(uint64_t key, uint64_t counter_low, uint64_t counter_high)
{
    uint32_t c0 = (uint32_t)counter_low, c1 = (uint32_t)(counter_low >> 32);
    uint32_t c2 = (uint32_t)counter_high, c3 = (uint32_t)(counter_high >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (struct random_block){ { c0, c1, c2, c3 } };
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xFF51AFD7ED558CCDull;
    x ^= x >> 33;
    x *= 0xC4CEB9FE1A85EC53ull;
    return x ^ (x >> 33);
}

uint64_t random_hash(const char *text)
{
    uint64_t hash = 0xCBF29CE484222325ull;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001B3ull;
    return mix(hash);
}

struct random_stream random_stream(uint64_t seed, const char *purpose, uint64_t step, uint64_t item)
{
    return (struct random_stream){ .key = mix(seed ^ random_hash(purpose)),
                                   .high = mix(step + 0x9E3779B97F4A7C15ull) ^ item };
}

uint32_t random_bits(struct random_stream *stream)
{
    if (stream->left == 0) {
        stream->block = random_philox(stream->key, stream->low++, stream->high);
        stream->left = 4;
    }
    return stream->block.word[--stream->left];
}

float random_float(struct random_stream *stream)
{
    return (float)(random_bits(stream) >> 8) * 0x1p-24f;
}

double random_double(struct random_stream *stream)
{
    uint64_t high = random_bits(stream), low = random_bits(stream);
    return (double)((high << 21) ^ (low >> 11)) * 0x1p-53;
}

double random_normal(struct random_stream *stream)
{
    double radius = sqrt(-2 * log(1 - random_double(stream)));
    return radius * cos(6.283185307179586 * random_double(stream));
}

uint64_t random_below(struct random_stream *stream, uint64_t bound)
{
    /* Rejection of the incomplete last interval keeps the draw exactly uniform. */
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound, draw;
    do {
        draw = (uint64_t)random_bits(stream) << 32;
        draw |= random_bits(stream);
    } while (draw >= limit);
    return draw % bound;
}

void random_permutation(struct random_stream *stream, uint32_t *order, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = (uint32_t)random_below(stream, i), kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}
