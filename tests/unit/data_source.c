#include "data_files.h"

static uint8_t buffer[1 << 20];

static void idx_folder_put(const char *ending, int images, int labels)
{
    char name[128];
    const char *part[] = { "train", "t10k" };
    for (int i = 0; i < 2; i++) {
        bool pack = strcmp(ending, ".gz") == 0;
        void (*put)(const char *, const void *, size_t) = pack ? file_put_packed : file_put;
        size_t size = idx_make(buffer, 3, (int[]){ images - 2 * i, 4, 5 }, 0);
        snprintf(name, sizeof name, "idx/%s-images-idx3-ubyte%s", part[i], ending);
        put(name, buffer, size);
        size = idx_make(buffer, 1, (int[]){ labels - 2 * i }, 3);
        snprintf(name, sizeof name, "idx/%s-labels-idx1-ubyte%s", part[i], ending);
        put(name, buffer, size);
    }
}

static void check_idx(const char *path)
{
    struct source *source = opened(path, NULL);
    assert_int_equal(source->count, 7 + 5);
    assert_int_equal(source_part(source, SPLIT_TRAIN, NULL), 7);
    uint32_t index[5];
    assert_int_equal(source_part(source, SPLIT_TEST, index), 5);
    assert_int_equal(index[0], 7);
    assert_int_equal(source->channels, 1);
    assert_int_equal(source->width, 5);
    assert_int_equal(source->height, 4);
    assert_int_equal(source->classes, 3);
    assert_true(source->labels_in_format);
    assert_true(source->has_parts);
    assert_int_equal(source->sample[4].label, 1);
    assert_int_equal(source->sample[7].label, 0);
    struct image image;
    assert_int_equal(source_read(source, 8, &image), TACIT_OK);
    for (int i = 0; i < 20; i++)
        assert_int_equal(image.pixels[i], 20 + i); /* the second picture of the test part */
    image_free(&image);
    char name[SAMPLE_NAME_BYTES];
    assert_int_equal(strncmp(source_name(source, 8, name), "t10k-images-idx3-ubyte", 22), 0);
    assert_string_equal(name + strlen(name) - 3, "[1]");
    source_close(source);
}

static void idx_folders(void **state)
{
    (void)state;
    mkdir(path_of("idx"), 0777);
    idx_folder_put("", 7, 7);
    check_idx(path_of("idx"));
    check_idx(path_of("idx/"));
    file_put("outer/note.txt", "words", 5);
    mkdir(path_of("outer/raw"), 0777); /* as torchvision keeps MNIST: in a folder of its own */
    assert_int_equal(rename(path_of("idx"), path_of("outer/raw")), 0);
    check_idx(path_of("outer"));
    mkdir(path_of("idx"), 0777);
    idx_folder_put(".gz", 7, 7);
    check_idx(path_of("idx"));
}

static void idx_files(void **state)
{
    (void)state;
    size_t size = idx_make(buffer, 4, (int[]){ 2, 3, 2, 2 }, 0); /* [N, C, H, W] */
    file_put("planes", buffer, size);
    struct source *source = opened(path_of("planes"), NULL);
    assert_int_equal(source->count, 2);
    assert_int_equal(source->channels, 3);
    assert_int_equal(source->classes, 0);
    assert_false(source->labels_in_format);
    struct image image;
    assert_int_equal(source_read(source, 1, &image), TACIT_OK);
    assert_memory_equal(image.pixels, ((uint8_t[]){ 12, 16, 20, 13, 17, 21 }), 6);
    source_close(source);
    size = idx_make(buffer, 4, (int[]){ 2, 2, 2, 3 }, 0); /* [N, H, W, C] */
    file_put("pixels", buffer, size);
    source = opened(path_of("pixels"), NULL);
    assert_int_equal(source_read(source, 1, &image), TACIT_OK);
    assert_memory_equal(image.pixels, ((uint8_t[]){ 12, 13, 14, 15, 16, 17 }), 6);
    source_close(source);
}

