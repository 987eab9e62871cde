/* Shorthand of the op files. */
#ifndef ENGINE_OPS_RULE_H
#define ENGINE_OPS_RULE_H

#include "engine/build.h"
#include "engine/op.h"

/* The arguments of a gradient rule (op.h). */
#define RULE_ARGUMENTS \
    const struct node *node, const val in[], const val out[], const val dout[], val din[]

/* The name of a draw of the network, as dropout's and unlike all earlier ones; NULL: no memory,
 * which the graph then tells of, or a rate that is not in (0, 1). */
const char *network_draw(net n, const char *call, double rate);

/* Integers as the numbers that arithmetic takes. */
static inline val real(val x)
{
    return cast(x, F32);
}

/* Offset of item `index` of `shape` in an operand with the given (broadcast) strides. */
static inline int64_t operand_offset(struct shape shape, int64_t index, const int64_t stride[])
{
    int64_t offset = 0;
    for (int axis = shape.rank - 1; axis >= 0; axis--) {
        offset += index % shape.dim[axis] * stride[axis];
        index /= shape.dim[axis];
    }
    return offset;
}

/* The shape that test numbers spell, NaN after the last. */
struct shape shape_from_numbers(const double number[]);

#endif
