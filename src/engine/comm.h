/* Other ranks, as the engine sees them: a small table that data parallelism fills. */
#ifndef ENGINE_COMM_H
#define ENGINE_COMM_H

#include "base/status.h"

#include <stdint.h>

struct comm {
    int rank, ranks;
    void *context;
    /* own [items] of every rank into all [ranks, items], in rank order. */
    status (*all_gather)(void *context, const float *own, float *all, int64_t items);
    /* Sum over all ranks, in place. */
    status (*all_reduce)(void *context, float *values, int64_t items);
    /* Returns when every rank has called it. */
    status (*barrier)(void *context);
};

#endif
