/* Ids and merges of Hugging Face tokenizers and tiktoken (tests/golden/text_tokenizers.py). */
#include "base/memory.h"
#include "io/file.h"
#include "text/tokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "unit/temporary.h"

enum { MOST = 1 << 20 };

static struct text golden(const char *name)
{
    struct text text = { 0 }, path = { 0 };
    text_append(&path, "%s/golden/text/%s", TEST_FOLDER, name);
    assert_int_equal(file_read(text_string(&path), MOST, &text), TACIT_OK);
    text_free(&path);
    return text;
}

static struct tokenizer *load(const char *name)
{
    struct text path = { 0 };
    struct tokenizer *tokenizer;
    text_append(&path, "%s/golden/text/%s", TEST_FOLDER, name);
    if (tokenizer_load(text_string(&path), &tokenizer) != TACIT_OK)
        fail_msg("%s", status_message());
    text_free(&path);
    return tokenizer;
}

/* One line: the text as hexadecimal, its ids with commas; "-" for none. */
static void assert_line(const struct tokenizer *tokenizer, char *line, bool specials)
{
    char *ids = strchr(line, ' '), *at = line;
    struct text text = { 0 }, spelt = { 0 };
    struct token_list list = { 0 };
    assert_non_null(ids);
    *ids++ = 0;
    for (; *at && *at != '-'; at += 2) {
        char digits[3] = { at[0], at[1], 0 };
        uint8_t byte = (uint8_t)strtoul(digits, NULL, 16);
        text_append_bytes(&text, &byte, 1);
    }
    assert_int_equal(tokenizer_encode(tokenizer, text_string(&text), text.length, specials, &list),
                     TACIT_OK);
    for (size_t i = 0; i < list.count; i++)
        text_append(&spelt, "%s%u", i ? "," : "", list.id[i]);
    if (strcmp(list.count ? text_string(&spelt) : "-", ids) != 0)
        fail_msg("%s: %s, expected %s", line, text_string(&spelt), ids);
    token_list_free(&list);
    text_free(&text);
    text_free(&spelt);
}

static void assert_cases(const struct tokenizer *tokenizer, const char *cases)
{
    bool specials = strcmp(cases, "special.txt") == 0;
    struct text text = golden(cases);
    size_t lines = 0;
    for (char *line = strtok(text.bytes, "\n"); line; line = strtok(NULL, "\n"), lines++)
        assert_line(tokenizer, line, specials);
    assert_true(lines > (specials ? 4 : 150));
    text_free(&text);
}

static void test_gpt2(void **state)
{
    (void)state;
    struct tokenizer *tokenizer = load("gpt2.json");
    assert_cases(tokenizer, "gpt2.txt");
    tokenizer_free(tokenizer);
}

static void test_gpt4(void **state)
{
    (void)state;
    struct tokenizer *tokenizer = load("gpt4.json");
    assert_cases(tokenizer, "gpt4.txt");
    tokenizer_free(tokenizer);
}

static void test_wordpiece(void **state)
{
    (void)state;
    struct tokenizer *tokenizer = load("wordpiece.json");
    assert_cases(tokenizer, "wordpiece.txt");
    assert_cases(tokenizer, "special.txt");
    assert_int_equal(tokenizer_frame_extra(tokenizer, true), 3);
    tokenizer_free(tokenizer);
}

/* What is written reads back as the same tokenizer, from a file and from a folder. */
static void test_written(void **state)
{
    (void)state;
    static const char *const names[] = { "gpt2", "gpt4", "wordpiece" };
    for (size_t i = 0; i < 3; i++) {
        char name[64], path[128];
        struct tokenizer *tokenizer, *again;
        struct text first = { 0 }, second = { 0 };
        snprintf(name, sizeof name, "%s.json", names[i]);
        tokenizer = load(name);
        snprintf(path, sizeof path, "%s/%s", folder, i ? names[i] : "gpt2.json");
        assert_int_equal(tokenizer_save(tokenizer, path), TACIT_OK);
        assert_int_equal(tokenizer_load(path, &again), TACIT_OK);
        snprintf(name, sizeof name, "%s.txt", names[i]);
        assert_cases(again, name);
        tokenizer_write(tokenizer, &first);
        tokenizer_write(again, &second);
        assert_string_equal(text_string(&first), text_string(&second));
        text_free(&first);
        text_free(&second);
        tokenizer_free(tokenizer);
        tokenizer_free(again);
    }
}

static status sample_read(void *state, struct text_piece *piece, bool *found)
{
    struct text *sample = state;
    *found = sample->length > 0;
    *piece = (struct text_piece){ { sample->bytes, sample->length }, true };
    sample->length = 0;
    return TACIT_OK;
}

/* The same text gives the trainer's merges, ties included: runs of dashes make tokens twice. */
static void assert_trained(const char *pattern, const char *file)
{
    struct text sample = golden("sample.txt"), first = { 0 }, second = { 0 };
    struct text_stream stream = { sample_read, &sample };
    struct tokenizer_options options = {
        .kind = "bpe", .pattern = pattern, .specials = "none", .vocabulary = 700
    };
    struct tokenizer *ours, *theirs = load(file);
    assert_int_equal(tokenizer_train(&options, &stream, NULL, &ours), TACIT_OK);
    tokenizer_write(ours, &first);
    tokenizer_write(theirs, &second);
    assert_string_equal(text_string(&first), text_string(&second));
    tokenizer_free(ours);
    tokenizer_free(theirs);
    text_free(&first);
    text_free(&second);
    text_free(&sample);
}

static void test_trained(void **state)
{
    (void)state;
    assert_trained("gpt2", "gpt2.json");
    assert_trained("gpt4", "gpt4.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gpt2),      cmocka_unit_test(test_gpt4),
        cmocka_unit_test(test_wordpiece), cmocka_unit_test(test_written),
        cmocka_unit_test(test_trained),
    };
    return cmocka_run_group_tests(tests, folder_begin, folder_end);
}
