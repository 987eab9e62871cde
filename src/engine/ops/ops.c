/* The list of ops, and what several op files share. */
#include "engine/ops/rule.h"

#include <math.h>

const struct op_type *const all_ops[] = {
#define X(name) &op_##name,
#include "engine/ops.def"
#undef X
    NULL
};

bool shape_as_input(const struct graph *graph, const struct node *node, struct type out[])
{
    out[0] = input_type(graph, node, 0);
    return true;
}

struct shape shape_from_numbers(const double number[])
{
    struct shape shape = { 0 };
    while (shape.rank < RANK_MAX && !isnan(number[shape.rank])) {
        shape.dim[shape.rank] = (int64_t)number[shape.rank];
        shape.rank++;
    }
    return shape;
}
