/* The tables of CPU kernels, one a file; each ends with a row without an op. */
#ifndef ENGINE_CPU_TABLES_H
#define ENGINE_CPU_TABLES_H

#include "engine/cpu/cpu.h"

extern const struct cpu_kernel cpu_elementwise[], cpu_reduce[], cpu_rows[], cpu_image[], cpu_move[],
    cpu_index[], cpu_source[], cpu_convolution[], cpu_matmul[], cpu_attention[];

/* Items of an operand. */
static inline int64_t operand_size(const struct operand *operand)
{
    return shape_size(operand->type.shape);
}

#endif
