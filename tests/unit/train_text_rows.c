/* Samples that are cut out of texts: every word of the texts below says where it stands (document,
 * sentence, place), so that a row of ids tells by itself whether it was cut as it should be. */
#include "io/file.h"
#include "ops/method.h"
#include "train/texts.h"
#include "unit/temporary.h"

#include <math.h>

enum {
    DOCUMENTS = 4,
    SENTENCES = 12,
    WORDS = 3,
    PAD = 0,
    CLS = 2,
    SEP = 3,
    MASK = 4,
    STOP = 5,
    FIRST_WORD = 6,
    ALL_WORDS = DOCUMENTS * SENTENCES * WORDS,
    VOCABULARY = FIRST_WORD + ALL_WORDS,
    DOCUMENT_TOKENS = SENTENCES * (WORDS + 1), /* a stop behind every sentence */
    STREAM = DOCUMENTS * DOCUMENT_TOKENS,
    WINDOW_MOST = 64
};

static struct tokenizer *tokenizer;

/* The id of token i of all documents, one behind the other. */
static int32_t stream_id(int64_t i)
{
    int64_t sentence = i / (WORDS + 1), word = i % (WORDS + 1);
    return (int32_t)(word == WORDS ? STOP : FIRST_WORD + sentence * WORDS + word);
}

/* The place in the stream of the word of an id. */
static int64_t stream_place(int32_t id)
{
    return (id - FIRST_WORD) / WORDS * (WORDS + 1) + (id - FIRST_WORD) % WORDS;
}

