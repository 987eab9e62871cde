#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "eval/score.h"

#include <cmocka.h>

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.9g is not within %g of %.9g", value, tolerance, expected);
}

/* Student's points from tables; Wilson's interval of 81 of 263 is .2553 to .3662 (Newcombe 1998,
 * table I), of 0 of 20 is 0 to .1611. */
static void intervals_match_published_values(void **state)
{
    (void)state;
    static const struct {
        int degrees;
        double point;
    } student[] = { { 1, 12.706 }, { 2, 4.303 },  { 4, 2.776 },   { 5, 2.571 },
                    { 9, 2.262 },  { 29, 2.045 }, { 1000, 1.962 } };
    for (size_t i = 0; i < sizeof student / sizeof *student; i++)
        assert_near(score_student(student[i].degrees), student[i].point, .002 * student[i].point);
    double share = 81. / 263, none = 0;
    struct score score;
    score_of(&share, 1, 263, &score);
    assert_near(score.low, .2553, 5e-5);
    assert_near(score.high, .3662, 5e-5);
    assert_true(isnan(score.sd));
    score_of(&none, 1, 20, &score);
    assert_near(score.low, 0, 1e-15);
    assert_near(score.high, .1611, 5e-5);
    /* .70, .72, .74: sd .02, half the interval 4.303 * .02 / sqrt 3 */
    static const double three[] = { .70, .72, .74 };
    score_of(three, 3, 100, &score);
    assert_near(score.accuracy, .72, 1e-12);
    assert_near(score.sd, .02, 1e-12);
    assert_near(score.low, .72 - .04968, 1e-4);
    assert_near(score.high, .72 + .04968, 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_match_published_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
