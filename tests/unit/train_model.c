/* The model file: names as torchvision's, everything comes back, damage is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "train/model_file.h"
#include "train/session.h"

#include <cmocka.h>

#include "unit/temporary_file.h"

static const struct input_shape input_3 = {
    .channels = 3, .size = 16, .mean = { .1, .2, .3 }, .std = { .5, .25, 1. / 3 }
};
static const char *const classes[] = { "cat", "dog \"x\"" };
static struct method method_of(const char *network)
{
    struct method method = { .type = method_find("supervised"),
                             .network = network_find(network),
                             .network_options = { .width = .5 },
                             .classes = 2 };
    return method;
}

/* A store with the networks of the method, and values of its own. */
static struct store *store_of(const struct method *method, uint64_t seed)
{
    struct store *store = store_new(seed);
    struct target target = { 0 };
    struct extractor *extractor;
    assert_int_equal(
        extractor_new(store, method, &input_3, 1, EXTRACT_EMBEDDING, &target, &extractor),
        TACIT_OK);
    extractor_free(extractor);
    for (int64_t r = 0; r < store_ranges(store); r++) {
        struct range *range = store_range_at(store, r);
        for (int64_t t = 0; t < range->tensors; t++)
            if (range->tensor[t]->counter)
                *tensor_value(range->tensor[t]) = (float)(seed * 1000 + (uint64_t)t);
    }
    return store;
}

static void all_comes_back(void **state)
{
    (void)state;
    struct method method = method_of("resnet18");
    struct store *store = store_of(&method, 1), *other = store_of(&method, 2);
    struct model_file model;
    char name[32];
    assert_int_equal(model_save(path, store, &method, &input_3, classes), TACIT_OK);
    assert_int_equal(model_file_open(path, &model), TACIT_OK);
    assert_ptr_equal(model.method.type, method.type);
    assert_ptr_equal(model.method.network, method.network);
    assert_true(model.method.network_options.stem == STEM_CIFAR); /* what auto was at 16 pixels */
    assert_true(model.method.network_options.width == .5);
    assert_memory_equal(&model.input, &input_3, sizeof input_3);
    assert_int_equal(model.method.classes, 2);
    assert_true(model_file_class(&model, 1, name, sizeof name));
    assert_string_equal(name, classes[1]);
    assert_false(model_file_class(&model, 2, name, sizeof name));
    assert_int_equal(model_file_values(&model, other), TACIT_OK);
    for (int64_t r = 0; r < store_ranges(store); r++) {
        const struct range *a = store_range_at(store, r), *b = store_range_at(other, r);
        assert_memory_equal(a->value, b->value, (size_t)a->size * sizeof(float));
        assert_memory_equal(a->state, b->state, (size_t)a->state_size * sizeof(float));
    }
    model_file_close(&model);
    store_free(store);
    store_free(other);
}

static void names_are_those_of_torchvision(void **state)
{
    (void)state;
    static const char *const names[] = {
        "conv1.weight",          "bn1.running_mean", "layer2.0.downsample.1.weight",
        "layer4.1.conv2.weight", "fc.weight",        "fc.bias"
    };
    struct method method = method_of("resnet18");
    struct store *store = store_of(&method, 1);
    struct model_file model;
    assert_int_equal(model_save(path, store, &method, &input_3, NULL), TACIT_OK);
    assert_int_equal(model_file_open(path, &model), TACIT_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!safetensors_find(&model.file, names[i]))
            fail_msg("%s is missing", names[i]);
    const struct safetensors_entry *counter =
        safetensors_find(&model.file, "layer1.0.bn2.num_batches_tracked");
    assert_true(counter && counter->dtype == SAFETENSORS_I64 && counter->rank == 0);
    model_file_close(&model);
    store_free(store);
}

static void another_network_does_not_fit(void **state)
{
    (void)state;
    struct method small = method_of("conv4"), large = method_of("conv4");
    struct model_file model;
    large.network_options.width = 1;
    struct store *store = store_of(&small, 1), *other = store_of(&large, 1);
    assert_int_equal(model_save(path, store, &small, &input_3, NULL), TACIT_OK);
    assert_int_equal(model_file_open(path, &model), TACIT_OK);
    assert_int_equal(model_file_values(&model, other), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "must be F32 ["));
    model_file_close(&model);
    store_free(store);
    store_free(other);
}

/* Metadata that are missing or wrong, one after the other. */
static void wrong_metadata_are_told(void **state)
{
    (void)state;
    static const struct safetensors_metadata good[] = {
        { "architecture", "conv4" }, { "stem", "cifar" },    { "width", "1" },
        { "channels", "3" },         { "image_size", "16" }, { "mean", "0 0 0" },
        { "std", "1 1 1" },          { "method", "simclr" },
    };
    static const char *const bad[] = { "conv5", "auto", "0", "2", "-4", "0 0", "1 0 1", "x" };
    enum { COUNT = sizeof good / sizeof *good };
    float value = 1;
    struct safetensors_entry entry = { "x", SAFETENSORS_F32, 0, { 0 }, &value, sizeof value };
    struct model_file model;
    for (int wrong = 0; wrong < 2 * COUNT; wrong++) {
        struct safetensors_metadata given[COUNT];
        size_t count = 0;
        for (int i = 0; i < COUNT; i++)
            if (i != wrong)
                given[count++] = i == wrong - COUNT
                                     ? (struct safetensors_metadata){ good[i].key, bad[i] }
                                     : good[i];
        assert_int_equal(safetensors_write(path, &entry, 1, given, count), TACIT_OK);
        assert_int_equal(model_file_open(path, &model), TACIT_BAD_DATA);
        assert_non_null(strstr(status_message(), good[wrong % COUNT].key));
    }
    assert_int_equal(safetensors_write(path, &entry, 1, good, COUNT), TACIT_OK);
    assert_int_equal(model_file_open(path, &model), TACIT_OK);
    model_file_close(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_comes_back, file_begin, file_end),
        cmocka_unit_test_setup_teardown(names_are_those_of_torchvision, file_begin, file_end),
        cmocka_unit_test_setup_teardown(another_network_does_not_fit, file_begin, file_end),
        cmocka_unit_test_setup_teardown(wrong_metadata_are_told, file_begin, file_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
