/* tacit_embed: the rows are the model's features of the right pictures, in every form of file. */
#include "unit/eval_files.h"
#include "io/npy.h"

#include <fcntl.h>

static tacit_status embedded(const char *thing, const char *const words[], tacit_report **report)
{
    tacit_config *config = configured("embed", words);
    tacit_status result = tacit_embed(thing, config, NULL, report);
    tacit_config_free(config);
    return result;
}

static void embed(const char *thing, const char *const words[], tacit_report **report)
{
    if (embedded(thing, words, report) != TACIT_OK)
        fail_msg("%s", tacit_message());
}

static void refuses(const char *thing, const char *const words[], tacit_status code,
                    const char *said)
{
    tacit_report *report;
    tacit_status result = embedded(thing, words, &report);
    assert_null(report);
    if (result != code || !strstr(tacit_message(), said))
        fail_msg("%d instead of %d, or \"%s\" is not in: %s", (int)result, (int)code, said,
                 tacit_message());
}

/* A text file of the test's folder; freed by the caller. */
static char *text_of(const char *name)
{
    struct text text = { 0 };
    assert_int_equal(file_read(path_of(name), 1 << 24, &text), TACIT_OK);
    return text.bytes;
}

/* Grey pictures of SIDE x SIDE, PNG, all different. */
static void picture_put(const char *name, int number)
{
    struct image image;
    uint8_t *bytes;
    size_t size;
    assert_int_equal(image_new(&image, SIDE, SIDE, 1), TACIT_OK);
    stripes_draw(number % 2, number, image.pixels);
    assert_int_equal(image_encode_png(&image, &bytes, &size), TACIT_OK);
    file_put(name, bytes, size);
    memory_free(bytes);
    image_free(&image);
}

/* Rows of out=.npy equal what the same model gives another program for the same pixels. */
static void rows_are_those_of_the_model(void **state)
{
    (void)state;
    enum { COUNT = 11 };
    float pixels[COUNT * PIXELS];
    uint8_t drawn[PIXELS];
    char name[64];
    tacit_model *model;
    tacit_model_shape shape;
    tacit_report *report;
    struct npy_file file;
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "many/%02d.png", i);
        picture_put(name, i);
        stripes_draw(i % 2, i, drawn);
        for (int j = 0; j < PIXELS; j++)
            pixels[i * PIXELS + j] = (float)drawn[j] / 255;
    }
    model_put("m.safetensors", 3);
    embed(path_of("m.safetensors"),
          WORDS(word("data", "many"), word("out", "rows.npy"), "batch_size=4"), &report);
    assert_int_equal(tacit_model_open(path_of("m.safetensors"), 0, &model), TACIT_OK);
    tacit_model_describe(model, &shape);
    float *expected = calloc((size_t)COUNT * (size_t)shape.dimensions, sizeof *expected);
    assert_non_null(expected);
    assert_int_equal(tacit_model_embed(model, COUNT, pixels, expected), TACIT_OK);
    assert_int_equal(npy_open(path_of("rows.npy"), &file), TACIT_OK);
    assert_int_equal(file.dtype, NPY_F32);
    assert_int_equal(file.rank, 2);
    assert_int_equal(file.shape[0], COUNT);
    assert_int_equal(file.shape[1], shape.dimensions);
    const float *found = file.data;
    float largest = 0;
    for (int i = 0; i < COUNT * shape.dimensions; i++) {
        assert_float_equal(found[i], expected[i], 1e-5);
        largest = fmaxf(largest, fabsf(found[i]));
    }
    assert_true(largest > .1f);
    assert_int_equal((int)field_of(report, "samples").number, COUNT);
    assert_int_equal((int)field_of(report, "dimensions").number, shape.dimensions);
    npy_close(&file);
    free(expected);
    tacit_model_free(model);
    tacit_report_free(report);
}

/* The text forms hold the same numbers, with names and labels; what must be quoted is. */
static void text_forms_hold_names_labels_and_numbers(void **state)
{
    (void)state;
    picture_put("named/cat/a,\"b\".png", 1);
    picture_put("named/dog/c.png", 2);
    model_put("m.safetensors", 3);
    const char *const forms[] = { "t.csv", "t.tsv" };
    struct npy_file file;
    embed(path_of("m.safetensors"), WORDS(word("data", "named"), word("out", "t.npy")), NULL);
    assert_int_equal(npy_open(path_of("t.npy"), &file), TACIT_OK);
    for (int i = 0; i < 2; i++) {
        embed(path_of("m.safetensors"),
              WORDS(word("data", "named"), word("out", forms[i]), "labels=folders"), NULL);
        char *text = text_of(forms[i]), *line = strchr(text, '\n') + 1;
        const char *starts[] = { i ? "cat/a,\"b\".png\tcat\t" : "\"cat/a,\"\"b\"\".png\",cat,",
                                 i ? "dog/c.png\tdog\t" : "dog/c.png,dog," };
        assert_int_equal(strncmp(text, i ? "file\tlabel\t0\t1\t" : "file,label,0,1,", 15), 0);
        for (int row = 0; row < 2; row++) {
            assert_int_equal(strncmp(line, starts[row], strlen(starts[row])), 0);
            char *at = line + strlen(starts[row]);
            for (int64_t j = 0; j < file.shape[1]; j++, at++)
                assert_true(strtof(at, &at) == ((const float *)file.data)[row * file.shape[1] + j]);
            assert_int_equal(at[-1], '\n');
            line = at;
        }
        assert_int_equal(*line, 0);
        free(text);
    }
    npy_close(&file);
}

