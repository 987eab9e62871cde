#include "eval/sample.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Likelier first, ties by id: one order, whatever qsort does. */
static int likelier(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->logit != y->logit)
        return x->logit < y->logit ? 1 : -1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The k-th largest logit, k from 1: Hoare's quickselect; it changes the order. */
static float select_largest(struct candidate *candidate, int64_t count, int64_t k)
{
    int64_t low = 0, high = count - 1;
    while (low < high) {
        float pivot = candidate[low + (high - low) / 2].logit;
        int64_t i = low, j = high;
        while (i <= j) {
            while (candidate[i].logit > pivot)
                i++;
            while (candidate[j].logit < pivot)
                j--;
            if (i > j)
                break;
            struct candidate swapped = candidate[i];
            candidate[i++] = candidate[j];
            candidate[j--] = swapped;
        }
        if (k - 1 <= j)
            high = j;
        else if (k - 1 >= i)
            low = i;
        else
            break;
    }
    return candidate[k - 1].logit;
}

static int64_t keep_at_least(struct candidate *candidate, int64_t count, float logit)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++)
        if (candidate[i].logit >= logit)
            candidate[kept++] = candidate[i];
    return kept;
}

/* Fills the weights, e^(logit - largest), and returns their sum. */
static double weigh(struct candidate *candidate, int64_t count)
{
    float largest = candidate[0].logit;
    double total = 0;
    for (int64_t i = 1; i < count; i++)
        largest = fmaxf(largest, candidate[i].logit);
    for (int64_t i = 0; i < count; i++)
        total += candidate[i].weight = exp((double)candidate[i].logit - (double)largest);
    return total;
}

/* Tokens below (1 - p) / count make up less than 1 - p together: none of them is needed, and few
 * are left to be sorted. */
static int64_t keep_nucleus(struct candidate *candidate, int64_t count, double top_p)
{
    double total = weigh(candidate, count), least = (1 - top_p) / (double)count * total,
           reached = 0;
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++)
        if (candidate[i].weight >= least)
            candidate[kept++] = candidate[i];
    qsort(candidate, (size_t)kept, sizeof *candidate, likelier);
    for (int64_t i = 0; i < kept; i++) {
        reached += candidate[i].weight;
        if (reached >= top_p * total)
            return i + 1;
    }
    return kept;
}

static uint32_t likeliest(const struct candidate *candidate, int64_t count)
{
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++)
        if (candidate[i].logit > candidate[best].logit)
            best = i;
    return candidate[best].id;
}

static uint32_t largest_of(const float *logits, int64_t count)
{
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++)
        if (logits[i] > logits[best])
            best = i;
    return (uint32_t)best;
}

static status logits_check(const float *logits, int64_t count)
{
    float wrong = 0;
    for (int64_t i = 0; i < count; i++)
        wrong += logits[i] * 0;
    return wrong == 0 ? TACIT_OK
                      : fail(TACIT_NUMERIC, "the network gives a score that is not finite: it has "
                                            "diverged, or its file is damaged");
}

static void penalise(const struct sampling *sampling, const float *logits, const uint32_t *seen,
                     size_t seen_count, struct candidate *candidate)
{
    float penalty = (float)sampling->repetition_penalty;
    for (size_t i = 0; i < seen_count; i++) {
        float logit = logits[seen[i]];
        candidate[seen[i]].logit = logit > 0 ? logit / penalty : logit * penalty;
    }
}

status sample_token(const struct sampling *sampling, const float *logits, int64_t vocabulary,
                    const uint32_t *seen, size_t seen_count, double draw,
                    struct candidate *candidate, uint32_t *token)
{
    int64_t count = vocabulary;
    bool penalised = sampling->repetition_penalty != 1;
    TRY(logits_check(logits, count));
    if (sampling->temperature <= 0 && !penalised) {
        *token = largest_of(logits, count);
        return TACIT_OK;
    }
    for (int64_t i = 0; i < count; i++)
        candidate[i] = (struct candidate){ (uint32_t)i, logits[i], 0 };
    if (penalised)
        penalise(sampling, logits, seen, seen_count, candidate);
    if (sampling->temperature <= 0) {
        *token = likeliest(candidate, count);
        return TACIT_OK;
    }
    float largest = -INFINITY;
    for (int64_t i = 0; i < count; i++)
        largest = fmaxf(largest, candidate[i].logit);
    for (int64_t i = 0; i < count; i++) /* no temperature makes the largest too large */
        candidate[i].logit =
            (float)(((double)candidate[i].logit - (double)largest) / sampling->temperature);
    if (sampling->top_k > 0 && sampling->top_k < count)
        count = keep_at_least(candidate, count, select_largest(candidate, count, sampling->top_k));
    if (sampling->top_p < 1)
        count = keep_nucleus(candidate, count, sampling->top_p);
    double left = draw * weigh(candidate, count);
    int64_t chosen = 0;
    while (chosen < count - 1 && left >= candidate[chosen].weight)
        left -= candidate[chosen++].weight;
    while (chosen > 0 && candidate[chosen].weight <= 0)
        chosen--;
    *token = candidate[chosen].id;
    return TACIT_OK;
}
