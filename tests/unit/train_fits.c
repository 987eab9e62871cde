/* A training that does not fit is refused, with a number and a setting that would fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/setup.h"
#include "train/tasks.h"

#include <cmocka.h>

enum { BATCH = 32 };

static tacit_config *config;
static struct setup setup;

static int open_setup(void **state)
{
    (void)state;
    static const char *const settings[][2] = {
        { "data", "synth:shapes?count=64&test=0&size=32" },
        { "model", "conv4" },
        { "batch_size", "32" },
        { "steps", "2" },
    };
    struct audience nobody = { NULL, NULL };
    assert_int_equal(tacit_config_new("pretrain", &config), TACIT_OK);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        tacit_config_set(config, settings[i][0], settings[i][1]);
    assert_int_equal(tacit_config_check(config), TACIT_OK);
    struct setup_request request = { .config = &config->config };
    return setup_open(&request, &nobody, &setup);
}

static int close_setup(void **state)
{
    (void)state;
    setup_close(&setup);
    tacit_config_free(config);
    return 0;
}

/* What a session of so many pictures in parts takes. */
static double bytes_of(int64_t batch, int64_t part)
{
    struct setup other = setup;
    struct session *session;
    struct store *store = store_new(0);
    other.batch = batch;
    other.microbatch = part;
    assert_int_equal(setup_session(&other, store, &session), TACIT_OK);
    double bytes = setup_bytes(&other, session);
    session_free(session);
    store_free(store);
    return bytes;
}

/* The number behind `word` in the message. */
static int64_t number_after(const char *word)
{
    const char *at = strstr(tacit_message(), word);
    if (!at)
        fail_msg("\"%s\" is not in: %s", word, tacit_message());
    return strtoll(at + strlen(word), NULL, 10);
}

static void what_fits_is_let_through(void **state)
{
    (void)state;
    double bytes = bytes_of(BATCH, BATCH);
    assert_true(bytes > 1e6);
    assert_int_equal(setup_fits(&setup, bytes, bytes), TACIT_OK);
    assert_int_equal(setup_fits(&setup, bytes, 2 * bytes), TACIT_OK);
    assert_int_equal(setup_fits(&setup, bytes, 0), TACIT_OK); /* nobody knows what is free */
    assert_true(setup_available() > 0);
}

/* The largest part of the batch that is named does fit, and a larger one would not have. */
static void a_part_that_fits_is_named(void **state)
{
    (void)state;
    double bytes = bytes_of(BATCH, BATCH), available = .8 * bytes;
    char said[64];
    assert_int_equal(setup_fits(&setup, bytes, available), TACIT_RESOURCES);
    snprintf(said, sizeof said, "takes %.2f GB and %.2f GB are free", bytes / 1e9, available / 1e9);
    assert_non_null(strstr(tacit_message(), said));
    int64_t part = number_after("microbatch=");
    assert_true(part >= 1 && part < BATCH && BATCH % part == 0);
    assert_true(bytes_of(BATCH, part) < available);
    assert_int_equal(setup_fits(&setup, bytes_of(BATCH, part), available), TACIT_OK);
}

static void a_batch_that_fits_is_named(void **state)
{
    (void)state;
    setup.microbatch = 1; /* cannot be cut any further */
    double bytes = bytes_of(BATCH, BATCH), available = .5 * bytes;
    assert_int_equal(setup_fits(&setup, bytes, available), TACIT_RESOURCES);
    int64_t batch = number_after("batch_size=");
    assert_true(batch >= 2 && batch < BATCH);
    assert_true(bytes_of(batch, batch) < available);
}

static void without_hope_a_smaller_model_is_advised(void **state)
{
    (void)state;
    double bytes = bytes_of(BATCH, BATCH);
    assert_int_equal(setup_fits(&setup, bytes, 1000), TACIT_RESOURCES);
    assert_non_null(strstr(tacit_message(), "take a smaller model="));
}

/* When compiling has failed for want of memory, the size is told as a line through small ones: it
 * is right within a tenth. */
static void an_unknown_size_is_estimated(void **state)
{
    (void)state;
    double bytes = bytes_of(BATCH, BATCH);
    assert_int_equal(setup_fits(&setup, 0, .8 * bytes), TACIT_RESOURCES);
    const char *about = strstr(tacit_message(), "takes about ");
    assert_non_null(about);
    double told = 1e9 * strtod(about + strlen("takes about "), NULL);
    if (!(told > .9 * bytes - 5e6 && told < 1.1 * bytes + 5e6))
        fail_msg("about %g instead of %g", told, bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_setup, close_setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_fits_is_let_through),     TEST(a_part_that_fits_is_named),
        TEST(a_batch_that_fits_is_named),   TEST(without_hope_a_smaller_model_is_advised),
        TEST(an_unknown_size_is_estimated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
