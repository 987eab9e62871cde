#include "io/safetensors.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/temporary_file.h"

/* What safetensors 0.8.0 (Python, safetensors.torch.save) writes for these tensors. */
static const char reference_header[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"steps\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},"
    "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[16,20]},"
    "\"b.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[20,44]},"
    "\"none\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[44,44]},"
    "\"n32\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[44,48]},"
    "\"half\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[48,54]},"
    "\"bytes\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[54,59]},"
    "\"\xC3\xA4\\\"\\\\\\n\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[59,61]}}       ";
static const unsigned char reference_data[61] = {
    1,    0,    0,    0,    0,    0,    0,    0,    0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0,    0,    0xE0, 0x40, 0,    0,    0x80, 0x3F, 0,    0,    0,    0x40, 0,    0,    0x40, 0x40,
    0,    0,    0x80, 0x40, 0,    0,    0xA0, 0x40, 0,    0,    0xC0, 0x40, 0xFF, 0xFF, 0xFF, 0xFF,
    0xC0, 0x3F, 0,    0xC0, 0x40, 0x40, 1,    2,    3,    4,    5,    1,    0
};

static const float matrix[6] = { 1, 2, 3, 4, 5, 6 }, seven = 7;
static const int64_t steps[2] = { 1, -2 };
static const int32_t minus_one = -1;
static const uint16_t halves[3] = { 0x3FC0, 0xC000, 0x4040 }; /* 1.5, -2, 3 */
static const uint8_t bytes[5] = { 1, 2, 3, 4, 5 }, truths[2] = { 1, 0 };

static const struct safetensors_entry entries[] = {
    { "b.weight", SAFETENSORS_F32, 2, { 2, 3 }, matrix, sizeof matrix },
    { "a", SAFETENSORS_F32, 0, { 0 }, &seven, sizeof seven },
    { "steps", SAFETENSORS_I64, 1, { 2 }, steps, sizeof steps },
    { "half", SAFETENSORS_BF16, 1, { 3 }, halves, sizeof halves },
    { "bytes", SAFETENSORS_U8, 1, { 5 }, bytes, sizeof bytes },
    { "none", SAFETENSORS_F32, 2, { 0, 3 }, NULL, 0 },
    { "n32", SAFETENSORS_I32, 1, { 1 }, &minus_one, sizeof minus_one },
    { "\xC3\xA4\"\\\n", SAFETENSORS_BOOL, 1, { 2 }, truths, sizeof truths },
};
enum { ENTRIES = sizeof entries / sizeof *entries };

static void bytes_are_the_references(void **state)
{
    (void)state;
    const struct safetensors_metadata metadata = { "format", "pt" };
    struct text text = { 0 };
    size_t header = sizeof reference_header - 1;
    assert_int_equal(header, 512);
    assert_int_equal(safetensors_write(path, entries, ENTRIES, &metadata, 1), TACIT_OK);
    assert_int_equal(file_read(path, 1 << 20, &text), TACIT_OK);
    assert_int_equal(text.length, 8 + header + sizeof reference_data);
    assert_memory_equal(text.bytes, "\0\2\0\0\0\0\0\0", 8);
    assert_memory_equal(text.bytes + 8, reference_header, header);
    assert_memory_equal(text.bytes + 8 + header, reference_data, sizeof reference_data);
    text_free(&text);
}

static void files_are_read(void **state)
{
    (void)state;
    const struct safetensors_metadata metadata[] = { { "z", "\xE2\x82\xAC \"q\"\t" }, { "a", "" } };
    struct safetensors_file file;
    assert_int_equal(safetensors_write(path, entries, ENTRIES, metadata, 2), TACIT_OK);
    assert_int_equal(safetensors_open(path, &file), TACIT_OK);
    assert_int_equal(file.count, ENTRIES);
    assert_int_equal(file.metadata_count, 2);
    assert_string_equal(file.metadata[0].key, "a");
    assert_string_equal(safetensors_metadata(&file, "z"), "\xE2\x82\xAC \"q\"\t");
    assert_null(safetensors_metadata(&file, "y"));
    assert_null(safetensors_find(&file, "c"));
    for (int i = 0; i < ENTRIES; i++) {
        const struct safetensors_entry *found = safetensors_find(&file, entries[i].name);
        assert_non_null(found);
        assert_int_equal(found->dtype, entries[i].dtype);
        assert_int_equal(found->rank, entries[i].rank);
        assert_memory_equal(found->shape, entries[i].shape, sizeof found->shape);
        assert_int_equal(found->bytes, entries[i].bytes);
        if (found->bytes)
            assert_memory_equal(found->data, entries[i].data, found->bytes);
    }
    safetensors_close(&file);
    assert_int_equal(safetensors_write(path, NULL, 0, NULL, 0), TACIT_OK);
    assert_int_equal(safetensors_open(path, &file), TACIT_OK);
    assert_int_equal(file.count, 0);
    safetensors_close(&file);
}

/* Parses a header followed by `data` zero bytes. */
static status parse(const char *header, size_t data, struct safetensors_file *file)
{
    unsigned char *buffer = calloc(1, 8 + strlen(header) + data);
    assert_non_null(buffer);
    buffer[0] = (unsigned char)strlen(header);
    buffer[1] = (unsigned char)(strlen(header) >> 8);
    memcpy(buffer + 8, header, strlen(header));
    status result = safetensors_parse(buffer, 8 + strlen(header) + data, file);
    free(buffer);
    return result;
}

static void whatever_is_allowed_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
    } good[] = {
        { "{}", 0 },
        { "{}   ", 0 },
        { "{\"__metadata__\":{}}", 0 },
        { "{ \"a\" :\n{\"data_offsets\":[0,4],\"shape\":[ 1 ],\t\"dtype\":\"F32\"} }", 4 },
        { "{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]},"
          "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
          3 },
        { "{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
          "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
          2 },
        { "{\"a\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}", 8 },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1 },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct safetensors_file file;
        if (parse(good[i].header, good[i].data, &file) != TACIT_OK)
            fail_msg("%s: %s", good[i].header, status_message());
        safetensors_close(&file);
    }
    struct safetensors_file file;
    assert_int_equal(parse("{\"\\u00e4\\uD83D\\ude00\\/\":{\"dtype\":\"U8\",\"shape\":[0],"
                           "\"data_offsets\":[0,0]}}",
                           0, &file),
                     TACIT_OK);
    assert_string_equal(file.entry[0].name, "\xC3\xA4\xF0\x9F\x98\x80/");
    safetensors_close(&file);
}

