/* Real data, where TACIT_DATA names the folder that has them. */
#include "data_files.h"

static bool at_hand(const char *set, char path[4096])
{
    const char *data = getenv("TACIT_DATA");
    snprintf(path, 4096, "%s/%s", data ? data : "", set);
    if (data && access(path, F_OK) == 0)
        return true;
    print_message("%s skipped: TACIT_DATA names no folder that has it\n", set);
    return false;
}

static void classes_counted(const struct source *source, enum split split, int classes, int each)
{
    int count[256] = { 0 };
    for (size_t i = 0; i < source->count; i++)
        if (source->sample[i].split == split)
            count[source->sample[i].label]++;
    for (int i = 0; i < classes; i++)
        assert_int_equal(count[i], each);
}

/* FNV-1a of all pixels in the order of names; the expected values are those of PIL's pixels. */
static uint64_t pixels_hash(struct source *source)
{
    uint64_t hash = 0xCBF29CE484222325ull;
    for (size_t index = 0; index < source->count; index++) {
        struct image image;
        if (source_read(source, index, &image) != TACIT_OK)
            fail_msg("%s", status_message());
        size_t size = (size_t)image.width * (size_t)image.height * (size_t)image.channels;
        for (size_t i = 0; i < size; i++)
            hash = (hash ^ image.pixels[i]) * 0x100000001B3ull;
        image_free(&image);
    }
    return hash;
}

static void fashion_mnist(void **state)
{
    (void)state;
    char path[4096];
    if (!at_hand("fashion-mnist", path))
        return;
    struct source *source = opened(path, NULL);
    assert_int_equal(source_part(source, SPLIT_TRAIN, NULL), 60000);
    assert_int_equal(source_part(source, SPLIT_TEST, NULL), 10000);
    assert_int_equal(source->width, 28);
    assert_int_equal(source->channels, 1);
    assert_int_equal(source->classes, 10);
    classes_counted(source, SPLIT_TRAIN, 10, 6000);
    classes_counted(source, SPLIT_TEST, 10, 1000);
    source_close(source);
}

static void cifar10_jpg(void **state)
{
    (void)state;
    char path[4096];
    if (!at_hand("cifar10-jpg", path))
        return;
    struct source *source = opened(path, "folders");
    assert_int_equal(source_part(source, SPLIT_TRAIN, NULL), 50000);
    assert_int_equal(source_part(source, SPLIT_TEST, NULL), 10000);
    assert_int_equal(source->width, 32);
    assert_int_equal(source->classes, 10);
    assert_string_equal(source->class_name[9], "truck");
    classes_counted(source, SPLIT_TRAIN, 10, 5000);
    classes_counted(source, SPLIT_TEST, 10, 1000);
    assert_true(pixels_hash(source) == 0xDBB04837A16B2B63ull);
    source_close(source);
}

static void emoji(void **state)
{
    (void)state;
    char path[4096];
    if (!at_hand("noto-emoji-72", path))
        return;
    struct source *source = opened(path, NULL);
    assert_int_equal(source->count, 2893);
    assert_int_equal(source->width, 72);
    assert_int_equal(source->channels, 3);
    assert_true(pixels_hash(source) == 0xC60CF8116B40DEDFull);
    source_close(source);
}

static void blood_cells(void **state)
{
    (void)state;
    char path[4096];
    if (!at_hand("wbc-seg-dataset1", path))
        return;
    struct source *source = opened(path, NULL);
    assert_int_equal(source->count, 600); /* 300 BMP, 300 PNG */
    assert_true(pixels_hash(source) == 0xFDB179C5FFA96EA0ull);
    source_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fashion_mnist),
        cmocka_unit_test(cifar10_jpg),
        cmocka_unit_test(emoji),
        cmocka_unit_test(blood_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