/* out=-: the rows of a .tsv and nothing else, without a report. */
static void standard_output_gets_the_rows(void **state)
{
    (void)state;
    tacit_report *report;
    picture_put("two/a.png", 1);
    picture_put("two/b.png", 2);
    model_put("m.safetensors", 3);
    embed(path_of("m.safetensors"), WORDS(word("data", "two"), word("out", "two.tsv")), NULL);
    fflush(stdout);
    int kept = dup(STDOUT_FILENO), to = open(path_of("said"), O_CREAT | O_WRONLY, 0600);
    assert_true(kept >= 0 && to >= 0 && dup2(to, STDOUT_FILENO) >= 0);
    tacit_status result =
        embedded(path_of("m.safetensors"), WORDS(word("data", "two"), "out=-"), &report);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    close(kept);
    close(to);
    assert_int_equal(result, TACIT_OK);
    assert_null(report);
    char *expected = text_of("two.tsv"), *found = text_of("said");
    assert_string_equal(found, expected);
    free(expected);
    free(found);
}

/* A broken picture has no row and is named; with strict=true it is an error. */
static void broken_pictures_have_no_row(void **state)
{
    (void)state;
    char name[64];
    tacit_report *report;
    for (int i = 0; i < 120; i++) {
        snprintf(name, sizeof name, "most/%03d.png", i);
        picture_put(name, i);
    }
    file_cut("most/007.png", .5);
    model_put("m.safetensors", 3);
    embed(path_of("m.safetensors"), WORDS(word("data", "most"), word("out", "most.tsv")), &report);
    assert_int_equal((int)field_of(report, "samples").number, 119);
    assert_int_equal((int)field_of(report, "unreadable").number, 1);
    assert_true(has_note(report, "007.png"));
    tacit_report_free(report);
    char *text = text_of("most.tsv");
    assert_null(strstr(text, "007.png"));
    assert_non_null(strstr(text, "006.png"));
    assert_non_null(strstr(text, "119.png"));
    free(text);
    refuses(path_of("m.safetensors"),
            WORDS(word("data", "most"), word("out", "strict.tsv"), "strict=true"), TACIT_BAD_DATA,
            "007.png");
    assert_int_not_equal(access(path_of("strict.tsv"), F_OK), 0);
}

static void wishes_that_cannot_be_met(void **state)
{
    (void)state;
    picture_put("one/a.png", 1);
    model_put("m.safetensors", 3);
    refuses(path_of("m.safetensors"), WORDS(word("data", "one"), "out=rows.parquet"), TACIT_USAGE,
            ".npy, .csv or .tsv");
    refuses(NULL, WORDS(word("data", "one"), word("out", "x.npy")), TACIT_USAGE, "RUN is missing");
    refuses(path_of("m.safetensors"), WORDS(word("data", "none"), word("out", "x.npy")),
            TACIT_BAD_DATA, "none");
    refuses(path_of("none"), WORDS(word("data", "one"), word("out", "x.npy")), TACIT_BAD_DATA,
            "none");
    refuses(path_of("m.safetensors"), WORDS(word("data", "one"), word("out", "no/x.npy")),
            TACIT_USAGE, "there is no folder");
    file_put("there.npy", "old", 3);
    refuses(path_of("m.safetensors"), WORDS(word("data", "one"), word("out", "there.npy")),
            TACIT_USAGE, "overwrite=true");
    file_put("d.npy/x", "", 0);
    refuses(path_of("m.safetensors"),
            WORDS(word("data", "one"), word("out", "d.npy"), "overwrite=true"), TACIT_USAGE,
            "is no file");
    assert_int_not_equal(access(path_of("x.npy"), F_OK), 0);
}

/* A full disk, at any write: an error, the old file stays, no half file is left. */
static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    static const char *const forms[] = { "f.npy", "f.csv" };
    picture_put("one/a.png", 1);
    model_put("m.safetensors", 3);
    for (int i = 0; i < 2; i++)
        for (int kind = FILE_WRITE; kind <= FILE_RENAME; kind++) {
            char aside[64];
            file_put(forms[i], "old", 3);
            snprintf(aside, sizeof aside, "%s.tmp", forms[i]);
            file_fail_at((enum file_operation)kind, 1);
            tacit_status result =
                embedded(path_of("m.safetensors"),
                         WORDS(word("data", "one"), word("out", forms[i]), "overwrite=true"), NULL);
            file_fail_at((enum file_operation)kind, 0);
            assert_int_equal(result, TACIT_RESOURCES);
            char *text = text_of(forms[i]);
            assert_string_equal(text, "old");
            free(text);
            assert_int_not_equal(access(path_of(aside), F_OK), 0);
        }
}

static int stop_at_once(void *user)
{
    (void)user;
    return 1;
}

static void stops_when_asked(void **state)
{
    (void)state;
    tacit_observer observer = { NULL, NULL, NULL, stop_at_once };
    picture_put("one/a.png", 1);
    model_put("m.safetensors", 3);
    tacit_config *config = configured("embed", WORDS(word("data", "one"), word("out", "s.npy")));
    assert_int_equal(tacit_embed(path_of("m.safetensors"), config, &observer, NULL), TACIT_STOPPED);
    assert_int_not_equal(access(path_of("s.npy"), F_OK), 0);
    tacit_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_of_the_model),
        cmocka_unit_test(text_forms_hold_names_labels_and_numbers),
        cmocka_unit_test(standard_output_gets_the_rows),
        cmocka_unit_test(broken_pictures_have_no_row),
        cmocka_unit_test(wishes_that_cannot_be_met),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
        cmocka_unit_test(stops_when_asked),
    };
    return cmocka_run_group_tests(tests, files_begin, files_end);
}
