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

static struct source *texts_opened(const char *path, struct source_options options)
{
    struct source *source;
    options.wanted = WANT_TEXTS;
    if (source_open(path, &options, &source) != TACIT_OK)
        fail_msg("%s: %s", path, status_message());
    assert_int_equal(source->kind, SAMPLE_TEXT);
    return source;
}

/* Bytes of all texts; the expected numbers are those of Python's gzip, tarfile and csv. */
static uint64_t bytes_count(struct source *source)
{
    uint64_t size = 0;
    for (size_t i = 0; i < source->count; i++)
        for (int k = 0; k < source->texts; k++) {
            struct bytes text;
            assert_int_equal(source_texts(source, i, k, &text), TACIT_OK);
            size += text.size;
            bytes_free(&text);
        }
    return size;
}

static void novels(void **state)
{
    (void)state;
    char path[4096];
    if (!at_hand("text-gutenberg", path))
        return;
    struct source *source = texts_opened(path, (struct source_options){ 0 });
    assert_int_equal(source->count, 8);
    assert_true(bytes_count(source) == 12377687);
    source_close(source);
    if (!at_hand("text-tinyshakespeare/input.txt.gz", path))
        return;
    source = texts_opened(path, (struct source_options){ 0 });
    assert_int_equal(source->count, 1);
    assert_true(bytes_count(source) == 1115394);
    source_close(source);
}

static void reviews(void **state)
{
    (void)state;
    char path[4096];
    if (!at_hand("text-review-polarity", path))
        return;
    struct source *source = texts_opened(path, (struct source_options){ .labels = "folders" });
    assert_int_equal(source->count, 2000);
    assert_int_equal(source->classes, 2);
    assert_string_equal(source->class_name[1], "pos");
    classes_counted(source, SPLIT_NONE, 2, 1000);
    assert_true(bytes_count(source) == 7786004);
    source_close(source);
}

static void similar_sentences(void **state)
{
    (void)state;
    char path[4096];
    if (!at_hand("stsb-en", path))
        return;
    struct source_options options = { .field = "1,2", .labels = "field:3" };
    struct source *source = texts_opened(path, options);
    assert_int_equal(source_part(source, SPLIT_TRAIN, NULL), 5749);
    assert_int_equal(source_part(source, SPLIT_TEST, NULL), 1379);
    assert_int_equal(source->count, 5749 + 1379 + 1500);
    assert_int_equal(source->skipped_broken, 0);
    assert_int_equal(source->texts, 2);
    double sum = 0;
    for (size_t i = 0; i < source->count; i++)
        sum += source->sample[i].split == SPLIT_TEST ? source->target[i] : 0;
    assert_true(sum > 3596.3170000000023 - 1e-6 && sum < 3596.3170000000023 + 1e-6);
    assert_true(bytes_count(source) == 1002781);
    source_close(source);
}

static void cranfield(void **state)
{
    (void)state;
    char path[4096];
    if (!at_hand("cranfield/cran.all.1400.xml.gz", path))
        return;
    struct source *source = texts_opened(path, (struct source_options){ 0 });
    assert_int_equal(source->count, 1400);
    struct bytes id;
    bool found;
    assert_int_equal(source_field(source, 1399, "docno", &id, &found), TACIT_OK);
    assert_true(found && id.size == 4 && memcmp(id.bytes, "1400", 4) == 0);
    bytes_free(&id);
    assert_int_equal(source_text(source, 470, &id), TACIT_OK); /* number 471 is empty */
    assert_int_equal(id.size, 0);
    source_close(source);
    at_hand("cranfield/cran.qry.xml.gz", path);
    source = texts_opened(path, (struct source_options){ 0 });
    assert_int_equal(source->count, 225);
    source_close(source);
}

static void translations(void **state)
{
    (void)state;
    char english[4096], german[4096], both[8192 + 2];
    if (!at_hand("multi30k-task1/train.en.gz", english))
        return;
    at_hand("multi30k-task1/train.de.gz", german);
    snprintf(both, sizeof both, "%s,%s", german, english);
    struct source *source = texts_opened(both, (struct source_options){ 0 });
    assert_int_equal(source->count, 29000);
    assert_int_equal(source->texts, 2);
    struct bytes text;
    assert_int_equal(source_texts(source, 0, 1, &text), TACIT_OK);
    static const char first[] = "Two young, White males are outside near many bushes.";
    assert_true(text.size == sizeof first - 1 && memcmp(text.bytes, first, text.size) == 0);
    bytes_free(&text);
    assert_true(bytes_count(source) == 3853636);
    source_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fashion_mnist),
        cmocka_unit_test(cifar10_jpg),
        cmocka_unit_test(emoji),
        cmocka_unit_test(blood_cells),
        cmocka_unit_test(novels),
        cmocka_unit_test(reviews),
        cmocka_unit_test(similar_sentences),
        cmocka_unit_test(cranfield),
        cmocka_unit_test(translations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
