#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "eval/spectrum.h"
#include "train/measures.h"

#include <cmocka.h>

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.9g is not within %g of %.9g", value, tolerance, expected);
}

static float *normal_rows(int64_t count, int64_t width, uint64_t item)
{
    float *value = calloc((size_t)(count * width), sizeof *value);
    assert_non_null(value);
    struct random_stream stream = random_stream(7, "normal", 0, item);
    for (int64_t i = 0; i < count * width; i++)
        value[i] = (float)random_normal(&stream);
    return value;
}

/* Singular values on the diagonal of [rows, width], both tall and wide. */
static double rank_of_diagonal(const double *singular, int count, int rows, int width)
{
    float *z = calloc((size_t)(rows * width), sizeof *z);
    for (int i = 0; i < count; i++)
        z[i * width + i] = (float)singular[i];
    double rank;
    assert_int_equal(measure_rank(z, rows, width, &rank), TACIT_OK);
    free(z);
    return rank;
}

/* specs G.5: (4,2,1,1) -> 3.36359, (3,1) -> 1.75477, isotropic -> d, rank one -> 1. */
static void rank_has_the_golden_values(void **state)
{
    (void)state;
    static const double four[] = { 4, 2, 1, 1 }, two[] = { 3, 1 }, one[] = { 5 },
                        same[] = { 2, 2, 2, 2, 2 };
    assert_near(rank_of_diagonal(four, 4, 4, 4), 3.36359, 1e-5);
    assert_near(rank_of_diagonal(four, 4, 30, 4), 3.36359, 1e-5);
    assert_near(rank_of_diagonal(four, 4, 4, 9), 3.36359, 1e-5);
    assert_near(rank_of_diagonal(two, 2, 2, 2), 1.75477, 1e-5);
    assert_near(rank_of_diagonal(one, 1, 6, 6), 1, 2e-5);
    assert_near(rank_of_diagonal(same, 5, 5, 5), 5, 1e-4);
    assert_near(rank_of_diagonal(same, 5, 40, 5), 5, 1e-4);
    assert_near(rank_of_diagonal(same, 0, 4, 3), 1, 0);
}

/* RankMe is not centred: one constant vector is rank one. It does not change under a rotation. */
static void rank_is_invariant(void **state)
{
    (void)state;
    float *z = normal_rows(60, 2, 0), *turned = calloc(120, sizeof *turned), constant[20];
    double rank, again;
    for (int i = 0; i < 60; i++) {
        z[2 * i] *= 3;
        turned[2 * i] = .6f * z[2 * i] - .8f * z[2 * i + 1];
        turned[2 * i + 1] = .8f * z[2 * i] + .6f * z[2 * i + 1];
    }
    assert_int_equal(measure_rank(z, 60, 2, &rank), TACIT_OK);
    assert_int_equal(measure_rank(turned, 60, 2, &again), TACIT_OK);
    assert_near(again, rank, 1e-5);
    assert_true(rank > 1.5 && rank < 1.9);
    for (int i = 0; i < 20; i++)
        constant[i] = i % 2 ? 2.f : -1.f;
    assert_int_equal(measure_rank(constant, 10, 2, &rank), TACIT_OK);
    assert_near(rank, 1, 1e-5);
    free(z);
    free(turned);
}

/* Two orthogonal, two opposite and equal vectors have closed forms. */
static void few_vectors_have_closed_forms(void **state)
{
    (void)state;
    static const float orthogonal[] = { 3, 0, 0, .5f }, opposite[] = { 2, 0, -7, 0 },
                       equal[] = { 1, 2, 2, 4 };
    static const float three[] = { 1, 0, 0, 1, -1, 0 };
    struct measures m;
    assert_int_equal(measures_take(orthogonal, equal, 2, 2, &m), TACIT_OK);
    assert_near(m.uniformity, -4, 1e-12);
    assert_near(m.cosine, 0, 1e-12);
    assert_near(m.deviation, sqrt(.5), 1e-12);
    assert_near(m.ideal, sqrt(.5), 1e-12);
    /* x = (1,0), (0,1); y = (1,2)/sqrt 5 twice: 2 - 2/sqrt 5 and 2 - 4/sqrt 5 */
    assert_near(m.alignment, 2 - 3 / sqrt(5), 1e-12);
    assert_int_equal(measures_take(opposite, NULL, 2, 2, &m), TACIT_OK);
    assert_near(m.uniformity, -8, 1e-12);
    assert_near(m.cosine, -1, 1e-12);
    assert_true(isnan(m.alignment));
    assert_int_equal(measures_take(equal, equal, 2, 2, &m), TACIT_OK);
    assert_near(m.uniformity, 0, 1e-12);
    assert_near(m.alignment, 0, 0);
    assert_near(m.deviation, 0, 1e-12);
    assert_near(m.cosine, 1, 1e-12);
    /* distances^2 2, 4, 2: ln((2 e^-4 + e^-8) / 3), not ordered pairs, no self; cosines 0, -1, 0 */
    assert_int_equal(measures_take(three, NULL, 3, 2, &m), TACIT_OK);
    assert_near(m.uniformity, log((2 * exp(-4) + exp(-8)) / 3), 1e-12);
    assert_near(m.cosine, -1. / 3, 1e-12);
    /* (1, 0, -1) and (0, 1, 0): deviations with n - 1 are 1 and sqrt(1/3) */
    assert_near(m.deviation, .5 * (1 + sqrt(1. / 3)), 1e-12);
}

/* specs G.4, 0.6: uniform random directions: uniformity d=2 -1.575027, d=128 -3.937530, d=512
 * -3.984375; alignment 2; standard deviation 1/sqrt(d). Tolerances: five standard errors. */
