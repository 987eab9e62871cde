/* What tokenizers do, from the papers' own examples and from closed forms. */
#include "text/tokenizer.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"

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

/* A stream of one document, given in pieces of `step` bytes. */
struct slices {
    struct text_view text;
    size_t at, step;
};

static status slices_read(void *state, struct text_piece *piece, bool *found)
{
    struct slices *slices = state;
    size_t left = slices->text.count - slices->at;
    *found = left > 0;
    if (!*found)
        return TACIT_OK;
    size_t taken = left < slices->step ? left : slices->step;
    *piece = (struct text_piece){ { (const char *)slices->text.bytes + slices->at, taken },
                                  taken == left };
    slices->at += taken;
    return TACIT_OK;
}

static struct tokenizer *learn(struct tokenizer_options options, struct text_view text, size_t step,
                               struct tokenizer_facts *facts)
{
    struct slices slices = { text, 0, step };
    struct text_stream stream = { slices_read, &slices };
    struct tokenizer *tokenizer;
    options.scratch = folder;
    assert_int_equal(tokenizer_train(&options, &stream, facts, &tokenizer), TACIT_OK);
    return tokenizer;
}

/* The pieces of a text, separated by '|'. */
static void assert_pieces(const struct tokenizer *tokenizer, const char *input,
                          const char *expected)
{
    struct token_list list = { 0 };
    struct text joined = { 0 };
    assert_int_equal(tokenizer_encode(tokenizer, input, strlen(input), false, &list), TACIT_OK);
    for (size_t i = 0; i < list.count; i++) {
        struct text_view piece = tokenizer_piece(tokenizer, list.id[i]);
        text_append(&joined, "%s", i ? "|" : "");
        text_append_bytes(&joined, piece.bytes, piece.count);
    }
    assert_string_equal(text_string(&joined), expected);
    text_free(&joined);
    token_list_free(&list);
}

/* google-research/bert, tokenization_test.py. */
static void test_bert_golden(void **state)
{
    (void)state;
    struct tokenizer *tokenizer;
    const char *words = "[UNK]\n[CLS]\n[SEP]\nwant\n##want\n##ed\nwa\nun\nrunn\n##ing\n,\n";
    static const uint32_t expected[] = { 7, 4, 5, 10, 8, 9 };
    struct token_list list = { 0 };
    const char *text = "UNwant\u00E9d,running";
    assert_int_equal(tokenizer_read_words("vocab.txt", view(words), false, &tokenizer), TACIT_OK);
    assert_int_equal(tokenizer_encode(tokenizer, text, strlen(text), false, &list), TACIT_OK);
    assert_int_equal(list.count, 6);
    assert_memory_equal(list.id, expected, sizeof expected);
    token_list_free(&list);
    assert_pieces(tokenizer, "unwantedX running", "[UNK]|runn|##ing");
    assert_pieces(tokenizer, "", "");
    assert_pieces(tokenizer, "[CLS]", "[UNK]|[UNK]|[UNK]");
    tokenizer_free(tokenizer);
}

static void test_bert_words(void **state)
{
    (void)state;
    struct tokenizer *tokenizer;
    const char *words = "[UNK]\nhello\n!\nhow\nare\nyou\n?\nah\n\u535A\n\u63A8\nzz\nresume\n";
    assert_int_equal(tokenizer_read_words("vocab.txt", view(words), false, &tokenizer), TACIT_OK);
    assert_pieces(tokenizer, " \tHeLLo!how  \n Are yoU?  ", "hello|!|how|are|you|?");
    assert_pieces(tokenizer, "ah\u535A\u63A8zz", "ah|\u535A|\u63A8|zz");
    assert_pieces(tokenizer, "R\u00E9sume\u0301 he\xffllo \x01hel\u200Dlo", "resume|hello|hello");
    tokenizer_free(tokenizer);
    assert_int_equal(tokenizer_read_words("vocab.txt", view(words), true, &tokenizer), TACIT_OK);
    assert_pieces(tokenizer, "hello Hello r\u00E9sume", "hello|[UNK]|[UNK]");
    tokenizer_free(tokenizer);
}

/* Marks that have a width are not stripped, but put in their canonical order, as by Hugging Face's
 * BertNormalizer: U+1D165 (class 216) before U+1D16D (226). */
