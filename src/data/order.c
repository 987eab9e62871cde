#include "data/order.h"
#include "base/memory.h"
#include "base/random.h"

void order_epoch(uint64_t seed, uint64_t epoch, uint32_t *order, uint32_t count)
{
    struct random_stream stream = random_stream(seed, "shuffle", epoch, 0);
    random_permutation(&stream, order, count);
}

uint32_t order_redraw(uint64_t seed, uint64_t attempt, uint32_t wanted, size_t count)
{
    struct random_stream stream = random_stream(seed, "redraw", attempt, wanted);
    return (uint32_t)random_below(&stream, count);
}

status order_drawn(uint64_t seed, size_t count, int64_t batch, int64_t batches, bool *drawn)
{
    int64_t epoch_batches = (int64_t)count / batch;
    uint32_t *order = memory_new(count, sizeof *order);
    size_t met = 0;
    if (!order)
        return TACIT_RESOURCES;
    for (int64_t first = 0; first < batches && met < count; first += epoch_batches) {
        int64_t left = batches - first < epoch_batches ? batches - first : epoch_batches;
        order_epoch(seed, (uint64_t)(first / epoch_batches), order, (uint32_t)count);
        for (int64_t i = 0; i < left * batch; i++) {
            met += !drawn[order[i]];
            drawn[order[i]] = true;
        }
    }
    memory_free(order);
    return TACIT_OK;
}
