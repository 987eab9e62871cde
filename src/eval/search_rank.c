/* The ranking of texts: by words, by vectors, by both. */
#include "base/clock.h"
#include "eval/knn.h"
#include "eval/search.h"
#include "train/session.h"

#include <stdlib.h>
#include <string.h>

enum { FUSION_RANK = 60, FUSION_DEPTH = 1000 };

static bool search_advance(const struct search *search, const char *phase, size_t done,
                           size_t count)
{
    tacit_progress progress = progress_unknown(phase);
    progress.step = (int64_t)done;
    progress.steps = (int64_t)count;
    progress.seconds = clock_seconds() - search->start;
    tell_progress(&search->audience, &progress);
    return !asked_to_stop(&search->audience);
}

static status ranking_new(struct ranking *ranking, size_t queries, int64_t depth)
{
    *ranking = (struct ranking){ .sample = memory_new(queries, (size_t)depth * sizeof(uint32_t)),
                                 .score = memory_new(queries, (size_t)depth * sizeof(float)),
                                 .found = memory_new(queries, sizeof(int64_t)),
                                 .depth = depth };
    return ranking->sample && ranking->score && ranking->found ? TACIT_OK : TACIT_RESOURCES;
}

void ranking_free(struct ranking *ranking)
{
    memory_free(ranking->sample);
    memory_free(ranking->score);
    memory_free(ranking->found);
    *ranking = (struct ranking){ 0 };
}

/* ---- by words ---- */

/* All texts of a sample count as one. */
static status document_add(struct search *search, size_t sample)
{
    struct text whole = { 0 };
    status result = TACIT_OK;
    for (int side = 0; side < search->source->texts && result == TACIT_OK; side++) {
        struct bytes text;
        result = source_texts(search->source, sample, side, &text);
        if (result == TACIT_OK) {
            text_append_bytes(&whole, text.bytes, text.size);
            result = text_append(&whole, "\n");
        }
        bytes_free(&text);
    }
    if (result == TACIT_BAD_DATA) { /* it keeps its number, without words */
        text_clear(&whole);
        result = source_health(search->source);
    }
    if (result == TACIT_OK)
        result = bm25_add(search->words, (struct text_view){ text_string(&whole), whole.length });
    text_free(&whole);
    return result;
}

static struct text_view query_view(const struct search *search, size_t query)
{
    return (struct text_view){ search->query[query].bytes, search->query[query].size };
}

static status words_make(struct search *search)
{
    const struct config *config = search->config;
    struct bm25_settings settings = { .k1 = config_real(config, "k1"),
                                      .b = config_real(config, "b"),
                                      .rule = (enum word_rule)config_choice(config, "words") };
    size_t count = search->source ? search->source->count : 0;
    if (!search->source || search->source->kind != SAMPLE_TEXT)
        return fail(TACIT_USAGE,
                    "%s: by=bm25 needs the texts: say where they are with data=", search->thing);
    TRY(bm25_new(&settings, &search->words));
    for (size_t i = 0; i < search->queries; i++)
        TRY(bm25_expect(search->words, query_view(search, i)));
    for (size_t i = 0; i < count; i++) {
        TRY(document_add(search, i));
        if (i % 1024 == 1023 && !search_advance(search, "words", i + 1, count))
            return fail(TACIT_STOPPED, "stopped");
    }
    return TACIT_OK;
}

static status rank_words(struct search *search, struct ranking *ranking)
{
    if (!search->words)
        TRY(words_make(search));
    for (size_t i = 0; i < search->queries; i++)
        TRY(bm25_search(search->words, query_view(search, i), ranking->depth,
                        ranking->sample + i * (size_t)ranking->depth,
                        ranking->score + i * (size_t)ranking->depth, &ranking->found[i]));
    return TACIT_OK;
}

/* ---- by vectors ---- */

static bool texts_advance(void *argument, size_t done, size_t count)
{
    return search_advance(argument, "embed", done, count);
}

