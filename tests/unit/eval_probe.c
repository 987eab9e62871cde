#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "eval/probe.h"

#include <cmocka.h>

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", value, tolerance, expected);
}

/* A set of tests/golden/probe.txt. */
struct golden {
    struct features bank;
    int32_t classes, *predicted;
    double c, objective, *parameters; /* [classes, width + 1] */
};

static double read_number(FILE *file)
{
    double value = NAN;
    assert_int_equal(fscanf(file, "%lf", &value), 1);
    return value;
}

static bool golden_read(FILE *file, struct golden *golden)
{
    long count, width, classes;
    if (fscanf(file, "%ld %ld %ld %lf", &count, &width, &classes, &golden->c) != 4)
        return false;
    float *value = calloc((size_t)(count * width), sizeof *value);
    int32_t *label = calloc((size_t)count, sizeof *label);
    golden->classes = (int32_t)classes;
    golden->parameters = calloc((size_t)(classes * (width + 1)), sizeof *golden->parameters);
    golden->predicted = calloc((size_t)count, sizeof *golden->predicted);
    for (long i = 0; i < count; i++) {
        for (long j = 0; j < width; j++)
            value[i * width + j] = (float)read_number(file);
        label[i] = (int32_t)read_number(file);
    }
    for (long i = 0; i < classes * (width + 1); i++)
        golden->parameters[i] = read_number(file);
    golden->objective = read_number(file);
    for (long i = 0; i < count; i++)
        golden->predicted[i] = (int32_t)read_number(file);
    golden->bank = (struct features){ value, label, count, width };
    return true;
}

static void golden_free(struct golden *golden)
{
    free((void *)golden->bank.value);
    free((void *)golden->bank.label);
    free(golden->parameters);
    free(golden->predicted);
}

static FILE *golden_open(void)
{
    FILE *file = fopen(TEST_FOLDER "/golden/probe.txt", "r");
    assert_non_null(file);
    return file;
}

/* Standardises in double, as the equation says. */
static void standardise(const struct features *bank, float *standard)
{
    for (int64_t j = 0; j < bank->width; j++) {
        double mean = 0, square = 0;
        for (int64_t i = 0; i < bank->count; i++)
            mean += bank->value[i * bank->width + j] / (double)bank->count;
        for (int64_t i = 0; i < bank->count; i++)
            square += pow(bank->value[i * bank->width + j] - mean, 2);
        for (int64_t i = 0; i < bank->count; i++)
            standard[i * bank->width + j] = (float)((bank->value[i * bank->width + j] - mean) /
                                                    (sqrt(square / (double)bank->count) + 1e-6));
    }
}

/* Twice the features ask for half the weights, whose penalty is a fourth: with a fourth of C the
 * objective is what it was, unless somebody standardises them. */
static void plain_features_stay(const struct features *standard, const struct golden *golden)
{
    struct probe_settings settings = probe_defaults;
    struct probe_outcome outcome;
    struct probe *probe;
    int64_t items = standard->count * standard->width;
    float *twice = calloc((size_t)items, sizeof *twice);
    assert_non_null(twice);
    for (int64_t i = 0; i < items; i++)
        twice[i] = 2 * standard->value[i];
    struct features bank = { twice, standard->label, standard->count, standard->width };
    settings.c = golden->c / 4;
    settings.plain = true;
    assert_int_equal(probe_train(&bank, golden->classes, &settings, &probe, &outcome), TACIT_OK);
    assert_near(outcome.objective, golden->objective, 1e-5);
    probe_free(probe);
    free(twice);
}

/* At scikit-learn's solution the objective is scikit-learn's and the gradient vanishes; training
 * ends there and predicts the same. */
