/* Products in bf16 by our own kernels: operands come as f32 or bf16 and are rounded while they are
 * packed, so that nothing is cast beforehand; sums are f32. */
#ifndef ENGINE_CPU_HALF_H
#define ENGINE_CPU_HALF_H

#include "engine/cpu/cpu.h"

/* Whether the product of a node (op_matmul with `half`) is made by these kernels here; else oneDNN
 * makes it, of operands that are bf16 already. Always so where the processor multiplies tiles. */
bool half_fits(const struct graph *graph, const struct node *node);

/* Makes the call ready: of op_matmul, op_matmul_sum or op_matmul_accumulate. */
status half_prepare(struct call *call);

#endif
