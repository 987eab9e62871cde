/* In which order samples are drawn: a function of (seed, epoch), so that it can be told afterwards,
 * also of steps that another process did. */
#ifndef DATA_ORDER_H
#define DATA_ORDER_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORDER_REDRAWS = 64 }; /* attempts to replace a sample that cannot be read */

struct order {
    uint64_t seed;
    size_t count;
    int64_t batch;
    /* [count] of the samples, such as the tokens of texts: each batch gets samples of like length.
     * NULL: any. */
    const uint32_t *length;
};

/* The permutation of 0 … count - 1 of an epoch; whole batches are cut from its front. With lengths,
 * runs of ORDER_POOL batches are sorted by length, and the batches shuffled: which samples an epoch
 * leaves out does not depend on lengths. */
enum { ORDER_POOL = 32 };
void order_epoch(const struct order *how, uint64_t epoch, uint32_t *order);

/* Which of `count` takes the place of sample `wanted` (its number in the source) when that and the
 * replacements of earlier attempts (0, 1, …) cannot be read. */
uint32_t order_redraw(uint64_t seed, uint64_t attempt, uint32_t wanted, size_t count);

/* Marks in drawn [count] what the first `batches` batches of a training ask for. TACIT_RESOURCES.
 */
status order_drawn(const struct order *how, int64_t batches, bool *drawn);

#endif