static void agrees_with_scikit_learn(void **state)
{
    (void)state;
    FILE *file = golden_open();
    struct golden golden;
    int sets = 0;
    for (; golden_read(file, &golden); sets++) {
        int64_t count = golden.bank.count, width = golden.bank.width;
        float *standard = calloc((size_t)(count * width), sizeof *standard);
        double *gradient = calloc((size_t)(golden.classes * (width + 1)), sizeof *gradient),
               objective;
        int32_t *predicted = calloc((size_t)count, sizeof *predicted);
        standardise(&golden.bank, standard);
        struct features features = { standard, golden.bank.label, count, width };
        assert_int_equal(probe_objective(&features, golden.classes, golden.c, golden.parameters,
                                         &objective, gradient),
                         TACIT_OK);
        assert_near(objective, golden.objective, 1e-6);
        for (int64_t i = 0; i < golden.classes * (width + 1); i++)
            assert_near(gradient[i], 0, 2e-6);
        struct probe_settings settings = probe_defaults;
        struct probe_outcome outcome;
        struct probe *probe;
        settings.c = golden.c;
        assert_int_equal(probe_train(&golden.bank, golden.classes, &settings, &probe, &outcome),
                         TACIT_OK);
        assert_true(outcome.converged && outcome.gradient <= settings.tolerance);
        assert_near(outcome.objective, golden.objective, 1e-5);
        assert_int_equal(probe_predict(probe, &golden.bank, predicted), TACIT_OK);
        assert_memory_equal(predicted, golden.predicted, (size_t)count * sizeof *predicted);
        probe_free(probe);
        plain_features_stay(&features, &golden);
        free(standard);
        free(gradient);
        free(predicted);
        golden_free(&golden);
    }
    assert_int_equal(sets, 3);
    fclose(file);
}

static struct features random_bank(int64_t count, int64_t width, int32_t classes)
{
    float *value = calloc((size_t)(count * width), sizeof *value);
    int32_t *label = calloc((size_t)count, sizeof *label);
    struct random_stream stream = random_stream(11, "probe", 0, (uint64_t)count);
    for (int64_t i = 0; i < count; i++) {
        label[i] = (int32_t)random_below(&stream, (uint64_t)classes);
        for (int64_t j = 0; j < width; j++)
            value[i * width + j] = (float)random_normal(&stream) + (j == label[i]);
    }
    return (struct features){ value, label, count, width };
}

static void features_free(struct features *features)
{
    free((void *)features->value);
    free((void *)features->label);
}

/* The objective in double, straight from the definition. */
static double objective_plain(const struct features *x, int32_t classes, double c,
                              const double *parameters)
{
    double loss = 0, square = 0;
    for (int64_t i = 0; i < x->count; i++) {
        double total = 0, own = 0;
        for (int32_t k = 0; k < classes; k++) {
            const double *w = parameters + k * (x->width + 1);
            double logit = w[x->width];
            for (int64_t j = 0; j < x->width; j++)
                logit += w[j] * x->value[i * x->width + j];
            total += exp(logit);
            own = k == x->label[i] ? logit : own;
        }
        loss += log(total) - own;
    }
    for (int32_t k = 0; k < classes; k++)
        for (int64_t j = 0; j < x->width; j++)
            square += pow(parameters[k * (x->width + 1) + j], 2);
    return loss / (double)x->count + (classes == 2 ? 2 : 1) * square / (2 * c * (double)x->count);
}

/* Central differences of the double objective; several blocks of rows and both threads take part.
 */
static void gradient_matches_differences(void **state)
{
    (void)state;
    static const int32_t class_counts[] = { 2, 4 };
    for (int s = 0; s < 2; s++) {
        enum { WIDTH = 5 };
        int32_t classes = class_counts[s], size = classes * (WIDTH + 1);
        struct features bank = random_bank(3000, WIDTH, classes);
        double parameters[4 * (WIDTH + 1)], gradient[4 * (WIDTH + 1)], objective;
        struct random_stream stream = random_stream(2, "parameters", 0, 0);
        for (int i = 0; i < size; i++)
            parameters[i] = .5 * random_normal(&stream);
        assert_int_equal(probe_objective(&bank, classes, .01, parameters, &objective, gradient),
                         TACIT_OK);
        assert_near(objective, objective_plain(&bank, classes, .01, parameters), 1e-6);
        for (int i = 0; i < size; i++) {
            double kept = parameters[i], step = 1e-5;
            parameters[i] = kept + step;
            double above = objective_plain(&bank, classes, .01, parameters);
            parameters[i] = kept - step;
            double below = objective_plain(&bank, classes, .01, parameters);
            parameters[i] = kept;
            assert_near(gradient[i], (above - below) / (2 * step), 1e-6);
        }
        features_free(&bank);
    }
}