static status pooling_settle(struct search *search, struct model_file *model)
{
    const struct config *config = search->config;
    search->products = model->products;
    if (!config_automatic(config, "pooling"))
        model->method.pooling = (enum text_pooling)config_choice(config, "pooling");
    else if (search->described)
        for (int i = 0; pooling_names[i]; i++)
            if (strcmp(pooling_names[i], search->about.pooling) == 0)
                model->method.pooling = (enum text_pooling)i;
    return model->input.kind == SAMPLE_TEXT
               ? TACIT_OK
               : fail(TACIT_USAGE, "%s: is a model of pictures; words cannot be embedded by it",
                      model->path);
}

static status same_model(const struct search *search, const struct model_file *model,
                         const struct store *store, int64_t width)
{
    char mark[17];
    model_fingerprint(store, mark);
    if (search->is_vectors && search->vectors.shape[1] != width)
        return fail(TACIT_USAGE,
                    "%s has vectors of %lld numbers, %s makes %lld: made by another "
                    "model",
                    search->thing, (long long)search->vectors.shape[1], model->path,
                    (long long)width);
    if (search->described && strcmp(mark, search->about.fingerprint) != 0)
        return fail(TACIT_USAGE,
                    "%s: its vectors were made by another model (%s as it was then) than %s: give "
                    "that model=, or embed the texts again",
                    search->thing, search->about.model, model->path);
    if (search->is_vectors && !search->described)
        tell(&search->audience, TACIT_NOTICE,
             "%s: has no %s.json beside it; whether %s made it cannot be told", search->thing,
             search->thing, model->path);
    return TACIT_OK;
}

/* Vectors of the texts, where there were none. */
static status texts_embed(struct search *search, struct extractor *extractor)
{
    struct source *source = search->source;
    size_t kept = 0;
    uint32_t *index = memory_new(source->count, sizeof *index);
    search->value =
        memory_new_aligned(source->count, (size_t)extractor_width(extractor) * sizeof(float));
    search->kept = memory_new(source->count, sizeof *search->kept);
    for (size_t i = 0; index && i < source->count; i++)
        index[i] = (uint32_t)i;
    status result = index && search->value && search->kept
                        ? extractor_source(extractor, source, index, source->count, texts_advance,
                                           search, search->value, search->kept, &kept)
                        : TACIT_RESOURCES;
    search->rows = (int64_t)kept;
    memory_free(index);
    return result;
}

static status queries_embed(struct search *search, struct extractor *extractor)
{
    struct text_view *view = memory_new(search->queries, sizeof *view);
    search->width = extractor_width(extractor);
    search->query_value =
        memory_new_aligned(search->queries, (size_t)search->width * sizeof(float));
    for (size_t i = 0; view && i < search->queries; i++)
        view[i] = query_view(search, i);
    status result = view && search->query_value
                        ? extractor_texts(extractor, view, search->queries, search->query_value)
                        : TACIT_RESOURCES;
    memory_free(view);
    return result;
}

static status model_work(struct search *search, struct model_file *model, struct store *store)
{
    struct target target = { .tune = config_boolean(search->config, "tune") };
    struct extractor *extractor;
    int64_t batch = config_integer(search->config, "batch_size");
    int64_t most = search->is_vectors ? (int64_t)search->queries : batch;
    TRY(pooling_settle(search, model));
    TRY(extractor_new(store, &model->method, &model->input, batch < most ? batch : most,
                      EXTRACT_FEATURES, &target, &extractor));
    status result = model_file_values(model, store);
    if (result == TACIT_OK)
        result = same_model(search, model, store, extractor_width(extractor));
    if (result == TACIT_OK)
        result = queries_embed(search, extractor);
    if (result == TACIT_OK && !search->is_vectors)
        result = texts_embed(search, extractor);
    extractor_free(extractor);
    return result;
}

static status vectors_make(struct search *search)
{
    const char *path = config_value(search->config, "model");
    struct model_file model;
    if (!path || !*path)
        path = search->described ? search->about.model : NULL;
    if (!path)
        return fail(TACIT_USAGE, "model: must be given: the run or model that embeds the query%s",
                    search->is_vectors ? ", the one that made the vectors" : " and the texts");
    TRY(model_file_open(path, &model));
    struct store *store = store_new(0);
    status result = store ? model_work(search, &model, store) : TACIT_RESOURCES;
    store_free(store);
    model_file_close(&model);
    return result;
}