static void idx_damage(void **state)
{
    (void)state;
    mkdir(path_of("idx"), 0777);
    idx_folder_put(".gz", 7, 7);
    file_cut("idx/train-images-idx3-ubyte.gz", 0.7);
    refused(path_of("idx"), NULL, TACIT_BAD_DATA, "train-images-idx3-ubyte.gz is truncated");
    idx_folder_put(".gz", 7, 6);
    refused(path_of("idx"), NULL, TACIT_BAD_DATA, "holds 6 labels for the 7 pictures");
    assert_int_equal(remove(path_of("idx/train-labels-idx1-ubyte.gz")), 0);
    assert_int_equal(remove(path_of("idx/t10k-labels-idx1-ubyte.gz")), 0);
    struct source *source = opened(path_of("idx"), NULL);
    assert_int_equal(source->classes, 0);
    source_close(source);
    size_t size = idx_make(buffer, 3, (int[]){ 7, 4, 5 }, 0);
    file_put("short-images-idx3-ubyte", buffer, size - 1);
    refused(path_of("short-images-idx3-ubyte"), NULL, TACIT_BAD_DATA,
            "is truncated: its header promises 7 samples");
    file_put("tiny-images-idx3-ubyte", buffer, 6);
    refused(path_of("tiny-images-idx3-ubyte"), NULL, TACIT_BAD_DATA, "6 bytes are no idx file");
    memset(buffer + 4, 0xFF, 12); /* sizes whose product overflows */
    file_put("huge-images-idx3-ubyte", buffer, size);
    refused(path_of("huge-images-idx3-ubyte"), NULL, TACIT_BAD_DATA, "is truncated");
    size = idx_make(buffer, 3, (int[]){ 7, 4, 5 }, 0);
    buffer[2] = 0x0D;
    file_put("float-images-idx3-ubyte", buffer, size);
    refused(path_of("float-images-idx3-ubyte"), NULL, TACIT_BAD_DATA,
            "wrong idx magic 00000d03, 00000803 or 00000804 (pictures) is expected");
    size = idx_make(buffer, 1, (int[]){ 20 }, 3);
    file_put("only-labels-idx1-ubyte", buffer, size);
    refused(path_of("only-labels-idx1-ubyte"), NULL, TACIT_BAD_DATA, "wrong idx magic 00000801");
    size = idx_make(buffer, 4, (int[]){ 2, 2, 2, 2 }, 0);
    file_put("two-channels", buffer, size);
    refused(path_of("two-channels"), NULL, TACIT_BAD_DATA, "2 channels cannot be used");
}

/* Records whose pixel i of plane c is 3 i + c modulo 256, so that interleaved pixels count up. */
static size_t cifar_make(int records, int labels, int first_label)
{
    uint8_t *to = buffer;
    for (int record = 0; record < records; record++) {
        for (int i = 0; i < labels; i++)
            *to++ = (uint8_t)((first_label + record) % 10);
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < 1024; i++)
                *to++ = (uint8_t)(3 * i + c);
    }
    return (size_t)(to - buffer);
}

static void cifar_folders(void **state)
{
    (void)state;
    file_put("cifar/data_batch_1.bin", buffer, cifar_make(20, 1, 0));
    file_put("cifar/data_batch_2.bin", buffer, cifar_make(10, 1, 3));
    file_put("cifar/test_batch.bin", buffer, cifar_make(5, 1, 9));
    file_put("cifar/batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n", 21);
    struct source *source = opened(path_of("cifar"), "auto");
    assert_int_equal(source->count, 35);
    assert_int_equal(source_part(source, SPLIT_TRAIN, NULL), 30);
    assert_int_equal(source->classes, 10);
    assert_string_equal(source->class_name[9], "j");
    assert_int_equal(source->sample[21].label, 4);
    assert_int_equal(source->sample[30].label, 9);
    assert_true(source->labels_in_format);
    struct image image;
    for (size_t index = 0; index < 35; index += 17) {
        assert_int_equal(source_read(source, index, &image), TACIT_OK);
        assert_int_equal(image.channels, 3);
        for (int i = 0; i < 3072; i++)
            assert_int_equal(image.pixels[i], i % 256);
        image_free(&image);
    }
    char name[SAMPLE_NAME_BYTES];
    assert_string_equal(source_name(source, 21, name), "data_batch_2.bin[1]");
    source_close(source);
    source = opened(path_of("cifar/data_batch_2.bin"), NULL);
    assert_int_equal(source->count, 10);
    assert_int_equal(source_part(source, SPLIT_NONE, NULL), 10);
    source_close(source);
}