/* specs G.2: with all weights 0 the loss is ln(classes). */
static void starts_at_the_entropy_of_the_classes(void **state)
{
    (void)state;
    struct features bank = random_bank(50, 12, 10);
    double parameters[130] = { 0 }, gradient[130], objective;
    assert_int_equal(probe_objective(&bank, 10, 1, parameters, &objective, gradient), TACIT_OK);
    assert_near(objective, log(10), 1e-6);
    features_free(&bank);
}

/* Scale and offset of the features do not matter, nor do classes without a sample. */
static void standardises_and_skips_absent_classes(void **state)
{
    (void)state;
    enum { COUNT = 400, WIDTH = 6 };
    struct features bank = random_bank(COUNT, WIDTH, 3);
    float *moved = calloc(COUNT * WIDTH, sizeof *moved);
    int32_t label[COUNT], predicted[COUNT], again[COUNT];
    for (int i = 0; i < COUNT; i++) {
        label[i] = 2 * bank.label[i] + 1;
        for (int j = 0; j < WIDTH; j++)
            moved[i * WIDTH + j] =
                bank.value[i * WIDTH + j] * (float)(1 << (2 * j)) - 3.f * (float)j;
    }
    struct features other = { moved, label, COUNT, WIDTH };
    struct probe *probe, *second;
    assert_int_equal(probe_train(&bank, 3, &probe_defaults, &probe, NULL), TACIT_OK);
    assert_int_equal(probe_train(&other, 9, &probe_defaults, &second, NULL), TACIT_OK);
    assert_int_equal(probe_predict(probe, &bank, predicted), TACIT_OK);
    assert_int_equal(probe_predict(second, &other, again), TACIT_OK);
    int right = 0, same = 0;
    for (int i = 0; i < COUNT; i++) {
        right += predicted[i] == bank.label[i];
        same += again[i] == 2 * predicted[i] + 1;
        assert_true(again[i] == 1 || again[i] == 3 || again[i] == 5);
    }
    assert_true(same >= COUNT - 2);
    assert_true(right > COUNT / 2);
    probe_free(probe);
    probe_free(second);
    free(moved);
    features_free(&bank);
}

/* A feature that is constant in the bank must not decide, whatever it is in the queries. */
static void constant_features_do_not_count(void **state)
{
    (void)state;
    float bank_value[] = { -1, 7, 1, 7, -2, 7, 2, 7 }, query_value[] = { -1, 1e6f, 1, -1e6f };
    int32_t label[] = { 0, 1, 0, 1 }, predicted[2];
    struct features bank = { bank_value, label, 4, 2 }, queries = { query_value, NULL, 2, 2 };
    struct probe *probe;
    assert_int_equal(probe_train(&bank, 2, &probe_defaults, &probe, NULL), TACIT_OK);
    assert_int_equal(probe_predict(probe, &queries, predicted), TACIT_OK);
    assert_int_equal(predicted[0], 0);
    assert_int_equal(predicted[1], 1);
    probe_free(probe);
}

/* With a reference of mean 0 and deviation 1 the features count as they are: a tenth of them with
 * C = 100 is the same problem as the whole with C = 1. */
static void a_reference_standardises(void **state)
{
    (void)state;
    enum { COUNT = 200, WIDTH = 5 };
    struct features bank = random_bank(COUNT, WIDTH, 3);
    float *tenth = calloc(COUNT * WIDTH, sizeof *tenth), unit[2 * WIDTH];
    float *standard = calloc(COUNT * WIDTH, sizeof *standard);
    standardise(&bank, standard);
    for (int i = 0; i < COUNT * WIDTH; i++)
        tenth[i] = standard[i] / 10;
    for (int j = 0; j < WIDTH; j++)
        unit[j] = -(unit[WIDTH + j] = 1);
    struct features whole = { standard, bank.label, COUNT, WIDTH };
    struct features small = { tenth, bank.label, COUNT, WIDTH };
    struct features reference = { unit, NULL, 2, WIDTH };
    struct probe_settings settings = probe_defaults;
    struct probe *first, *second;
    struct probe_outcome expected, found;
    int32_t predicted[COUNT], again[COUNT];
    settings.tolerance = 1e-7;
    assert_int_equal(probe_train(&whole, 3, &settings, &first, &expected), TACIT_OK);
    settings.reference = &reference;
    settings.c = 100;
    assert_int_equal(probe_train(&small, 3, &settings, &second, &found), TACIT_OK);
    assert_float_equal(found.objective, expected.objective, 1e-5);
    assert_int_equal(probe_predict(first, &whole, predicted), TACIT_OK);
    assert_int_equal(probe_predict(second, &small, again), TACIT_OK);
    assert_memory_equal(predicted, again, sizeof again);
    probe_free(second);
    reference.width--;
    assert_int_equal(probe_train(&small, 3, &settings, &second, &found), TACIT_USAGE);
    probe_free(first);
    free(tenth);
    free(standard);
    features_free(&bank);
}

