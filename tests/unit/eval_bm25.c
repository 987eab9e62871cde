/* Search by words: stems as of Porter's published examples (checked with Snowball's "porter"),
 * words of several scripts, and scores against the formula by hand. */
#include "unit/data_files.h"
#include "base/text.h"
#include "eval/bm25.h"

#include <math.h>

/* A word and its stem. */
static const char *const pairs[][2] = {
    { "caresses", "caress" },
    { "ponies", "poni" },
    { "ties", "ti" },
    { "caress", "caress" },
    { "cats", "cat" },
    { "feed", "feed" },
    { "agreed", "agre" },
    { "plastered", "plaster" },
    { "bled", "bled" },
    { "motoring", "motor" },
    { "sing", "sing" },
    { "conflated", "conflat" },
    { "troubled", "troubl" },
    { "sized", "size" },
    { "hopping", "hop" },
    { "tanned", "tan" },
    { "falling", "fall" },
    { "hissing", "hiss" },
    { "fizzed", "fizz" },
    { "failing", "fail" },
    { "filing", "file" },
    { "happy", "happi" },
    { "sky", "sky" },
    { "relational", "relat" },
    { "conditional", "condit" },
    { "rational", "ration" },
    { "valenci", "valenc" },
    { "hesitanci", "hesit" },
    { "digitizer", "digit" },
    { "conformabli", "conform" },
    { "radicalli", "radic" },
    { "differentli", "differ" },
    { "vileli", "vile" },
    { "analogousli", "analog" },
    { "vietnamization", "vietnam" },
    { "predication", "predic" },
    { "operator", "oper" },
    { "feudalism", "feudal" },
    { "decisiveness", "decis" },
    { "hopefulness", "hope" },
    { "callousness", "callous" },
    { "formaliti", "formal" },
    { "sensitiviti", "sensit" },
    { "sensibiliti", "sensibl" },
    { "triplicate", "triplic" },
    { "formative", "form" },
    { "formalize", "formal" },
    { "electriciti", "electr" },
    { "electrical", "electr" },
    { "hopeful", "hope" },
    { "goodness", "good" },
    { "revival", "reviv" },
    { "allowance", "allow" },
    { "inference", "infer" },
    { "airliner", "airlin" },
    { "gyroscopic", "gyroscop" },
    { "adjustable", "adjust" },
    { "defensible", "defens" },
    { "irritant", "irrit" },
    { "replacement", "replac" },
    { "adjustment", "adjust" },
    { "dependent", "depend" },
    { "adoption", "adopt" },
    { "homologou", "homolog" },
    { "communism", "commun" },
    { "activate", "activ" },
    { "angulariti", "angular" },
    { "homologous", "homolog" },
    { "effective", "effect" },
    { "bowdlerize", "bowdler" },
    { "probate", "probat" },
    { "rate", "rate" },
    { "cease", "ceas" },
    { "controll", "control" },
    { "roll", "roll" },
    { "aerodynamics", "aerodynam" },
    { "boundary", "boundari" },
    { "layers", "layer" },
    { "heat", "heat" },
    { "hypersonic", "hyperson" },
    { "viscosity", "viscos" },
    { "theology", "theologi" },
    { "generalizations", "gener" },
    { "oscillators", "oscil" },
    { "yes", "ye" },
    { "ho", "ho" },
    { "say", "sai" },
};

static status word_join(void *argument, const char *word, size_t length)
{
    assert_int_equal(strlen(word), length);
    return text_append(argument, "%s|", word);
}

static void check_words(enum word_rule rule, const char *text, const char *expected)
{
    struct text joined = { 0 };
    assert_int_equal(words_each((struct text_view){ text, strlen(text) }, rule, word_join, &joined),
                     TACIT_OK);
    assert_string_equal(text_string(&joined), expected);
    text_free(&joined);
}

static void stems_are_porters(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "%s|", pairs[i][1]);
        check_words(WORDS_ENGLISH, pairs[i][0], expected);
    }
}