#define TENSOR(dtype, shape, offsets) \
    "{\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void whatever_is_wrong_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *message;
    } bad[] = {
        { "", 0, "no '{'" },
        { " {}", 0, "no '{'" },
        { "[]", 0, "no '{'" },
        { "{", 0, "no '\"'" },
        { "{}x", 0, "after the last" },
        { "{}\n", 0, "after the last" },
        { "{} {}", 0, "after the last" },
        { "{}", 1, "belong to no tensor" },
        { "{\"a\":1}", 0, "no '{'" },
        { "{\"a\":{}}", 0, "no '\"'" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[0]}}", 0, "without dtype" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0]}}", 0, "without dtype" },
        { "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"data_offsets\":[0,0]}}", 0, "repeated key" },
        { "{\"a\":{\"dtype\":\"U8\",\"x\":\"U8\",\"data_offsets\":[0,0]}}", 0, "unknown or" },
        { TENSOR("F33", "[0]", "[0,0]"), 0, "unknown dtype" },
        { TENSOR("F32", "[1]", "[0,8]"), 8, "does not fit its shape" },
        { TENSOR("F32", "[1]", "[0,4]"), 3, "truncated" },
        { TENSOR("F32", "[1]", "[4,0]"), 4, "behind the file" },
        { TENSOR("F32", "[1]", "[1,5]"), 5, "a hole" },
        { TENSOR("F32", "[1]", "[0,4]"), 5, "belong to no tensor" },
        { TENSOR("F32", "[-1]", "[0,4]"), 4, "no whole number" },
        { TENSOR("F32", "[1.0]", "[0,4]"), 4, "no ']'" },
        { TENSOR("F32", "[01]", "[0,4]"), 4, "no whole number" },
        { TENSOR("F32", "[1,]", "[0,4]"), 4, "no whole number" },
        { TENSOR("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "too many numbers" },
        { TENSOR("F32", "[9223372036854775808]", "[0,4]"), 4, "too large" },
        /* 2^62 * 4 bytes wraps to 0, 2^32 * 2^32 too */
        { TENSOR("F32", "[4611686018427387904]", "[0,0]"), 0, "too large" },
        { TENSOR("U8", "[4294967296,4294967296]", "[0,0]"), 0, "too large" },
        { "{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]},"
          "\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
          3, "an overlap" },
        { "{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
          "\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
          2, "an overlap" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
          "\"\\u0061\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
          0, "repeated name" },
        { "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "repeated key of the metadata" },
        { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "second __metadata__" },
        { "{\"__metadata__\":{\"k\":1}}", 0, "no '\"'" },
        { "{\"a\xFF\":{}}", 0, "may not stand" },
        { "{\"a\n\":{}}", 0, "may not stand" },
        { "{\"a\\u0000\":{}}", 0, "bad \\u" },
        { "{\"a\\uD800\":{}}", 0, "surrogate" },
        { "{\"a\\uD800\\u0041\":{}}", 0, "surrogate" },
        { "{\"a\\uDC00\":{}}", 0, "surrogate" },
        { "{\"a\\x41\":{}}", 0, "unknown escape" },
        { "{\"a\\", 0, "without end" },
        { "{\"a", 0, "without end" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct safetensors_file file;
        assert_int_equal(parse(bad[i].header, bad[i].data, &file), TACIT_BAD_DATA);
        if (!strstr(status_message(), bad[i].message))
            fail_msg("%s: \"%s\" is not in: %s", bad[i].header, bad[i].message, status_message());
    }
}

static void lengths_are_checked(void **state)
{
    (void)state;
    static const unsigned char huge[16] = { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, '{' };
    static const unsigned char over[16] = { 9, 0, 0, 0, 0, 0, 0, 0, '{', '}', ' ', ' ' };
    struct safetensors_file file;
    for (size_t size = 0; size <= sizeof huge; size++) {
        assert_int_equal(safetensors_parse(huge, size, &file), TACIT_BAD_DATA);
        assert_int_equal(safetensors_parse(over, size, &file), TACIT_BAD_DATA);
    }
    assert_int_equal(file_write(path, "", 0), TACIT_OK);
    assert_int_equal(safetensors_open(path, &file), TACIT_BAD_DATA);
    assert_memory_equal(status_message(), path, strlen(path));
}

/* Every truncation of a good file is noticed. */
static void truncation_is_noticed(void **state)
{
    (void)state;
    struct text text = { 0 };
    struct safetensors_file file;
    assert_int_equal(safetensors_write(path, entries, ENTRIES, NULL, 0), TACIT_OK);
    assert_int_equal(file_read(path, 1 << 20, &text), TACIT_OK);
    for (size_t size = 0; size < text.length; size++) {
        assert_int_equal(safetensors_parse(text.bytes, size, &file), TACIT_BAD_DATA);
        safetensors_close(&file);
    }
    text_free(&text);
}

static void nothing_wrong_is_written(void **state)
{
    (void)state;
    struct safetensors_entry two[2] = { entries[0], entries[1] };
    const struct safetensors_metadata twice[] = { { "k", "1" }, { "j", "" }, { "k", "2" } };
    assert_int_equal(file_write(path, "old", 3), TACIT_OK);
    two[1].name = two[0].name;
    assert_int_equal(safetensors_write(path, two, 2, NULL, 0), TACIT_FAILED);
    two[1] = entries[4]; /* the same name with another dtype */
    two[1].name = two[0].name;
    assert_int_equal(safetensors_write(path, two, 2, NULL, 0), TACIT_FAILED);
    two[0].bytes--;
    assert_int_equal(safetensors_write(path, two, 1, NULL, 0), TACIT_FAILED);
    two[0] = entries[0];
    two[0].name = "\xFF";
    assert_int_equal(safetensors_write(path, two, 1, NULL, 0), TACIT_FAILED);
    assert_int_equal(safetensors_write(path, NULL, 0, twice, 3), TACIT_FAILED);
    struct text text = { 0 };
    assert_int_equal(file_read(path, 10, &text), TACIT_OK);
    assert_string_equal(text_string(&text), "old");
    text_free(&text);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    const struct safetensors_metadata metadata = { "format", "pt" };
    status result = TACIT_RESOURCES;
    for (int64_t n = 1; result != TACIT_OK && n < 1000; n++) {
        struct safetensors_file file = { 0 };
        memory_fail_at(n);
        result = safetensors_write(path, entries, ENTRIES, &metadata, 1);
        if (result == TACIT_OK)
            result = safetensors_open(path, &file);
        memory_fail_at(0);
        assert_true(result == TACIT_OK || result == TACIT_RESOURCES);
        safetensors_close(&file);
    }
    assert_int_equal(result, TACIT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_the_references),
        cmocka_unit_test(files_are_read),
        cmocka_unit_test(whatever_is_allowed_is_read),
        cmocka_unit_test(whatever_is_wrong_is_refused),
        cmocka_unit_test(lengths_are_checked),
        cmocka_unit_test(truncation_is_noticed),
        cmocka_unit_test(nothing_wrong_is_written),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, file_begin, file_end);
}