static void corpus_write(void)
{
    struct text words = { 0 }, one = { 0 };
    char path[128];
    text_append(&words, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n.\n");
    for (int d = 0; d < DOCUMENTS; d++) {
        text_clear(&one);
        for (int i = 0; i < SENTENCES * WORDS; i++) {
            text_append(&words, "d%dw%d\n", d, i);
            text_append(&one, "d%dw%d%s", d, i, i % WORDS == WORDS - 1 ? ". " : " ");
        }
        snprintf(path, sizeof path, "%s/texts/%d.txt", folder, d);
        require(file_write(path, one.bytes, one.length), path);
    }
    require(tokenizer_read_words("words", (struct text_view){ words.bytes, words.length }, false,
                                 &tokenizer),
            "words");
    text_free(&words);
    text_free(&one);
}

static int begin(void **state)
{
    char path[128];
    if (folder_begin(state))
        return 1;
    snprintf(path, sizeof path, "%s/texts", folder);
    if (mkdir(path, 0700) != 0)
        return 1;
    corpus_write();
    return 0;
}

static int end(void **state)
{
    tokenizer_free(tokenizer);
    return folder_end(state);
}

/* ---- Rows ---- */

struct rows {
    struct source *source;
    struct method method;
    struct texts texts;
    int32_t value[FIELDS_MAX][WINDOW_MOST]; /* of the last row */
    void *field[FIELDS_MAX], *scratch;
};

static void rows_open(struct rows *rows, const char *data, const char *fields, const char *method,
                      const char *network, int64_t window, const char *settings)
{
    char path[128];
    uint32_t index[256];
    struct source_options how = { .wanted = WANT_TEXTS, .field = fields };
    *rows = (struct rows){ .method = { .type = method_find(method),
                                       .network = network_find(network),
                                       .window = window } };
    snprintf(path, sizeof path, "%s/%s", folder, data);
    require(source_open(path, &how, &rows->source), path);
    method_configure(&rows->method, settings);
    for (uint32_t i = 0; i < 256; i++)
        index[i] = i;
    struct texts_options options = { .source = rows->source,
                                     .index = index,
                                     .count = rows->source->count,
                                     .tokenizer = tokenizer,
                                     .method = &rows->method };
    require(texts_open(&options, &rows->texts), method);
    for (int i = 0; i < FIELDS_MAX; i++)
        rows->field[i] = rows->value[i];
    rows->scratch = malloc(rows->texts.scratch_bytes);
}

static void rows_close(struct rows *rows)
{
    texts_close(&rows->texts);
    source_close(rows->source);
    free(rows->scratch);
}

static void row_make(struct rows *rows, uint64_t epoch, uint32_t sample)
{
    struct turn turn = { .seed = 7, .epoch = epoch, .wanted = sample, .used = sample };
    memset(rows->value, 0x55, sizeof rows->value);
    require(texts_make(&rows->texts, &turn, rows->field, rows->scratch), "a row");
}

static const int32_t *row_field(const struct rows *rows, enum text_field field)
{
    return texts_field(&rows->texts, rows->field, field);
}

/* ---- The stream of all tokens ---- */

/* Windows follow one another without a gap; a target is the next token. The tokenizer has no token
 * that ends a document, so that nothing stands between them but what ROLE_EOS says. */
static void windows_follow_one_another(void **state)
{
    (void)state;
    enum { WINDOW = 12 }; /* the stream is 16 of them, whose last lacks a successor */
    struct rows rows;
    rows_open(&rows, "texts", NULL, "gpt", "gpt-nano", WINDOW, "");
    const int32_t *tokens = row_field(&rows, TEXT_TOKENS),
                  *targets = row_field(&rows, TEXT_TARGETS);
    int64_t ends = tokenizer_role(tokenizer, ROLE_EOS) >= 0 ? DOCUMENTS : 0, at = 0;
    assert_int_equal(rows.texts.samples, (STREAM + ends - 1) / WINDOW);
    for (uint32_t i = 0; i < rows.texts.samples; i++) {
        row_make(&rows, 0, i);
        for (int k = 0; k < WINDOW; k++) {
            if (k + 1 < WINDOW)
                assert_int_equal(targets[k], tokens[k + 1]);
            if (ends && tokens[k] == tokenizer_role(tokenizer, ROLE_EOS))
                continue;
            assert_int_equal(tokens[k], stream_id(at));
            at++;
        }
        if (!ends)
            assert_int_equal(targets[WINDOW - 1], stream_id(at));
    }
    rows_close(&rows);
}

/* The last token of a document has no successor; groups change and positions begin anew. */
static void documents_stay_apart(void **state)
{
    (void)state;
    enum { WINDOW = 14 };
    struct rows rows;
    int64_t closed = 0;
    rows_open(&rows, "texts", NULL, "gpt", "gpt-nano", WINDOW, "documents=true");
    const int32_t *tokens = row_field(&rows, TEXT_TOKENS),
                  *targets = row_field(&rows, TEXT_TARGETS),
                  *groups = row_field(&rows, TEXT_GROUPS),
                  *positions = row_field(&rows, TEXT_POSITIONS);
    const int64_t eos = tokenizer_role(tokenizer, ROLE_EOS);
    const int64_t length = DOCUMENT_TOKENS + (eos >= 0);
    for (uint32_t i = 0; i < rows.texts.samples; i++) {
        row_make(&rows, 0, i);
        assert_int_equal(positions[0], 0);
        assert_int_equal(groups[0], 1);
        for (int64_t k = 0; k < WINDOW; k++) {
            bool last = (i * WINDOW + k) % length == length - 1;
            closed += last;
            assert_int_equal(targets[k] < 0, last);
            if (k + 1 == WINDOW)
                continue;
            assert_int_equal(groups[k + 1], groups[k] + last);
            assert_int_equal(positions[k + 1], last ? 0 : positions[k] + 1);
            assert_true(last || targets[k] == tokens[k + 1]);
        }
    }
    assert_int_equal(closed, DOCUMENTS - (rows.texts.samples * WINDOW < DOCUMENTS * length));
    rows_close(&rows);
}

/* Random windows are stretches of the stream too, and reach its first and its last token. */
static void windows_begin_anywhere(void **state)
{
    (void)state;
    enum { WINDOW = 8, DRAWS = 4000 };
    struct rows rows;
    bool first = false, last = false;
    rows_open(&rows, "texts", NULL, "gpt", "gpt-nano", WINDOW, "windows=random");
    const int32_t *tokens = row_field(&rows, TEXT_TOKENS),
                  *targets = row_field(&rows, TEXT_TARGETS);
    const uint32_t *id = rows.texts.file.id;
    uint64_t count = rows.texts.file.count;
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        row_make(&rows, draw, 0);
        uint64_t at = 0;
        while (at + WINDOW < count &&
               (id[at] != (uint32_t)tokens[0] || id[at + 1] != (uint32_t)tokens[1]))
            at++;
        for (uint64_t k = 0; k < WINDOW; k++) {
            assert_true(at + k + 1 < count);
            assert_int_equal(tokens[k], id[at + k]);
            assert_int_equal(targets[k], id[at + k + 1]);
        }
        first |= at == 0;
        last |= at + WINDOW + 1 == count;
    }
    assert_true(first && last);
    rows_close(&rows);
}

/* ---- Sentences ---- */

struct pair {
    int64_t length, second; /* tokens of all; where the second text begins */
    int32_t token[WINDOW_MOST];
};

