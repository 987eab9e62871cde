#include "eval/knn.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "eval/nearest.h"
#include "eval/vectors.h"
#include "engine/cpu/product.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

const struct knn_settings knn_defaults = { .k = 200, .temperature = .1 };

/* A block of scores [QUERY_BLOCK, BANK_BLOCK] f32 is 1 MiB and stays in the second-level cache
 * between the product that writes it and the selection that reads it once. */
enum { QUERY_BLOCK = 512, BANK_BLOCK = 512, CANDIDATE_BYTES = 16 << 20 };

/* One search: what all threads read, and what the n-th of them works in. */
struct search {
    const struct features *bank, *queries;
    const float *bank_inverse, *query_inverse;
    int64_t k, block;
    bool products; /* norms do not count */
    uint32_t *index;
    float *cosine;
    float *unit;             /* [threads, block, width] */
    float *score;            /* [threads, block, BANK_BLOCK] */
    uint64_t *candidate;     /* [threads, block, capacity] */
    struct nearest *nearest; /* [threads, block] */
    atomic_int threads, outcome;
};

/* The unit vectors of queries begin … begin + count - 1. */
static void unit_rows(const struct search *search, int64_t begin, int64_t count, float *unit)
{
    int64_t width = search->queries->width;
    for (int64_t i = 0; i < count; i++) {
        const float *row = search->queries->value + (begin + i) * width;
        float inverse = search->query_inverse[begin + i];
        for (int64_t j = 0; j < width; j++)
            unit[i * width + j] = row[j] * inverse;
    }
}

static void write_neighbours(const struct search *search, struct nearest *nearest, int64_t query)
{
    nearest_finish(nearest);
    for (int64_t j = 0; j < search->k; j++) {
        search->index[query * search->k + j] = nearest_index(nearest->candidate[j]);
        if (search->cosine)
            search->cosine[query * search->k + j] = nearest_score(nearest->candidate[j]);
    }
}

/* Queries begin … begin + count - 1 against the whole bank, in the memory of thread `rank`. */
static status search_block(const struct search *search, int rank, int64_t begin, int64_t count)
{
    int64_t width = search->queries->width, capacity = nearest_capacity(search->k);
    float *unit = search->unit + rank * search->block * width;
    float *score = search->score + rank * search->block * BANK_BLOCK;
    uint64_t *candidate = search->candidate + rank * search->block * capacity;
    struct nearest *nearest = search->nearest + rank * search->block;
    unit_rows(search, begin, count, unit);
    for (int64_t i = 0; i < count; i++)
        nearest[i] = nearest_begin(candidate + i * capacity, search->k);
    for (int64_t first = 0; first < search->bank->count; first += BANK_BLOCK) {
        int64_t left = search->bank->count - first, rows = left < BANK_BLOCK ? left : BANK_BLOCK;
        TRY(product(false, true, count, rows, width, unit, search->bank->value + first * width,
                    score));
        for (int64_t i = 0; i < count; i++)
            nearest_offer(&nearest[i], score + i * rows, search->bank_inverse + first, rows,
                          (uint32_t)first);
    }
    for (int64_t i = 0; i < count; i++)
        write_neighbours(search, &nearest[i], begin + i);
    return TACIT_OK;
}

static void search_range(void *argument, int64_t begin, int64_t end)
{
    struct search *search = argument;
    int rank = atomic_fetch_add(&search->threads, 1);
    int64_t blocks = (end - begin + search->block - 1) / search->block;
    for (int64_t i = 0; i < blocks && atomic_load(&search->outcome) == TACIT_OK; i++) {
        int64_t from = begin + (end - begin) * i / blocks;
        int64_t to = begin + (end - begin) * (i + 1) / blocks;
        status outcome = search_block(search, rank, from, to - from);
        if (outcome != TACIT_OK)
            atomic_store(&search->outcome, outcome);
    }
}

static status search_check(const struct features *bank, const struct features *queries, int64_t k)
{
    TRY(features_check(bank, "bank of nearest neighbours", 0));
    TRY(features_check(queries, "set of queries", 0));
    if (bank->width != queries->width)
        return fail(
            TACIT_BAD_DATA,
            "the bank has %lld features and the queries %lld: embed both with the same model",
            (long long)bank->width, (long long)queries->width);
    if (k < 1 || k > bank->count)
        return fail(TACIT_USAGE,
                    "k=%lld neighbours of a bank of %lld samples: k must be from 1 to %lld",
                    (long long)k, (long long)bank->count, (long long)bank->count);
    if (bank->count > UINT32_MAX)
        return fail(TACIT_USAGE, "a bank of %lld samples is too large: at most %u",
                    (long long)bank->count, UINT32_MAX);
    return TACIT_OK;
}

static void search_free(struct search *search, float *inverse)
{
    memory_free(inverse);
    memory_free_aligned(search->unit);
    memory_free_aligned(search->score);
    memory_free_aligned(search->candidate);
    memory_free(search->nearest);
}