static void test_marks_in_order(void **state)
{
    (void)state;
    struct tokenizer *tokenizer;
    const char *words = "[UNK]\na\U0001D165\U0001D16D\n";
    assert_int_equal(tokenizer_read_words("vocab.txt", view(words), false, &tokenizer), TACIT_OK);
    assert_pieces(tokenizer, "a\U0001D165\U0001D16D a\U0001D16D\U0001D165",
                  "a\U0001D165\U0001D16D|a\U0001D165\U0001D16D");
    tokenizer_free(tokenizer);
}

/* Words of up to 100 characters are spelt, longer ones are unknown, as in Hugging Face's. */
static void test_longest_word(void **state)
{
    (void)state;
    struct tokenizer *tokenizer;
    struct token_list list = { 0 };
    char word[2 * 101];
    assert_int_equal(
        tokenizer_read_words("vocab.txt", view("[UNK]\n\u0436\n##\u0436\n"), true, &tokenizer),
        TACIT_OK);
    for (int i = 0; i < 101; i++)
        memcpy(word + 2 * i, "\u0436", 2);
    assert_int_equal(tokenizer_encode(tokenizer, word, 200, false, &list), TACIT_OK);
    assert_int_equal(list.count, 100);
    assert_true(list.id[0] == 1 && list.id[99] == 2);
    assert_int_equal(tokenizer_encode(tokenizer, word, 202, false, &list), TACIT_OK);
    assert_true(list.count == 101 && list.id[100] == 0);
    token_list_free(&list);
    tokenizer_free(tokenizer);
}

/* hug 10, pug 5, pun 12, bun 4, hugs 5: merges ug 20, un 16, hug 15, pun 12, and no tie. */
static struct text hugs(void)
{
    static const struct {
        const char *word;
        int count;
    } rows[] = { { "hug", 10 }, { "pug", 5 }, { "pun", 12 }, { "bun", 4 }, { "hugs", 5 } };
    struct text text = { 0 };
    for (size_t i = 0; i < 5; i++)
        for (int k = 0; k < rows[i].count; k++)
            text_append(&text, "%s\n", rows[i].word);
    return text;
}

static void test_bpe_merges(void **state)
{
    (void)state;
    struct text text = hugs();
    struct tokenizer_facts facts;
    struct tokenizer_options options = { .kind = "bpe", .specials = "none", .vocabulary = 260 };
    struct tokenizer *tokenizer =
        learn(options, (struct text_view){ text.bytes, text.length }, 7, &facts);
    static const char *const expected[] = { "ug", "un", "hug", "pun" };
    assert_int_equal(tokenizer_vocabulary(tokenizer), 260);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(tokenizer_find(tokenizer, expected[i], strlen(expected[i])), 256 + i);
    assert_int_equal(facts.words, 72); /* 36 words, 36 line ends */
    assert_int_equal(facts.distinct, 6);
    assert_int_equal(facts.bytes, text.length);
    assert_pieces(tokenizer, "hugs bun", "hug|s| |b|un");
    tokenizer_free(tokenizer);
    text_free(&text);
}

static void test_wordpiece_merges(void **state)
{
    (void)state;
    struct text text = hugs();
    /* 5 special tokens, b g h n p s u, ##g ##n ##s ##u, and four merges. */
    struct tokenizer_options options = { .kind = "wordpiece", .vocabulary = 20 };
    struct tokenizer *tokenizer =
        learn(options, (struct text_view){ text.bytes, text.length }, 1, NULL);
    static const char *const expected[] = { "##ug", "##un", "hug", "pun" };
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(tokenizer_find(tokenizer, expected[i], strlen(expected[i])), 16 + i);
    assert_pieces(tokenizer, "hugs, Bun", "hug|##s|[UNK]|b|##un");
    assert_true(tokenizer_continues(tokenizer, 16));
    assert_false(tokenizer_continues(tokenizer, 18));
    tokenizer_free(tokenizer);
    text_free(&text);
}

/* Where the patterns cut: with the bytes and no merges the words cannot be seen, so every word of
 * the examples is made a token by training on it often. */
static void assert_words(const char *pattern, const char *input, const char *expected)
{
    struct text text = { 0 };
    struct tokenizer_options options = {
        .kind = "bpe", .pattern = pattern, .specials = "none", .vocabulary = 4096
    };
    for (int i = 0; i < 3; i++)
        text_append(&text, "%s", input);
    struct slices slices = { { input, strlen(input) }, 0, 4096 };
    struct text_stream stream = { slices_read, &slices };
    struct tokenizer *tokenizer;
    assert_int_equal(tokenizer_train(&options, &stream, NULL, &tokenizer), TACIT_OK);
    assert_pieces(tokenizer, input, expected);
    tokenizer_free(tokenizer);
    text_free(&text);
}

