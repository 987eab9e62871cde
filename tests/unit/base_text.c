#include "base/text.h"
#include "base/memory.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void text_grows(void **state)
{
    (void)state;
    struct text text = { 0 };
    assert_string_equal(text_string(&text), "");
    for (int i = 0; i < 1000; i++)
        assert_int_equal(text_append(&text, "%d,", i), TACIT_OK);
    assert_int_equal(text.length, 10 * 2 + 90 * 3 + 900 * 4);
    assert_memory_equal(text.bytes, "0,1,2,3,", 8);
    assert_string_equal(text.bytes + text.length - 8, "998,999,");
    text_clear(&text);
    text_append_bytes(&text, "a\0b", 3);
    assert_int_equal(text.length, 3);
    assert_memory_equal(text.bytes, "a\0b", 4);
    text_free(&text);
}

static void failure_sticks(void **state)
{
    (void)state;
    struct text text = { 0 };
    memory_fail_at(1);
    assert_int_equal(text_append(&text, "lost"), TACIT_RESOURCES);
    memory_fail_at(0);
    assert_int_equal(text_append(&text, "also"), TACIT_RESOURCES);
    assert_int_equal(text_status(&text), TACIT_RESOURCES);
    text_clear(&text);
    assert_int_equal(text_append(&text, "kept"), TACIT_OK);
    assert_string_equal(text_string(&text), "kept");
    text_free(&text);
}

static void reals_round_trip(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *digits;
    } cases[] = { { 0.1, "0.1" },
                  { 1.0 / 3, "0.3333333333333333" },
                  { -0.0, "-0" },
                  { 1e300, "1e+300" },
                  { 5e-324, "4.94065645841247e-324" },
                  { 0.1 + 0.2, "0.30000000000000004" },
                  { 256, "256" },
                  { NAN, "nan" },
                  { -INFINITY, "-inf" } };
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where it exists, a comma must not get in */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text text = { 0 };
        text_append_real(&text, cases[i].value);
        assert_string_equal(text_string(&text), cases[i].digits);
        text_free(&text);
    }
    setlocale(LC_ALL, "C");
}

static void numbers_are_read_whole(void **state)
{
    (void)state;
    static const char *const bad_integers[] = {
        "", "-", "1.0", "1e3", " 1", "1 ", "0x1", "ten", "9223372036854775808", "--1", "1-"
    };
    static const char *const bad_reals[] = { "",   ".",  "nan", "inf",   "0x1p3", "1,5",
                                             "e5", "1e", "1 ",  "1e999", "1.2.3", "+-1" };
    int64_t integer = 77;
    double real = 77;
    for (size_t i = 0; i < sizeof bad_integers / sizeof *bad_integers; i++)
        assert_false(text_read_integer(bad_integers[i], &integer));
    for (size_t i = 0; i < sizeof bad_reals / sizeof *bad_reals; i++)
        assert_false(text_read_real(bad_reals[i], &real));
    assert_int_equal(integer, 77);
    assert_true(real == 77);
    assert_true(text_read_integer("-9223372036854775808", &integer));
    assert_true(integer == INT64_MIN);
    assert_true(text_read_integer("+007", &integer));
    assert_int_equal(integer, 7);
    assert_true(text_read_real("-2.5e-1", &real));
    assert_true(real == -0.25);
    assert_true(text_read_real(".5", &real));
    assert_true(real == 0.5);
}

/* Cases of Unicode 15, table 3-7, and of Markus Kuhn's stress test. */
static void utf8_is_judged(void **state)
{
    (void)state;
    static const char *const good[] = { "",
                                        "plain",
                                        "\xC3\xA4",
                                        "\xE2\x82\xAC",
                                        "\xEF\xBF\xBF",
                                        "\xF0\x9F\x98\x80",
                                        "\xF4\x8F\xBF\xBF",
                                        "\xED\x9F\xBF" };
    static const char *const bad[] = { "\x80",
                                       "\xC3",
                                       "\xC0\x80",
                                       "\xC1\xBF",
                                       "\xE0\x9F\xBF",
                                       "\xED\xA0\x80",
                                       "\xF0\x8F\xBF\xBF",
                                       "\xF4\x90\x80\x80",
                                       "\xF5\x80\x80\x80",
                                       "\xFF",
                                       "\xE2\x82",
                                       "a\xE2\x28\xA1" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(text_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(text_is_utf8(bad[i], strlen(bad[i])));
}

static void words_have_distances(void **state)
{
    (void)state;
    assert_int_equal(text_distance("kitten", "sitting"), 3);
    assert_int_equal(text_distance("", "abc"), 3);
    assert_int_equal(text_distance("abc", ""), 3);
    assert_int_equal(text_distance("batch-size", "batch_size"), 0);
    assert_int_equal(text_distance("Epochs", "epochs"), 0);
    assert_int_equal(text_distance("ecophs", "epochs"), 2);
    assert_int_equal(text_distance("epohcs", "epochs"), 1); /* neighbours swapped */
    assert_int_equal(text_distance("ca", "abc"), 3);        /* optimal string alignment, not 2 */
    char wide[100];
    memset(wide, 'x', 99);
    wide[99] = 0;
    assert_true(text_distance(wide, "x") == SIZE_MAX);
    assert_true(text_is_close("epocs", text_distance("epocs", "epochs")));
    assert_false(text_is_close("lr", text_distance("lr", "seed")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_grows),       cmocka_unit_test(failure_sticks),
        cmocka_unit_test(reals_round_trip), cmocka_unit_test(numbers_are_read_whole),
        cmocka_unit_test(utf8_is_judged),   cmocka_unit_test(words_have_distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
