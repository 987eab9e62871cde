/* Samples of sentences: BERT's pairs as create_pretraining_data makes them, RoBERTa's full
 * sentences, whatever the documents are like. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/file.h"
#include "train/texts.h"

#include <cmocka.h>

#include "unit/temporary.h"

enum {
    CLS = 2,
    SEP = 3,
    STOP = 5,  /* the token . */
    FIRST = 6, /* words: every one occurs once, in the order of the text */
    WORDS = 2000,
    LONGEST = 64, /* of a row */
    GUARD = -77
};

static struct tokenizer *tokenizer;
static struct source *source;
static struct method method;
static struct texts texts;
static uint32_t numbers[64];

/* The documents: what each word belongs to. */
static struct {
    struct text json;
    int words, sentences, documents;
    int sentence_of[WORDS], document_of[WORDS];
    bool begins[WORDS], ends[WORDS]; /* its sentence */
    int document_first[16];          /* sentence */
} made;

static void document_begin(void)
{
    made.document_first[made.documents] = made.sentences;
    text_append(&made.json, "{\"text\": \"");
}

static void document_end(void)
{
    text_append(&made.json, "\"}\n");
    made.documents++;
}

static void sentence_add(int words)
{
    for (int i = 0; i < words; i++) {
        int word = made.words++;
        assert_true(word < WORDS);
        text_append(&made.json, "%sw%d", i ? " " : "", word);
        made.begins[word] = i == 0;
        made.ends[word] = i == words - 1;
        made.sentence_of[word] = made.sentences;
        made.document_of[word] = made.documents;
    }
    text_append(&made.json, ". ");
    made.sentences++;
}

static void document_add(int sentences, int words)
{
    document_begin();
    for (int i = 0; i < sentences; i++)
        sentence_add(words);
    document_end();
}

static void blank_add(void)
{
    text_append(&made.json, "{\"text\": \"   \\n \\n \"}\n");
}

static void made_clear(void)
{
    text_free(&made.json);
    memset(&made, 0, sizeof made);
}