static status search_run(struct search *search, float *inverse)
{
    TRY(features_inverse_norms(search->bank, "bank", inverse));
    TRY(features_inverse_norms(search->queries, "queries", inverse + search->bank->count));
    for (int64_t i = 0; search->products && i < search->bank->count + search->queries->count; i++)
        inverse[i] = 1;
    double cost = 2.0 * (double)search->bank->count * (double)search->bank->width / 50;
    parallel_for(search->queries->count, cost, search_range, search);
    if (atomic_load(&search->outcome) != TACIT_OK)
        return fail(atomic_load(&search->outcome),
                    "the search for neighbours failed: no memory for a matrix product");
    return TACIT_OK;
}

static status search_all(const struct features *bank, const struct features *queries, int64_t k,
                         bool products, uint32_t *index, float *cosine)
{
    TRY(search_check(bank, queries, k));
    if (queries->count <= VECTORS_FEW &&
        queries->count * nearest_capacity(k) * (int64_t)sizeof(uint64_t) <= CANDIDATE_BYTES)
        return vectors_search(bank, queries, k, products, index, cosine);
    int64_t room = CANDIDATE_BYTES / (nearest_capacity(k) * (int64_t)sizeof(uint64_t));
    int64_t block = room < 1 ? 1 : room < QUERY_BLOCK ? room : QUERY_BLOCK;
    if (block > queries->count)
        block = queries->count;
    size_t rows = (size_t)parallel_threads() * (size_t)block;
    float *inverse = memory_new((size_t)bank->count + (size_t)queries->count, sizeof *inverse);
    struct search search = {
        .bank = bank,
        .queries = queries,
        .bank_inverse = inverse,
        .query_inverse = inverse ? inverse + bank->count : NULL,
        .k = k,
        .block = block,
        .products = products,
        .index = index,
        .cosine = cosine,
        .unit = memory_new_aligned(rows, (size_t)bank->width * sizeof(float)),
        .score = memory_new_aligned(rows, BANK_BLOCK * sizeof(float)),
        .candidate = memory_new_aligned(rows, (size_t)nearest_capacity(k) * sizeof(uint64_t)),
        .nearest = memory_new(rows, sizeof(struct nearest)),
    };
    bool complete = inverse && search.unit && search.score && search.candidate && search.nearest;
    status outcome = complete ? search_run(&search, inverse) : TACIT_RESOURCES;
    search_free(&search, inverse);
    return outcome;
}

status knn_search(const struct features *bank, const struct features *queries, int64_t k,
                  uint32_t *index, float *cosine)
{
    return search_all(bank, queries, k, false, index, cosine);
}

status knn_products(const struct features *bank, const struct features *queries, int64_t k,
                    uint32_t *index, float *product)
{
    return search_all(bank, queries, k, true, index, product);
}

/* The votes of one query's neighbours, relative to exp(best / T) so that nothing overflows. */
static int32_t vote(const int32_t *label, const uint32_t *index, const float *cosine,
                    const struct knn_settings *settings, int32_t classes, double *votes)
{
    memset(votes, 0, (size_t)classes * sizeof *votes);
    for (int64_t j = 0; j < settings->k; j++)
        votes[label[index[j]]] += exp(((double)cosine[j] - cosine[0]) / settings->temperature);
    int32_t winner = 0;
    for (int32_t c = 1; c < classes; c++)
        if (votes[c] > votes[winner])
            winner = c;
    return winner;
}

status knn_classify(const struct features *bank, const struct features *queries, int32_t classes,
                    const struct knn_settings *settings, int32_t *predicted)
{
    if (!(settings->temperature > 0))
        return fail(TACIT_USAGE, "temperature=%g: must be above 0", settings->temperature);
    TRY(search_check(bank, queries, settings->k));
    TRY(features_check(bank, "bank of nearest neighbours", classes));
    if (features_one_class(bank))
        return fail(TACIT_BAD_DATA, "the bank of nearest neighbours has one class only: nothing to "
                                    "tell apart; give labels of two classes or more");
    size_t found;
    if (!size_multiply((size_t)queries->count, (size_t)settings->k, &found))
        return fail(TACIT_RESOURCES, "too many neighbours: %lld queries, k=%lld",
                    (long long)queries->count, (long long)settings->k);
    uint32_t *index = memory_new(found, sizeof *index);
    float *cosine = memory_new(found, sizeof *cosine);
    double *votes = memory_new((size_t)classes, sizeof *votes);
    status outcome = TACIT_RESOURCES;
    if (index && cosine && votes)
        outcome = knn_search(bank, queries, settings->k, index, cosine);
    for (int64_t i = 0; outcome == TACIT_OK && i < queries->count; i++)
        predicted[i] = vote(bank->label, index + i * settings->k, cosine + i * settings->k,
                            settings, classes, votes);
    memory_free(index);
    memory_free(cosine);
    memory_free(votes);
    return outcome;
}
