#include "data_files.h"

#include "data/csv.h"

static void pictures_put(void)
{
    static const char *const names[] = { "cat/1_4.png", "cat/2_10.png", "dog/3_4.png",
                                         "dog/deep/4_9.png", "5_10.png" };
    char name[64];
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "p/%s", names[i]);
        png_put(name, i, 1);
    }
}

/* Sorted: 5_10.png, cat/1_4.png, cat/2_10.png, dog/3_4.png, dog/deep/4_9.png. */
static void check(const char *labels, int classes, const char *first, const int wanted[5])
{
    struct source *source = opened(path_of("p"), labels);
    assert_int_equal(source->classes, classes);
    if (classes)
        assert_string_equal(source->class_name[0], first);
    for (int i = 0; i < 5; i++)
        assert_int_equal(source->sample[i].label, wanted[i]);
    assert_false(source->labels_in_format);
    source_close(source);
}

static void words(void **state)
{
    (void)state;
    pictures_put();
    check(NULL, 0, "", (int[]){ -1, -1, -1, -1, -1 });
    check("auto", 0, "", (int[]){ -1, -1, -1, -1, -1 });
    check("none", 0, "", (int[]){ -1, -1, -1, -1, -1 });
    check("folders", 2, "cat", (int[]){ -1, 0, 0, 1, 1 });
    /* Numbers are in the order of their values: 4, 9, 10. */
    check("filename:_(\\d+)\\.", 3, "4", (int[]){ 2, 0, 2, 0, 1 });
    check("filename:cat|dog", 2, "cat", (int[]){ -1, 0, 0, 1, 1 });
    refused(path_of("p"), "filename:(", TACIT_USAGE, "is no regular expression");
    refused(path_of("p"), "filename:bird", TACIT_BAD_DATA, "matches none of the 5 names");
    refused(path_of("p/cat"), "folders", TACIT_BAD_DATA, "not in several class folders");
    refused(path_of("p"), "missing.csv", TACIT_BAD_DATA, "missing.csv");
}

static void csv_put(const char *text)
{
    file_put("labels.csv", text, strlen(text));
}

static void labels_of_a_table(void **state)
{
    (void)state;
    pictures_put();
    const char *csv = "labels.csv";
    char option[4096];
    snprintf(option, sizeof option, "%s", path_of(csv));
    /* Whole names, with ./ and with the data's path in front, last parts; empty is unlabelled. */
    char text[8192];
    snprintf(text, sizeof text,
             "\xEF\xBB\xBFlabel,file,group,split\r\nred,cat/1_4.png,g1,train\r\n"
             "\"a \"\"b\"\", c\",./cat/2_10.png,g1,test\r\n,5_10.png,,\r\nred,%s,g2,val\r\n"
             "\r\nred,4_9.png,,train",
             path_of("p/dog/3_4.png"));
    csv_put(text);
    struct source *source = opened(path_of("p"), option);
    assert_int_equal(source->classes, 2);
    assert_string_equal(source->class_name[0], "a \"b\", c");
    static const int wanted[] = { -1, 1, 0, 1, 1 };
    static const enum split splits[] = { SPLIT_NONE, SPLIT_TRAIN, SPLIT_TEST, SPLIT_TEST,
                                         SPLIT_TRAIN };
    for (int i = 0; i < 5; i++) {
        assert_int_equal(source->sample[i].label, wanted[i]);
        assert_int_equal(source->sample[i].split, splits[i]);
    }
    assert_true(source->has_parts);
    assert_string_equal(source->sample[2].group, "g1");
    assert_string_equal(source->sample[3].group, "g2");
    assert_null(source->sample[0].group);
    assert_null(source->note);
    source_close(source);
    csv_put("file;label\ncat/1_4.png;10\ncat/2_10.png;9\nother.png;9\n");
    source = opened(path_of("p"), option);
    assert_string_equal(source->class_name[0], "9");
    assert_non_null(strstr(source->note, "1 of its 3 rows name no sample, first in line 4: other"));
    source_close(source);
    csv_put("file,label\nx.png,1\n\"y\n.png\",2\n5_10.png,2\nz,3\n");
    refused(path_of("p"), option, TACIT_BAD_DATA, "3 of its 4 rows name no sample");
    png_put("p/bird/1_4.png", 6, 1); /* now two have this last part, and none is meant by it */
    csv_put("file,label\n1_4.png,1\n");
    refused(path_of("p"), option, TACIT_BAD_DATA, "1 of its 1 rows name no sample");
    csv_put("name,label\n5_10.png,1\n");
    refused(path_of("p"), option, TACIT_BAD_DATA, "has no column file");
    csv_put("file,label\n5_10.png,1\n5_10.png,1,2\n");
    refused(path_of("p"), option, TACIT_BAD_DATA, "line 3: 3 cells, but the header has 2 columns");
    csv_put("file,label,split\n5_10.png,1,often\n");
    refused(path_of("p"), option, TACIT_BAD_DATA, "line 2: split is often");
    csv_put("file,label\n4_9.png,1\n5_10.png,1\n./5_10.png,2\n");
    refused(path_of("p"), option, TACIT_BAD_DATA,
            "lines 3 and 4 label ./5_10.png differently (1, 2)");
    csv_put("file,label\n5_10.png,1\n4_9.png,1\n5_10.png,1\n");
    source = opened(path_of("p"), option);
    assert_non_null(strstr(source->note, "4 of 6 samples are not in it and have no label"));
    source_close(source);
    csv_put("file,label\n\"5_10.png,1\n");
    refused(path_of("p"), option, TACIT_BAD_DATA, "line 2: a quote is not closed");
    csv_put("file,label\n");
    refused(path_of("p"), option, TACIT_BAD_DATA, "no rows");
    csv_put("");
    refused(path_of("p"), option, TACIT_BAD_DATA, "is empty");
}

/* Samples without names of their own are named by file and number. */
static void labels_of_numbered_samples(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t size = idx_make(bytes, 3, (int[]){ 3, 4, 5 }, 0);
    file_put("set-images", bytes, size);
    csv_put("file,label\nset-images[2],yes\nset-images[0],no\n");
    char option[4096];
    snprintf(option, sizeof option, "%s", path_of("labels.csv"));
    struct source *source = opened(path_of("set-images"), option);
    assert_int_equal(source->sample[0].label, 0);
    assert_int_equal(source->sample[1].label, -1);
    assert_int_equal(source->sample[2].label, 1);
    source_close(source);
}

static void tables(void **state)
{
    (void)state;
    static const char text[] = "a\tb\r1\t\"x\"\r\n\"2\r\n2\"\t\n3\t\"\"\"4\"\"\"\"\"";
    struct csv csv;
    assert_int_equal(csv_parse("t", text, sizeof text - 1, &csv), TACIT_OK);
    assert_int_equal(csv.columns, 2);
    assert_int_equal(csv.rows, 3);
    assert_int_equal(csv_column(&csv, "B"), 1);
    assert_int_equal(csv_column(&csv, "c"), -1);
    assert_string_equal(csv.cell[1], "x");
    assert_string_equal(csv.cell[2], "2\r\n2");
    assert_string_equal(csv.cell[3], "");
    assert_string_equal(csv.cell[5], "\"4\"\"");
    assert_int_equal(csv.line[1], 3);
    assert_int_equal(csv.line[2], 5);
    csv_free(&csv);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, files_begin, files_end)
    const struct CMUnitTest tests[] = {
        TEST(words),
        TEST(labels_of_a_table),
        TEST(labels_of_numbered_samples),
        TEST(tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