static int vocabulary_begin(void **state)
{
    struct text text = { 0 };
    text_append(&text, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n.\n");
    for (int i = 0; i < WORDS; i++)
        text_append(&text, "w%d\n", i);
    status read = tokenizer_read_words("words", (struct text_view){ text.bytes, text.length }, true,
                                       &tokenizer);
    text_free(&text);
    return read != TACIT_OK || folder_begin(state);
}

static int vocabulary_end(void **state)
{
    tokenizer_free(tokenizer);
    return folder_end(state);
}

/* Settings as key=value. */
static void method_begin(const char *name, int64_t window, int settings, const char *const set[][2])
{
    struct option_set options = { 0 };
    struct config config = { 0 };
    method = (struct method){ .type = method_find(name), .window = window };
    method.network = network_find(strcmp(name, "gpt") == 0 ? "gpt-nano" : "bert-tiny");
    assert_int_equal(option_set_add(&options, "method", method.type->options), TACIT_OK);
    for (int i = 0; i < settings; i++)
        assert_int_equal(config_set(&config, set[i][0], set[i][1], CONFIG_COMMAND, "test"),
                         TACIT_OK);
    assert_int_equal(config_check(&config, &options), TACIT_OK);
    assert_int_equal(method.type->configure(&method, &config), TACIT_OK);
    config_free(&config);
    option_set_free(&options);
}

static status texts_try(const char *name, int64_t window, int settings, const char *const set[][2])
{
    char path[128];
    snprintf(path, sizeof path, "%s/made.jsonl", folder);
    assert_int_equal(file_write(path, made.json.bytes, made.json.length), TACIT_OK);
    method_begin(name, window, settings, set);
    assert_int_equal(source_open(path, NULL, &source), TACIT_OK);
    for (uint32_t i = 0; i < source->count; i++)
        numbers[i] = i;
    struct texts_options options = { .source = source,
                                     .index = numbers,
                                     .count = source->count,
                                     .tokenizer = tokenizer,
                                     .method = &method };
    return texts_open(&options, &texts);
}

static void texts_begin(const char *name, int64_t window, int settings, const char *const set[][2])
{
    if (texts_try(name, window, settings, set) != TACIT_OK)
        fail_msg("%s", status_message());
}

static void texts_end(void)
{
    texts_close(&texts);
    source_close(source);
    made_clear();
}

struct row {
    int32_t field[FIELDS_MAX][LONGEST + 1];
    int length;
};

static int32_t *row_field(struct row *row, enum text_field field)
{
    assert_true(texts.field[field] >= 0);
    return row->field[texts.field[field]];
}

/* A row; nothing is written behind a field. */
static void row_make(struct row *row, uint32_t sample, uint64_t epoch)
{
    struct field field[FIELDS_MAX];
    void *at[FIELDS_MAX];
    int fields = method.type->fields(&method, field);
    struct turn turn = { 1, epoch, sample, sample };
    void *scratch = malloc(texts.scratch_bytes);
    for (int i = 0; i <= LONGEST; i++)
        for (int k = 0; k < fields; k++)
            row->field[k][i] = GUARD;
    for (int k = 0; k < fields; k++)
        at[k] = row->field[k];
    if (texts_make(&texts, &turn, at, scratch) != TACIT_OK)
        fail_msg("%s", status_message());
    free(scratch);
    for (int k = 0; k < fields; k++) {
        int64_t size = field[k].item.shape.rank ? field[k].item.shape.dim[0] : 1;
        assert_int_equal(row->field[k][size], GUARD);
        for (int64_t i = 0; i < size; i++)
            assert_int_not_equal(row->field[k][i], GUARD);
    }
    row->length = 0;
    if (texts.field[TEXT_GROUPS] >= 0)
        while (row->length < method.window && row_field(row, TEXT_GROUPS)[row->length])
            row->length++;
}

/* Words that follow each other, with what they begin and end with. */
struct part {
    int first, last;   /* words, -1: none */
    int tokens, stops; /* stops: sentences that end in it */
    bool whole;        /* whole sentences */
};

static struct part part_read(const int32_t *tokens, int begin, int end)
{
    struct part part = { -1, -1, end - begin, 0, false };
    for (int i = begin; i < end; i++) {
        if (tokens[i] == STOP) {
            if (i > begin)
                assert_true(tokens[i - 1] >= FIRST && made.ends[tokens[i - 1] - FIRST]);
            part.stops++;
            continue;
        }
        int word = tokens[i] - FIRST;
        assert_true(word >= 0 && word < made.words);
        if (part.first < 0)
            part.first = word;
        else
            assert_int_equal(word, part.last + 1);
        part.last = word;
    }
    part.whole = part.first >= 0 && tokens[begin] != STOP && made.begins[part.first] &&
                 tokens[end - 1] == STOP;
    return part;
}

struct pair {
    struct part a, b;
    bool random;
};

/* [CLS] A [SEP] B [SEP] and padding, with their segments. */
static struct pair pair_make(uint32_t sample, uint64_t epoch)
{
    struct row row;
    struct pair pair;
    row_make(&row, sample, epoch);
    const int32_t *tokens = row_field(&row, TEXT_TOKENS);
    int middle = 1;
    assert_int_equal(tokens[0], CLS);
    while (tokens[middle] != SEP)
        middle++;
    assert_int_equal(tokens[row.length - 1], SEP);
    assert_true(middle > 1 && row.length - 2 > middle);
    for (int i = 0; i < method.window; i++) {
        assert_int_equal(row_field(&row, TEXT_SEGMENTS)[i], i > middle && i < row.length);
        assert_int_equal(row_field(&row, TEXT_GROUPS)[i], i < row.length);
        if (i >= row.length)
            assert_int_equal(tokens[i], 0);
    }
    pair.a = part_read(tokens, 1, middle);
    pair.b = part_read(tokens, middle + 1, row.length - 1);
    pair.random = row_field(&row, TEXT_RANDOM_NEXT)[0];
    return pair;
}

static double chi_square(const int *seen, const double *share, int count)
{
    double sum = 0, total = 0;
    for (int i = 0; i < count; i++)
        total += seen[i];
    for (int i = 0; i < count; i++) {
        double expected = share[i] * total;
        if (expected == 0)
            assert_int_equal(seen[i], 0);
        else
            sum += (seen[i] - expected) * (seen[i] - expected) / expected;
    }
    return sum;
}

/* Tokens are shown as they are. */
#define UNMASKED                   \
    { "method.mask_share", "0" },  \
    {                              \
        "method.random_share", "0" \
    }

/* Sentences of 5 tokens, 25 to a sample: 5 of them, always whole. */
enum { SAMPLE = 25, EPOCHS = 400 };

static void equal_sentences(void)
{
    static const int sentences[] = { 40, 5, 10, 100, 20, 45 };
    for (int i = 0; i < 6; i++) {
        blank_add();
        document_add(sentences[i], 4);
    }
    blank_add();
}

/* A has 1 … 4 of 5 sentences, equally often; half of all second parts are random: those begin with
 * a sentence of another document, both equally likely, and have as many tokens as are left unless
 * their document ends; the others go on where A ends. */
static void pairs_are_the_published(void **state)
{
    (void)state;
    static const char *const set[][2] = { UNMASKED, { "method.short_rate", "0" } };
    static const double fourth[] = { .25, .25, .25, .25 }, half[] = { .5, .5 };
    int cuts[4] = { 0 }, random[2] = { 0 }, document[6] = { 0 }, place[45] = { 0 };
    double share[6], equal[45];
    equal_sentences();
    texts_begin("bert", SAMPLE + 3, 3, set);
    assert_int_equal(texts.samples, (40 + 5 + 10 + 100 + 20 + 45) / 5);
    assert_int_equal(texts.document_count, 6);
    assert_null(texts.note);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++)
        for (uint32_t sample = 0; sample < texts.samples; sample++) {
            struct pair pair = pair_make(sample, epoch);
            assert_true(pair.a.whole && pair.b.whole);
            assert_int_equal(made.sentence_of[pair.a.first], 5 * (int)sample);
            cuts[pair.a.stops - 1]++;
            random[pair.random]++;
            int from = made.document_of[pair.b.first], last = made.document_of[pair.b.last];
            assert_int_equal(from, last);
            if (!pair.random) {
                assert_int_equal(pair.b.first, pair.a.last + 1);
                assert_int_equal(pair.a.stops + pair.b.stops, 5);
                continue;
            }
            int begin = made.sentence_of[pair.b.first];
            int left = (from == 5 ? made.sentences : made.document_first[from + 1]) - begin;
            assert_int_not_equal(from, made.document_of[pair.a.first]);
            assert_int_equal(pair.b.stops, left < 5 - pair.a.stops ? left : 5 - pair.a.stops);
            if (made.document_of[pair.a.first] != 3)
                continue; /* one fixed document for what follows */
            document[from]++;
            if (from == 5)
                place[begin - made.document_first[5]]++;
        }
    for (int i = 0; i < 6; i++)
        share[i] = i == 3 ? 0 : .2;
    for (int i = 0; i < 45; i++)
        equal[i] = 1. / 45;
    /* exceeded with probability .001 at 3, 1, 4 and 44 degrees of freedom */
    assert_true(chi_square(cuts, fourth, 4) < 16.3);
    assert_true(chi_square(random, half, 2) < 10.8);
    assert_true(chi_square(document, share, 6) < 18.5);
    assert_true(chi_square(place, equal, 45) < 78.7);
    texts_end();
}

