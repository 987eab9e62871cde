#include "eval/vectors.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "engine/cpu/kernels/kernels.h"
#include "eval/nearest.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

/* ROWS rows of a bank and their scores stay in the second-level cache; what the kernel wants
 * queries to be padded to. */
enum { ROWS = 256, LANES = 16 };

/* One search: what all threads read, and what the n-th of them works in. */
struct pass {
    const struct features *bank;
    const float *unit; /* [queries, padded], zeroes behind `width` */
    int64_t padded, queries, k;
    bool products;           /* norms do not count */
    float *score;            /* [threads, queries + 2, ROWS]: scores, squares, inverse norms */
    uint64_t *candidate;     /* [threads, queries, capacity] */
    struct nearest *nearest; /* [threads, queries] */
    atomic_int threads, outcome;
    atomic_llong bad; /* a row that is not finite, or -1 */
};

/* 1 / max(||x||, 1e-12), in double where the sum of squares has left the range of floats. */
static float inverse_norm(const float *x, float squares, int64_t width, bool *usable)
{
    double sum = squares;
    if (!(squares > 1e-30f && squares < 1e30f)) {
        sum = 0;
        for (int64_t j = 0; j < width; j++)
            sum += (double)x[j] * x[j];
    }
    *usable = isfinite(sum) && sum <= 1e60;
    return (float)(1 / fmax(sqrt(sum), 1e-12));
}

static status pass_block(struct pass *pass, int rank, int64_t first, int64_t rows)
{
    int64_t width = pass->bank->width, queries = pass->queries;
    float *score = pass->score + rank * (queries + 2) * ROWS, *squares = score + queries * ROWS;
    float *inverse = squares + ROWS;
    const float *row = pass->bank->value + first * width;
    kernels()->dots(row, rows, width, pass->unit, pass->padded, queries, squares, score);
    for (int64_t i = 0; i < rows; i++) {
        bool usable;
        inverse[i] = inverse_norm(row + i * width, squares[i], width, &usable);
        inverse[i] = pass->products ? 1 : inverse[i];
        if (!usable) {
            atomic_store(&pass->bad, first + i);
            return TACIT_BAD_DATA;
        }
    }
    for (int64_t q = 0; q < queries; q++)
        nearest_offer(&pass->nearest[rank * queries + q], score + q * rows, inverse, rows,
                      (uint32_t)first);
    return TACIT_OK;
}

static void pass_range(void *argument, int64_t begin, int64_t end)
{
    struct pass *pass = argument;
    int rank = atomic_fetch_add(&pass->threads, 1);
    int64_t capacity = nearest_capacity(pass->k), queries = pass->queries;
    for (int64_t q = 0; q < queries; q++)
        pass->nearest[rank * queries + q] =
            nearest_begin(pass->candidate + (rank * queries + q) * capacity, pass->k);
    for (int64_t first = begin; first < end && atomic_load(&pass->outcome) == TACIT_OK;
         first += ROWS) {
        status outcome = pass_block(pass, rank, first, end - first < ROWS ? end - first : ROWS);
        if (outcome != TACIT_OK)
            atomic_store(&pass->outcome, outcome);
    }
    for (int64_t q = 0; q < queries; q++)
        nearest_finish(&pass->nearest[rank * queries + q]);
}

/* The best of what all threads found; a candidate's number is its order. */
static void pass_merge(struct pass *pass, int64_t *next, uint32_t *index, float *cosine)
{
    int threads = atomic_load(&pass->threads);
    for (int64_t q = 0; q < pass->queries; q++) {
        memset(next, 0, (size_t)threads * sizeof *next);
        for (int64_t j = 0; j < pass->k; j++) {
            uint64_t best = 0;
            int from = 0;
            for (int t = 0; t < threads; t++) {
                const struct nearest *found = &pass->nearest[t * pass->queries + q];
                if (next[t] < found->count && found->candidate[next[t]] > best) {
                    best = found->candidate[next[t]];
                    from = t;
                }
            }
            next[from]++;
            index[q * pass->k + j] = nearest_index(best);
            if (cosine)
                cosine[q * pass->k + j] = nearest_score(best);
        }
    }
}

static status pass_run(struct pass *pass, int64_t *next, uint32_t *index, float *cosine)
{
    double cost = (double)pass->bank->width * (0.01 + 0.02 * (double)pass->queries);
    parallel_for(pass->bank->count, cost, pass_range, pass);
    int64_t bad = atomic_load(&pass->bad);
    if (bad >= 0)
        return fail(TACIT_BAD_DATA, "the vector of sample %lld is not finite or too large",
                    (long long)bad);
    if (atomic_load(&pass->outcome) != TACIT_OK)
        return fail(atomic_load(&pass->outcome), "no memory for a matrix product");
    pass_merge(pass, next, index, cosine);
    return TACIT_OK;
}

static status units_make(const struct features *queries, int64_t padded, bool products, float *unit)
{
    float *inverse = memory_new((size_t)queries->count, sizeof *inverse);
    status result = inverse ? features_inverse_norms(queries, "queries", inverse) : TACIT_RESOURCES;
    for (int64_t i = 0; result == TACIT_OK && i < queries->count; i++)
        for (int64_t j = 0; j < padded; j++)
            unit[i * padded + j] = j < queries->width ? queries->value[i * queries->width + j] *
                                                            (products ? 1 : inverse[i])
                                                      : 0;
    memory_free(inverse);
    return result;
}

status vectors_search(const struct features *bank, const struct features *queries, int64_t k,
                      bool products, uint32_t *index, float *cosine)
{
    size_t threads = (size_t)parallel_threads(), count = (size_t)queries->count;
    int64_t padded = (bank->width + LANES - 1) / LANES * LANES;
    float *unit = memory_new_aligned(count, (size_t)padded * sizeof *unit);
    int64_t *next = memory_new(threads, sizeof *next);
    struct pass pass = {
        .bank = bank,
        .unit = unit,
        .padded = padded,
        .queries = queries->count,
        .k = k,
        .products = products,
        .score = memory_new_aligned(threads * (count + 2), ROWS * sizeof(float)),
        .candidate =
            memory_new_aligned(threads * count, (size_t)nearest_capacity(k) * sizeof(uint64_t)),
        .nearest = memory_new(threads * count, sizeof(struct nearest)),
        .bad = -1,
    };
    status result =
        unit && next && pass.score && pass.candidate && pass.nearest ? TACIT_OK : TACIT_RESOURCES;
    if (result == TACIT_OK)
        result = units_make(queries, padded, products, unit);
    if (result == TACIT_OK)
        result = pass_run(&pass, next, index, cosine);
    memory_free_aligned(unit);
    memory_free(next);
    memory_free_aligned(pass.score);
    memory_free_aligned(pass.candidate);
    memory_free(pass.nearest);
    return result;
}