/* A row with what was hidden put back. */
static struct pair pair_read(const struct rows *rows, int64_t window)
{
    struct pair pair = { 0 };
    const int32_t *groups = row_field(rows, TEXT_GROUPS);
    memcpy(pair.token, row_field(rows, TEXT_TOKENS), (size_t)window * sizeof *pair.token);
    const int32_t *places = row_field(rows, TEXT_PLACES), *targets = row_field(rows, TEXT_TARGETS);
    for (int64_t i = 0; i < rows->texts.request.masked; i++)
        if (targets[i] >= 0)
            pair.token[places[i]] = targets[i];
    while (pair.length < window && groups[pair.length])
        pair.length++;
    for (int64_t i = pair.length; i < window; i++)
        assert_true(groups[i] == 0 && pair.token[i] == PAD);
    assert_int_equal(pair.token[0], CLS);
    assert_int_equal(pair.token[pair.length - 1], SEP);
    for (pair.second = 1; pair.token[pair.second - 1] != SEP;)
        pair.second++;
    return pair;
}

/* The place in the stream of token i … of the row; what follows is as in the stream. */
static int64_t run_place(const struct pair *pair, int64_t first, int64_t stop)
{
    int64_t at = pair->token[first] != STOP ? stream_place(pair->token[first])
                 : first + 1 < stop         ? stream_place(pair->token[first + 1]) - 1
                                            : -1;
    for (int64_t i = first; i < stop && at >= 0; i++)
        assert_int_equal(pair->token[i], stream_id(at + i - first));
    return at;
}

/* [CLS] A [SEP] B [SEP]. Where random_next is 0 B follows A; where it is 1 it comes from another
 * document. Segments are 1 from B on, with its [SEP]. */
static void pairs_are_as_they_say(void **state)
{
    (void)state;
    enum { WINDOW = 39, EPOCHS = 40 }; /* 9 sentences fit exactly: nothing is cut off */
    struct rows rows;
    int64_t random = 0, made = 0, cuts[SENTENCES] = { 0 };
    rows_open(&rows, "texts", NULL, "bert", "bert-tiny", WINDOW, "short_rate=0");
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++)
        for (uint32_t i = 0; i < rows.texts.samples; i++) {
            row_make(&rows, epoch, i);
            struct pair pair = pair_read(&rows, WINDOW);
            const int32_t *segments = row_field(&rows, TEXT_SEGMENTS);
            for (int64_t k = 0; k < WINDOW; k++)
                assert_int_equal(segments[k], k >= pair.second && k < pair.length);
            int64_t a = run_place(&pair, 1, pair.second - 1),
                    b = run_place(&pair, pair.second, pair.length - 1);
            assert_true(a >= 0);
            bool elsewhere = *row_field(&rows, TEXT_RANDOM_NEXT);
            if (elsewhere && b >= 0)
                assert_int_not_equal(a / DOCUMENT_TOKENS, b / DOCUMENT_TOKENS);
            else if (!elsewhere)
                assert_int_equal(b, a + pair.second - 2);
            cuts[(pair.second - 2) / (WORDS + 1)] += !elsewhere;
            random += elsewhere;
            made++;
        }
    /* Half of them, within four standard deviations; the first part has 1 … 8 sentences of 9. */
    assert_true(fabs((double)random - (double)made / 2) < 2 * sqrt((double)made));
    for (int length = 1; length < 9; length++)
        assert_true(cuts[length] > 0);
    rows_close(&rows);
}

/* A share of the pairs is cut to a random length. */
static void some_pairs_are_short(void **state)
{
    (void)state;
    enum { WINDOW = 39, EPOCHS = 200 };
    struct rows rows;
    int64_t brief = 0, made = 0;
    rows_open(&rows, "texts", NULL, "bert", "bert-tiny", WINDOW, "short_rate=0.4");
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++)
        for (uint32_t i = 0; i < rows.texts.samples; i++) {
            row_make(&rows, epoch, i);
            struct pair pair = pair_read(&rows, WINDOW);
            /* Two sentences of 4 tokens and a frame; no longer sample is that short. */
            brief += !*row_field(&rows, TEXT_RANDOM_NEXT) && pair.length == 11;
            made++;
        }
    /* Targets of 2 … 36 tokens are equally likely, two sentences reach 5 … 8 of them: 4 of 35. What
     * follows is true of half. */
    double expected = 0.4 * 4 / 35 / 2 * (double)made;
    assert_true(fabs((double)brief - expected) < 5 * sqrt(expected));
    rows_close(&rows);
}

/* BERT's procedure: 15 % of all tokens, 8 of 10 as [MASK], 1 as any token of the vocabulary, 1 as
 * it was; never [CLS], [SEP] or padding; others stay; anew in every epoch, the same when asked
 * again. */
