#include "data/order.h"
#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>

struct sorting {
    const uint32_t *length;
    uint64_t salt;
};

/* Mixes the bits of a sample's number (splitmix64): equal lengths come in a random order, or
 * neighbours in the data, such as texts of one class, would share batches. */
static uint64_t mixed(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
    return value ^ (value >> 31);
}

static int length_compare(const void *a, const void *b, void *argument)
{
    const struct sorting *sorting = argument;
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    uint32_t length = sorting->length[first], other = sorting->length[second];
    if (length != other)
        return length < other ? -1 : 1;
    uint64_t rank = mixed(first + sorting->salt), rival = mixed(second + sorting->salt);
    return rank < rival ? -1 : rank > rival;
}

static void batches_swap(uint32_t *a, uint32_t *b, size_t batch)
{
    for (size_t i = 0; i < batch && a != b; i++) {
        uint32_t kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

static void batches_sort(const struct order *how, uint64_t epoch, uint32_t *order)
{
    struct random_stream stream = random_stream(how->seed, "batches", epoch, 0);
    struct sorting sorting = { how->length, random_below(&stream, UINT64_MAX) };
    size_t batch = (size_t)how->batch, batches = how->count / batch;
    for (size_t first = 0; first < batches; first += ORDER_POOL) {
        size_t pool = batches - first < ORDER_POOL ? batches - first : ORDER_POOL;
        qsort_r(order + first * batch, pool * batch, sizeof *order, length_compare, &sorting);
    }
    for (size_t left = batches; left > 1; left--)
        batches_swap(order + (left - 1) * batch, order + random_below(&stream, left) * batch,
                     batch);
}

void order_epoch(const struct order *how, uint64_t epoch, uint32_t *order)
{
    struct random_stream stream = random_stream(how->seed, "shuffle", epoch, 0);
    random_permutation(&stream, order, (uint32_t)how->count);
    if (how->length)
        batches_sort(how, epoch, order);
}

uint32_t order_redraw(uint64_t seed, uint64_t attempt, uint32_t wanted, size_t count)
{
    struct random_stream stream = random_stream(seed, "redraw", attempt, wanted);
    return (uint32_t)random_below(&stream, count);
}

status order_drawn(const struct order *how, int64_t batches, bool *drawn)
{
    size_t count = how->count, met = 0;
    int64_t epoch_batches = (int64_t)count / how->batch;
    uint32_t *order = memory_new(count, sizeof *order);
    if (!order)
        return TACIT_RESOURCES;
    for (int64_t first = 0; first < batches && met < count; first += epoch_batches) {
        int64_t left = batches - first < epoch_batches ? batches - first : epoch_batches;
        order_epoch(how, (uint64_t)(first / epoch_batches), order);
        for (int64_t i = 0; i < left * how->batch; i++) {
            met += !drawn[order[i]];
            drawn[order[i]] = true;
        }
    }
    memory_free(order);
    return TACIT_OK;
}
