#include "eval/nearest.h"

#include <math.h>
#include <string.h>

enum { GROUP = 32 };

int64_t nearest_capacity(int64_t k)
{
    return 2 * k + GROUP;
}

struct nearest nearest_begin(uint64_t *candidate, int64_t k)
{
    return (struct nearest){ candidate, 0, nearest_capacity(k), k, -INFINITY };
}

/* IEEE numbers sort as integers once negative ones are complemented and positive ones get the
 * sign bit. Adding 0 makes -0 and +0 the same score. */
static uint64_t candidate_new(float score, uint32_t index)
{
    uint32_t bits;
    score += 0.0f;
    memcpy(&bits, &score, sizeof bits);
    bits = bits >> 31 ? ~bits : bits | 0x80000000u;
    return (uint64_t)bits << 32 | (uint32_t)~index;
}

uint32_t nearest_index(uint64_t candidate)
{
    return ~(uint32_t)candidate;
}

float nearest_score(uint64_t candidate)
{
    uint32_t bits = (uint32_t)(candidate >> 32);
    float score;
    bits = bits >> 31 ? bits & 0x7fffffffu : ~bits;
    memcpy(&score, &bits, sizeof score);
    return score;
}

static void swap(uint64_t *a, uint64_t *b)
{
    uint64_t kept = *a;
    *a = *b;
    *b = kept;
}

/* Hoare's partition of [low, high] around the median of three: all of [low, result] are at least
 * as large as all of [result + 1, high]. */
static int64_t partition(uint64_t *a, int64_t low, int64_t high)
{
    int64_t middle = low + (high - low) / 2;
    if (a[middle] > a[low])
        swap(&a[middle], &a[low]);
    if (a[high] > a[low])
        swap(&a[high], &a[low]);
    if (a[high] > a[middle])
        swap(&a[high], &a[middle]);
    uint64_t pivot = a[middle];
    int64_t i = low - 1, j = high + 1;
    for (;;) {
        do
            i++;
        while (a[i] > pivot);
        do
            j--;
        while (a[j] < pivot);
        if (i >= j)
            return j;
        swap(&a[i], &a[j]);
    }
}

/* The k largest to the front, in no order (Hoare's selection). */
static void select_largest(uint64_t *a, int64_t count, int64_t k)
{
    int64_t low = 0, high = count - 1;
    while (low < high) {
        int64_t middle = partition(a, low, high);
        if (k - 1 <= middle)
            high = middle;
        else
            low = middle + 1;
    }
}

static void sort_insertion(uint64_t *a, int64_t low, int64_t high)
{
    for (int64_t i = low + 1; i <= high; i++) {
        uint64_t moving = a[i];
        int64_t j = i;
        for (; j > low && a[j - 1] < moving; j--)
            a[j] = a[j - 1];
        a[j] = moving;
    }
}

/* Descending quicksort; the smaller side recurses, so that the stack stays logarithmic. */
static void sort_descending(uint64_t *a, int64_t low, int64_t high)
{
    while (high - low > 16) {
        int64_t middle = partition(a, low, high);
        if (middle - low < high - middle) {
            sort_descending(a, low, middle);
            low = middle + 1;
        } else {
            sort_descending(a, middle + 1, high);
            high = middle;
        }
    }
    sort_insertion(a, low, high);
}

static void nearest_prune(struct nearest *nearest)
{
    select_largest(nearest->candidate, nearest->count, nearest->k);
    nearest->count = nearest->k;
    uint64_t least = nearest->candidate[0];
    for (int64_t i = 1; i < nearest->k; i++)
        if (nearest->candidate[i] < least)
            least = nearest->candidate[i];
    nearest->threshold = nearest_score(least);
}

/* Whether any of GROUP products exceeds the threshold; one body, compiled per instruction set. */
static inline __attribute__((always_inline)) int group_exceeds(const float *score,
                                                               const float *scale, float threshold)
{
    int above = 0;
    for (int i = 0; i < GROUP; i++)
        above |= score[i] * scale[i] > threshold;
    return above;
}

/* The first group from `begin` that holds a score above the threshold, or `groups`. */
typedef int64_t scan(const float *score, const float *scale, float threshold, int64_t begin,
                     int64_t groups);

static inline __attribute__((always_inline)) int64_t
scan_body(const float *score, const float *scale, float threshold, int64_t begin, int64_t groups)
{
    while (begin < groups &&
           !group_exceeds(score + begin * GROUP, scale + begin * GROUP, threshold))
        begin++;
    return begin;
}

static int64_t scan_portable(const float *score, const float *scale, float threshold, int64_t begin,
                             int64_t groups)
{
    return scan_body(score, scale, threshold, begin, groups);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static int64_t
scan_avx2(const float *score, const float *scale, float threshold, int64_t begin, int64_t groups)
{
    return scan_body(score, scale, threshold, begin, groups);
}
#endif

/* Comparisons do not round, so that the choice of instruction set does not change the result. */
static scan *scan_choose(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        return scan_avx2;
#endif
    return scan_portable;
}

static void nearest_offer_each(struct nearest *nearest, const float *score, const float *scale,
                               int64_t count, uint32_t first)
{
    for (int64_t i = 0; i < count; i++) {
        float scaled = score[i] * scale[i];
        if (scaled > nearest->threshold)
            nearest->candidate[nearest->count++] = candidate_new(scaled, first + (uint32_t)i);
    }
    if (nearest->count > nearest->capacity - GROUP)
        nearest_prune(nearest);
}

void nearest_offer(struct nearest *nearest, const float *score, const float *scale, int64_t count,
                   uint32_t first)
{
    scan *next = scan_choose();
    int64_t groups = count / GROUP;
    for (int64_t group = 0; group < groups; group++) {
        group = next(score, scale, nearest->threshold, group, groups);
        if (group < groups)
            nearest_offer_each(nearest, score + group * GROUP, scale + group * GROUP, GROUP,
                               first + (uint32_t)(group * GROUP));
    }
    int64_t done = groups * GROUP;
    nearest_offer_each(nearest, score + done, scale + done, count - done, first + (uint32_t)done);
}

void nearest_finish(struct nearest *nearest)
{
    if (nearest->count > nearest->k)
        nearest_prune(nearest);
    sort_descending(nearest->candidate, 0, nearest->count - 1);
}
