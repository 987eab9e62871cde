/* A matrix product outside of programs, for scores: single precision, row-major. */
#ifndef ENGINE_CPU_PRODUCT_H
#define ENGINE_CPU_PRODUCT_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* c [m, n] = op(a) op(b), where op(a) is [m, k] and op(b) is [k, n]; the matrices are stored
 * row-major and dense, a as [k, m] when `transpose_a`, b as [n, k] when `transpose_b`. All are the
 * caller's; c must not overlap the others. Within a parallel_for body it runs on that thread alone,
 * elsewhere on the whole team. TACIT_RESOURCES: no memory for packing. */
status product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
               const float *b, float *c);

#endif
