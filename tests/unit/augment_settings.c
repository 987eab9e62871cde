/* Named pipelines and the options that change them. */
#include "augment/augment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

/* specs/vision.md, section 0.5: crop from, jitter b c s h and p, gray, blur of both views, solarise
 * of both views. */
static const struct {
    const char *name;
    double number[11];
} table[] = {
    { "simclr", { .08, .8, .8, .8, .2, .8, .2, .5, .5, 0, 0 } },
    { "simclr-cifar", { .08, .4, .4, .4, .1, .8, .2, 0, 0, 0, 0 } },
    { "moco-v1", { .2, .4, .4, .4, .4, 1, .2, 0, 0, 0, 0 } },
    { "moco-v2", { .2, .4, .4, .4, .1, .8, .2, .5, .5, 0, 0 } },
    { "byol", { .08, .4, .4, .2, .1, .8, .2, 1, .1, 0, .2 } },
    { "solo-symmetric", { .08, .8, .8, .8, .2, .8, .2, .5, .5, 0, 0 } },
    { "solo-weak", { .08, .4, .4, .4, .1, .8, .2, .5, .5, 0, 0 } },
    { "solo-asymmetric", { .08, .4, .4, .2, .1, .8, .2, 0, 0, 0, .2 } },
    { "solo-vicreg", { .2, .4, .4, .2, .1, .8, .2, 0, 0, .1, .1 } },
};

static void test_pipelines_are_those_of_the_papers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct augment_settings s;
        assert_int_equal(augment_preset(table[i].name, &s), TACIT_OK);
        const double found[11] = {
            s.crop_scale_min, s.brightness,  s.contrast, s.saturation,     s.hue, s.jitter, s.gray,
            s.blur,           s.blur_second, s.solarize, s.solarize_second
        };
        for (int j = 0; j < 11; j++)
            if (fabs(found[j] - table[i].number[j]) > 1e-12)
                fail_msg("%s: number %d is %g", table[i].name, j, found[j]);
        assert_true(s.gray_first == (strcmp(table[i].name, "moco-v1") == 0));
        assert_true(s.flip == .5 && s.crop == CROP_RESIZED && s.crop_scale_max == 1);
    }
}

/* Every pipeline has its word among the options' choices, a text, and makes a plan. */
static void test_pipelines_are_complete(void **state)
{
    (void)state;
    const char *const *choice = augment_options[0].choices;
    int count = 0;
    for (; augment_pipeline(count); count++) {
        const struct augment_pipeline *pipeline = augment_pipeline(count);
        struct augment_plan *plan;
        assert_non_null(choice[count]);
        assert_string_equal(choice[count], pipeline->name);
        assert_true(strlen(pipeline->doc) > 10);
        assert_int_equal(augment_plan_new(&pipeline->settings, 3, 32, &plan), TACIT_OK);
        augment_plan_free(plan);
    }
    assert_null(choice[count]);
    assert_null(augment_pipeline(-1));
}

static void test_operators_are_complete(void **state)
{
    (void)state;
    int count = 0;
    for (; augment_type(count); count++) {
        assert_true(strlen(augment_type(count)->name) > 0);
        assert_true(strlen(augment_type(count)->doc) > 10);
        assert_non_null(augment_type(count)->draw);
    }
    assert_int_equal(count, 9);
}

static void test_options(void **state)
{
    (void)state;
    struct option_set set = { 0 };
    assert_int_equal(option_set_add(&set, "augment", augment_options), TACIT_OK);
    if (option_set_verify(&set) != TACIT_OK)
        fail_msg("%s", status_message());
    option_set_free(&set);
}

static void test_settings_from_options(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value;
    } given[] = {
        { "augment.crop_scale_min", "0.2" },
        { "augment.blur", "0.25" },
        { "augment.views", "4" },
        { "augment.crop", "padded" },
        { "augment.interpolation", "bicubic" },
        { "augment.normalize", "cifar10" },
    };
    struct option_set set = { 0 };
    struct config config = { 0 };
    struct augment_settings s, plain;
    assert_int_equal(option_set_add(&set, "augment", augment_options), TACIT_OK);
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
        assert_int_equal(
            config_set(&config, given[i].key, given[i].value, CONFIG_COMMAND, "command line"),
            TACIT_OK);
    assert_int_equal(config_check(&config, &set), TACIT_OK);
    assert_int_equal(augment_settings_from(&config, "augment", "simclr-cifar", &s), TACIT_OK);
    assert_true(s.crop_scale_min == .2 && s.blur == .25 && s.views == 4);
    assert_true(s.crop == CROP_PADDED && s.interpolation == INTERPOLATION_BICUBIC);
    assert_true(s.mean[2] == .4465 && s.std[0] == .2470);
    assert_int_equal(augment_preset("simclr-cifar", &plain), TACIT_OK);
    assert_true(s.hue == plain.hue && s.gray == plain.gray && s.flip == plain.flip);
    config_free(&config);
    option_set_free(&set);
}

static void test_pipeline_option(void **state)
{
    (void)state;
    struct option_set set = { 0 };
    struct config config = { 0 };
    struct augment_settings s;
    assert_int_equal(option_set_add(&set, "augment", augment_options), TACIT_OK);
    assert_int_equal(
        config_set(&config, "augment.pipeline", "byol", CONFIG_COMMAND, "command line"), TACIT_OK);
    assert_int_equal(config_check(&config, &set), TACIT_OK);
    assert_int_equal(augment_settings_from(&config, "augment", "simclr", &s), TACIT_OK);
    assert_true(s.solarize_second == .2);
    config_free(&config);
    option_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipelines_are_those_of_the_papers),
        cmocka_unit_test(test_pipelines_are_complete),
        cmocka_unit_test(test_operators_are_complete),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_settings_from_options),
        cmocka_unit_test(test_pipeline_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
