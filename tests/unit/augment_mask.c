/* Which tokens are hidden and what is shown for them: numbers and shares of the published
 * procedures, by exact counts and chi-square. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "augment/mask.h"

#include <cmocka.h>

enum { LONGEST = 600, VOCABULARY = 24, MASK_ID = 4, DRAWS = 20000 };

static const struct mask_settings published = {
    .rate = .15, .mask = .8, .replace = .1, .most = 90, .mask_id = MASK_ID, .vocabulary = VOCABULARY
};

struct row {
    int count, hidden;
    int32_t id[LONGEST], before[LONGEST], places[LONGEST], targets[LONGEST];
    uint8_t kind[LONGEST];
    uint32_t scratch[2 * LONGEST];
};

/* [CLS] words … [SEP] as kinds: '-' special, 'w' the first piece of a word, 'g' a later one. */
static void row_begin(struct row *row, const char *kinds, int count)
{
    row->count = count;
    for (int i = 0; i < count; i++) {
        char kind = kinds ? kinds[i] : i == 0 || i == count - 1 ? '-' : 'w';
        row->kind[i] = kind == '-' ? MASK_NEVER : kind == 'w' ? MASK_WORD : MASK_WORD_GOES_ON;
        row->id[i] = row->before[i] = kind == '-' ? 2 : 5 + i % (VOCABULARY - 5);
    }
}

/* Masks, and checks all that must hold whatever was drawn. */
static void row_mask(struct row *row, const struct mask_settings *settings, uint64_t item)
{
    struct random_stream stream = random_stream(7, "mask", 0, item);
    row->hidden = mask_tokens(settings, &stream, row->id, row->kind, row->count, row->places,
                              row->targets, row->scratch);
    bool hidden[LONGEST] = { false };
    assert_true(row->hidden <= settings->most);
    for (int i = 0; i < settings->most; i++) {
        int place = row->places[i];
        if (i >= row->hidden) {
            assert_int_equal(place, -1);
            assert_int_equal(row->targets[i], -1);
            continue;
        }
        assert_true(place > (i ? row->places[i - 1] : -1) && place < row->count);
        assert_int_equal(row->kind[place] == MASK_NEVER, 0);
        assert_int_equal(row->targets[i], row->before[place]);
        hidden[place] = true;
    }
    for (int i = 0; i < row->count; i++)
        if (!hidden[i])
            assert_int_equal(row->id[i], row->before[i]);
}

/* min(most, max(1, round(.15 n))), n with the special tokens, halves to the even number as Python's
 * round does: 1.5 -> 2, 4.5 -> 4, 10.5 -> 10. */
static void number_is_the_published(void **state)
{
    (void)state;
    static const int expected[][3] = { { 3, 90, 1 },    { 10, 90, 2 },   { 30, 90, 4 },
                                       { 70, 90, 10 },  { 128, 20, 19 }, { 136, 20, 20 },
                                       { 200, 20, 20 }, { 512, 77, 77 }, { 4, 90, 1 } };
    struct row row;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct mask_settings settings = published;
        settings.most = expected[i][1];
        row_begin(&row, NULL, expected[i][0]);
        row_mask(&row, &settings, i);
        assert_int_equal(row.hidden, expected[i][2]);
    }
    row_begin(&row, "--", 2);
    row_mask(&row, &published, 0);
    assert_int_equal(row.hidden, 0);
}

/* fairseq: floor(.15 * 42 + U) = floor(6.3 + U) is 7 with probability .3. */
static void dithered_number(void **state)
{
    (void)state;
    struct mask_settings settings = published;
    settings.dithered = true;
    struct row row;
    int more = 0;
    for (int i = 0; i < DRAWS; i++) {
        row_begin(&row, NULL, 42);
        row_mask(&row, &settings, (uint64_t)i);
        assert_true(row.hidden == 6 || row.hidden == 7);
        more += row.hidden == 7;
    }
    double deviation = sqrt(DRAWS * .3 * .7);
    assert_true(fabs(more - DRAWS * .3) < 4 * deviation);
}

