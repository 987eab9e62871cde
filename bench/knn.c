/* Exact nearest neighbours: 10,000 queries against 60,000 x 512, k 200. Prints seconds, best of
 * three. The peer's side is bench/peers/knn.py. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "eval/knn.h"

#include <stdio.h>

enum { BANK = 60000, QUERIES = 10000, WIDTH = 512, NEIGHBOURS = 200, REPEATS = 3 };

static float *rows_new(int64_t count, uint64_t item)
{
    float *value = memory_new((size_t)count * WIDTH, sizeof *value);
    struct random_stream stream = random_stream(1, "bench", 0, item);
    for (int64_t i = 0; value && i < count * WIDTH; i++)
        value[i] = (float)random_normal(&stream);
    return value;
}

int main(void)
{
    struct features bank = { rows_new(BANK, 0), NULL, BANK, WIDTH };
    struct features queries = { rows_new(QUERIES, 1), NULL, QUERIES, WIDTH };
    uint32_t *index = memory_new((size_t)QUERIES * NEIGHBOURS, sizeof *index);
    float *cosine = memory_new((size_t)QUERIES * NEIGHBOURS, sizeof *cosine);
    double best = 1e9;
    for (int i = 0; i < REPEATS; i++) {
        double start = clock_seconds();
        if (knn_search(&bank, &queries, NEIGHBOURS, index, cosine) != TACIT_OK) {
            fprintf(stderr, "%s\n", status_message());
            return 1;
        }
        double seconds = clock_seconds() - start;
        best = seconds < best ? seconds : best;
    }
    printf("tacit knn %d x %d x %d k %d: %.3f s, %d threads\n", QUERIES, BANK, WIDTH, NEIGHBOURS,
           best, parallel_threads());
    memory_free((void *)bank.value);
    memory_free((void *)queries.value);
    memory_free(index);
    memory_free(cosine);
    return 0;
}
