/* Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as
 * easy as 1, 2, 3"). A number is a function of (key, counter), so that it does not depend on
 * threads, order, batches or interruptions. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

struct random_block {
    uint32_t word[4];
};

/* One Philox block: 128 random bits for a 64-bit key and a 128-bit counter (low, high). */
struct random_block random_philox(uint64_t key, uint64_t counter_low, uint64_t counter_high);

/* A stream of numbers of one purpose: (seed, purpose, item) name it, draws are numbered inside. */
struct random_stream {
    uint64_t key, high, low;
    struct random_block block;
    int left;
};

/* `purpose` names the use ("shuffle", "augment" …), `item` and `step` the place in it. */
struct random_stream random_stream(uint64_t seed, const char *purpose, uint64_t step,
                                   uint64_t item);

uint32_t random_bits(struct random_stream *stream);

/* Uniform in [0, 1), 24 bits; uniform in [0, 1), 53 bits; standard normal (Box-Muller). */
float random_float(struct random_stream *stream);
double random_double(struct random_stream *stream);
double random_normal(struct random_stream *stream);

/* Uniform integer in [0, bound), without bias; bound > 0. */
uint64_t random_below(struct random_stream *stream, uint64_t bound);

/* A random permutation of 0 … count-1 (Fisher-Yates). */
void random_permutation(struct random_stream *stream, uint32_t *order, uint32_t count);

/* 64-bit FNV-1a hash of a text, with avalanche (murmur3 finaliser). */
uint64_t random_hash(const char *text);

#endif