static status rank_vectors(struct search *search, struct ranking *ranking)
{
    if (!search->query_value)
        TRY(vectors_make(search));
    const float *value = search->is_vectors ? search->vectors.data : search->value;
    struct features bank = { value, NULL,
                             search->is_vectors ? search->vectors.shape[0] : search->rows,
                             search->width };
    struct features queries = { search->query_value, NULL, (int64_t)search->queries,
                                search->width };
    const uint32_t *sample = search->is_vectors ? search->row_sample : search->kept;
    int64_t depth = ranking->depth < bank.count ? ranking->depth : bank.count;
    ranking->depth = depth;
    TRY((search->products ? knn_products : knn_search)(&bank, &queries, depth, ranking->sample,
                                                       ranking->score));
    for (size_t i = 0; i < search->queries; i++)
        ranking->found[i] = depth;
    for (size_t i = 0; sample && i < search->queries * (size_t)depth; i++)
        ranking->sample[i] = sample[ranking->sample[i]];
    return TACIT_OK;
}

/* ---- by both ---- */

struct fused {
    double score;
    uint32_t sample;
};

static int sample_order(const void *a, const void *b)
{
    const struct fused *first = a, *second = b;
    return first->sample < second->sample ? -1 : first->sample > second->sample;
}

static int fused_order(const void *a, const void *b)
{
    const struct fused *first = a, *second = b;
    if (first->score != second->score)
        return first->score < second->score ? 1 : -1;
    return sample_order(a, b);
}

static int64_t fuse_one(const struct ranking *const from[2], size_t query, struct fused *fused)
{
    int64_t count = 0, merged = 0;
    for (int r = 0; r < 2; r++)
        for (int64_t j = 0; j < from[r]->found[query]; j++)
            fused[count++] =
                (struct fused){ 1.0 / (FUSION_RANK + (double)j + 1),
                                from[r]->sample[query * (size_t)from[r]->depth + (size_t)j] };
    qsort(fused, (size_t)count, sizeof *fused, sample_order);
    for (int64_t i = 0; i < count; i++) {
        if (merged && fused[merged - 1].sample == fused[i].sample)
            fused[merged - 1].score += fused[i].score;
        else
            fused[merged++] = fused[i];
    }
    qsort(fused, (size_t)merged, sizeof *fused, fused_order);
    return merged;
}

status ranking_fuse(const struct ranking *a, const struct ranking *b, size_t queries,
                    struct ranking *fused)
{
    const struct ranking *const from[2] = { a, b };
    struct fused *all = memory_new((size_t)(a->depth + b->depth), sizeof *all);
    if (!all)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < queries; i++) {
        int64_t count = fuse_one(from, i, all);
        fused->found[i] = count < fused->depth ? count : fused->depth;
        for (int64_t j = 0; j < fused->found[i]; j++) {
            fused->sample[i * (size_t)fused->depth + (size_t)j] = all[j].sample;
            fused->score[i * (size_t)fused->depth + (size_t)j] = (float)all[j].score;
        }
    }
    memory_free(all);
    return TACIT_OK;
}

static status rank_both(struct search *search, struct ranking *ranking)
{
    struct ranking words = { 0 }, vectors = { 0 };
    int64_t depth = ranking->depth > FUSION_DEPTH ? ranking->depth : FUSION_DEPTH;
    int64_t count = (int64_t)search_count(search);
    depth = depth < count ? depth : count;
    status result = ranking_new(&words, search->queries, depth);
    if (result == TACIT_OK)
        result = ranking_new(&vectors, search->queries, depth);
    if (result == TACIT_OK)
        result = rank_words(search, &words);
    if (result == TACIT_OK)
        result = rank_vectors(search, &vectors);
    if (result == TACIT_OK)
        result = ranking_fuse(&words, &vectors, search->queries, ranking);
    ranking_free(&words);
    ranking_free(&vectors);
    return result;
}

status search_rank(struct search *search, enum search_by by, int64_t depth, struct ranking *ranking)
{
    static status (*const rank[])(struct search *, struct ranking *) = {
        [BY_VECTORS] = rank_vectors, [BY_BM25] = rank_words, [BY_HYBRID] = rank_both
    };
    int64_t count = (int64_t)search_count(search);
    TRY(ranking_new(ranking, search->queries, depth < count ? depth : count));
    return rank[by](search, ranking);
}