struct seen {
    int calls, last, stop_at;
    double objective;
    bool fell;
};

static bool watch(void *argument, int iteration, double objective, double gradient)
{
    struct seen *seen = argument;
    seen->calls++;
    seen->last = iteration;
    seen->fell = seen->fell && objective <= seen->objective && gradient >= 0;
    seen->objective = objective;
    return iteration != seen->stop_at;
}

static void progress_is_told_and_may_stop(void **state)
{
    (void)state;
    struct features bank = random_bank(500, 8, 4);
    struct seen seen = { .objective = log(4), .fell = true };
    struct probe_settings settings = probe_defaults;
    settings.progress = watch;
    settings.argument = &seen;
    struct probe *probe;
    struct probe_outcome outcome;
    assert_int_equal(probe_train(&bank, 4, &settings, &probe, &outcome), TACIT_OK);
    assert_true(seen.calls == outcome.iterations && seen.last == outcome.iterations && seen.fell);
    probe_free(probe);
    seen = (struct seen){ .stop_at = 2 };
    assert_int_equal(probe_train(&bank, 4, &settings, &probe, NULL), TACIT_STOPPED);
    assert_null(probe);
    assert_int_equal(seen.calls, 2);
    settings.progress = NULL;
    settings.iterations = 1;
    assert_int_equal(probe_train(&bank, 4, &settings, &probe, &outcome), TACIT_OK);
    assert_false(outcome.converged);
    probe_free(probe);
    features_free(&bank);
}

static void bad_input_is_named(void **state)
{
    (void)state;
    struct features bank = random_bank(30, 4, 3), other = bank;
    int32_t same[30] = { 0 }, predicted[30];
    struct probe *probe;
    struct probe_settings settings = probe_defaults;
    other.label = same;
    assert_int_equal(probe_train(&other, 3, &settings, &probe, NULL), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "one class"));
    assert_int_equal(probe_train(&bank, 1, &settings, &probe, NULL), TACIT_BAD_DATA);
    other = bank;
    other.count = 0;
    assert_int_equal(probe_train(&other, 3, &settings, &probe, NULL), TACIT_BAD_DATA);
    settings.c = 0;
    assert_int_equal(probe_train(&bank, 3, &settings, &probe, NULL), TACIT_USAGE);
    settings.c = 1;
    for (int n = 1;; n++) {
        assert_true(n < 100);
        memory_fail_at(n);
        status outcome = probe_train(&bank, 3, &settings, &probe, NULL);
        memory_fail_at(0);
        if (outcome == TACIT_OK)
            break;
        assert_int_equal(outcome, TACIT_RESOURCES);
        assert_null(probe);
    }
    other = bank;
    other.width = 3;
    assert_int_equal(probe_predict(probe, &other, predicted), TACIT_BAD_DATA);
    other.width = 4;
    other.count = 0;
    assert_int_equal(probe_predict(probe, &other, predicted), TACIT_BAD_DATA);
    probe_free(probe);
    ((float *)bank.value)[4 * 5 + 2] = INFINITY;
    assert_int_equal(probe_train(&bank, 3, &settings, &probe, NULL), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "feature 2"));
    features_free(&bank);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_scikit_learn),
        cmocka_unit_test(gradient_matches_differences),
        cmocka_unit_test(starts_at_the_entropy_of_the_classes),
        cmocka_unit_test(a_reference_standardises),
        cmocka_unit_test(standardises_and_skips_absent_classes),
        cmocka_unit_test(constant_features_do_not_count),
        cmocka_unit_test(progress_is_told_and_may_stop),
        cmocka_unit_test(bad_input_is_named),
    };
    parallel_set_threads(2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