static void random_directions_are_uniform(void **state)
{
    (void)state;
    static const struct {
        int width;
        double uniformity, tolerance;
    } cases[] = { { 2, -1.575027, .01 }, { 128, -3.937530, .005 }, { 512, -3.984375, .003 } };
    enum { COUNT = 2000 };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int width = cases[c].width;
        float *x = normal_rows(COUNT, width, 1), *y = normal_rows(COUNT, width, 2);
        struct measures m;
        assert_int_equal(measures_take(x, y, COUNT, width, &m), TACIT_OK);
        assert_near(m.uniformity, cases[c].uniformity, cases[c].tolerance);
        assert_near(m.alignment, 2, 10 / sqrt((double)COUNT * width));
        assert_near(m.deviation, m.ideal, .01 * m.ideal);
        assert_near(m.cosine, 0, .01);
        assert_true(m.rank > .85 * width && m.rank <= width);
        free(x);
        free(y);
    }
    assert_near(1 / sqrt(128), .0884, 5e-5);
}

static void measures_refuse_bad_input(void **state)
{
    (void)state;
    float z[] = { 1, 2, 3, NAN };
    struct measures m;
    assert_int_equal(measures_take(z, NULL, 1, 2, &m), TACIT_BAD_DATA);
    assert_int_equal(measures_take(z, NULL, 2, 2, &m), TACIT_NUMERIC);
    assert_non_null(strstr(status_message(), "sample 1"));
    z[3] = 0;
    for (int n = 1; n < 100; n++) {
        memory_fail_at(n);
        status outcome = measures_take(z, z, 2, 2, &m);
        memory_fail_at(0);
        if (outcome == TACIT_OK) {
            assert_true(n > 8);
            return;
        }
        assert_int_equal(outcome, TACIT_RESOURCES);
    }
    fail_msg("the measures allocate for ever");
}

/* Columns of a Hadamard matrix are orthogonal and have mean 0: the covariance is diagonal with
 * the squared scales times n / (n - 1), and adding a constant changes nothing. */
static void spectrum_of_orthogonal_columns(void **state)
{
    (void)state;
    enum { N = 8, WIDTH = 4 };
    static const double scale[WIDTH] = { 1, 3, .5, 2 }, sorted[WIDTH] = { 9, 4, 1, .25 };
    float z[N * WIDTH];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < WIDTH; j++)
            z[i * WIDTH + j] =
                (float)(scale[j] * (__builtin_popcount(i & (j + 1)) % 2 ? -1 : 1) + 10 * j);
    struct features features = { z, NULL, N, WIDTH };
    double value[WIDTH];
    assert_int_equal(spectrum_of(&features, value), TACIT_OK);
    for (int j = 0; j < WIDTH; j++)
        assert_near(value[j], sorted[j] * N / (N - 1), 1e-9);
    assert_near(spectrum_participation(value, WIDTH), 14.25 * 14.25 / (81 + 16 + 1 + .0625), 1e-9);
    features.count = 1;
    assert_int_equal(spectrum_of(&features, value), TACIT_BAD_DATA);
}

/* specs G.5: eigenvalues i^-1.3 give exactly 1.3. */
static void decay_of_a_power_law(void **state)
{
    (void)state;
    double value[200], alpha;
    for (int i = 0; i < 200; i++)
        value[i] = 5 * pow(i + 1, -1.3);
    assert_int_equal(spectrum_decay(value, 200, 11, 100, &alpha), TACIT_OK);
    assert_near(alpha, 1.3, 1e-9);
    assert_int_equal(spectrum_decay(value, 200, 1, 200, &alpha), TACIT_OK);
    assert_near(alpha, 1.3, 1e-9);
    /* two ranks: the line goes through both */
    value[1] = value[0] / 8;
    assert_int_equal(spectrum_decay(value, 200, 1, 2, &alpha), TACIT_OK);
    assert_near(alpha, 3, 1e-9);
    /* three points (ln i, ln v) = (0, 0), (ln 2, 0), (ln 3, -1), weights 1, 1/2, 1/3, by hand */
    double three[] = { 1, 1, exp(-1) }, x = (log(2) / 2 + log(3) / 3) / (11. / 6),
           y = -(1. / 3) / (11. / 6);
    double top = x * y + .5 * (log(2) - x) * (0 - y) + (log(3) - x) * (-1 - y) / 3;
    double bottom = x * x + .5 * (log(2) - x) * (log(2) - x) + (log(3) - x) * (log(3) - x) / 3;
    assert_int_equal(spectrum_decay(three, 3, 1, 3, &alpha), TACIT_OK);
    assert_near(alpha, -top / bottom, 1e-9);
    assert_int_equal(spectrum_decay(value, 200, 5, 5, &alpha), TACIT_USAGE);
    assert_int_equal(spectrum_decay(value, 200, 5, 201, &alpha), TACIT_USAGE);
    value[20] = 0;
    assert_int_equal(spectrum_decay(value, 200, 11, 100, &alpha), TACIT_NUMERIC);
    double zeros[3] = { 0 }, equal[3] = { 2, 2, 2 };
    assert_near(spectrum_participation(zeros, 3), 1, 0);
    assert_near(spectrum_participation(equal, 3), 3, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rank_has_the_golden_values),
        cmocka_unit_test(rank_is_invariant),
        cmocka_unit_test(few_vectors_have_closed_forms),
        cmocka_unit_test(random_directions_are_uniform),
        cmocka_unit_test(measures_refuse_bad_input),
        cmocka_unit_test(spectrum_of_orthogonal_columns),
        cmocka_unit_test(decay_of_a_power_law),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
