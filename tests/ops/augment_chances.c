/* Every probability means what it says: an operator happens that often, not the rest of the time.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "augment/augment.h"

#include <cmocka.h>

enum { DRAWS = 4000 };

struct happened {
    double flip, jitter, gray, blur, solarize;
};

static struct happened count(const struct augment_settings *settings, int view)
{
    struct augment_plan *plan = NULL;
    struct happened h = { 0 };
    assert_int_equal(augment_plan_new(settings, 3, 32, &plan), TACIT_OK);
    for (uint64_t sample = 0; sample < DRAWS; sample++) {
        struct augment_draw draw;
        augment_draw(plan, 40, 36, 1, 2, sample, view, &draw);
        h.flip += (double)draw.flip / DRAWS;
        h.jitter += (double)draw.jitter / DRAWS;
        h.gray += (double)draw.gray / DRAWS;
        h.blur += (double)(draw.sigma > 0) / DRAWS;
        h.solarize += (double)draw.solarize / DRAWS;
    }
    augment_plan_free(plan);
    return h;
}

/* Five standard errors of 4,000 draws at .9; exact at 0 and 1. */
static void near(double got, double want)
{
    double slack = want > 0 && want < 1 ? 0.025 : 1e-9;
    if (!(fabs(got - want) <= slack))
        fail_msg("happened %g of the time, not %g", got, want);
}

static void chances(void **state)
{
    (void)state;
    static const double chance[] = { 0, 0.1, 0.9, 1 };
    for (size_t i = 0; i < 4; i++) {
        double p = chance[i], rest = 1 - p;
        struct augment_settings settings;
        assert_int_equal(augment_preset("simclr", &settings), TACIT_OK);
        settings.flip = settings.gray = settings.blur = settings.solarize_second = p;
        settings.jitter = settings.blur_second = settings.solarize = rest;
        struct happened first = count(&settings, 0), second = count(&settings, 1);
        near(first.flip, p);
        near(second.flip, p);
        near(first.gray, p);
        near(first.jitter, rest);
        near(first.blur, p);
        near(second.blur, rest);
        near(first.solarize, rest);
        near(second.solarize, p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(chances) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
