/* The rival "words": TF-IDF, what linear classifiers of texts have long been given (Salton &
 * Buckley 1988; the weights are those of scikit-learn's TfidfVectorizer). Words are runs of letters
 * and digits in small letters, of two characters or more. */
#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include "eval/evaluation.h"
#include "eval/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* At most so many values are kept, 1 GB: with many texts, only of the words that most of them have.
 */
enum { MOST_VALUES = 1 << 28, FEWEST_WORDS = 1024, BETWEEN = 512 };

/* A word of the text that is read, and how often it was met there. */
struct met {
    int64_t word, times;
};

struct bag {
    struct evaluation *e;
    struct arena memory;
    struct map number; /* of a word in `texts` */
    int64_t *texts;    /* [words] texts that have the word */
    int64_t *column;   /* [words] its place in a row, -1: left out */
    size_t words, capacity;
    struct met *met; /* [mets] of one text, in order of their first appearance */
    size_t mets, met_capacity;
    int64_t *place; /* [words] 1 + place in met[], 0: not met */
    size_t place_capacity;
    uint32_t *kept; /* samples that could be read */
    size_t count;
};

static void bag_free(struct bag *bag)
{
    arena_free(&bag->memory);
    map_free(&bag->number);
    memory_free(bag->texts);
    memory_free(bag->column);
    memory_free(bag->met);
    memory_free(bag->place);
}

static status word_new(struct bag *bag, const char *word, int64_t *number)
{
    void *texts = bag->texts, *place = bag->place;
    bool good = memory_reserve(&texts, &bag->capacity, bag->words, sizeof *bag->texts);
    bag->texts = texts;
    good = good && memory_reserve(&place, &bag->place_capacity, bag->words, sizeof *bag->place);
    bag->place = place;
    const char *kept = good ? arena_text(&bag->memory, "%s", word) : NULL;
    if (!kept || !map_set(&bag->number, kept, (int64_t)bag->words))
        return fail(TACIT_RESOURCES, "no memory for the words of the texts");
    bag->texts[bag->words] = 0;
    bag->place[bag->words] = 0;
    *number = (int64_t)bag->words++;
    return TACIT_OK;
}

/* A word_take: notes the word among those of the text. */
static status word_meet(void *argument, const char *word, size_t length)
{
    struct bag *bag = argument;
    int64_t number = map_get(&bag->number, word);
    if (length < 2)
        return TACIT_OK;
    if (number < 0)
        TRY(word_new(bag, word, &number));
    if (bag->place[number] == 0) {
        void *block = bag->met;
        if (!memory_reserve(&block, &bag->met_capacity, bag->mets, sizeof *bag->met))
            return TACIT_RESOURCES;
        bag->met = block;
        bag->met[bag->mets++] = (struct met){ number, 0 };
        bag->place[number] = (int64_t)bag->mets;
    }
    bag->met[bag->place[number] - 1].times++;
    return TACIT_OK;
}

/* The words of a sample, all its texts together, into met[]. */
static status sample_read(struct bag *bag, uint32_t sample)
{
    struct bytes text;
    for (size_t i = 0; i < bag->mets; i++)
        bag->place[bag->met[i].word] = 0;
    bag->mets = 0;
    TRY(source_joined(bag->e->source, sample, "\n", &text));
    status result =
        words_each((struct text_view){ text.bytes, text.size }, WORDS_PLAIN, word_meet, bag);
    bytes_free(&text);
    return result;
}

/* Reads every sample of the pool once: which can be read, and in how many a word is. */
static status texts_count(struct bag *bag, double since)
{
    struct evaluation *e = bag->e;
    for (int64_t i = 0; i < e->pool.count; i++) {
        status result = sample_read(bag, e->pool.index[i]);
        if (result == TACIT_BAD_DATA && source_health(e->source) == TACIT_OK)
            continue;
        TRY(result);
        bag->kept[bag->count++] = e->pool.index[i];
        for (size_t j = 0; j < bag->mets; j++)
            bag->texts[bag->met[j].word]++;
        if ((i + 1) % BETWEEN == 0 &&
            !evaluation_advance(e, "words: counting", i + 1, e->pool.count, since))
            return fail(TACIT_STOPPED, "stopped");
    }
    return bag->words ? TACIT_OK
                      : fail(TACIT_BAD_DATA, "%s: its texts have no words", e->source->path);
}

static int compare_counts(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
    return (first < second) - (first > second);
}

/* Gives words their columns, in order of appearance; with too many, only to those that as many
 * texts have as the last one that finds room. */
static status columns_number(struct bag *bag, int64_t *width)
{
    int64_t most = MOST_VALUES / (int64_t)(bag->count ? bag->count : 1), least = 1;
    most = most < FEWEST_WORDS ? FEWEST_WORDS : most;
    bag->column = memory_new(bag->words, sizeof *bag->column);
    if (!bag->column)
        return TACIT_RESOURCES;
    if ((int64_t)bag->words > most) {
        memcpy(bag->column, bag->texts, bag->words * sizeof *bag->column);
        qsort(bag->column, bag->words, sizeof *bag->column, compare_counts);
        least = bag->column[most] + 1;
        tell(&bag->e->audience, TACIT_NOTICE, "words: only those that %lld texts or more have",
             (long long)least);
    }
    *width = 0;
    for (size_t i = 0; i < bag->words; i++)
        bag->column[i] = bag->texts[i] >= least ? (*width)++ : -1;
    return *width ? TACIT_OK
                  : fail(TACIT_RESOURCES, "against=words: %zu texts with %zu words are too many",
                         bag->count, bag->words);
}

/* One row of length 1, or zeroes. */
static void row_fill(const struct bag *bag, int64_t width, float *row)
{
    double squares = 0;
    memset(row, 0, (size_t)width * sizeof *row);
    for (size_t i = 0; i < bag->mets; i++) {
        const struct met *met = &bag->met[i];
        double rarity = log((1 + (double)bag->count) / (1 + (double)bag->texts[met->word])) + 1;
        double weight = (double)met->times * rarity;
        if (bag->column[met->word] < 0)
            continue;
        row[bag->column[met->word]] = (float)weight;
        squares += weight * weight;
    }
    for (size_t i = 0; i < bag->mets && squares > 0; i++)
        if (bag->column[bag->met[i].word] >= 0)
            row[bag->column[bag->met[i].word]] /= (float)sqrt(squares);
}

status words_rows(struct evaluation *e, float **value, int64_t *width, uint32_t *kept,
                  size_t *kept_count)
{
    struct bag bag = { .e = e, .kept = kept };
    double since = clock_seconds();
    status result = texts_count(&bag, since);
    if (result == TACIT_OK)
        result = columns_number(&bag, width);
    if (result == TACIT_OK) {
        *value = memory_new_aligned(bag.count, (size_t)*width * sizeof **value);
        result = *value ? TACIT_OK : TACIT_RESOURCES;
    }
    for (size_t i = 0; i < bag.count && result == TACIT_OK; i++) {
        result = sample_read(&bag, kept[i]);
        if (result == TACIT_OK)
            row_fill(&bag, *width, *value + (int64_t)i * *width);
        if (result == TACIT_OK && (i + 1) % BETWEEN == 0 &&
            !evaluation_advance(e, "words: features", (int64_t)i + 1, (int64_t)bag.count, since))
            result = fail(TACIT_STOPPED, "stopped");
    }
    *kept_count = bag.count;
    bag_free(&bag);
    return result;
}
