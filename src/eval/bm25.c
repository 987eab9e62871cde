#include "eval/bm25.h"
#include "base/map.h"
#include "base/memory.h"
#include "eval/nearest.h"

#include <math.h>
#include <string.h>

/* A document with a word, and how often. */
struct posting {
    uint32_t document, times;
};

struct postings {
    struct posting *posting;
    size_t count, capacity;
};

struct bm25 {
    struct bm25_settings settings;
    struct arena words;
    struct map number; /* of a word in `term` */
    struct postings *term;
    size_t terms, term_capacity;
    uint32_t *length; /* words of a document */
    size_t documents, capacity;
    double total; /* words of all */
    bool expecting;
};

status bm25_new(const struct bm25_settings *settings, struct bm25 **index)
{
    *index = memory_new(1, sizeof **index);
    if (!*index)
        return TACIT_RESOURCES;
    (*index)->settings = *settings;
    return TACIT_OK;
}

void bm25_free(struct bm25 *index)
{
    if (!index)
        return;
    for (size_t i = 0; i < index->terms; i++)
        memory_free(index->term[i].posting);
    memory_free(index->term);
    memory_free(index->length);
    map_free(&index->number);
    arena_free(&index->words);
    memory_free(index);
}

static status term_new(struct bm25 *index, const char *word, int64_t *number)
{
    void *block = index->term;
    if (!memory_reserve(&block, &index->term_capacity, index->terms, sizeof *index->term))
        return TACIT_RESOURCES;
    index->term = block;
    const char *kept = arena_text(&index->words, "%s", word);
    if (!kept || !map_set(&index->number, kept, (int64_t)index->terms))
        return fail(TACIT_RESOURCES, "no memory for the words of the texts");
    index->term[index->terms] = (struct postings){ 0 };
    *number = (int64_t)index->terms++;
    return TACIT_OK;
}

static status word_expect(void *argument, const char *word, size_t length)
{
    struct bm25 *index = argument;
    int64_t number = map_get(&index->number, word);
    (void)length;
    return number < 0 ? term_new(index, word, &number) : TACIT_OK;
}

status bm25_expect(struct bm25 *index, struct text_view query)
{
    index->expecting = true;
    return words_each(query, index->settings.rule, word_expect, index);
}

static status word_add(void *argument, const char *word, size_t length)
{
    struct bm25 *index = argument;
    int64_t number = map_get(&index->number, word);
    uint32_t document = (uint32_t)index->documents;
    (void)length;
    index->length[document]++;
    if (number < 0 && index->expecting)
        return TACIT_OK;
    if (number < 0)
        TRY(term_new(index, word, &number));
    struct postings *list = &index->term[number];
    if (list->count && list->posting[list->count - 1].document == document) {
        list->posting[list->count - 1].times++;
        return TACIT_OK;
    }
    void *block = list->posting;
    if (!memory_reserve(&block, &list->capacity, list->count, sizeof *list->posting))
        return TACIT_RESOURCES;
    list->posting = block;
    list->posting[list->count++] = (struct posting){ document, 1 };
    return TACIT_OK;
}

status bm25_add(struct bm25 *index, struct text_view document)
{
    void *block = index->length;
    if (index->documents == UINT32_MAX)
        return fail(TACIT_RESOURCES, "more than %u texts cannot be searched", UINT32_MAX);
    if (!memory_reserve(&block, &index->capacity, index->documents, sizeof *index->length))
        return TACIT_RESOURCES;
    index->length = block;
    index->length[index->documents] = 0;
    TRY(words_each(document, index->settings.rule, word_add, index));
    index->total += index->length[index->documents];
    index->documents++;
    return TACIT_OK;
}

uint32_t bm25_count(const struct bm25 *index)
{
    return (uint32_t)index->documents;
}

struct scoring {
    const struct bm25 *index;
    float *score; /* [documents] */
};

static status word_score(void *argument, const char *word, size_t length)
{
    const struct scoring *scoring = argument;
    const struct bm25 *index = scoring->index;
    int64_t number = map_get(&index->number, word);
    (void)length;
    if (number < 0)
        return TACIT_OK;
    const struct postings *list = &index->term[number];
    double all = (double)index->documents, with = (double)list->count;
    double k1 = index->settings.k1, b = index->settings.b, mean = index->total / all;
    double rarity = log1p((all - with + 0.5) / (with + 0.5));
    for (size_t i = 0; i < list->count; i++) {
        uint32_t document = list->posting[i].document;
        double times = list->posting[i].times;
        double size = k1 * (1 - b + b * index->length[document] / mean);
        scoring->score[document] += (float)(rarity * times / (times + size));
    }
    return TACIT_OK;
}

status bm25_search(const struct bm25 *index, struct text_view query, int64_t k, uint32_t *document,
                   float *score, int64_t *found)
{
    enum { BLOCK = 4096 };
    struct scoring scoring = { index, memory_new(index->documents + BLOCK, sizeof(float)) };
    float *ones = scoring.score ? scoring.score + index->documents : NULL;
    uint64_t *candidate = memory_new((size_t)nearest_capacity(k), sizeof *candidate);
    status result = scoring.score && candidate
                        ? words_each(query, index->settings.rule, word_score, &scoring)
                        : TACIT_RESOURCES;
    struct nearest nearest = nearest_begin(candidate, k);
    nearest.threshold = 0; /* only texts with a word of the query */
    for (int i = 0; ones && i < BLOCK; i++)
        ones[i] = 1;
    for (size_t first = 0; first < index->documents && result == TACIT_OK; first += BLOCK) {
        size_t left = index->documents - first;
        nearest_offer(&nearest, scoring.score + first, ones, (int64_t)(left < BLOCK ? left : BLOCK),
                      (uint32_t)first);
    }
    if (result == TACIT_OK)
        nearest_finish(&nearest);
    *found = result == TACIT_OK ? nearest.count < k ? nearest.count : k : 0;
    for (int64_t i = 0; i < *found; i++) {
        document[i] = nearest_index(candidate[i]);
        score[i] = nearest_score(candidate[i]);
    }
    memory_free(scoring.score);
    memory_free(candidate);
    return result;
}
