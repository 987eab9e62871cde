/* Reciprocal rank fusion against its formula: the sum of 1 / (60 + rank). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "eval/search.h"

#include <cmocka.h>

enum { QUERIES = 2, DEPTH = 4 };

static void sums_of_reciprocal_ranks(void **state)
{
    (void)state;
    uint32_t words[QUERIES * 3] = { 5, 2, 9, 1, 0, 0 }, vectors[QUERIES * 2] = { 9, 7, 3, 1 };
    int64_t words_found[] = { 3, 1 }, vectors_found[] = { 2, 2 };
    struct ranking a = { .sample = words, .found = words_found, .depth = 3 };
    struct ranking b = { .sample = vectors, .found = vectors_found, .depth = 2 };
    uint32_t sample[QUERIES * DEPTH];
    float score[QUERIES * DEPTH];
    int64_t found[QUERIES];
    struct ranking fused = { sample, score, found, DEPTH };
    assert_int_equal(ranking_fuse(&a, &b, QUERIES, &fused), TACIT_OK);
    /* 9 is third and first; 5 first; 2 and 7 are both second, in the order of the collection. */
    static const uint32_t first[] = { 9, 5, 2, 7 }, second[] = { 1, 3 };
    const double of_first[] = { 1 / 63. + 1 / 61., 1 / 61., 1 / 62., 1 / 62. };
    const double of_second[] = { 1 / 61. + 1 / 62., 1 / 61. };
    assert_int_equal(found[0], 4);
    assert_int_equal(found[1], 2);
    assert_memory_equal(sample, first, sizeof first);
    assert_memory_equal(sample + DEPTH, second, sizeof second);
    for (int i = 0; i < 4; i++)
        assert_true(fabs((double)score[i] - of_first[i]) < 1e-8);
    for (int i = 0; i < 2; i++)
        assert_true(fabs((double)score[DEPTH + i] - of_second[i]) < 1e-8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_reciprocal_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
