/* Exact search as `tacit search` does it: the ten nearest of 1,400 to 1,000,000 vectors of 384 by
 * their cosine, norms included, for one query and for many. Prints the median of as many searches
 * as fit into the time, in milliseconds. The peer's side is bench/peers/search.py.
 *
 *   bench_search [ROWSxQUERIES…] */
#include "base/clock.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "eval/knn.h"

#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 384, NEIGHBOURS = 10, MOST = 2000, LEAST = 3 };

static const double limit_seconds = 1.0; /* of a size, once LEAST searches are made */

static void rows_fill(void *argument, int64_t begin, int64_t end)
{
    float *value = argument;
    for (int64_t i = begin; i < end; i++) {
        struct random_stream stream = random_stream(1, "bench", 0, (uint64_t)i);
        for (int64_t j = 0; j < WIDTH; j++)
            value[i * WIDTH + j] = random_float(&stream) - 0.5f;
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static status search_time(const float *value, int64_t rows, int64_t queries)
{
    static double seconds[MOST];
    struct features bank = { value, NULL, rows, WIDTH };
    struct features asked = { value + rows * WIDTH, NULL, queries, WIDTH };
    uint32_t *index = memory_new((size_t)queries * NEIGHBOURS, sizeof *index);
    float *cosine = memory_new((size_t)queries * NEIGHBOURS, sizeof *cosine);
    status result = index && cosine ? TACIT_OK : TACIT_RESOURCES;
    int count = 0;
    double begin = clock_seconds(), start = begin;
    while (result == TACIT_OK && count < MOST && (count < LEAST || start < begin + limit_seconds)) {
        result = knn_search(&bank, &asked, NEIGHBOURS, index, cosine);
        double end = clock_seconds();
        seconds[count++] = end - start;
        start = end;
    }
    qsort(seconds, (size_t)count, sizeof *seconds, compare);
    printf("tacit search %lldx%lld: %.4f ms, %d threads\n", (long long)rows, (long long)queries,
           1e3 * seconds[count / 2], parallel_threads());
    memory_free(index);
    memory_free(cosine);
    return result;
}

int main(int count, char *words[])
{
    static char *usual[] = { "", "1400x1", "1400x225", "100000x100", "1000000x1", "1000000x100" };
    if (count < 2) {
        words = usual;
        count = (int)(sizeof usual / sizeof *usual);
    }
    for (int i = 1; i < count; i++) {
        char *end;
        int64_t rows = strtoll(words[i], &end, 10), queries = *end ? strtoll(end + 1, NULL, 10) : 0;
        if (rows < NEIGHBOURS || queries < 1) {
            fprintf(stderr, "bench_search: %s: must be ROWSxQUERIES\n", words[i]);
            return 2;
        }
        float *value = memory_new((size_t)(rows + queries) * WIDTH, sizeof *value);
        if (value)
            parallel_for(rows + queries, WIDTH, rows_fill, value);
        if (!value || search_time(value, rows, queries) != TACIT_OK) {
            fprintf(stderr, "bench_search: %s\n", status_message());
            return 1;
        }
        memory_free(value);
    }
    return 0;
}
