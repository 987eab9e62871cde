/* Optimisers and schedules against published figures: one weight of 1 with gradients .5, .25, -.5
 * at a rate of .1; LARS on (3, 4); PyTorch's clipping; nanoGPT's rates. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "train/optimizer.h"
#include "train/schedule.h"

#include <cmocka.h>

enum { STEPS = 3 };

static const double gradients[STEPS] = { .5, .25, -.5 };

static void near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.10g is not within %g of %.10g", value, tolerance, expected);
}

/* A range of one parameter of this shape and an optimiser of it. */
static struct range *range_of(struct store *store, struct shape shape,
                              const struct optimizer_options *options, struct optimizer **optimizer)
{
    struct tensor *tensor;
    struct range *range = store_range(store, "network");
    assert_int_equal(
        range_declare(range, "weight", TENSOR_PARAMETER, shape, init_constant(0), &tensor),
        TACIT_OK);
    assert_int_equal(range_seal(range), TACIT_OK);
    assert_int_equal(optimizer_new(options, 1, &range, optimizer), TACIT_OK);
    return range;
}

static void three_steps(void **state)
{
    (void)state;
    const struct {
        const char *name;
        struct optimizer_options options;
        double weight[STEPS];
    } row[] = {
        { "sgd", { .momentum = .9, .weight_decay = .01 }, { .949, .877151, .861609749 } },
        { "sgd",
          { .momentum = .9, .weight_decay = .01, .nesterov = true },
          { .9031, .81257411, .847869708191 } },
        { "adamw",
          { .weight_decay = .1, .beta1 = .9, .beta2 = .999, .epsilon = 1e-8 },
          { .890000002, .7878820405, .7689249132 } },
        { "bert-adam",
          { .weight_decay = .1, .beta1 = .9, .beta2 = .999, .epsilon = 1e-6 },
          { .6737922327, .2709384426, .2133911439 } },
    };
    for (size_t r = 0; r < sizeof row / sizeof *row; r++) {
        struct optimizer_options options = row[r].options;
        struct optimizer *optimizer;
        struct store *store = store_new(0);
        options.type = optimizer_find(row[r].name);
        struct range *range = range_of(store, SHAPE(1, 1), &options, &optimizer);
        range->value[0] = 1;
        for (int step = 0; step < STEPS; step++) {
            range->gradient[0] = (float)gradients[step];
            optimizer_update(optimizer, step, .1, optimizer_norm(optimizer));
            near(range->value[0], row[r].weight[step], 2e-7);
        }
        optimizer_free(optimizer);
        store_free(store);
    }
}

/* ||p|| = 5, ||g + .1 p|| = 1.5: a rate of .001 5 / 1.5. */
static void lars_moves_by_the_norm(void **state)
{
    (void)state;
    struct optimizer_options options = { .type = optimizer_find("lars"),
                                         .weight_decay = .1,
                                         .trust = 1e-3 };
    struct optimizer *optimizer;
    struct store *store = store_new(0);
    struct range *range = range_of(store, SHAPE(1, 2), &options, &optimizer);
    const float value[] = { 3, 4 }, gradient[] = { .6F, .8F };
    for (int i = 0; i < 2; i++) {
        range->value[i] = value[i];
        range->gradient[i] = gradient[i];
    }
    optimizer_update(optimizer, 0, 1, optimizer_norm(optimizer));
    near(range->value[0], 2.997, 3e-7);
    near(range->value[1], 3.996, 3e-7);
    optimizer_free(optimizer);
    store_free(store);
}

/* (3, 4) clipped to 1 as PyTorch does it: 1 / (5 + 1e-6), not 1 / 5. */
static void clipping_is_pytorchs(void **state)
{
    (void)state;
    struct optimizer_options options = { .type = optimizer_find("sgd"), .clip = 1 };
    struct optimizer *optimizer;
    struct store *store = store_new(0);
    struct range *range = range_of(store, SHAPE(2), &options, &optimizer);
    range->gradient[0] = 3;
    range->gradient[1] = 4;
    optimizer_update(optimizer, 0, 1, optimizer_norm(optimizer));
    near(range->value[0], -.59999988, 5e-8);
    near(range->value[1], -.79999984, 5e-8);
    optimizer_free(optimizer);
    store_free(store);
}

/* nanoGPT, train_shakespeare_char: 1e-3 to 1e-4 in 5,000 iterations, 100 of them to warm up. */
static void rates_are_nanogpts(void **state)
{
    (void)state;
    static const struct {
        int64_t step;
        double rate;
    } row[] = { { 0, 9.9009901e-6 }, { 50, 5.0495050e-4 }, { 99, 9.9009901e-4 },
                { 100, 1e-3 },       { 2550, 5.5e-4 },     { 5000, 1e-4 } };
    struct schedule schedule = { .type = schedule_find("cosine"),
                                 .form = WARMUP_STEPWISE,
                                 .base = 1e-3,
                                 .end = 1e-4,
                                 .steps = 5000,
                                 .warmup = 100 };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        near(schedule_rate(&schedule, row[i].step), row[i].rate, 1e-11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_steps),
        cmocka_unit_test(lars_moves_by_the_norm),
        cmocka_unit_test(clipping_is_pytorchs),
        cmocka_unit_test(rates_are_nanogpts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