/* A target uniform in 2 … 25 ends the sample behind ceil(target / 5) sentences: 1 in 4 of 24 cases,
 * which none follows, 2 … 5 in 5 of 24 each. What follows is the next sentence. */
static void short_samples_end_early(void **state)
{
    (void)state;
    static const char *const set[][2] = { UNMASKED, { "method.short_rate", "1" } };
    static const double share[] = { 0, .25, .25, .25, .25 };
    int seen[5] = { 0 }, follows = 0, all = 0;
    equal_sentences();
    texts_begin("bert", SAMPLE + 3, 3, set);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++)
        for (uint32_t sample = 0; sample < texts.samples; sample++, all++) {
            struct pair pair = pair_make(sample, epoch);
            assert_true(pair.a.whole && pair.b.whole);
            if (pair.random)
                continue;
            assert_int_equal(pair.b.first, pair.a.last + 1);
            seen[pair.a.stops + pair.b.stops - 1]++;
            follows++;
        }
    double expected = all * 20. / 24 / 2;
    assert_true(chi_square(seen, share, 5) < 16.3);
    assert_true(fabs(follows - expected) < 4 * sqrt(expected));
    texts_end();
}

/* Sentences of 2 to 12 tokens: a sample ends with the sentence that reaches 29 and loses what is
 * too much in front of or behind its parts, never more than that sentence. */
