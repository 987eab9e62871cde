/* Few queries against a bank: the same neighbours as by cosines in double, whatever the shapes. */
#include "unit/data_files.h"
#include "base/parallel.h"
#include "base/random.h"
#include "eval/knn.h"
#include "eval/vectors.h"

#include <math.h>

static float *numbers(size_t count, const char *name)
{
    float *value = malloc(count * sizeof *value);
    struct random_stream stream = random_stream(7, name, 0, 0);
    assert_non_null(value);
    for (size_t i = 0; i < count; i++)
        value[i] = (float)random_normal(&stream);
    return value;
}

static double cosine_of(const float *a, const float *b, int64_t width)
{
    double ab = 0, aa = 0, bb = 0;
    for (int64_t j = 0; j < width; j++) {
        ab += (double)a[j] * b[j];
        aa += (double)a[j] * a[j];
        bb += (double)b[j] * b[j];
    }
    return ab / (fmax(sqrt(aa), 1e-12) * fmax(sqrt(bb), 1e-12));
}

static void check(int64_t count, int64_t queries, int64_t width, int64_t k)
{
    float *bank = numbers((size_t)(count * width), "bank");
    float *query = numbers((size_t)(queries * width), "query");
    uint32_t *index = malloc((size_t)(queries * k) * sizeof *index);
    float *cosine = malloc((size_t)(queries * k) * sizeof *cosine);
    struct features all = { bank, NULL, count, width }, asked = { query, NULL, queries, width };
    assert_true(index && cosine);
    assert_int_equal(vectors_search(&all, &asked, k, false, index, cosine), TACIT_OK);
    for (int64_t q = 0; q < queries; q++) {
        double least = 2;
        int64_t above = 0;
        for (int64_t j = 0; j < k; j++) {
            double exact = cosine_of(bank + index[q * k + j] * width, query + q * width, width);
            assert_true(fabs(exact - (double)cosine[q * k + j]) < 2e-6);
            assert_true(exact < least + 2e-6);
            least = exact;
        }
        for (int64_t i = 0; i < count; i++)
            above += cosine_of(bank + i * width, query + q * width, width) > least + 2e-6;
        assert_true(above < k);
    }
    free(bank);
    free(query);
    free(index);
    free(cosine);
}

/* By products a long vector wins although another points the same way: (1, 1) . (3, 0) > (1, 1) .
 * (1, 1). Few queries go one way through the code, many another. */
static void products_count_the_norm(void **state)
{
    enum { MANY = VECTORS_FEW + 1 };
    static const float bank[] = { 1, 1, 3, 0, -2, 5, 0, -9 };
    static const uint32_t order[] = { 1, 2, 0 }, by_cosine = 0;
    static const float product[] = { 3, 3, 2 };
    float *query = malloc(MANY * 2 * sizeof *query), *score = malloc(MANY * 3 * sizeof *score);
    uint32_t *index = malloc(MANY * 3 * sizeof *index);
    struct features all = { bank, NULL, 4, 2 };
    (void)state;
    assert_true(query && score && index);
    for (int i = 0; i < MANY * 2; i++)
        query[i] = 1;
    for (int count = 1; count <= MANY; count += MANY - 1) {
        struct features asked = { query, NULL, count, 2 };
        assert_int_equal(knn_products(&all, &asked, 3, index, score), TACIT_OK);
        for (int i = 0; i < count * 3; i++) {
            assert_int_equal(index[i], order[i % 3]);
            assert_true(score[i] == product[i % 3]);
        }
        assert_int_equal(knn_search(&all, &asked, 1, index, score), TACIT_OK);
        assert_int_equal(index[0], by_cosine);
    }
    free(query);
    free(score);
    free(index);
}

static void neighbours_are_exact(void **state)
{
    (void)state;
    parallel_set_threads(2);
    check(3000, 1, 384, 10);
    check(3000, 6, 100, 7);
    check(2999, 7, 33, 100);
    check(1, 1, 1, 1);
    check(700, 40, 5, 700);
    check(259, 225, 17, 10); /* blocks of rows, queries and numbers that do not fill up */
    check(66, 11, 24, 3);
    check(5, 3, 8, 5);
}

/* Equal rows: the lowest numbers, over the borders of threads and blocks. */
static void ties_go_to_the_lowest(void **state)
{
    (void)state;
    enum { COUNT = 5000, K = 9 };
    float *bank = malloc(COUNT * 2 * sizeof *bank), query[2] = { 1, 2 }, cosine[K];
    uint32_t index[K];
    assert_non_null(bank);
    for (int i = 0; i < COUNT; i++) {
        bank[2 * i] = 2;
        bank[2 * i + 1] = 4;
    }
    struct features all = { bank, NULL, COUNT, 2 }, asked = { query, NULL, 1, 2 };
    assert_int_equal(knn_search(&all, &asked, K, index, cosine), TACIT_OK);
    for (int i = 0; i < K; i++)
        assert_int_equal(index[i], i);
    free(bank);
}

/* Large and tiny vectors have cosines, too; what is not finite is named. */
static void odd_rows(void **state)
{
    (void)state;
    float bank[3][2] = { { 3e25f, 0 }, { 1e-25f, 1e-25f }, { 0, 0 } }, query[2] = { 1, 0 };
    float cosine[3];
    uint32_t index[3];
    struct features all = { &bank[0][0], NULL, 3, 2 }, asked = { query, NULL, 1, 2 };
    assert_int_equal(vectors_search(&all, &asked, 3, false, index, cosine), TACIT_OK);
    assert_int_equal(index[0], 0);
    assert_true(fabsf(cosine[0] - 1) < 1e-6f);
    bank[1][0] = NAN;
    assert_int_equal(vectors_search(&all, &asked, 3, false, index, cosine), TACIT_BAD_DATA);
    assert_non_null(strstr(tacit_message(), "sample 1"));
    bank[1][0] = INFINITY;
    assert_int_equal(vectors_search(&all, &asked, 3, false, index, cosine), TACIT_BAD_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_are_exact),
        cmocka_unit_test(products_count_the_norm),
        cmocka_unit_test(ties_go_to_the_lowest),
        cmocka_unit_test(odd_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
