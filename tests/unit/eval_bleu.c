/* BLEU against sacrebleu's numbers, which tests/golden/bleu.py stores. */
#include "eval/bleu.h"
#include "io/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

enum { GOLDEN_BYTES = 1 << 20 };

static void close_to(const char *name, const char *what, double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-9))
        fail_msg("%s: %s is %.17g instead of %.17g", name, what, found, expected);
}

static const char *part_of(json_t *pair, size_t which, size_t *size)
{
    json_t *text = json_array_get(pair, which);
    assert_true(json_is_string(text));
    *size = json_string_length(text);
    return json_string_value(text);
}

static void words_are(json_t *pair)
{
    struct text words = { 0 };
    size_t size, expected_size;
    const char *text = part_of(pair, 0, &size), *expected = part_of(pair, 2, &expected_size);
    assert_int_equal(bleu_words(text, size, &words), TACIT_OK);
    if (words.length != expected_size || memcmp(text_string(&words), expected, expected_size) != 0)
        fail_msg("\"%s\" has the words \"%s\" instead of \"%s\"", text, text_string(&words),
                 expected);
    text_free(&words);
}

static void corpus_is(json_t *corpus)
{
    static const struct {
        const char *name;
        size_t offset;
    } counts[] = { { "matched", offsetof(struct bleu, matched) },
                   { "total", offsetof(struct bleu, total) } };
    const char *name = json_string_value(json_object_get(corpus, "name"));
    json_t *pair;
    size_t i, size, reference_size;
    struct bleu sums = { 0 };
    json_array_foreach(json_object_get(corpus, "pairs"), i, pair)
    {
        const char *text = part_of(pair, 0, &size), *reference = part_of(pair, 1, &reference_size);
        words_are(pair);
        assert_int_equal(bleu_add(&sums, text, size, reference, reference_size), TACIT_OK);
    }
    for (size_t k = 0; k < 2; k++)
        for (size_t n = 0; n < BLEU_ORDER; n++)
            close_to(name, counts[k].name,
                     (double)((int64_t *)((char *)&sums + counts[k].offset))[n],
                     (double)json_integer_value(
                         json_array_get(json_object_get(corpus, counts[k].name), n)));
    struct bleu_score score = bleu_score(&sums);
    json_t *precision = json_object_get(corpus, "precision");
    for (size_t n = 0; n < BLEU_ORDER; n++)
        close_to(name, "a precision", score.precision[n],
                 json_number_value(json_array_get(precision, n)));
    close_to(name, "length", (double)sums.length,
             json_number_value(json_object_get(corpus, "length")));
    close_to(name, "length of the reference", (double)sums.reference_length,
             json_number_value(json_object_get(corpus, "reference_length")));
    close_to(name, "penalty", score.penalty, json_number_value(json_object_get(corpus, "penalty")));
    close_to(name, "BLEU", score.bleu, json_number_value(json_object_get(corpus, "bleu")));
}

static void as_sacrebleu(void **state)
{
    (void)state;
    json_t *all, *corpus;
    size_t i;
    if (json_document_read(TEST_FOLDER "/golden/bleu.json", GOLDEN_BYTES, &all) != TACIT_OK)
        fail_msg("%s", status_message());
    assert_true(json_array_size(all) >= 10);
    json_array_foreach(all, i, corpus) corpus_is(corpus);
    json_decref(all);
}

/* "the cat": 2 of 2 words match, 1 of 1 pairs, nothing longer; a reference of 4 words. Without
 * n-grams of 3 words BLEU is 0, the precisions stay. */
static void by_hand(void **state)
{
    (void)state;
    struct bleu sums = { 0 };
    assert_int_equal(bleu_add(&sums, "the cat", 7, "the cat sat.", 12), TACIT_OK);
    struct bleu_score score = bleu_score(&sums);
    close_to("by hand", "BLEU", score.bleu, 0);
    close_to("by hand", "precision", score.precision[1], 100);
    close_to("by hand", "penalty", score.penalty, exp(1 - 4. / 2));
    sums = (struct bleu){ { 4, 2, 1, 0 }, { 6, 5, 4, 3 }, 6, 6 };
    /* no match of four words counts as half a one */
    double expected = 100 * pow(4. / 6 * 2 / 5 * 1 / 4 * .5 / 3, .25);
    close_to("by hand", "smoothed BLEU", bleu_score(&sums).bleu, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_sacrebleu),
        cmocka_unit_test(by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
