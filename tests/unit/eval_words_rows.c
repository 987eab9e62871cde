/* The rival "words": its rows are those of scikit-learn's TfidfVectorizer(). */
#include "unit/eval_files.h"
#include "base/memory.h"
#include "eval/evaluation.h"

enum { TEXTS = 3, WORDS_KNOWN = 7 };

/* The columns in order of appearance: the, cat, sat, ran, dog, to, zebra. A word of one letter
 * ("A") is none. By scikit-learn 1.x, TfidfVectorizer().fit_transform. */
static const double golden[TEXTS][WORDS_KNOWN] = {
    { 0.610593555, 0.610593555, 0.401428574, 0.305296777, 0, 0, 0 },
    { 0.417795771, 0.417795771, 0, 0.417795771, 0.417795771, 0.549351231, 0 },
    { 0, 0, 0, 0, 0.355432468, 0, 0.934701964 },
};

static void rows_are_those_of_scikit_learn(void **state)
{
    static const char text[] = "The cat sat; the cat ran.\nA dog ran to the CAT\nzebra zebra dog\n";
    uint32_t index[TEXTS] = { 0, 1, 2 }, kept[TEXTS];
    struct source_options options = { .wanted = WANT_TEXTS, .unit = "lines" };
    struct evaluation e = { .pool = { .index = index, .count = TEXTS } };
    float *value = NULL;
    int64_t width = 0;
    size_t count = 0;
    (void)state;
    file_put("texts.txt", text, sizeof text - 1);
    assert_int_equal(source_open(path_of("texts.txt"), &options, &e.source), TACIT_OK);
    assert_int_equal(words_rows(&e, &value, &width, kept, &count), TACIT_OK);
    assert_int_equal(count, TEXTS);
    assert_int_equal(width, WORDS_KNOWN);
    for (int i = 0; i < TEXTS; i++) {
        assert_int_equal(kept[i], i);
        for (int j = 0; j < WORDS_KNOWN; j++)
            assert_true(fabs((double)value[i * WORDS_KNOWN + j] - golden[i][j]) < 1e-7);
    }
    memory_free_aligned(value);
    source_close(e.source);
}

static void texts_without_words_are_refused(void **state)
{
    uint32_t index[1] = { 0 }, kept[1];
    struct source_options options = { .wanted = WANT_TEXTS, .unit = "lines" };
    struct evaluation e = { .pool = { .index = index, .count = 1 } };
    float *value = NULL;
    int64_t width = 0;
    size_t count = 0;
    (void)state;
    file_put("signs.txt", "?! a .\n", 7);
    assert_int_equal(source_open(path_of("signs.txt"), &options, &e.source), TACIT_OK);
    assert_int_equal(words_rows(&e, &value, &width, kept, &count), TACIT_BAD_DATA);
    assert_null(value);
    source_close(e.source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_of_scikit_learn),
        cmocka_unit_test(texts_without_words_are_refused),
    };
    return cmocka_run_group_tests(tests, files_begin, files_end);
}