static void long_samples_are_cut(void **state)
{
    (void)state;
    static const char *const set[][2] = { UNMASKED };
    for (int document = 0; document < 5; document++) {
        document_begin();
        for (int i = 0; i < 30; i++)
            sentence_add(1 + (i * 7 + document * 3) % 11);
        document_end();
    }
    texts_begin("bert", 32, 2, set);
    int cut = 0, full = 0;
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++)
        for (uint32_t sample = 0; sample < texts.samples; sample++) {
            struct pair pair = pair_make(sample, epoch);
            int tokens = pair.a.tokens + pair.b.tokens;
            bool same = made.document_of[pair.a.first] == made.document_of[pair.b.first];
            assert_true(tokens <= 29);
            if (tokens < 29)
                assert_true(pair.a.whole && pair.b.whole);
            full += tokens == 29;
            cut += !pair.a.whole || !pair.b.whole;
            assert_int_equal(same, !pair.random);
            if (same && pair.b.first >= 0 && pair.a.last >= 0)
                assert_true(pair.b.first - pair.a.last - 1 <= 11);
            if (same && tokens < 29)
                assert_int_equal(pair.b.first, pair.a.last + 1);
        }
    assert_true(cut > 0 && full > cut);
    texts_end();
}

/* Documents without tokens, of one sentence, of a single one longer than a sample, of a few words:
 * all are learned from, none is written over its row. A sentence of 101 tokens is cut at 25, 50, 75
 * and 100; its last token begins a sample with the sentence behind it. */
static void odd_documents(void **state)
{
    (void)state;
    static const char *const set[][2] = { UNMASKED };
    bool seen[WORDS] = { false };
    blank_add();
    document_add(1, 3);
    blank_add();
    blank_add();
    document_begin();
    sentence_add(100);
    sentence_add(9);
    document_end();
    document_add(2, 1);
    document_add(1, 60);
    texts_begin("bert", SAMPLE + 3, 2, set);
    assert_int_equal(texts.document_count, 4);
    assert_int_equal(texts.samples, 1 + 5 + 1 + 3);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++)
        for (uint32_t sample = 0; sample < texts.samples; sample++) {
            struct pair pair = pair_make(sample, epoch);
            for (int i = pair.a.first; i >= 0 && i <= pair.a.last; i++)
                seen[i] = true;
            if (sample == 1 || sample == 2)
                assert_true(pair.random);
        }
    for (int i = 0; i < made.words; i++)
        assert_true(seen[i] || made.sentence_of[i] == 2 || made.sentence_of[i] == 4);
    texts_end();
}

/* The user hears of data that next sentence prediction learns little from. */
static void poor_data_are_told(void **state)
{
    (void)state;
    document_add(50, 4);
    texts_begin("bert", SAMPLE + 3, 0, NULL);
    assert_non_null(strstr(texts.note, "one document"));
    texts_end();
    for (int i = 0; i < 4; i++)
        document_add(1, 80);
    texts_begin("bert", SAMPLE + 3, 0, NULL);
    assert_non_null(strstr(texts.note, "single sentence"));
    texts_end();
}

/* Full sentences, over the ends of documents, between which a separator stands and counts. */
static void full_sentences(void **state)
{
    (void)state;
    static const char *const set[][2] = { UNMASKED };
    static const int32_t expected[][10] = {
        { CLS, 6, 7, STOP, 8, STOP, SEP, 9, STOP, SEP },
        { CLS, 10, 11, 12, 13, STOP, SEP, 0, 0, 0 },
        { CLS, 14, 15, 16, 17, 18, 19, 20, 21, SEP },
        { CLS, 22, 23, STOP, SEP, 24, STOP, SEP, 0, 0 },
        { CLS, 25, 26, 27, 28, 29, STOP, SEP, 0, 0 },
    };
    document_begin();
    sentence_add(2);
    sentence_add(1);
    document_end();
    blank_add();
    document_begin();
    sentence_add(1);
    sentence_add(4);
    document_end();
    document_add(1, 10);
    document_add(1, 1);
    document_add(1, 5);
    for (int i = 0; i < 2; i++) {
        static const char *const alone[][2] = { UNMASKED, { "method.next_sentence", "false" } };
        struct text json = made.json;
        texts_begin(i ? "bert" : "roberta", 10, i ? 3 : 2, i ? alone : set);
        assert_int_equal(texts.samples, 5);
        for (uint32_t sample = 0; sample < 5; sample++) {
            struct row row;
            row_make(&row, sample, 0);
            for (int k = 0; k < 10; k++) {
                assert_int_equal(row_field(&row, TEXT_TOKENS)[k], expected[sample][k]);
                assert_int_equal(row_field(&row, TEXT_GROUPS)[k], expected[sample][k] != 0);
                if (i)
                    assert_int_equal(row_field(&row, TEXT_SEGMENTS)[k], 0);
            }
        }
        made.json = json;
        if (i)
            made_clear();
        texts_close(&texts);
        source_close(source);
    }
}

