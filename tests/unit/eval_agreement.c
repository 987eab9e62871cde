/* Measures of agreement against closed forms and figures worked out by hand. */
#include "eval/agreement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

static void close_to(double found, double expected)
{
    if (!(fabs(found - expected) < 1e-12))
        fail_msg("%.17g instead of %.17g", found, expected);
}

/* Confusion (rows: truth) [2 1 0; 0 1 1; 0 0 0]: F1 of class 0 is 2*2/(3+2), of class 1
 * 2*1/(2+2), of class 2 2*0/(0+1): in the predictions only, it counts; class 3 is nowhere. */
static void classes_by_hand(void **state)
{
    (void)state;
    const int32_t truth[] = { 0, 0, 0, 1, 1 }, predicted[] = { 0, 0, 1, 1, 2 };
    struct class_agreement found;
    assert_int_equal(class_agreement(truth, predicted, 5, 4, &found), TACIT_OK);
    assert_int_equal(found.right, 3);
    close_to(found.accuracy, .6);
    close_to(found.macro_f1, (4. / 5 + 1. / 2 + 0) / 3);
    close_to(found.balanced, (2. / 3 + 1. / 2) / 2);
    close_to(class_f1(truth, predicted, 5, 0), .8);
    close_to(class_f1(truth, predicted, 5, 1), .5);
    close_to(class_f1(truth, predicted, 5, 3), 0);
}

static void nothing_is_not_a_number(void **state)
{
    (void)state;
    struct class_agreement found;
    double ranks;
    const double same[] = { 2, 2, 2 }, other[] = { 1, 2, 3 };
    assert_int_equal(class_agreement(NULL, NULL, 0, 3, &found), TACIT_OK);
    assert_true(isnan(found.accuracy) && isnan(found.macro_f1) && isnan(found.balanced));
    assert_true(isnan(pearson(same, other, 3)));
    assert_true(isnan(pearson(other, other, 1)));
    assert_int_equal(spearman(same, other, 3, &ranks), TACIT_OK);
    assert_true(isnan(ranks));
}

/* (1 2 3) and (1 3 2): covariance 1, variances 2: .5. */
static void pearson_by_hand(void **state)
{
    (void)state;
    const double x[] = { 1, 2, 3 }, y[] = { 1, 3, 2 }, z[] = { -3, -5, -7 };
    close_to(pearson(x, y, 3), .5);
    close_to(pearson(x, z, 3), -1);
}

/* Without ties 1 - 6 sum d^2 / (n (n^2 - 1)), which takes no notice of anything but order. */
static void spearman_without_ties(void **state)
{
    (void)state;
    const double x[] = { 1, 10, 100, 1000, 1e4 }, y[] = { .1, .3, .2, .5, .4 };
    double ranks;
    assert_int_equal(spearman(x, y, 5, &ranks), TACIT_OK);
    close_to(ranks, 1 - 6. * (0 + 1 + 1 + 1 + 1) / (5 * 24));
}

/* Ranks of x: 1, 2.5, 2.5, 4; of y: 1.5, 1.5, 3, 4. From the mean 2.5: x -1.5 0 0 1.5, y -1 -1 .5
 * 1.5, so 3.75 / sqrt(4.5 * 4.5). */
static void spearman_with_ties(void **state)
{
    (void)state;
    const double x[] = { 1, 2, 2, 3 }, y[] = { 5, 5, 7, 9 };
    double ranks;
    assert_int_equal(spearman(x, y, 4, &ranks), TACIT_OK);
    close_to(ranks, 3.75 / 4.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_by_hand),    cmocka_unit_test(nothing_is_not_a_number),
        cmocka_unit_test(pearson_by_hand),    cmocka_unit_test(spearman_without_ties),
        cmocka_unit_test(spearman_with_ties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
