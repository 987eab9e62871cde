/* Files of tokenizers: what is read, and what is refused with a word. */
#include "base/memory.h"
#include "io/file.h"
#include "text/tokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "unit/temporary.h"

static struct text_view view(const char *text)
{
    return (struct text_view){ text, strlen(text) };
}

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_write(path, text, strlen(text)), TACIT_OK);
}

#define BYTE_LEVEL "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"

/* Each is one mistake away from a good file. */
static void test_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "", "JSON" },
        { "{}", "model.vocab" },
        { "{\"model\":{\"type\":\"Unigram\",\"vocab\":[]}}", "model.vocab" },
        { "{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0}}}", "WordLevel" },
        { "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]}," BYTE_LEVEL "}",
          "id" },
        { "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":99999999},\"merges\":[]}," BYTE_LEVEL "}",
          "far beyond" },
        { "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}," BYTE_LEVEL "}",
          "two tokens" },
        { "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1},\"merges\":[\"a "
          "b\"]}," BYTE_LEVEL "}",
          "merge 1" },
        { "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a\"]}," BYTE_LEVEL "}",
          "blank" },
        { "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"aa\":1},\"merges\":[\"a a\"]}}",
          "over bytes" },
        { "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]},"
          "\"pre_tokenizer\":{\"type\":\"Metaspace\"}}",
          "Metaspace" },
        { "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]},"
          "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"x+\"},"
          "\"behavior\":\"Isolated\"}}",
          "x+" },
        { "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]},"
          "\"normalizer\":{\"type\":\"NFC\"}," BYTE_LEVEL "}",
          "NFC" },
        { "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0}},"
          "\"normalizer\":{\"type\":\"BertNormalizer\"},"
          "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}}",
          "unknown token" },
        { "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}," BYTE_LEVEL
          ",\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"x\",0],\"cls\":[\"y\",1]}}",
          "post_processor" },
        { "{\"added_tokens\":[{\"id\":0}],\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}}",
          "content" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tokenizer *tokenizer;
        assert_int_equal(tokenizer_read("t.json", view(rows[i][0]), &tokenizer), TACIT_BAD_DATA);
        assert_null(tokenizer);
        if (!strstr(status_message(), rows[i][1]) || !strstr(status_message(), "t.json"))
            fail_msg("row %zu: %s", i, status_message());
    }
}

/* GPT-2's two files: ids as given, merges by their lines. */
static void test_merges_files(void **state)
{
    (void)state;
    struct tokenizer *tokenizer;
    struct token_list list = { 0 };
    static const uint32_t expected[] = { 3, 5, 2, 1 };
    write_file("vocab.json",
               "{\"a\":0,\"b\":1,\"\\u0120\":2,\"ab\":3,\"\\u0120ab\":4,\"\\u0120b\":5,"
               "\"<|endoftext|>\":6}");
    write_file("merges.txt", "#version: 0.2\na b\n\xC4\xA0 b\n\xC4\xA0 ab\n");
    assert_int_equal(tokenizer_load(folder, &tokenizer), TACIT_OK);
    assert_int_equal(tokenizer_vocabulary(tokenizer), 7);
    assert_int_equal(tokenizer_role(tokenizer, ROLE_EOS), 6);
    assert_int_equal(tokenizer_encode(tokenizer, "ab b  b", 7, false, &list), TACIT_OK);
    /* "ab", " b", " ", " b": the last blank of a run goes to the word */
    assert_int_equal(list.count, 4);
    assert_int_equal(list.id[0], expected[0]);
    assert_int_equal(list.id[1], expected[1]);
    assert_int_equal(list.id[2], expected[2]);
    assert_int_equal(list.id[3], 5);
    list.count = 0;
    assert_int_equal(tokenizer_encode(tokenizer, "<|endoftext|>b", 14, true, &list), TACIT_OK);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.id[0], 6);
    token_list_free(&list);
    tokenizer_free(tokenizer);
}

/* vocab.txt: what the configuration beside it says is heeded. */
static void test_words_folder(void **state)
{
    (void)state;
    struct tokenizer *tokenizer;
    write_file("vocab.txt", "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\nHello\r\n\r\nhello\r\n");
    write_file("tokenizer_config.json", "{\"do_lower_case\":false,\"model_max_length\":512,"
                                        "\"pad_token\":{\"content\":\"[MASK]\"}}");
    char path[128];
    snprintf(path, sizeof path, "%s/vocab.txt", folder);
    assert_int_equal(tokenizer_load(path, &tokenizer), TACIT_OK);
    struct token_list list = { 0 };
    assert_int_equal(tokenizer_encode(tokenizer, "Hello hello", 11, false, &list), TACIT_OK);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.id[0], 5);
    assert_int_equal(list.id[1], 7);
    assert_int_equal(tokenizer_limit(tokenizer), 512);
    assert_int_equal(tokenizer_role(tokenizer, ROLE_PAD), 4);
    assert_int_equal(tokenizer_piece(tokenizer, 6).count, 0);
    token_list_free(&list);
    tokenizer_free(tokenizer);
}

static void test_missing(void **state)
{
    (void)state;
    struct tokenizer *tokenizer;
    char path[128];
    assert_int_equal(tokenizer_load("/nowhere/at/all", &tokenizer), TACIT_BAD_DATA);
    snprintf(path, sizeof path, "%s/empty", folder);
    assert_int_equal(folder_make(path), TACIT_OK);
    assert_int_equal(tokenizer_load(path, &tokenizer), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "merges.txt"));
}

/* Memory that runs out at any allocation is an error, not a crash or a leak. */
static void test_out_of_memory(void **state)
{
    (void)state;
    const char *json = "{\"added_tokens\":[{\"id\":3,\"content\":\"<s>\",\"special\":true}],"
                       "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},"
                       "\"merges\":[[\"a\",\"b\"]]}," BYTE_LEVEL "}";
    status result = TACIT_RESOURCES;
    for (int64_t n = 1; result != TACIT_OK; n++) {
        struct tokenizer *tokenizer;
        struct token_list list = { 0 };
        struct text_view texts[2] = { view("ab ab"), view("b") };
        uint64_t end[2];
        memory_fail_at(n);
        result = tokenizer_read("t.json", view(json), &tokenizer);
        if (result == TACIT_OK)
            result = tokenizer_encode_many(tokenizer, texts, 2, true, &list, end);
        memory_fail_at(0);
        assert_true(result == TACIT_OK || result == TACIT_RESOURCES);
        assert_true(n < 1000);
        tokenizer_free(tokenizer);
        token_list_free(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_merges_files),
        cmocka_unit_test(test_words_folder),  cmocka_unit_test(test_missing),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, folder_begin, folder_end);
}