static void cifar_hundred(void **state)
{
    (void)state;
    file_put("hundred/train.bin", buffer, cifar_make(6, 2, 0));
    file_put("hundred/test.bin", buffer, cifar_make(4, 2, 0));
    struct source *source = opened(path_of("hundred"), NULL);
    assert_int_equal(source->count, 10);
    assert_int_equal(source->classes, 100);
    assert_int_equal(source_part(source, SPLIT_TEST, NULL), 4);
    source_close(source);
}

static void cifar_damage(void **state)
{
    (void)state;
    file_put("short/data_batch_1.bin", buffer, cifar_make(3, 1, 0) - 1);
    refused(path_of("short"), NULL, TACIT_BAD_DATA, "9218 bytes are no multiple");
    refused(path_of("short/data_batch_1.bin"), NULL, TACIT_BAD_DATA, "fetch it again");
    size_t alike = cifar_make(3, 1, 0);
    buffer[0] = 150;
    file_put("alike/data_batch_1.bin", buffer, alike);
    refused(path_of("alike"), NULL, TACIT_BAD_DATA, "first record has label 150");
    file_put("other.bin", buffer, 5000);
    refused(path_of("other.bin"), NULL, TACIT_BAD_DATA, "5000 bytes are no multiple");
    size_t size = cifar_make(3, 1, 0);
    buffer[2 * 3073] = 10;
    file_put("wrong/data_batch_1.bin", buffer, size);
    refused(path_of("wrong"), NULL, TACIT_BAD_DATA, "record 2 has label 10");
}

static int value_at(struct source *source, size_t index)
{
    struct image image;
    assert_int_equal(source_read(source, index, &image), TACIT_OK);
    assert_int_equal(image.channels, source->channels);
    int value = image.pixels[0];
    image_free(&image);
    return value;
}

static void folders_of_pictures(void **state)
{
    (void)state;
    png_put("tree/b/2.png", 2, 1);
    png_put("tree/a/1.png", 1, 3);
    png_put("tree/a/0.jpg", 3, 1); /* another name for a PNG */
    png_put("tree/noname", 4, 1);
    png_put("tree/.hidden/5.png", 5, 1);
    file_put("tree/readme.txt", "some words", 10);
    struct source *source = opened(path_of("tree"), NULL);
    assert_int_equal(source->count, 4);
    assert_string_equal(source->sample[0].name, "a/0.jpg");
    assert_string_equal(source->sample[3].name, "noname");
    assert_int_equal(source->channels, 3);
    assert_int_equal(source->width, 6);
    assert_int_equal(source->height, 5);
    assert_int_equal(source->classes, 0); /* never guessed */
    assert_false(source->has_parts);
    int wanted[] = { 3, 1, 2, 4 };
    for (int twice = 0; twice < 2; twice++)
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(value_at(source, i), wanted[i]);
    source_close(source);
    source = opened(path_of("tree/a/0.jpg"), NULL);
    assert_int_equal(source->count, 1);
    assert_int_equal(source->channels, 1);
    assert_int_equal(value_at(source, 0), 3);
    source_close(source);
}