/* Windows that have no room for one token of each part are refused; the least ones are filled. */
static void small_windows(void **state)
{
    (void)state;
    static const struct {
        const char *name, *next;
        int64_t least;
    } row[] = { { "bert", "true", 5 }, { "bert", "false", 3 }, { "roberta", NULL, 3 } };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        for (int64_t window = 2; window <= row[i].least; window++) {
            const char *const set[][2] = { { "method.next_sentence", row[i].next } };
            document_add(3, 4);
            document_add(2, 6);
            status opened = texts_try(row[i].name, window, row[i].next != NULL, set);
            assert_int_equal(opened, window < row[i].least ? TACIT_USAGE : TACIT_OK);
            for (uint32_t sample = 0; opened == TACIT_OK && sample < texts.samples; sample++) {
                struct row made_row;
                row_make(&made_row, sample, 0);
                assert_int_equal(made_row.length, window);
            }
            texts_end();
        }
}

/* Hidden tokens come back as targets, and what is shown for them is as the method has it: BERT's
 * random tokens are of the whole vocabulary, special ones too; RoBERTa's are ordinary. */
static void hidden_tokens(void **state)
{
    (void)state;
    static const char *const set[][2] = { { "method.mask_share", "0" },
                                          { "method.random_share", "1" },
                                          { "method.mask_rate", "0.9" } };
    for (int roberta = 0; roberta < 2; roberta++) {
        int specials = 0;
        equal_sentences();
        texts_begin(roberta ? "roberta" : "bert", LONGEST, 3, set);
        for (uint64_t epoch = 0; epoch < EPOCHS / 4; epoch++)
            for (uint32_t sample = 0; sample < texts.samples; sample++) {
                struct row row;
                row_make(&row, sample, epoch);
                const int32_t *places = row_field(&row, TEXT_PLACES);
                for (int i = 0; i < texts.request.masked && places[i] >= 0; i++) {
                    assert_true(places[i] > 0 && places[i] < row.length - 1);
                    assert_true(row_field(&row, TEXT_TARGETS)[i] >= STOP);
                    specials += row_field(&row, TEXT_TOKENS)[places[i]] < STOP;
                }
            }
        /* 5 of 2,006 tokens: of some 10^5 draws, hundreds */
        assert_true(roberta ? specials == 0 : specials > 100);
        texts_end();
    }
}

/* Groups and positions begin anew with every document, whatever lies between two. */
static void stream_of_documents(void **state)
{
    (void)state;
    static const char *const set[][2] = { { "method.documents", "true" } };
    static const int32_t groups[] = { 1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3 };
    static const int32_t positions[] = { 0, 1, 2, 0, 1, 0, 1, 2, 3, 4, 5, 6 };
    struct row row;
    document_add(1, 2);
    blank_add();
    document_add(1, 1);
    blank_add();
    blank_add();
    document_add(1, 30);
    texts_begin("gpt", 12, 1, set);
    row_make(&row, 0, 0);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(row_field(&row, TEXT_GROUPS)[i], groups[i]);
        assert_int_equal(row_field(&row, TEXT_POSITIONS)[i], positions[i]);
        bool last = i == 2 || i == 4;
        assert_int_equal(row_field(&row, TEXT_TARGETS)[i],
                         last      ? -1
                         : i == 11 ? row_field(&row, TEXT_TOKENS)[11] + 1
                                   : row_field(&row, TEXT_TOKENS)[i + 1]);
    }
    texts_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_the_published), cmocka_unit_test(short_samples_end_early),
        cmocka_unit_test(long_samples_are_cut),    cmocka_unit_test(odd_documents),
        cmocka_unit_test(poor_data_are_told),      cmocka_unit_test(full_sentences),
        cmocka_unit_test(small_windows),           cmocka_unit_test(hidden_tokens),
        cmocka_unit_test(stream_of_documents),
    };
    return cmocka_run_group_tests(tests, vocabulary_begin, vocabulary_end);
}
