/* Optimisers and schedules against the traces of tests/golden/losses.txt, which PyTorch and plain
 * formulas made. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "train/optimizer.h"
#include "train/schedule.h"

#include <cmocka.h>

/* The numbers of a key; how many. */
static int golden(const char *key, double *value, int most)
{
    static char line[1 << 16];
    FILE *file = fopen(TEST_FOLDER "/golden/losses.txt", "r");
    size_t length = strlen(key);
    int count = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, key, length) != 0 || strncmp(line + length, " = ", 3) != 0)
            continue;
        char *at = line + length + 3, *end;
        for (; count < most; count++, at = end) {
            value[count] = strtod(at, &end);
            if (end == at)
                break;
        }
    }
    fclose(file);
    return count;
}

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.9g is not within %g of %.9g", value, tolerance, expected);
}

struct trace {
    const char *name, *optimizer;
    struct shape shape;
    struct optimizer_options options;
    int zero; /* starts from zero weights */
};

static struct range *range_of(struct store *store, struct shape shape, const double *weight)
{
    struct tensor *tensor;
    struct range *range = store_range(store, "network");
    assert_int_equal(
        range_declare(range, "weight", TENSOR_PARAMETER, shape, init_constant(0), &tensor),
        TACIT_OK);
    assert_int_equal(range_seal(range), TACIT_OK);
    for (int i = 0; weight && i < 6; i++)
        tensor_value(tensor)[i] = (float)weight[i];
    return range;
}

static void trace_follow(const struct trace *trace)
{
    double weight[6], rate[3], gradient[6], expected[6];
    char key[64];
    struct store *store = store_new(0);
    assert_int_equal(golden("optimiser.weight", weight, 6), 6);
    assert_int_equal(golden("optimiser.lr", rate, 3), 3);
    struct range *range = range_of(store, trace->shape, trace->zero ? NULL : weight);
    struct optimizer_options options = trace->options;
    options.type = optimizer_find(trace->optimizer);
    struct optimizer *optimizer;
    assert_int_equal(optimizer_new(&options, 1, &range, &optimizer), TACIT_OK);
    for (int step = 0; step < 3; step++) {
        double squares = 0;
        snprintf(key, sizeof key, "optimiser.gradient%d", step + 1);
        assert_int_equal(golden(key, gradient, 6), 6);
        for (int i = 0; i < 6; i++) {
            tensor_gradient(range->tensor[0])[i] = (float)gradient[i];
            squares += gradient[i] * gradient[i];
        }
        double norm = optimizer_norm(optimizer);
        assert_near(norm, sqrt(squares), 1e-7);
        uint64_t version = range->version;
        optimizer_update(optimizer, step, rate[step], norm);
        assert_true(range->version > version);
        snprintf(key, sizeof key, "%s.step%d", trace->name, step + 1);
        assert_int_equal(golden(key, expected, 6), 6);
        for (int i = 0; i < 6; i++) {
            assert_near(tensor_value(range->tensor[0])[i], expected[i], 4e-7);
            assert_true(tensor_gradient(range->tensor[0])[i] == 0);
        }
    }
    optimizer_free(optimizer);
    store_free(store);
}

#define SGD(ahead, vectors)                                                              \
    {                                                                                    \
        .momentum = .9, .weight_decay = .01, .nesterov = ahead, .decay_vectors = vectors \
    }
#define LARS(inside)                                                                 \
    {                                                                                \
        .momentum = .9, .weight_decay = .01, .trust = 1e-3, .rate_in_buffer = inside \
    }
#define ADAMW(decay, second, vectors)                                         \
    {                                                                         \
        .weight_decay = decay, .beta1 = .9, .beta2 = second, .epsilon = 1e-8, \
        .decay_vectors = vectors                                              \
    }