static void test_patterns(void **state)
{
    (void)state;
    assert_words("gpt2", "a  b", "a| | b");
    assert_words("gpt2", "a\n\nb", "a|\n|\n|b");
    assert_words("gpt2", "don't", "don|'t");
    assert_words("gpt2", "DON'T", "DON|'|T");
    assert_words("gpt2", "in 12345, x", "in| 12345|,| x");
    assert_words("gpt2", "x   ", "x|   ");
    assert_words("gpt4", "DON'T", "DON|'T");
    assert_words("gpt4", "in 12345, x", "in| |123|45|,| x");
    assert_words("gpt4", "a!\n\n b", "a|!\n\n| b");
    assert_words("gpt4", "a \n  b", "a| \n| | b");
    assert_words("gpt4", "\n  ", "\n|  ");
    assert_words("cl100k", "\n  ", "\n  ");
    assert_words("none", "a  b", "a  b");
}

/* A corpus with many different words: word i occurs 1 + i % 7 times. */
static struct text corpus(size_t words)
{
    struct text text = { 0 };
    for (int round = 0; round < 7; round++)
        for (size_t i = 0; i < words; i++) {
            char word[] = " abcde";
            size_t number = i * 2654435761u % 11881376;
            for (size_t k = 1; k < 6; k++, number /= 26)
                word[k] = (char)('a' + number % 26);
            if ((int)(i % 7) >= round)
                text_append(&text, "%s%s", word, round % 2 ? "" : "\n");
        }
    return text;
}

/* Whatever the pieces of the stream, and whether the table was spilled: the same tokenizer. */
static void test_spill(void **state)
{
    (void)state;
    struct text text = corpus(30000), first = { 0 }, second = { 0 };
    struct text_view all = { text.bytes, text.length };
    struct tokenizer_facts facts;
    struct tokenizer_options options = { .kind = "bpe", .vocabulary = 1000 };
    struct tokenizer *whole = learn(options, all, text.length, &facts);
    assert_int_equal(facts.spills, 0);
    size_t distinct = facts.distinct, words = facts.words;
    options.memory = 2 << 20;
    struct tokenizer *spilled = learn(options, all, 1237, &facts);
    assert_true(facts.spills > 1);
    assert_int_equal(facts.words, words);
    assert_true(facts.distinct <= distinct);
    if (facts.left_out == 0) {
        tokenizer_write(whole, &first);
        tokenizer_write(spilled, &second);
        assert_string_equal(text_string(&first), text_string(&second));
    }
    tokenizer_free(spilled);
    options.memory = 9 << 20;
    spilled = learn(options, all, 99991, &facts);
    assert_true(facts.spills > 0);
    assert_int_equal(facts.left_out, 0);
    assert_int_equal(facts.distinct, distinct);
    text_clear(&first);
    text_clear(&second);
    tokenizer_write(whole, &first);
    tokenizer_write(spilled, &second);
    assert_string_equal(text_string(&first), text_string(&second));
    tokenizer_free(whole);
    tokenizer_free(spilled);
    text_free(&text);
    text_free(&first);
    text_free(&second);
}

