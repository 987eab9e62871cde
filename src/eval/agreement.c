#include "eval/agreement.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static double f1_of(int64_t hits, int64_t true_count, int64_t predicted_count)
{
    int64_t total = true_count + predicted_count;
    return total ? 2 * (double)hits / (double)total : 0;
}

status class_agreement(const int32_t *truth, const int32_t *predicted, int64_t count,
                       int32_t classes, struct class_agreement *out)
{
    enum { HITS, TRUE, PREDICTED, COUNTERS };
    int64_t *counter = memory_new((size_t)classes + 1, COUNTERS * sizeof *counter);
    double f1 = 0, recall = 0;
    int64_t met = 0, there = 0;
    *out = (struct class_agreement){ .count = count };
    if (!counter)
        return TACIT_RESOURCES;
    for (int64_t i = 0; i < count; i++) {
        counter[truth[i] * COUNTERS + TRUE]++;
        counter[predicted[i] * COUNTERS + PREDICTED]++;
        counter[truth[i] * COUNTERS + HITS] += truth[i] == predicted[i];
        out->right += truth[i] == predicted[i];
    }
    for (int32_t c = 0; c < classes; c++) {
        const int64_t *of = counter + (int64_t)c * COUNTERS;
        met += of[TRUE] + of[PREDICTED] > 0;
        there += of[TRUE] > 0;
        f1 += f1_of(of[HITS], of[TRUE], of[PREDICTED]);
        recall += of[TRUE] ? (double)of[HITS] / (double)of[TRUE] : 0;
    }
    memory_free(counter);
    out->accuracy = count ? (double)out->right / (double)count : NAN;
    out->macro_f1 = met ? f1 / (double)met : NAN;
    out->balanced = there ? recall / (double)there : NAN;
    return TACIT_OK;
}

double class_f1(const int32_t *truth, const int32_t *predicted, int64_t count, int32_t class)
{
    int64_t hits = 0, true_count = 0, predicted_count = 0;
    for (int64_t i = 0; i < count; i++) {
        true_count += truth[i] == class;
        predicted_count += predicted[i] == class;
        hits += truth[i] == class && predicted[i] == class;
    }
    return f1_of(hits, true_count, predicted_count);
}

double pearson(const double *x, const double *y, int64_t count)
{
    double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
    for (int64_t i = 0; i < count; i++) {
        mean_x += x[i] / (double)count;
        mean_y += y[i] / (double)count;
    }
    for (int64_t i = 0; i < count; i++) {
        double a = x[i] - mean_x, b = y[i] - mean_y;
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    return count > 1 && xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}

struct placed {
    double value;
    int64_t at;
};

static int by_value(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* Ranks from 1; of equal values the mean of theirs. */
static void ranks_fill(const double *value, int64_t count, struct placed *placed, double *rank)
{
    for (int64_t i = 0; i < count; i++)
        placed[i] = (struct placed){ value[i], i };
    qsort(placed, (size_t)count, sizeof *placed, by_value);
    for (int64_t first = 0, last; first < count; first = last) {
        for (last = first; last < count && placed[last].value == placed[first].value;)
            last++;
        for (int64_t i = first; i < last; i++)
            rank[placed[i].at] = (double)(first + last + 1) / 2;
    }
}

status spearman(const double *x, const double *y, int64_t count, double *out)
{
    size_t room = (size_t)count + 1;
    struct placed *placed = memory_new(room, sizeof *placed);
    double *rank_x = memory_new(room, sizeof *rank_x), *rank_y = memory_new(room, sizeof *rank_y);
    status result = placed && rank_x && rank_y ? TACIT_OK : TACIT_RESOURCES;
    *out = NAN;
    if (result == TACIT_OK) {
        ranks_fill(x, count, placed, rank_x);
        ranks_fill(y, count, placed, rank_y);
        *out = pearson(rank_x, rank_y, count);
    }
    memory_free(placed);
    memory_free(rank_x);
    memory_free(rank_y);
    return result;
}