static void masks_are_the_published(void **state)
{
    (void)state;
    enum {
        WINDOW = 47,
        TOKENS = 46,
        EPOCHS = 1500
    }; /* 11 sentences of the first document fit: fewer guesses than room */
    struct rows rows;
    int64_t hidden = 0, masked = 0, kept = 0, place[WINDOW] = { 0 }, seen[VOCABULARY] = { 0 };
    int32_t again[WINDOW], different = 0;
    rows_open(&rows, "texts", NULL, "bert", "bert-tiny", WINDOW, "next_sentence=false");
    const int32_t *tokens = row_field(&rows, TEXT_TOKENS), *places = row_field(&rows, TEXT_PLACES),
                  *targets = row_field(&rows, TEXT_TARGETS);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        row_make(&rows, epoch, 0);
        memcpy(again, tokens, sizeof again);
        row_make(&rows, epoch, 0);
        assert_memory_equal(again, tokens, sizeof again);
        struct pair pair = pair_read(&rows, WINDOW);
        assert_int_equal(pair.length, TOKENS);
        int64_t begins = run_place(&pair, 1, pair.length - 1);
        int count = 0, last = 0;
        for (int i = 0; i < rows.texts.request.masked && targets[i] >= 0; i++, count++) {
            int32_t at = places[i], shown = tokens[at];
            assert_true(at > last && at < pair.length - 1);
            last = at;
            assert_int_equal(targets[i], stream_id(begins + at - 1));
            masked += shown == MASK;
            kept += shown == targets[i];
            seen[shown]++;
            place[at]++;
            pair.token[at] = shown;
        }
        assert_int_equal(count, 7); /* 15 % of 46 are 6.9 */
        assert_memory_equal(pair.token, tokens, sizeof again);
        hidden += count;
        row_make(&rows, epoch + 1, 0);
        different += memcmp(again, tokens, sizeof again) != 0;
    }
    double total = (double)hidden, one = (double)hidden / VOCABULARY / 10;
    assert_true(fabs((double)masked - (0.8 * total + one)) < 4 * sqrt(0.16 * total));
    assert_true(fabs((double)kept - (0.1 * total + one)) < 4 * sqrt(0.09 * total));
    assert_true(different > EPOCHS * 9 / 10);
    int special = 0, words = 0; /* any token, special ones too */
    for (int id = 0; id < VOCABULARY; id++) {
        special += id < STOP && id != MASK && seen[id] > 0;
        words += id >= STOP && seen[id] > 0;
    }
    assert_true(special >= 2 && words > ALL_WORDS * 9 / 10);
    int64_t most = 0, least = hidden;
    for (int i = 1; i < TOKENS - 1; i++) {
        most = place[i] > most ? place[i] : most;
        least = place[i] < least ? place[i] : least;
    }
    assert_true(least > 0 && most < 2 * least);
    rows_close(&rows);
}

/* ---- Texts by themselves ---- */

static void partners_stay_together(void **state)
{
    (void)state;
    enum { WINDOW = 8, PAIRS = 5 };
    char path[128];
    struct text lines = { 0 };
    struct rows rows;
    text_append(&lines, "first,second\n");
    for (int i = 0; i < PAIRS; i++)
        text_append(&lines, "d0w%d,d1w%d d1w%d d1w0 d1w1 d1w2 d1w3 d1w4\n", i, i, i + 1);
    snprintf(path, sizeof path, "%s/pairs.csv", folder);
    require(file_write(path, lines.bytes, lines.length), path);
    text_free(&lines);
    rows_open(&rows, "pairs.csv", "first,second", "simcse", "bert-tiny", WINDOW,
              "supervision=pairs");
    assert_int_equal(rows.texts.samples, PAIRS);
    for (uint32_t i = 0; i < PAIRS; i++) {
        int32_t second = FIRST_WORD + SENTENCES * WORDS, one = FIRST_WORD + (int32_t)i;
        row_make(&rows, 0, i);
        const int32_t a[WINDOW] = { CLS, one, SEP }, a_group[WINDOW] = { 1, 1, 1 };
        const int32_t b[WINDOW] = { CLS,
                                    second + (int32_t)i,
                                    second + (int32_t)i + 1,
                                    second,
                                    second + 1,
                                    second + 2,
                                    second + 3,
                                    SEP };
        assert_memory_equal(row_field(&rows, TEXT_TOKENS), a, sizeof a);
        assert_memory_equal(row_field(&rows, TEXT_GROUPS), a_group, sizeof a_group);
        assert_memory_equal(row_field(&rows, TEXT_TOKENS_1), b, sizeof b);
        for (int k = 0; k < WINDOW; k++)
            assert_int_equal(row_field(&rows, TEXT_GROUPS_1)[k], 1);
    }
    int32_t tokens[WINDOW], groups[WINDOW], segments[WINDOW];
    int64_t length;
    require(texts_frame(rows.source, tokenizer, 0, 0, true, NULL, WINDOW, tokens, groups, segments,
                        &length),
            "a pair in one frame");
    const int32_t frame[] = { CLS, FIRST_WORD, SEP, 42, 43, 42, 43, SEP };
    const int32_t segment[] = { 0, 0, 0, 1, 1, 1, 1, 1 };
    assert_memory_equal(tokens, frame, sizeof frame);
    assert_memory_equal(segments, segment, sizeof segment);
    assert_int_equal(length, WINDOW);
    rows_close(&rows);
}