/* Any bytes come back; one thread and many, one text and its parts agree. */
static void test_bytes_come_back(void **state)
{
    (void)state;
    static const char *const kinds[][2] = {
        { "bpe", "gpt2" }, { "bpe", "gpt4" }, { "bpe", "none" }, { "bytes", NULL }
    };
    struct text training = corpus(500);
    uint8_t *bytes = memory_new(200000, 1);
    struct random_stream random = random_stream(1, "bytes", 0, 0);
    for (size_t i = 0; i < 200000; i++) /* half of it well-formed prose, in runs */
        bytes[i] = i / 1000 % 2 ? (uint8_t)random_bits(&random)
                                : (uint8_t)training.bytes[i % training.length];
    for (size_t k = 0; k < 4; k++) {
        struct tokenizer_options options = { .kind = kinds[k][0],
                                             .pattern = kinds[k][1],
                                             .vocabulary = 600 };
        struct tokenizer *tokenizer =
            learn(options, (struct text_view){ training.bytes, training.length }, 4096, NULL);
        struct token_list one = { 0 }, many = { 0 };
        struct text back = { 0 };
        struct text_view texts[3] = { { bytes, 150000 }, { bytes, 0 }, { bytes + 150000, 50000 } };
        uint64_t end[3];
        parallel_set_threads(3);
        assert_int_equal(tokenizer_encode_many(tokenizer, texts, 3, false, &many, end), TACIT_OK);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(
                tokenizer_encode(tokenizer, texts[i].bytes, texts[i].count, false, &one), TACIT_OK);
            assert_int_equal(end[i], one.count);
        }
        assert_int_equal(many.count, one.count);
        assert_memory_equal(many.id, one.id, one.count * sizeof *one.id);
        assert_int_equal(tokenizer_decode(tokenizer, one.id, one.count, false, &back), TACIT_OK);
        assert_int_equal(back.length, 200000);
        assert_memory_equal(back.bytes, bytes, 200000);
        text_free(&back);
        token_list_free(&one);
        token_list_free(&many);
        tokenizer_free(tokenizer);
    }
    memory_free(bytes);
    text_free(&training);
}

/* A word of many bytes is merged by the heap, a short one by search: aaa… of 2^k letters with the
 * merges aa, aaaa, … is one token; one letter more is two. */
static void test_long_word(void **state)
{
    (void)state;
    struct text word = { 0 };
    for (int i = 0; i < 4096; i++)
        text_append(&word, "a");
    struct tokenizer_options options = { .kind = "bpe", .specials = "none", .vocabulary = 268 };
    struct tokenizer *tokenizer =
        learn(options, (struct text_view){ word.bytes, word.length }, 100, NULL);
    struct token_list list = { 0 };
    assert_int_equal(tokenizer_encode(tokenizer, word.bytes, 4096, false, &list), TACIT_OK);
    assert_int_equal(list.count, 1);
    assert_int_equal(tokenizer_encode(tokenizer, word.bytes, 4095, false, &list), TACIT_OK);
    assert_int_equal(list.count,
                     13); /* 4095 = 2048 + 1024 + … + 1: from the left, so largest first */
    for (int i = 0; i < 12; i++)
        assert_int_equal(tokenizer_piece(tokenizer, list.id[1 + i]).count, 2048 >> i);
    token_list_free(&list);
    tokenizer_free(tokenizer);
    text_free(&word);
}

static void test_characters(void **state)
{
    (void)state;
    struct tokenizer_options options = { .kind = "characters" };
    struct tokenizer *tokenizer = learn(options, view("hello\n\u00FC w"), 3, NULL);
    static const uint32_t expected[] = { 3, 2, 4, 4, 5, 1, 7 };
    struct token_list list = { 0 };
    struct text back = { 0 };
    const char *text = "hello \u00FC";
    assert_int_equal(tokenizer_vocabulary(tokenizer), 8); /* \n blank e h l o w u-umlaut */
    assert_int_equal(tokenizer_encode(tokenizer, text, strlen(text), false, &list), TACIT_OK);
    assert_int_equal(list.count, 7);
    assert_memory_equal(list.id, expected, sizeof expected);
    assert_int_equal(tokenizer_decode(tokenizer, list.id, list.count, false, &back), TACIT_OK);
    assert_string_equal(text_string(&back), text);
    assert_int_equal(tokenizer_encode(tokenizer, "x", 1, false, &list), TACIT_BAD_DATA);
    text_free(&back);
    token_list_free(&list);
    tokenizer_free(tokenizer);
}

/* Texts are cut between characters; bytes that are none are cut anywhere, lest each part shrink to
 * a byte. */
static void test_cuts(void **state)
{
    (void)state;
    struct tokenizer_options options = { .kind = "characters" };
    struct tokenizer *tokenizer = learn(options, view("abc"), 3, NULL);
    uint8_t bytes[64];
    memset(bytes, 0x80, sizeof bytes);
    assert_int_equal(tokenizer_cut(tokenizer, bytes, sizeof bytes, 40), 40);
    memcpy(bytes + 38, "\xf0\x9f\x98\x80", 4);
    assert_int_equal(tokenizer_cut(tokenizer, bytes, sizeof bytes, 38), 38);
    for (size_t size = 39; size < 42; size++)
        assert_int_equal(tokenizer_cut(tokenizer, bytes, sizeof bytes, size), 42);
    assert_int_equal(tokenizer_cut(tokenizer, bytes, sizeof bytes, 64), 64);
    tokenizer_free(tokenizer);
}