static void parts_of_folders(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        char name[64];
        snprintf(name, sizeof name, "parts/set/%s/%c/%d.png", i < 4 ? "train" : "Val", 'a' + i % 2,
                 i);
        png_put(name, i, 3);
    }
    struct source *source = opened(path_of("parts"), "folders");
    assert_true(source->has_parts);
    assert_int_equal(source_part(source, SPLIT_TRAIN, NULL), 4);
    assert_int_equal(source_part(source, SPLIT_TEST, NULL), 2);
    assert_int_equal(source->classes, 2);
    assert_string_equal(source->class_name[1], "b");
    assert_false(source->labels_in_format);
    source_close(source);
    png_put("parts/set/test/a/9.png", 9, 3); /* now Val is of no part */
    source = opened(path_of("parts"), NULL);
    assert_int_equal(source_part(source, SPLIT_TEST, NULL), 1);
    assert_int_equal(source_part(source, SPLIT_NONE, NULL), 2);
    source_close(source);
    source = opened(path_of("parts/set/train"), NULL);
    assert_false(source->has_parts);
    source_close(source);
}

static void archives(void **state)
{
    (void)state;
    static const char *const names[] = { "./set/train/b/1.png", "set/train/a/0.png",
                                         "set/test/a/picture", "set/about.txt",
                                         "set/._hidden.png" };
    static const char *const paths[] = { "p.tar", "p.tar.gz", "p.tar.xz", "p.zip", "box/p.tar.xz" };
    file_put("box/notes.txt.xz", "no archive", 10);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        archive_put(paths[i], names, 5);
        struct source *source = opened(i == 4 ? path_of("box") : path_of(paths[i]), "folders");
        assert_int_equal(source->count, 3);
        assert_string_equal(source->sample[0].name, "set/test/a/picture");
        assert_string_equal(source->sample[1].name, "set/train/a/0.png");
        assert_int_equal(source_part(source, SPLIT_TRAIN, NULL), 2);
        assert_int_equal(source->classes, 2);
        assert_int_equal(source->sample[2].label, 1);
        assert_int_equal(source->width, 6);
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(value_at(source, k), 2 - (int)k);
        source_close(source);
    }
    archive_put("box/q.zip", names, 5);
    refused(path_of("box"), NULL, TACIT_BAD_DATA, "several archives (p.tar.xz, q.zip)");
    /* The name says nothing. */
    assert_int_equal(rename(path_of("p.tar.gz"), path_of("words.txt")), 0);
    source_close(opened(path_of("words.txt"), NULL));
}

static void archives_damaged(void **state)
{
    (void)state;
    static const char *const names[] = { "a.png", "b.png", "c.png" }, *const words[] = {
        "readme.txt"
    };
    static const char *const paths[] = { "cut.tar", "cut.tar.gz", "cut.tar.xz", "cut.zip" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        archive_put(paths[i], names, 3);
        file_cut(paths[i], i == 0 ? 0.25 : 0.6);
        refused(path_of(paths[i]), NULL, TACIT_BAD_DATA, "truncated");
    }
    archive_put("words.tar", words, 1);
    refused(path_of("words.tar"), NULL, TACIT_BAD_DATA, "holds no pictures");
    file_put("false.tar", "this is no tar file at all", 26);
    refused(path_of("false.tar"), NULL, TACIT_BAD_DATA, "false.tar");
}

static void what_is_no_data(void **state)
{
    (void)state;
    refused("", NULL, TACIT_BAD_DATA, "data= is empty");
    refused(path_of("missing"), NULL, TACIT_BAD_DATA, "give a folder or a file that exists");
    mkdir(path_of("nothing"), 0777);
    refused(path_of("nothing"), NULL, TACIT_BAD_DATA, "holds no pictures");
    file_put("nothing/numbers", "\1\0\2\0some words", 14);
    refused(path_of("nothing"), NULL, TACIT_BAD_DATA, "holds no pictures");
    refused(path_of("nothing/numbers"), NULL, TACIT_BAD_DATA, "begins with the bytes 01 00 02 00");
    file_put("zero.png", "", 0);
    refused(path_of("zero.png"), NULL, TACIT_BAD_DATA, "empty file (0 bytes)");
    refused(path_of("nothing"), "sideways", TACIT_BAD_DATA, "holds no pictures");
    png_put("one/1.png", 1, 1);
    refused(path_of("one"), "sideways", TACIT_USAGE, "labels=sideways");
    struct source *source;
    struct source_options options = { .channels = 2 };
    assert_int_equal(source_open(path_of("one"), &options, &source), TACIT_USAGE);
}

