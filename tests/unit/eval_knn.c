#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "eval/knn.h"

#include <cmocka.h>

enum { WIDTH = 37, CLASSES = 5 };

/* `count` rows around one direction a class, in three lengths. */
static float *cluster_rows(int64_t count, const int32_t *label, uint64_t item)
{
    float *value = calloc((size_t)count * WIDTH, sizeof *value);
    assert_non_null(value);
    struct random_stream stream = random_stream(3, "rows", 0, item);
    for (int64_t i = 0; i < count; i++)
        for (int j = 0; j < WIDTH; j++)
            value[i * WIDTH + j] = (i >= 1024 ? .01f
                                    : i % 4   ? 1.f
                                              : 5.f) *
                                   ((float)random_normal(&stream) + (j == label[i] ? 1.5f : 0));
    return value;
}

static int32_t *labels_in_turn(int64_t count)
{
    int32_t *label = calloc((size_t)count, sizeof *label);
    assert_non_null(label);
    for (int64_t i = 0; i < count; i++)
        label[i] = (int32_t)(i % CLASSES);
    return label;
}

struct scored {
    double score;
    int64_t index;
};

static int scored_compare(const void *a, const void *b)
{
    const struct scored *first = a, *second = b;
    if (first->score != second->score)
        return first->score > second->score ? -1 : 1;
    return first->index < second->index ? -1 : 1;
}

static double cosine_of(const float *a, const float *b, int64_t width)
{
    double ab = 0, aa = 0, bb = 0;
    for (int64_t j = 0; j < width; j++) {
        ab += (double)a[j] * b[j];
        aa += (double)a[j] * a[j];
        bb += (double)b[j] * b[j];
    }
    return ab / sqrt(aa * bb);
}

/* All cosines of one query in double, sorted. */
static void brute_force(const struct features *bank, const float *query, struct scored *scored)
{
    for (int64_t i = 0; i < bank->count; i++)
        scored[i] =
            (struct scored){ cosine_of(query, bank->value + i * bank->width, bank->width), i };
    qsort(scored, (size_t)bank->count, sizeof *scored, scored_compare);
}

struct fixture {
    struct features bank, queries;
};

static struct fixture fixture_new(int64_t bank, int64_t queries)
{
    int32_t *bank_label = labels_in_turn(bank), *query_label = labels_in_turn(queries);
    return (struct fixture){
        { cluster_rows(bank, bank_label, 0), bank_label, bank, WIDTH },
        { cluster_rows(queries, query_label, 1), query_label, queries, WIDTH },
    };
}

static void fixture_free(struct fixture *fixture)
{
    free((void *)fixture->bank.value);
    free((void *)fixture->bank.label);
    free((void *)fixture->queries.value);
    free((void *)fixture->queries.label);
}

/* Sizes around the blocks of the implementation, k from 1 to the whole bank. */
static void agrees_with_brute_force(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = { { 1, 1, 1 },     { 63, 3, 7 },    { 512, 5, 200 },
                                        { 513, 6, 513 }, { 1300, 9, 64 }, { 2600, 530, 21 },
                                        { 700, 2, 699 } };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct fixture f = fixture_new(sizes[s][0], sizes[s][1]);
        int64_t k = sizes[s][2];
        uint32_t *index = calloc((size_t)(f.queries.count * k), sizeof *index);
        float *cosine = calloc((size_t)(f.queries.count * k), sizeof *cosine);
        struct scored *scored = calloc((size_t)f.bank.count, sizeof *scored);
        assert_int_equal(knn_search(&f.bank, &f.queries, k, index, cosine), TACIT_OK);
        for (int64_t q = 0; q < f.queries.count; q++) {
            brute_force(&f.bank, f.queries.value + q * WIDTH, scored);
            for (int64_t j = 0; j < k; j++) {
                double exact = cosine_of(f.queries.value + q * WIDTH,
                                         f.bank.value + index[q * k + j] * WIDTH, WIDTH);
                assert_true(fabs(cosine[q * k + j] - exact) < 1e-6);
                assert_true(fabs(exact - scored[j].score) < 1e-6);
                assert_true(j == 0 || cosine[q * k + j] <= cosine[q * k + j - 1]);
            }
        }
        free(index);
        free(cosine);
        free(scored);
        fixture_free(&f);
    }
}

/* Unit vectors along axes have cosines of exactly 0 and 1: equal ones go to the lowest index, also
 * across blocks and after pruning. */
