/* Which keys a query of attention may see, and which of its weights are dropped. */
#ifndef ENGINE_CPU_KERNELS_ATTENTION_SIGHT_H
#define ENGINE_CPU_KERNELS_ATTENTION_SIGHT_H

#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/vector.h"

#include <math.h>

INLINE int64_t whole_of(int64_t count, int64_t of)
{
    return (count + of - 1) / of * of;
}

/* Keys that query i may see by its place: [first, last). */
INLINE void sight(const struct attention_work *work, int64_t i, int64_t *first, int64_t *last)
{
    *last = work->causal ? i + 1 : work->length;
    *first = work->band && i + 1 > work->band ? i + 1 - work->band : 0;
}

/* The strip of a block of queries: whole vectors of `lanes` that hold all that any of them sees. */
INLINE void strip(const struct attention_work *work, int64_t start, int64_t count, int64_t lanes,
                  int64_t *first, int64_t *last)
{
    int64_t unused;
    sight(work, start, first, &unused);
    sight(work, start + count - 1, &unused, last);
    *first = *first / lanes * lanes;
    *last = whole_of(*last, lanes);
}

/* Scores of query i against keys [first, last): what it must not see is set far below. */
INLINE void hide(const struct attention_work *work, const int32_t *group, int64_t i, int64_t first,
                 int64_t last, float *row)
{
    int64_t from, to;
    sight(work, i, &from, &to);
    for (int64_t j = first; j < from; j++)
        row[j - first] = -INFINITY;
    for (int64_t j = to; j < last; j++)
        row[j - first] = -INFINITY;
    for (int64_t j = from; group && j < to; j++)
        if (group[j] != group[i])
            row[j - first] = -INFINITY;
}

/* Drops weights of query i of head `number` in row[0 …], whose first item is of key `first`. */
INLINE void drop_weights(const struct attention_work *work, struct attention_draw draw,
                         int64_t number, int64_t i, int64_t first, float *row)
{
    int64_t from, last, wide = whole_of(work->length, LANES);
    int64_t at = (number * work->length + i) * wide + first;
    sight(work, i, &from, &last);
    int64_t count = whole_of(last, LANES) - first;
    if (work->least)
        KERNEL(dropout)(draw.key, draw.high, at, work->least, work->factor, row, row, count);
}

#endif