/* What a folder holds besides and nobody can read is told. */
static void pictures_of_other_formats(void **state)
{
    (void)state;
    file_put("g/b.gif", "GIF89a\1\0", 8);
    file_put("g/a.dat", "II*\0....", 8);
    refused(path_of("g"), NULL, TACIT_BAD_DATA, "but 2 in other formats, such as a.dat");
    png_put("g/x.png", 1, 1);
    assert_int_equal(symlink("nowhere.png", path_of("g/y.png")), 0);
    struct source *source = opened(path_of("g"), NULL);
    assert_int_equal(source->count, 1);
    assert_non_null(strstr(source->note, "GIF and TIFF (2, first a.dat)"));
    assert_non_null(strstr(source->note, "links to nothing (1, first y.png)"));
    source_close(source);
    static const char *const names[] = { "empty.gif", "x.png" };
    archive_put("g.tar", names, 2);
    source = opened(path_of("g.tar"), NULL);
    assert_non_null(strstr(source->note, "(1, first empty.gif)"));
    source_close(source);
}

static void broken_pictures(void **state)
{
    (void)state;
    char name[64];
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "many/%03d.png", i);
        png_put(name, i, 1);
    }
    file_put("many/007.png", "", 0);
    file_cut("many/100.png", 0.8); /* the header is whole: only decoding tells */
    struct source *source = opened(path_of("many"), NULL);
    const struct broken_sample *list;
    size_t listed;
    assert_int_equal(source_broken(source, &list, &listed), 1);
    struct image image;
    assert_int_equal(source_read(source, 7, &image), TACIT_BAD_DATA);
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(source_read(source, 100, &image), TACIT_BAD_DATA);
        assert_non_null(strstr(status_message(), "100.png"));
    }
    assert_true(source_is_broken(source, 100));
    assert_false(source_is_broken(source, 101));
    assert_int_equal(source_broken(source, &list, &listed), 2); /* 1 %: allowed */
    assert_int_equal(source_health(source), TACIT_OK);
    assert_int_equal(listed, 2);
    assert_int_equal(list[1].index, 100);
    assert_non_null(strstr(list[1].why, "truncated PNG"));
    source_close(source);
    for (int i = 0; i < 15; i++) { /* 16 in all are few enough to be left out; 17 are not */
        snprintf(name, sizeof name, "many/%03d.png", 20 + i);
        file_put(name, "junk", 4);
    }
    source = opened(path_of("many"), NULL);
    assert_int_equal(source_health(source), TACIT_OK);
    assert_int_equal(source_read(source, 100, &image), TACIT_BAD_DATA);
    assert_int_equal(source_health(source), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "17 of 200 pictures cannot be read, more than 1 %"));
    assert_non_null(strstr(status_message(), "007.png (empty"));
    source_close(source);
    struct source_options strict = { .strict = true };
    assert_int_equal(source_open(path_of("many"), &strict, &source), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "strict=true"));
}

static void channels_are_as_wanted(void **state)
{
    (void)state;
    png_put("grey/1.png", 9, 1);
    png_put("grey/2.png", 9, 1);
    struct source *source = opened(path_of("grey"), NULL);
    assert_int_equal(source->channels, 1);
    source_close(source);
    struct source_options options = { .channels = 3, .cache_bytes = 100 };
    assert_int_equal(source_open(path_of("grey"), &options, &source), TACIT_OK);
    assert_int_equal(source->channels, 3);
    assert_int_equal(value_at(source, 0), 9); /* the cache holds less than one picture */
    assert_int_equal(value_at(source, 0), 9);
    source_close(source);
}