static void test_special_tokens(void **state)
{
    (void)state;
    struct tokenizer_options options = { .kind = "bpe", .specials = "roberta", .vocabulary = 261 };
    struct tokenizer *tokenizer = learn(options, view("ab"), 3, NULL);
    struct token_list list = { 0 };
    const char *text = "a <mask>b";
    int64_t mask = tokenizer_role(tokenizer, ROLE_MASK);
    assert_int_equal(mask, 260);
    assert_int_equal(tokenizer_role(tokenizer, ROLE_CLS), 0);
    assert_int_equal(tokenizer_role(tokenizer, ROLE_PAD), 1);
    assert_int_equal(tokenizer_role(tokenizer, ROLE_EOS), 2);
    assert_int_equal(tokenizer_encode(tokenizer, text, strlen(text), false, &list), TACIT_OK);
    assert_int_equal(list.count, strlen(text));
    for (size_t i = 0; i < list.count; i++)
        assert_false(tokenizer_is_special(tokenizer, list.id[i]));
    list.count = 0;
    assert_int_equal(tokenizer_encode(tokenizer, text, strlen(text), true, &list), TACIT_OK);
    assert_int_equal(list.count, 3); /* the blank before belongs to <mask> */
    assert_int_equal(list.id[1], mask);
    struct text back = { 0 };
    assert_int_equal(tokenizer_decode(tokenizer, list.id, 3, true, &back), TACIT_OK);
    assert_string_equal(text_string(&back), "ab");
    uint32_t beyond = 261;
    assert_int_equal(tokenizer_decode(tokenizer, &beyond, 1, true, &back), TACIT_BAD_DATA);
    text_free(&back);
    token_list_free(&list);
    tokenizer_free(tokenizer);
}

static void assert_frame(const struct tokenizer *tokenizer, size_t a, size_t b, size_t limit,
                         const char *ids, const char *types)
{
    static const uint32_t first[] = { 50, 51, 52, 53 }, second[] = { 60, 61, 62, 63 };
    struct token_view one = { first, a }, two = { second, b };
    struct token_list list = { 0 };
    struct text spelt = { 0 }, kinds = { 0 };
    uint8_t type[16];
    assert_int_equal(tokenizer_frame(tokenizer, one, b ? &two : NULL, limit, &list, type),
                     TACIT_OK);
    for (size_t i = 0; i < list.count; i++) {
        text_append(&spelt, "%s%u", i ? " " : "", list.id[i]);
        text_append(&kinds, "%u", type[i]);
    }
    assert_string_equal(text_string(&spelt), ids);
    assert_string_equal(text_string(&kinds), types);
    token_list_free(&list);
    text_free(&spelt);
    text_free(&kinds);
}

static void test_frames(void **state)
{
    (void)state;
    struct tokenizer_options options = { .kind = "wordpiece", .vocabulary = 100 };
    struct tokenizer *bert = learn(options, view("a"), 3, NULL);
    assert_frame(bert, 2, 0, 0, "2 50 51 3", "0000");
    assert_frame(bert, 2, 1, 0, "2 50 51 3 60 3", "000011");
    assert_frame(bert, 4, 1, 6, "2 50 51 3 60 3", "000011");
    assert_frame(bert, 4, 4, 8, "2 50 51 3 60 61 62 3", "00001111");
    assert_frame(bert, 4, 0, 3, "2 50 3", "000");
    assert_int_equal(tokenizer_frame_extra(bert, true), 3);
    struct token_list list = { 0 };
    assert_int_equal(tokenizer_frame(bert, (struct token_view){ 0 }, NULL, 1, &list, NULL),
                     TACIT_USAGE);
    tokenizer_free(bert);
    options = (struct tokenizer_options){ .kind = "bpe", .specials = "roberta", .vocabulary = 261 };
    struct tokenizer *roberta = learn(options, view("a"), 3, NULL);
    assert_frame(roberta, 1, 0, 0, "0 50 2", "000");
    assert_frame(roberta, 1, 1, 0, "0 50 2 2 60 2", "000000");
    tokenizer_free(roberta);
    /* GPT's pairs are parted by the token that ends texts: behind 256 bytes and what was learned.
     */
    options = (struct tokenizer_options){ .kind = "bpe", .specials = "gpt", .vocabulary = 258 };
    struct tokenizer *gpt = learn(options, view("abab"), 3, NULL);
    assert_int_equal(tokenizer_role(gpt, ROLE_EOS), 257);
    assert_frame(gpt, 2, 0, 0, "50 51", "00");
    assert_frame(gpt, 2, 2, 0, "50 51 257 60 61", "00011");
    assert_frame(gpt, 3, 1, 4, "50 51 257 60", "0001");
    assert_int_equal(tokenizer_frame_extra(gpt, false), 0);
    assert_int_equal(tokenizer_frame_extra(gpt, true), 1);
    tokenizer_free(gpt);
    token_list_free(&list);
}