/* ---- Token files ---- */

static void file_make(const char *data, double from, double to, struct token_file *file,
                      struct source **source)
{
    char path[128];
    static const uint32_t index[DOCUMENTS] = { 0, 1, 2, 3 };
    struct source_options how = { .wanted = WANT_TEXTS };
    snprintf(path, sizeof path, "%s/%s", folder, data);
    require(source_open(path, &how, source), path);
    struct token_file_options options = { .source = *source,
                                          .index = index,
                                          .count = (*source)->count,
                                          .tokenizer = tokenizer,
                                          .separator = -1,
                                          .begin = from,
                                          .stop = to };
    require(token_file_make(&options, file), data);
}

/* The first nine tenths and the last one are all text, once. */
static void stretches_meet(void **state)
{
    (void)state;
    struct token_file whole, front, rest;
    struct source *source[3];
    file_make("texts", 0, 0, &whole, &source[0]);
    file_make("texts", 0, 0.9, &front, &source[1]);
    file_make("texts", 0.9, 1, &rest, &source[2]);
    assert_int_equal(whole.count, STREAM);
    for (int64_t i = 0; i < STREAM; i++)
        assert_int_equal(whole.id[i], stream_id(i));
    assert_int_equal(front.bytes + rest.bytes, whole.bytes);
    assert_true(fabs((double)front.bytes - 0.9 * (double)whole.bytes) <= 1);
    /* The cut may go through a word, which is unknown then, or through blanks. */
    size_t same = 0, behind = 0;
    while (same < front.count && front.id[same] == whole.id[same])
        same++;
    while (behind < rest.count &&
           rest.id[rest.count - 1 - behind] == whole.id[whole.count - 1 - behind])
        behind++;
    assert_true(same + 1 >= front.count && behind + 1 >= rest.count);
    assert_true(same + behind + 1 >= whole.count && same + behind <= whole.count);
    token_file_close(&whole);
    token_file_close(&front);
    token_file_close(&rest);
    for (int i = 0; i < 3; i++)
        source_close(source[i]);
}

/* A document that is encoded in parts has the tokens of the whole, in one text. */
static void long_documents_are_cut_harmlessly(void **state)
{
    (void)state;
    enum { MEGABYTES = 70 };
    char path[128];
    struct token_file file;
    struct source *source;
    struct text large = { 0 };
    uint64_t words = 0;
    require(text_reserve(&large, (size_t)MEGABYTES << 20), "room");
    while (large.length < ((size_t)MEGABYTES << 20) - 64) {
        int number = (int)(words * 7919 % ALL_WORDS), per = SENTENCES * WORDS;
        large.length +=
            (size_t)sprintf(large.bytes + large.length, "d%dw%d ", number / per, number % per);
        words++;
    }
    snprintf(path, sizeof path, "%s/large.txt", folder);
    require(file_write(path, large.bytes, large.length), path);
    file_make("large.txt", 0, 0, &file, &source);
    assert_int_equal(file.count, words);
    for (uint64_t i = 0; i < words; i++)
        if (file.id[i] != FIRST_WORD + i * 7919 % ALL_WORDS)
            fail_msg("word %llu is %u", (unsigned long long)i, file.id[i]);
    assert_int_equal(file.bytes, large.length);
    token_file_close(&file);
    source_close(source);
    text_free(&large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_follow_one_another),
        cmocka_unit_test(documents_stay_apart),
        cmocka_unit_test(windows_begin_anywhere),
        cmocka_unit_test(pairs_are_as_they_say),
        cmocka_unit_test(some_pairs_are_short),
        cmocka_unit_test(masks_are_the_published),
        cmocka_unit_test(partners_stay_together),
        cmocka_unit_test(stretches_meet),
        cmocka_unit_test(long_documents_are_cut_harmlessly),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
