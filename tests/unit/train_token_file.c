/* Texts as one row of tokens: where sentences end, the ids of whole documents, documents without
 * tokens, work that is stopped, memory. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "base/random.h"
#include "base/text.h"
#include "io/file.h"
#include "train/token_file.h"

#include <cmocka.h>

#include "unit/temporary.h"

static char path[128];
static uint32_t numbers[1 << 16];

static void file_put(const char *name, const char *text, size_t size)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_write(path, text, size), TACIT_OK);
}

static struct token_file_options options_of(const char *data, const struct tokenizer *tokenizer)
{
    struct token_file_options options = {
        .index = numbers, .tokenizer = tokenizer, .separator = -1, .sentences = true
    };
    if (source_open(data, NULL, &options.source) != TACIT_OK)
        fail_msg("%s", status_message());
    options.count = options.source->count;
    for (uint32_t i = 0; i < options.count; i++)
        numbers[i] = i;
    return options;
}

/* The sentences of a text, '|' between them. */
static void sentences_end_there(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "One two.| Three?| Four!",
        "He said \"no.\"| Then (why?)| he left.\n",
        "No end",
        "A title|\n\nA text.|  Its end.  \n ",
        "Windows|\r\n\r\nlines.|\r\nOne.",
        "3.14 is e.g.| a number...| yes",
        "  \n\n Blanks in front.| End",
        " \n \n ",
        "One line\nand two.|\nThree",
        "\xe2\x80\x9cQuoted.\xe2\x80\x9d| Not",
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        char plain[128] = "", cut[160] = "";
        for (const char *at = expected[i]; *at; at++)
            if (*at != '|')
                strncat(plain, at, 1);
        size_t size = strlen(plain);
        for (size_t begin = 0, end; begin < size; begin = end) {
            end = sentence_end((const uint8_t *)plain, begin, size);
            assert_true(end > begin && end <= size);
            strncat(cut, plain + begin, end - begin);
            if (end < size)
                strcat(cut, "|");
        }
        assert_string_equal(cut, expected[i]);
    }
}

/* Sentences after full stops, at line ends, after titles, with any blanks between them. */
static void corpus_make(struct text *text)
{
    static const char *const words[] = { "the",
                                         "cat",
                                         "sat",
                                         "on",
                                         "a",
                                         "mat",
                                         "it's",
                                         "Mr",
                                         "\xc3\xa9t\xc3\xa9",
                                         "1234567",
                                         "(well",
                                         "no)",
                                         "\"yes",
                                         "\xe2\x80\x9coh\xe2\x80\x9d" };
    static const char *const ends[] = {
        ". ",   ".\n",   "!  ",       "? ",    ".\n\n",     "\n\n",
        ".\" ", "...\t", ".\r\n\r\n", ". \n ", ".\n\n\n  ", ".)\n"
    };
    struct random_stream stream = random_stream(3, "corpus", 0, 0);
    for (int sentence = 0; sentence < 400; sentence++) {
        uint64_t length = 1 + random_below(&stream, 9);
        for (uint64_t i = 0; i < length; i++)
            text_append(text, "%s%s", i ? " " : "", words[random_below(&stream, 14)]);
        text_append(text, "%s", ends[random_below(&stream, 12)]);
    }
}

struct reading {
    struct text_view view;
    bool done;
};

static status whole_read(void *state, struct text_piece *piece, bool *found)
{
    struct reading *reading = state;
    *found = !reading->done;
    *piece = (struct text_piece){ reading->view, true };
    reading->done = true;
    return TACIT_OK;
}

static struct tokenizer *learn(const char *kind, const char *pattern, const struct text *text)
{
    struct reading reading = { { text->bytes, text->length }, false };
    struct text_stream stream = { whole_read, &reading };
    struct tokenizer_options options = { .kind = kind, .pattern = pattern, .vocabulary = 400 };
    struct tokenizer *tokenizer;
    if (tokenizer_train(&options, &stream, NULL, &tokenizer) != TACIT_OK)
        fail_msg("%s", status_message());
    return tokenizer;
}

/* The same tokenizer, but with a blank in front of every text. */
static struct tokenizer *prefixed(struct tokenizer *tokenizer)
{
    struct text json = { 0 };
    assert_int_equal(tokenizer_write(tokenizer, &json), TACIT_OK);
    tokenizer_free(tokenizer);
    char *found = strstr(text_string(&json), "\"add_prefix_space\": false");
    if (!found)
        found = strstr(text_string(&json), "\"add_prefix_space\":false");
    assert_non_null(found);
    char *value = strstr(found, "false");
    memcpy(value, " true", 5);
    struct tokenizer *read;
    if (tokenizer_read("prefixed", (struct text_view){ json.bytes, json.length }, &read) !=
        TACIT_OK)
        fail_msg("%s", status_message());
    text_free(&json);
    return read;
}

