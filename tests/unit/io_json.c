#include "io/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void build(struct json_writer *json)
{
    json_write_object(json);
    json_write_key(json, "step");
    json_write_integer(json, INT64_MIN);
    json_write_key(json, "loss");
    json_write_real(json, 0.1);
    json_write_key(json, "nan");
    json_write_real(json, NAN);
    json_write_key(json, "list");
    json_write_array(json);
    json_write_boolean(json, true);
    json_write_null(json);
    json_write_array(json);
    json_write_end(json);
    json_write_end(json);
    json_write_key(json, "q\"\\");
    json_write_text(json, "\x01\b\t\n/\x7F \xC3\xA4 \xFF");
    json_write_end(json);
}

static void values_are_written(void **state)
{
    (void)state;
    struct text text = { 0 };
    struct json_writer json = { .text = &text };
    build(&json);
    assert_int_equal(text_status(&text), TACIT_OK);
    assert_string_equal(text_string(&text),
                        "{\"step\":-9223372036854775808,\"loss\":0.1,\"nan\":null,"
                        "\"list\":[true,null,[]],\"q\\\"\\\\\":"
                        "\"\\u0001\\b\\t\\n/\x7F \xC3\xA4 \xEF\xBF\xBD\"}");
    text_free(&text);
}

static void lines_are_indented(void **state)
{
    (void)state;
    struct text text = { 0 };
    struct json_writer json = { .text = &text, .indent = 2 };
    json_write_object(&json);
    json_write_key(&json, "a");
    json_write_array(&json);
    json_write_integer(&json, 1);
    json_write_integer(&json, 2);
    json_write_end(&json);
    json_write_key(&json, "b");
    json_write_object(&json);
    json_write_end(&json);
    json_write_end(&json);
    assert_string_equal(text_string(&text), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}");
    text_free(&text);
}

/* Jansson, an independent reader, sees the values that were written. */
static void others_read_it(void **state)
{
    (void)state;
    static const double reals[] = {
        1.0 / 3, 5e-324, 1.7976931348623157e308, -2.5, 1e15, 123456.75
    };
    struct text text = { 0 };
    struct json_writer json = { .text = &text };
    json_t *root;
    build(&json);
    assert_int_equal(json_document_parse("t", text_string(&text), text.length, &root), TACIT_OK);
    assert_true(json_integer_value(json_object_get(root, "step")) == INT64_MIN);
    assert_string_equal(json_string_value(json_object_get(root, "q\"\\")),
                        "\x01\b\t\n/\x7F \xC3\xA4 \xEF\xBF\xBD");
    json_decref(root);
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        text_clear(&text);
        json = (struct json_writer){ .text = &text };
        json_write_real(&json, reals[i]);
        assert_int_equal(json_document_parse("t", text_string(&text), text.length, &root),
                         TACIT_OK);
        assert_true(json_number_value(root) == reals[i]);
        json_decref(root);
    }
    text_free(&text);
}

static void bad_json_is_named(void **state)
{
    (void)state;
    static const char *const bad[] = { "",    "{",   "{\"a\":1,}", "{\"a\":1,\"a\":2}",
                                       "1 2", "nul", "\"\xFF\"",   "[01]" };
    json_t *root;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(json_document_parse("x.json", bad[i], strlen(bad[i]), &root),
                         TACIT_BAD_DATA);
        assert_null(root);
        assert_memory_equal(status_message(), "x.json, line 1: ", 16);
    }
    assert_int_equal(json_document_read("/nowhere/x", 9, &root), TACIT_BAD_DATA);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    struct text text = { 0 };
    struct json_writer json = { .text = &text };
    for (int i = 0; i < JSON_DEPTH; i++)
        json_write_array(&json);
    assert_int_equal(text_status(&text), TACIT_OK);
    json_write_array(&json);
    assert_int_equal(text_status(&text), TACIT_RESOURCES);
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written), cmocka_unit_test(lines_are_indented),
        cmocka_unit_test(others_read_it),     cmocka_unit_test(bad_json_is_named),
        cmocka_unit_test(depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