static void ties_go_to_the_lowest_index(void **state)
{
    (void)state;
    enum { COUNT = 1500, K = 40 };
    float *value = calloc(COUNT * 2, sizeof *value);
    for (int i = 0; i < COUNT; i++)
        value[i * 2 + (i % 3 == 1)] = 1;
    float query[] = { 1, 0, 0, 1 };
    uint32_t index[2 * K];
    struct features bank = { value, NULL, COUNT, 2 }, queries = { query, NULL, 2, 2 };
    assert_int_equal(knn_search(&bank, &queries, K, index, NULL), TACIT_OK);
    uint32_t expected = 0;
    for (int j = 0; j < K; j++, expected += expected % 3 == 0 ? 2 : 1)
        assert_int_equal(index[j], expected);
    for (int j = 0; j < K; j++)
        assert_int_equal(index[K + j], 1 + 3 * j);
    free(value);
}

static void vote_ties_go_to_the_lowest_class(void **state)
{
    (void)state;
    float bank_value[] = { 1, 0, 0, 1 }, query[] = { 1, 1 };
    int32_t label[] = { 2, 1 }, predicted;
    struct features bank = { bank_value, label, 2, 2 }, queries = { query, NULL, 1, 2 };
    struct knn_settings settings = { 2, .1 };
    assert_int_equal(knn_classify(&bank, &queries, 3, &settings, &predicted), TACIT_OK);
    assert_int_equal(predicted, 1);
}

/* specs G.1: weights of s = 1, .9, .5 at T .1 are 22026, 8103, 148.4 and at T .07 1.6003e6,
 * 3.8352e5, 1265.0. One neighbour at s = .9 outvotes 54 at .5 but not 55 at T .1 (8103 / 148.4 =
 * 54.60); at T .07 it outvotes 303 but not 304 (303.2). */
static void votes_weigh_as_specified(void **state)
{
    (void)state;
    static const struct {
        double temperature;
        int many;
        int32_t winner;
    } cases[] = { { .1, 54, 1 }, { .1, 55, 0 }, { .07, 303, 1 }, { .07, 304, 0 } };
    enum { MOST = 304 };
    float query[] = { 1, 0 };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        float value[(MOST + 1) * 2] = { .9f, -sqrtf(.19f) };
        int32_t label[MOST + 1] = { 1 }, predicted;
        for (int i = 1; i <= cases[c].many; i++) {
            value[2 * i] = .5f;
            value[2 * i + 1] = sqrtf(.75f);
        }
        struct features bank = { value, label, cases[c].many + 1, 2 },
                        queries = { query, NULL, 1, 2 };
        struct knn_settings settings = { cases[c].many + 1, cases[c].temperature };
        assert_int_equal(knn_classify(&bank, &queries, 2, &settings, &predicted), TACIT_OK);
        assert_int_equal(predicted, cases[c].winner);
    }
}

static void bank_as_queries_is_perfect(void **state)
{
    (void)state;
    struct fixture f = fixture_new(1100, 1);
    int32_t predicted[1100];
    struct knn_settings settings = { 1, .1 };
    assert_int_equal(knn_classify(&f.bank, &f.bank, CLASSES, &settings, predicted), TACIT_OK);
    assert_memory_equal(predicted, f.bank.label, sizeof predicted);
    fixture_free(&f);
}

/* T -> 0 is the nearest neighbour, T -> infinity the majority among k. */
static void temperature_limits(void **state)
{
    (void)state;
    enum { K = 15, QUERIES = 60 };
    struct fixture f = fixture_new(400, QUERIES);
    int32_t cold[QUERIES], nearest[QUERIES], hot[QUERIES];
    uint32_t index[QUERIES * K];
    struct knn_settings one = { 1, .1 }, low = { K, 1e-7 }, high = { K, INFINITY };
    assert_int_equal(knn_classify(&f.bank, &f.queries, CLASSES, &one, nearest), TACIT_OK);
    assert_int_equal(knn_classify(&f.bank, &f.queries, CLASSES, &low, cold), TACIT_OK);
    assert_memory_equal(cold, nearest, sizeof cold);
    assert_int_equal(knn_classify(&f.bank, &f.queries, CLASSES, &high, hot), TACIT_OK);
    assert_int_equal(knn_search(&f.bank, &f.queries, K, index, NULL), TACIT_OK);
    for (int q = 0; q < QUERIES; q++) {
        int count[CLASSES] = { 0 }, best = 0;
        for (int j = 0; j < K; j++)
            count[f.bank.label[index[q * K + j]]]++;
        for (int c = 1; c < CLASSES; c++)
            best = count[c] > count[best] ? c : best;
        assert_int_equal(hot[q], best);
    }
    assert_memory_not_equal(hot, nearest, sizeof hot);
    fixture_free(&f);
}