static void words_of_a_text(void **state)
{
    (void)state;
    check_words(WORDS_PLAIN, "The wing's Tip, at Mach 4.15; don't!",
                "the|wing's|tip|at|mach|4.15|don't|");
    check_words(WORDS_ENGLISH, "The wing's tips are at Mach 4.15.", "wing|tip|mach|4.15|");
    check_words(WORDS_PLAIN, "ÉCOLE x_y a.b 1,5 5.", "école|x|y|a|b|1,5|5|");
    check_words(WORDS_PLAIN, "机翼 wing\xff\xfe", "机|翼|wing|");
    check_words(WORDS_PLAIN, "", "");
    char longest[1000];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = 0;
    struct text joined = { 0 };
    assert_int_equal(
        words_each((struct text_view){ longest, 999 }, WORDS_PLAIN, word_join, &joined), TACIT_OK);
    assert_true(joined.length <= LONGEST_WORD + 1);
    text_free(&joined);
}

static struct text_view view(const char *text)
{
    return (struct text_view){ text, strlen(text) };
}

/* Three texts of 2, 4 and 3 words. */
static struct bm25 *index_of(bool expecting)
{
    struct bm25 *index;
    struct bm25_settings settings = { 1.2, 0.75, WORDS_PLAIN };
    assert_int_equal(bm25_new(&settings, &index), TACIT_OK);
    if (expecting)
        assert_int_equal(bm25_expect(index, view("cat fish")), TACIT_OK);
    assert_int_equal(bm25_add(index, view("cat dog")), TACIT_OK);
    assert_int_equal(bm25_add(index, view("Cat cat cat fish")), TACIT_OK);
    assert_int_equal(bm25_add(index, view("dog dog bird")), TACIT_OK);
    return index;
}

static double weight(double with, double times, double length)
{
    return log(1 + (3 - with + .5) / (with + .5)) * times /
           (times + 1.2 * (1 - .75 + .75 * length / 3));
}

static void scores_are_the_formula(void **state)
{
    (void)state;
    for (int expecting = 0; expecting < 2; expecting++) {
        struct bm25 *index = index_of(expecting);
        uint32_t document[3];
        float score[3];
        int64_t found;
        assert_int_equal(bm25_count(index), 3);
        assert_int_equal(bm25_search(index, view("cat fish"), 3, document, score, &found),
                         TACIT_OK);
        assert_int_equal(found, 2);
        assert_int_equal(document[0], 1);
        assert_true(fabs(score[0] - weight(2, 3, 4) - weight(1, 1, 4)) < 1e-6);
        assert_int_equal(document[1], 0);
        assert_true(fabs(score[1] - weight(2, 1, 2)) < 1e-6);
        assert_int_equal(bm25_search(index, view("cat"), 1, document, score, &found), TACIT_OK);
        assert_int_equal(found, 1);
        assert_int_equal(document[0], 1);
        assert_int_equal(bm25_search(index, view("cat cat"), 3, document, score, &found), TACIT_OK);
        assert_true(fabs(score[0] - 2 * weight(2, 3, 4)) < 1e-6);
        assert_int_equal(bm25_search(index, view("horse"), 3, document, score, &found), TACIT_OK);
        assert_int_equal(found, 0);
        bm25_free(index);
    }
}

static void ties_keep_the_order(void **state)
{
    (void)state;
    struct bm25 *index;
    struct bm25_settings settings = { 1.2, 0.75, WORDS_PLAIN };
    uint32_t document[5];
    float score[5];
    int64_t found;
    assert_int_equal(bm25_new(&settings, &index), TACIT_OK);
    for (int i = 0; i < 40; i++)
        assert_int_equal(bm25_add(index, view(i % 2 ? "cat" : "dog")), TACIT_OK);
    assert_int_equal(bm25_search(index, view("cat"), 5, document, score, &found), TACIT_OK);
    assert_int_equal(found, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(document[i], 2 * i + 1);
    bm25_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stems_are_porters),
        cmocka_unit_test(words_of_a_text),
        cmocka_unit_test(scores_are_the_formula),
        cmocka_unit_test(ties_keep_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