static void optimizers_follow_the_traces(void **state)
{
    (void)state;
    const struct trace traces[] = {
        { "sgd", "sgd", SHAPE(6), SGD(false, true), 0 },
        { "sgd", "sgd", SHAPE(2, 3), SGD(false, false), 0 },
        { "sgd_nesterov", "sgd", SHAPE(2, 3), SGD(true, true), 0 },
        { "adamw", "adamw", SHAPE(2, 3), ADAMW(.01, .999, false), 0 },
        { "adamw", "adamw", SHAPE(6), ADAMW(.01, .999, true), 0 },
        { "adamw_nodecay", "adamw", SHAPE(6), ADAMW(.01, .999, false), 0 },
        { "adamw_mae", "adamw", SHAPE(6, 1), ADAMW(.05, .95, false), 0 },
        { "lars1.matrix", "lars", SHAPE(2, 3), LARS(false), 0 },
        { "lars1.vector", "lars", SHAPE(6), LARS(false), 0 },
        { "lars1.zero", "lars", SHAPE(2, 3), LARS(false), 1 },
        { "lars2.matrix", "lars", SHAPE(2, 3), LARS(true), 0 },
        { "lars2.vector", "lars", SHAPE(6), LARS(true), 0 },
        { "lars2.zero", "lars", SHAPE(2, 3), LARS(true), 1 },
    };
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++)
        trace_follow(&traces[i]);
}

/* Gradient (3, 4), norm 5, clipped to 1: w = -(3, 4) / 5 after one step of rate 1 (1e-6 is lost to
 * PyTorch's guard against zero). A norm below the limit changes nothing. */
static void clipping_scales_the_whole_gradient(void **state)
{
    (void)state;
    for (int limit = 1; limit <= 10; limit += 9) {
        struct store *store = store_new(0);
        struct range *range[2] = { store_range(store, "one"), store_range(store, "two") };
        struct tensor *tensor[2];
        for (int i = 0; i < 2; i++) {
            range_declare(range[i], "w", TENSOR_PARAMETER, SHAPE(1), init_constant(0), &tensor[i]);
            assert_int_equal(range_seal(range[i]), TACIT_OK);
            *tensor_gradient(tensor[i]) = (float)(3 + i);
        }
        struct optimizer_options options = { .type = optimizer_find("sgd"), .clip = limit };
        struct optimizer *optimizer;
        assert_int_equal(optimizer_new(&options, 2, range, &optimizer), TACIT_OK);
        double norm = optimizer_norm(optimizer), share = limit == 1 ? .2 : 1;
        assert_near(norm, 5, 1e-12);
        optimizer_update(optimizer, 0, 1, norm);
        assert_near(*tensor_value(tensor[0]), -3 * share, 2e-6);
        assert_near(*tensor_value(tensor[1]), -4 * share, 2e-6);
        optimizer_free(optimizer);
        store_free(store);
    }
}

static void norms_tell_what_is_not_finite(void **state)
{
    (void)state;
    static const float bad[] = { NAN, INFINITY, -INFINITY };
    for (size_t i = 0; i < 3; i++) {
        struct store *store = store_new(0);
        struct range *range = range_of(store, SHAPE(40000), NULL);
        struct optimizer_options options = { .type = optimizer_find("sgd") };
        struct optimizer *optimizer;
        assert_int_equal(optimizer_new(&options, 1, &range, &optimizer), TACIT_OK);
        assert_true(optimizer_norm(optimizer) == 0);
        range->gradient[39999] = bad[i];
        assert_false(isfinite(optimizer_norm(optimizer)));
        optimizer_free(optimizer);
        store_free(store);
    }
}

/* Norms and updates are the same bits for any number of threads. */
static void threads_change_nothing(void **state)
{
    (void)state;
    enum { COUNT = 300001 };
    float *result[2];
    double norm[2];
    for (int run = 0; run < 2; run++) {
        parallel_set_threads(run + 1);
        struct store *store = store_new(0);
        struct range *range = range_of(store, SHAPE(COUNT, 1), NULL);
        struct optimizer_options options = { .type = optimizer_find("lars"),
                                             .momentum = .9,
                                             .trust = .02,
                                             .weight_decay = .1,
                                             .clip = 3 };
        struct optimizer *optimizer;
        assert_int_equal(optimizer_new(&options, 1, &range, &optimizer), TACIT_OK);
        for (int64_t i = 0; i < COUNT; i++) {
            range->value[i] = (float)sin((double)i);
            range->gradient[i] = (float)cos((double)i * 1.7);
        }
        norm[run] = optimizer_norm(optimizer);
        optimizer_update(optimizer, 0, .1, norm[run]);
        result[run] = malloc(COUNT * sizeof(float));
        memcpy(result[run], range->value, COUNT * sizeof(float));
        optimizer_free(optimizer);
        store_free(store);
    }
    assert_memory_equal(&norm[0], &norm[1], sizeof(double));
    assert_memory_equal(result[0], result[1], COUNT * sizeof(float));
    free(result[0]);
    free(result[1]);
}

