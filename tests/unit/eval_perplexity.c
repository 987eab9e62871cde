/* Windows over long texts: every token counted once, with the context that the stride promises. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "eval/perplexity_windows.h"

#include <cmocka.h>

enum { VOCABULARY = 29, WINDOW = 8, LENGTH = 61 };

static void expect_ok(status result)
{
    if (result != TACIT_OK)
        fail_msg("%s", status_message());
}

struct model {
    struct store *store;
    struct decoder *windows, *alone; /* the second one is the oracle's */
};

static void model_new(struct model *model, const struct windows_options *options)
{
    struct network_options network = { .text = { .vocabulary = VOCABULARY,
                                                 .context = WINDOW,
                                                 .layers = 2,
                                                 .heads = 2,
                                                 .width = 32 } };
    const struct network_type *type = network_find("gpt2");
    struct decoder_options need = { 0 }, one = { PANEL_F32, 1, WINDOW };
    model->store = store_new(0);
    expect_ok(decoder_declare(type, &network, model->store));
    struct range *range = store_range(model->store, "backbone");
    struct random_stream stream = random_stream(1, "values", 0, 0);
    for (int64_t i = 0; i < range->size; i++)
        range->value[i] = (float)(0.4 * random_normal(&stream));
    windows_need(options, &need);
    expect_ok(decoder_new(type, &network, range, &need, &model->windows));
    expect_ok(decoder_new(type, &network, range, &one, &model->alone));
}

static void model_free(struct model *model)
{
    decoder_free(model->windows);
    decoder_free(model->alone);
    store_free(model->store);
}

/* -ln p(token | the `count` ids before it), in double. */
static double nats_alone(struct decoder *decoder, const uint32_t *before, int64_t count,
                         uint32_t token)
{
    int32_t sequence[WINDOW] = { 0 };
    int64_t step;
    double total = 0;
    decoder_cut(decoder, 0, 0);
    expect_ok(decoder_feed(decoder, count, sequence, before));
    const float *logits = decoder_logits(decoder, count - 1, 1, &step);
    for (int k = 0; k < VOCABULARY; k++)
        total += exp((double)logits[k] - (double)logits[token]);
    return log(total);
}

/* Token by token as the definition says: windows begin at multiples of the stride; the first one
 * that holds a token and has not ended before it counts it. */
static double nats_defined(struct decoder *decoder, const uint32_t *z, int64_t count,
                           int64_t stride)
{
    double total = 0;
    for (int64_t target = 1; target < count; target++) {
        int64_t begin = 0;
        while (target > begin + WINDOW)
            begin += stride;
        total += nats_alone(decoder, z + begin, target - begin, z[target]);
    }
    return total;
}

static void check(int64_t stride, int64_t start)
{
    struct windows_options options = { .window = WINDOW, .stride = stride, .start = start };
    static const int64_t lengths[] = { 1, 2, WINDOW, WINDOW + 1, WINDOW + 2, LENGTH, 3 };
    struct random_stream stream = random_stream(2, "tokens", 0, 0);
    uint32_t z[8][LENGTH + 1];
    struct model model;
    struct windows *windows;
    double expected = 0, nats;
    uint64_t tokens, count = 0;
    model_new(&model, &options);
    expect_ok(windows_new(model.windows, &options, &windows));
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        z[i][0] = start < 0 ? 0 : (uint32_t)start;
        for (int64_t k = 1; k <= lengths[i]; k++)
            z[i][k] = (uint32_t)random_below(&stream, VOCABULARY);
        expect_ok(windows_text(windows, z[i] + 1, (uint64_t)lengths[i]));
        count += (uint64_t)lengths[i];
        expected += start < 0
                        ? log(VOCABULARY) + nats_defined(model.alone, z[i] + 1, lengths[i], stride)
                        : nats_defined(model.alone, z[i], lengths[i] + 1, stride);
    }
    expect_ok(windows_total(windows, &nats, &tokens));
    assert_int_equal(tokens, count);
    if (fabs(nats - expected) > 1e-4 * expected)
        fail_msg("stride %d: %.9g nats instead of %.9g", (int)stride, nats, expected);
    windows_free(windows);
    model_free(&model);
}

static void every_token_is_counted_once(void **state)
{
    (void)state;
    check(WINDOW, -1);
    check(4, -1);
    check(3, 7);
    check(1, 7);
}

static void windows_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct windows_options fits = { .window = WINDOW, .stride = 4, .start = -1 };
    struct model model;
    struct windows *windows;
    model_new(&model, &fits);
    struct windows_options options = fits;
    options.window = WINDOW + 1;
    assert_int_equal(windows_new(model.windows, &options, &windows), TACIT_USAGE);
    options = fits;
    options.stride = WINDOW + 1;
    assert_int_equal(windows_new(model.windows, &options, &windows), TACIT_USAGE);
    model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_token_is_counted_once),
        cmocka_unit_test(windows_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