static double chi_square(const int *seen, const double *share, int count, int total)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        double expected = share[i] * total;
        if (expected == 0)
            assert_int_equal(seen[i], 0);
        else
            sum += (seen[i] - expected) * (seen[i] - expected) / expected;
    }
    return sum;
}

/* What stands for a token 23: the mask 4, itself or any token, `never` excluded. */
static void disguises_counted(const struct mask_settings *settings, int never)
{
    enum { LENGTH = 102 };
    int seen[VOCABULARY] = { 0 }, total = 0;
    double share[VOCABULARY];
    struct row row;
    for (int i = 0; i < DRAWS; i++) {
        row_begin(&row, NULL, LENGTH);
        for (int k = 1; k < LENGTH - 1; k++)
            row.id[k] = row.before[k] = VOCABULARY - 1;
        row_mask(&row, settings, (uint64_t)i);
        for (int k = 0; k < row.hidden; k++)
            seen[row.id[row.places[k]]]++;
        total += row.hidden;
    }
    for (int i = 0; i < VOCABULARY; i++)
        share[i] = i < never ? 0 : .1 / (VOCABULARY - never);
    share[MASK_ID] += .8;
    share[VOCABULARY - 1] += .1;
    /* 23 degrees of freedom: 49.7 has probability .001 */
    assert_true(chi_square(seen, share, VOCABULARY, total) < 49.7);
}

/* BERT draws from the whole vocabulary, special tokens and the mask included; RoBERTa not. */
static void shares_are_the_published(void **state)
{
    (void)state;
    static const int32_t special[] = { 0, 1, 2, 3, MASK_ID };
    struct mask_settings roberta = published;
    roberta.never = special;
    roberta.nevers = 5;
    disguises_counted(&published, 0);
    disguises_counted(&roberta, 5);
}

/* Every token but the special ones is hidden equally often. */
static void places_are_equally_likely(void **state)
{
    (void)state;
    enum { LENGTH = 22 };
    int seen[LENGTH] = { 0 };
    double share[LENGTH];
    struct row row;
    for (int i = 0; i < LENGTH; i++)
        share[i] = i == 0 || i == LENGTH - 1 ? 0 : 1. / (LENGTH - 2);
    for (int i = 0; i < DRAWS; i++) {
        row_begin(&row, NULL, LENGTH);
        row_mask(&row, &published, (uint64_t)i);
        assert_int_equal(row.hidden, 3);
        for (int k = 0; k < row.hidden; k++)
            seen[row.places[k]]++;
    }
    /* 19 degrees of freedom: 43.8 has probability .001; without replacement it is less */
    assert_true(chi_square(seen, share, LENGTH, 3 * DRAWS) < 43.8);
}

/* All pieces of a word or none; words that would be too many are passed over. */
static void words_are_whole(void **state)
{
    (void)state;
    static const char kinds[] = "-wggwwgwwgggw-gw-wgwggwwwwggwwg-";
    struct mask_settings settings = published;
    settings.whole_words = true;
    settings.rate = .25;
    struct row row;
    int seen = 0, count = (int)strlen(kinds);
    for (int i = 0; i < DRAWS / 10; i++) {
        bool hidden[LONGEST] = { false };
        row_begin(&row, kinds, count);
        row_mask(&row, &settings, (uint64_t)i);
        assert_int_equal(row.hidden, 8); /* single tokens fill what words leave */
        for (int k = 0; k < row.hidden; k++)
            hidden[row.places[k]] = true;
        for (int k = 1; k < count; k++)
            if (kinds[k] == 'g' && kinds[k - 1] != '-')
                assert_int_equal(hidden[k], hidden[k - 1]);
        seen += hidden[14]; /* a piece whose word was cut off is a word */
    }
    assert_true(seen > 0);
    settings.rate = .3; /* two of five */
    row_begin(&row, "-wggg", 5);
    row_mask(&row, &settings, 0);
    assert_int_equal(row.hidden, 0);
    settings.whole_words = false;
    row_begin(&row, "-wggg", 5);
    row_mask(&row, &settings, 0);
    assert_int_equal(row.hidden, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(number_is_the_published),  cmocka_unit_test(dithered_number),
        cmocka_unit_test(shares_are_the_published), cmocka_unit_test(places_are_equally_likely),
        cmocka_unit_test(words_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