static void test_bad_options(void **state)
{
    (void)state;
    static const struct {
        struct tokenizer_options options;
        status expected;
        const char *message;
    } rows[] = {
        { { .kind = "unigram" }, TACIT_USAGE, "bpe" },
        { { .kind = "bpe", .pattern = "gpt9" }, TACIT_USAGE, "gpt4" },
        { { .kind = "bpe", .specials = "t5" }, TACIT_USAGE, "roberta" },
        { { .kind = "bpe", .vocabulary = 100 }, TACIT_USAGE, "257" }, /* one ends texts */
        { { .kind = "bpe", .vocabulary = 256 }, TACIT_USAGE, "257" },
        { { .kind = "bpe", .vocabulary = 256, .specials = "roberta" }, TACIT_USAGE, "261" },
        { { .kind = "wordpiece", .vocabulary = 6 }, TACIT_USAGE, "too small" },
        { { .kind = "bpe" }, TACIT_BAD_DATA, "no text" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slices slices = { view(rows[i].expected == TACIT_BAD_DATA ? "" : "abc"), 0, 9 };
        struct text_stream stream = { slices_read, &slices };
        struct tokenizer *tokenizer;
        assert_int_equal(tokenizer_train(&rows[i].options, &stream, NULL, &tokenizer),
                         rows[i].expected);
        assert_null(tokenizer);
        assert_non_null(strstr(status_message(), rows[i].message));
    }
}

/* Memory or the scratch disk that gives out at any moment is an error, not a crash or a leak. */
static void test_training_fails(void **state)
{
    (void)state;
    struct text text = corpus(40);
    static const char *const kinds[] = { "bpe", "wordpiece", "characters", "bytes" };
    for (size_t k = 0; k < 4; k++) {
        struct tokenizer_options options = { .kind = kinds[k], .vocabulary = 300 };
        status result = TACIT_RESOURCES;
        for (int64_t n = 1; result != TACIT_OK; n += n < 60 ? 1 : 17) {
            struct slices slices = { { text.bytes, text.length }, 0, 100 };
            struct text_stream stream = { slices_read, &slices };
            struct tokenizer *tokenizer;
            memory_fail_at(n);
            result = tokenizer_train(&options, &stream, NULL, &tokenizer);
            memory_fail_at(0);
            assert_true(result == TACIT_OK || result == TACIT_RESOURCES);
            assert_true(n < 100000);
            tokenizer_free(tokenizer);
        }
    }
    struct slices slices = { { text.bytes, text.length }, 0, 100 };
    struct text_stream stream = { slices_read, &slices };
    struct tokenizer *tokenizer;
    struct tokenizer_options options = { .kind = "bpe", .memory = 1, .scratch = "/nowhere/at/all" };
    text_free(&text);
    text = corpus(9000);
    slices.text = (struct text_view){ text.bytes, text.length };
    assert_int_equal(tokenizer_train(&options, &stream, NULL, &tokenizer), TACIT_RESOURCES);
    assert_non_null(strstr(status_message(), "/nowhere/at/all"));
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bert_golden),     cmocka_unit_test(test_bert_words),
        cmocka_unit_test(test_longest_word),    cmocka_unit_test(test_marks_in_order),
        cmocka_unit_test(test_bpe_merges),      cmocka_unit_test(test_wordpiece_merges),
        cmocka_unit_test(test_patterns),        cmocka_unit_test(test_spill),
        cmocka_unit_test(test_bytes_come_back), cmocka_unit_test(test_long_word),
        cmocka_unit_test(test_characters),      cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_special_tokens),  cmocka_unit_test(test_frames),
        cmocka_unit_test(test_bad_options),     cmocka_unit_test(test_training_fails),
    };
    return cmocka_run_group_tests(tests, folder_begin, folder_end);
}