static void order_of_the_bank_does_not_matter(void **state)
{
    (void)state;
    enum { BANK = 900, QUERIES = 80 };
    struct fixture f = fixture_new(BANK, QUERIES);
    uint32_t order[BANK];
    struct random_stream stream = random_stream(5, "order", 0, 0);
    random_permutation(&stream, order, BANK);
    float *value = calloc(BANK * WIDTH, sizeof *value);
    int32_t label[BANK], predicted[QUERIES], again[QUERIES];
    for (int i = 0; i < BANK; i++) {
        memcpy(value + i * WIDTH, f.bank.value + order[i] * WIDTH, WIDTH * sizeof *value);
        label[i] = f.bank.label[order[i]];
    }
    struct features shuffled = { value, label, BANK, WIDTH };
    assert_int_equal(knn_classify(&f.bank, &f.queries, CLASSES, &knn_defaults, predicted),
                     TACIT_OK);
    assert_int_equal(knn_classify(&shuffled, &f.queries, CLASSES, &knn_defaults, again), TACIT_OK);
    assert_memory_equal(predicted, again, sizeof predicted);
    free(value);
    fixture_free(&f);
}

static void threads_agree(void **state)
{
    (void)state;
    enum { K = 30, QUERIES = 700 };
    struct fixture f = fixture_new(1000, QUERIES);
    uint32_t *index[2];
    for (int t = 0; t < 2; t++) {
        parallel_set_threads(t + 1);
        index[t] = calloc(QUERIES * K, sizeof **index);
        assert_int_equal(knn_search(&f.bank, &f.queries, K, index[t], NULL), TACIT_OK);
    }
    assert_memory_equal(index[0], index[1], QUERIES * K * sizeof **index);
    free(index[0]);
    free(index[1]);
    fixture_free(&f);
}

static void bad_input_is_named(void **state)
{
    (void)state;
    struct fixture f = fixture_new(20, 4);
    int32_t predicted[4], one_class[20] = { 0 }, beyond[20] = { 0 };
    struct knn_settings settings = { 21, .1 };
    assert_int_equal(knn_classify(&f.bank, &f.queries, CLASSES, &settings, predicted), TACIT_USAGE);
    assert_non_null(strstr(status_message(), "k=21"));
    settings = (struct knn_settings){ 0, .1 };
    assert_int_equal(knn_classify(&f.bank, &f.queries, CLASSES, &settings, predicted), TACIT_USAGE);
    settings = (struct knn_settings){ 5, 0 };
    assert_int_equal(knn_classify(&f.bank, &f.queries, CLASSES, &settings, predicted), TACIT_USAGE);
    settings.temperature = .1;
    struct features bank = f.bank, queries = f.queries;
    bank.label = one_class;
    assert_int_equal(knn_classify(&bank, &queries, CLASSES, &settings, predicted), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "one class"));
    beyond[7] = CLASSES;
    bank.label = beyond;
    assert_int_equal(knn_classify(&bank, &queries, CLASSES, &settings, predicted), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "sample 7"));
    bank = f.bank;
    bank.count = 0;
    assert_int_equal(knn_classify(&bank, &queries, CLASSES, &settings, predicted), TACIT_BAD_DATA);
    queries.count = 0;
    assert_int_equal(knn_classify(&f.bank, &queries, CLASSES, &settings, predicted),
                     TACIT_BAD_DATA);
    queries = f.queries;
    queries.width = WIDTH - 1;
    assert_int_equal(knn_classify(&f.bank, &queries, CLASSES, &settings, predicted),
                     TACIT_BAD_DATA);
    ((float *)f.queries.value)[2 * WIDTH + 3] = NAN;
    assert_int_equal(knn_classify(&f.bank, &f.queries, CLASSES, &settings, predicted),
                     TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "sample 2"));
    fixture_free(&f);
}

/* Every allocation fails once; a search that reports success must have found the neighbours. */
static void memory_may_run_out(void **state)
{
    (void)state;
    struct fixture f = fixture_new(50, 6);
    struct knn_settings settings = { 5, .1 };
    int32_t expected[6], predicted[6];
    assert_int_equal(knn_classify(&f.bank, &f.queries, CLASSES, &settings, expected), TACIT_OK);
    int failures = 0;
    for (int n = 1;; n++) {
        memory_fail_at(n);
        status outcome = knn_classify(&f.bank, &f.queries, CLASSES, &settings, predicted);
        memory_fail_at(0);
        if (outcome == TACIT_OK)
            break;
        assert_int_equal(outcome, TACIT_RESOURCES);
        failures++;
    }
    assert_memory_equal(expected, predicted, sizeof expected);
    assert_true(failures >= 5);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_brute_force),
        cmocka_unit_test(ties_go_to_the_lowest_index),
        cmocka_unit_test(vote_ties_go_to_the_lowest_class),
        cmocka_unit_test(votes_weigh_as_specified),
        cmocka_unit_test(bank_as_queries_is_perfect),
        cmocka_unit_test(temperature_limits),
        cmocka_unit_test(order_of_the_bank_does_not_matter),
        cmocka_unit_test(threads_agree),
        cmocka_unit_test(bad_input_is_named),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