/* Sentences change no token: the row has the ids of the document encoded as one. */
static void ids_are_those_of_the_whole(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *pattern;
        bool prefix;
    } row[] = { { "bpe", "gpt2", false },     { "bpe", "gpt4", false },
                { "bpe", "gpt2", true },      { "bpe", "gpt4", true },
                { "wordpiece", NULL, false }, { "characters", NULL, false },
                { "bytes", NULL, false } };
    struct text text = { 0 };
    corpus_make(&text);
    file_put("whole.txt", text.bytes, text.length);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct tokenizer *tokenizer = learn(row[i].kind, row[i].pattern, &text);
        if (row[i].prefix)
            tokenizer = prefixed(tokenizer);
        struct token_list whole = { 0 };
        assert_int_equal(tokenizer_encode(tokenizer, text.bytes, text.length, false, &whole),
                         TACIT_OK);
        for (int form = 0; form < 4; form++) {
            struct token_file file;
            struct token_file_options options = options_of(path, tokenizer);
            options.sentences = form % 2;
            options.piece = form / 2 ? 100 : 0;
            if (token_file_make(&options, &file) != TACIT_OK)
                fail_msg("%s", status_message());
            assert_int_equal(file.count, whole.count);
            assert_memory_equal(file.id, whole.id, whole.count * sizeof *whole.id);
            assert_int_equal(file.end[file.texts - 1], file.count);
            assert_true(!options.sentences || file.texts > 350);
            token_file_close(&file);
            source_close(options.source);
        }
        token_list_free(&whole);
        tokenizer_free(tokenizer);
    }
    text_free(&text);
}

static const char words[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n.\na\nb\nc\nd\n";

static struct tokenizer *letters_tokenizer(void)
{
    struct tokenizer *tokenizer;
    assert_int_equal(tokenizer_read_words("letters", (struct text_view){ words, sizeof words - 1 },
                                          true, &tokenizer),
                     TACIT_OK);
    return tokenizer;
}

/* White space is nothing to WordPiece: no text, no document, no end of one. */
static void texts_without_tokens(void **state)
{
    (void)state;
    static const char documents[] = "{\"text\": \" \\n \\n \"}\n{\"text\": \"a. b c.\\n\\n \"}\n"
                                    "{\"text\": \"\\n\\n\"}\n{\"text\": \" \"}\n"
                                    "{\"text\": \"d.\"}\n{\"text\": \"   \"}\n";
    static const uint32_t plain[] = { 6, 5, 7, 8, 5, 9, 5 };
    static const uint32_t separated[] = { 6, 5, 7, 8, 5, 3, 9, 5, 3 };
    struct tokenizer *tokenizer = letters_tokenizer();
    file_put("empty.jsonl", documents, strlen(documents));
    for (int i = 0; i < 2; i++) {
        struct token_file file;
        struct token_file_options options = options_of(path, tokenizer);
        options.separator = i ? 3 : -1;
        options.piece = 1;
        assert_int_equal(token_file_make(&options, &file), TACIT_OK);
        assert_int_equal(file.texts, 3);
        assert_int_equal(file.count, i ? 9 : 7);
        assert_memory_equal(file.id, i ? separated : plain, file.count * sizeof *file.id);
        assert_int_equal(file.end[0], 2);
        assert_int_equal(file.end[1], i ? 6 : 5);
        assert_int_equal(file.end[2], i ? 9 : 7);
        assert_int_equal(file.sample[0], 1);
        assert_int_equal(file.sample[1], 1);
        assert_int_equal(file.sample[2], 4);
        token_file_close(&file);
        source_close(options.source);
    }
    tokenizer_free(tokenizer);
}

struct watching {
    double share;
    int calls, most;
    size_t held; /* bytes of memory in use at most */
};

static bool watch(void *argument, double share)
{
    struct watching *watching = argument;
    struct mallinfo2 memory = mallinfo2();
    size_t held = memory.uordblks + memory.hblkhd;
    assert_true(share >= watching->share && share <= 1);
    watching->share = share;
    watching->held = held > watching->held ? held : watching->held;
    return ++watching->calls != watching->most;
}

/* 4,000 documents of 2 KB with escapes, each its own block of memory: none is kept once it is
 * encoded, wherever pieces end. Every one is told of, and any can be the last. */
static void long_work(void **state)
{
    (void)state;
    enum { DOCUMENTS = 4000, SENTENCES = 200 };
    struct text text = { 0 };
    for (int i = 0; i < DOCUMENTS; i++) {
        text_append(&text, "{\"text\": \"\\u0061");
        for (int k = 0; k < SENTENCES; k++)
            text_append(&text, " a b c d. ");
        text_append(&text, "\"}\n");
    }
    file_put("long.jsonl", text.bytes, text.length);
    text_free(&text);
    struct tokenizer *tokenizer = letters_tokenizer();
    struct token_file_options options = options_of(path, tokenizer);
    struct token_file file;
    parallel_set_threads(1); /* every thread may keep memory of its own */
    struct watching watching = { .most = DOCUMENTS / 2 };
    options.advance = watch;
    options.argument = &watching;
    options.piece = 50000;
    assert_int_equal(token_file_make(&options, &file), TACIT_STOPPED);
    assert_int_equal(watching.calls, DOCUMENTS / 2);
    token_file_close(&file);
    struct mallinfo2 memory = mallinfo2(); /* what threads keep is there by now */
    size_t before = memory.uordblks + memory.hblkhd;
    watching = (struct watching){ 0 };
    assert_int_equal(token_file_make(&options, &file), TACIT_OK);
    assert_int_equal(file.texts, DOCUMENTS * SENTENCES);
    assert_true(watching.calls >= DOCUMENTS && watching.share == 1);
    assert_true(watching.held < before + (3 << 20));
    token_file_close(&file);
    source_close(options.source);
    tokenizer_free(tokenizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences_end_there),
        cmocka_unit_test(ids_are_those_of_the_whole),
        cmocka_unit_test(texts_without_tokens),
        cmocka_unit_test(long_work),
    };
    return cmocka_run_group_tests(tests, folder_begin, folder_end);
}
