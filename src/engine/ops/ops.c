/* The list of ops, and what several op files share. */
#include "engine/op.h"

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