/* Equal pictures have equal hashes, wherever they lie. */
static void hashes_tell_content(void **state)
{
    (void)state;
    static const char *const names[] = { "z.png", "y.png" };
    png_put("same/a.png", 1, 3);
    png_put("same/b.png", 0, 3);
    archive_put("same.tar", names, 2); /* y.png has value 1, z.png 0 */
    struct source *files = opened(path_of("same"), NULL);
    struct source *members = opened(path_of("same.tar"), NULL);
    uint64_t hash[4];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(source_hash(files, i, &hash[i]), TACIT_OK);
        assert_int_equal(source_hash(members, i, &hash[2 + i]), TACIT_OK);
    }
    assert_true(hash[0] == hash[2] && hash[1] == hash[3] && hash[0] != hash[1]);
    source_close(files);
    source_close(members);
}

static void shapes_are_generated(void **state)
{
    (void)state;
    struct source *source = opened("synth:shapes?count=30&test=10&size=24&seed=5", NULL);
    assert_int_equal(source->count, 40);
    assert_int_equal(source_part(source, SPLIT_TEST, NULL), 10);
    assert_int_equal(source->classes, 10);
    assert_int_equal(source->sample[13].label, 3);
    struct source *other = opened("synth:shapes?count=30&test=10&size=24&seed=6", "none");
    struct image a, b, c;
    assert_int_equal(source_read(source, 3, &a), TACIT_OK);
    assert_int_equal(source_read(source, 3, &b), TACIT_OK);
    assert_int_equal(source_read(other, 3, &c), TACIT_OK);
    assert_int_equal(a.width, 24);
    assert_memory_equal(a.pixels, b.pixels, 24 * 24 * 3);
    assert_memory_not_equal(a.pixels, c.pixels, 24 * 24 * 3);
    image_free(&a);
    image_free(&b);
    image_free(&c);
    source_close(source);
    source_close(other);
    refused("synth:shapes?cuont=4", NULL, TACIT_USAGE, "unknown option cuont=4");
    refused("synth:shapes?count=none", NULL, TACIT_USAGE, "count takes a number");
    refused("synth:sounds", NULL, TACIT_USAGE, "synth:shapes");
}

static void memory_failures_leave_nothing_behind(void **state)
{
    (void)state;
    static const char *const names[] = { "train/a/1.png", "test/b/2.png" };
    archive_put("fail.tar.gz", names, 2);
    mkdir(path_of("idx"), 0777);
    idx_folder_put("", 7, 7);
    const char *const paths[] = { path_of("fail.tar.gz"), path_of("idx") };
    for (int i = 0; i < 2; i++) {
        struct source_options options = { .labels = i ? NULL : "folders" };
        for (int n = 1, open = 0; !open; n++) {
            struct source *source;
            memory_fail_at(n);
            status result = source_open(paths[i], &options, &source);
            memory_fail_at(0);
            open = result == TACIT_OK && n > 10;
            assert_true(result == TACIT_OK || result == TACIT_RESOURCES);
            source_close(source);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, files_begin, files_end)
    const struct CMUnitTest tests[] = {
        TEST(idx_folders),
        TEST(idx_files),
        TEST(idx_damage),
        TEST(cifar_folders),
        TEST(cifar_hundred),
        TEST(cifar_damage),
        TEST(folders_of_pictures),
        TEST(parts_of_folders),
        TEST(archives),
        TEST(archives_damaged),
        TEST(what_is_no_data),
        TEST(pictures_of_other_formats),
        TEST(broken_pictures),
        TEST(channels_are_as_wanted),
        TEST(hashes_tell_content),
        TEST(shapes_are_generated),
        TEST(memory_failures_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
