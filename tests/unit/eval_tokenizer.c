/* tacit_tokenizer_* as another program has it: nothing but include/tacit/ is seen here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <tacit/tacit.h>

#include <cmocka.h>

#define GOLDEN TEST_FOLDER "/golden/"

static tacit_tokenizer *opened(const char *path)
{
    tacit_tokenizer *tokenizer;
    if (tacit_tokenizer_open(path, &tokenizer) != TACIT_OK)
        fail_msg("%s: %s", path, tacit_message());
    return tokenizer;
}

/* The ids of a text are these, and give back this text. */
static void expect_ids(const tacit_tokenizer *tokenizer, const char *text, size_t bytes,
                       const uint32_t *expected, size_t expected_count, const char *back)
{
    uint32_t *ids;
    size_t count, length;
    char *decoded;
    assert_int_equal(tacit_tokenizer_encode(tokenizer, text, bytes, &ids, &count), TACIT_OK);
    assert_int_equal(count, expected_count);
    assert_non_null(ids);
    if (count)
        assert_memory_equal(ids, expected, count * sizeof *ids);
    assert_int_equal(tacit_tokenizer_decode(tokenizer, ids, count, &decoded, &length), TACIT_OK);
    assert_int_equal(decoded[length], 0);
    assert_string_equal(decoded, back);
    tacit_free(ids);
    tacit_free(decoded);
}

/* The words of google-research/bert's tokenization_test.py, each in a vocabulary of its own. */
static void words_of_bert(void **state)
{
    (void)state;
    static const char vocabulary[] =
        "[UNK]\n[CLS]\n[SEP]\nwant\n##want\n##ed\nwa\nun\nrunn\n##ing\n,\n";
    static const char name[] = "/tmp/tacit-test-words.txt";
    static const uint32_t golden[] = { 7, 4, 5, 10, 8, 9 }, unknown[] = { 0, 8, 9 };
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(vocabulary, file);
    fclose(file);
    tacit_tokenizer *tokenizer = opened(name);
    remove(name);
    assert_int_equal(tacit_tokenizer_vocabulary(tokenizer), 11);
    static const char text[] = "UNwant\xC3\xA9"
                               "d,running";
    expect_ids(tokenizer, text, sizeof text - 1, golden, 6, "unwanted, running");
    expect_ids(tokenizer, "unwantedX running", 17, unknown, 3, "[UNK] running");
    expect_ids(tokenizer, "", 0, NULL, 0, "");
    expect_ids(tokenizer, "want wa", 4, (const uint32_t[]){ 3 }, 1, "want"); /* `bytes` counts */
    tacit_tokenizer_free(tokenizer);
}

/* Any bytes, a zero among them, come back from byte-level BPE; special tokens are not read in what
 * users type. */
static void bytes_come_back(void **state)
{
    (void)state;
    static const char odd[] = "a\0b \xff\xfe\xe6\xbc <|endoftext|>\r\n\n";
    tacit_tokenizer *tokenizer = opened(GOLDEN "text/gpt2.json");
    uint32_t *ids;
    size_t count, length, size = sizeof odd - 1;
    char *back;
    assert_int_equal(tacit_tokenizer_encode(tokenizer, odd, size, &ids, &count), TACIT_OK);
    assert_true(count > 0 && count <= size);
    for (size_t i = 0; i < count; i++)
        assert_true(ids[i] < tacit_tokenizer_vocabulary(tokenizer));
    assert_int_equal(tacit_tokenizer_decode(tokenizer, ids, count, &back, &length), TACIT_OK);
    assert_int_equal(length, size);
    assert_memory_equal(back, odd, size);
    tacit_free(back);
    tacit_free(ids);
    tacit_tokenizer_free(tokenizer);
}

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    tacit_tokenizer *tokenizer = opened(GOLDEN "hugging_face/bert");
    uint32_t beyond = (uint32_t)tacit_tokenizer_vocabulary(tokenizer);
    char *text = (char *)tokenizer;
    size_t bytes = 7;
    assert_int_equal(beyond, 14);
    assert_int_equal(tacit_tokenizer_decode(tokenizer, &beyond, 1, &text, &bytes), TACIT_BAD_DATA);
    assert_non_null(strstr(tacit_message(), "14"));
    assert_true(text == NULL && bytes == 0);
    tacit_tokenizer_free(tokenizer);
    tacit_tokenizer_free(NULL);
    assert_int_equal(tacit_tokenizer_open(GOLDEN "nothing", &tokenizer), TACIT_BAD_DATA);
    assert_null(tokenizer);
    assert_non_null(strstr(tacit_message(), "nothing"));
    assert_int_equal(tacit_tokenizer_open(GOLDEN "losses.txt", &tokenizer), TACIT_BAD_DATA);
    assert_null(tokenizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_bert),
        cmocka_unit_test(bytes_come_back),
        cmocka_unit_test(what_is_wrong_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
