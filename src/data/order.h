/* In which order samples are drawn: a function of (seed, epoch), so that it can be told afterwards,
 * also of steps that another process did. */
#ifndef DATA_ORDER_H
#define DATA_ORDER_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORDER_REDRAWS = 64 }; /* attempts to replace a sample that cannot be read */

/* The permutation of 0 … count - 1 of an epoch; whole batches are cut from its front. */
void order_epoch(uint64_t seed, uint64_t epoch, uint32_t *order, uint32_t count);

/* Which of `count` takes the place of sample `wanted` (its number in the source) when that and the
 * replacements of earlier attempts (0, 1, …) cannot be read. */
uint32_t order_redraw(uint64_t seed, uint64_t attempt, uint32_t wanted, size_t count);

/* Marks in drawn [count] what the first `batches` batches of a training ask for. TACIT_RESOURCES.
 */
status order_drawn(uint64_t seed, size_t count, int64_t batch, int64_t batches, bool *drawn);

#endif