/* One weight of 1, gradients .5, .25, -.5, rate and decay .1, worked out by hand with the rule of
 * BERT's optimization.py (epsilon 1e-6, moments without correction). */
static void bert_adam_follows_its_rule(void **state)
{
    (void)state;
    const double gradient[] = { .5, .25, -.5 };
    const double expected[] = { .6737922327, .2709384426, .2133911439 },
                 one[6] = { 1, 1, 1, 1, 1, 1 };
    struct store *store = store_new(0);
    struct range *range = range_of(store, SHAPE(2, 3), one);
    struct optimizer_options options = { .type = optimizer_find("bert-adam"),
                                         .weight_decay = .1,
                                         .beta1 = .9,
                                         .beta2 = .999,
                                         .epsilon = 1e-6 };
    struct optimizer *optimizer;
    assert_int_equal(optimizer_new(&options, 1, &range, &optimizer), TACIT_OK);
    for (int step = 0; step < 3; step++) {
        for (int i = 0; i < 6; i++)
            tensor_gradient(range->tensor[0])[i] = (float)gradient[step];
        optimizer_update(optimizer, step, .1, optimizer_norm(optimizer));
        for (int i = 0; i < 6; i++)
            assert_near(tensor_value(range->tensor[0])[i], expected[step], 4e-7);
    }
    optimizer_free(optimizer);
    store_free(store);
}

static void schedules_follow_the_formulas(void **state)
{
    (void)state;
    double row[6];
    char key[64];
    int seen = 0;
    for (int i = 0;
         snprintf(key, sizeof key, "schedule.multiplied.%d", i), golden(key, row, 6) == 5;
         i++, seen++) {
        struct schedule schedule = { .type = schedule_find("cosine"),
                                     .base = row[0],
                                     .steps = (int64_t)row[1],
                                     .warmup = (int64_t)row[2] };
        assert_near(schedule_rate(&schedule, (int64_t)row[3]), row[4], 1e-15);
    }
    assert_int_equal(seen, 21);
    for (int i = 0;
         snprintf(key, sizeof key, "schedule.sequential.%d", i), golden(key, row, 6) == 6;
         i++, seen++) {
        struct schedule schedule = { .type = schedule_find("cosine"),
                                     .form = WARMUP_SEQUENTIAL,
                                     .base = row[0],
                                     .end = row[1],
                                     .steps = (int64_t)row[2],
                                     .warmup = (int64_t)row[3] };
        assert_near(schedule_rate(&schedule, (int64_t)row[4]), row[5], 1e-15);
    }
    assert_int_equal(seen, 34);
    for (int i = 0; snprintf(key, sizeof key, "schedule.momentum.%d", i), golden(key, row, 6) == 3;
         i++, seen++)
        assert_near(schedule_momentum(row[0], row[1]), row[2], 1e-15);
    assert_int_equal(seen, 44);
}

static void plain_schedules(void **state)
{
    (void)state;
    struct schedule schedule = {
        .type = schedule_find("linear"), .base = 1, .end = .2, .steps = 8
    };
    assert_near(schedule_rate(&schedule, 0), 1, 0);
    assert_near(schedule_rate(&schedule, 4), .6, 1e-15);
    schedule.type = schedule_find("constant");
    assert_near(schedule_rate(&schedule, 7), 1, 0);
    schedule.warmup = 4;
    assert_near(schedule_rate(&schedule, 1), .5, 0);
    assert_null(schedule_find("cosin"));
    schedule = (struct schedule){ .type = schedule_find("linear"),
                                  .form = WARMUP_REPLACE,
                                  .base = 1e-4,
                                  .steps = 100,
                                  .warmup = 10 };
    assert_near(schedule_rate(&schedule, 0), 0, 0);
    assert_near(schedule_rate(&schedule, 9), 9e-5, 1e-18); /* the decay does not count yet */
    assert_near(schedule_rate(&schedule, 10), 9e-5, 1e-18);
    assert_near(schedule_rate(&schedule, 60), 4e-5, 1e-18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optimizers_follow_the_traces),
        cmocka_unit_test(clipping_scales_the_whole_gradient),
        cmocka_unit_test(norms_tell_what_is_not_finite),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(bert_adam_follows_its_rule),
        cmocka_unit_test(schedules_follow_the_formulas),
        cmocka_unit_test(plain_schedules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
