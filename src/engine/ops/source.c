/* Where values come from and where they go: inputs, knobs, constants, parameters, states, outputs,
 * commits and gradient accumulation. */
#include "engine/build.h"
#include "engine/op.h"

static bool shape_given(const struct graph *graph, const struct node *node, struct type out[])
{
    (void)graph;
    out[0] = (struct type){ F32, node->attribute.shape };
    return true;
}

static bool shape_input(const struct graph *graph, const struct node *node, struct type out[])
{
    (void)graph;
    out[0] = (struct type){ node->attribute.dtype, node->attribute.shape };
    return true;
}

static void reference_constant(const struct reference_call *call)
{
    call->out[0][0] = call->node->attribute.number;
}

val constant(struct graph *graph, double number)
{
    for (size_t i = 0; i < graph->nodes; i++)
        if (graph->node[i].op == &op_constant && graph->node[i].attribute.number == number)
            return (val){ graph, graph->node[i].out[0] };
    struct attributes attributes = { .shape = SCALAR, .number = number };
    return graph_add(graph, &op_constant, 0, NULL, &attributes);
}

static void reference_output(const struct reference_call *call)
{
    int64_t size = shape_size(call->out_type[0]->shape);
    for (int64_t i = 0; i < size; i++)
        call->out[0][i] = call->in[0][i];
}

static bool shape_nothing(const struct graph *graph, const struct node *node, struct type out[])
{
    (void)out;
    struct tensor *tensor = node->attribute.tensor;
    return shape_equal(tensor->shape, input_type(graph, node, 0).shape);
}

const struct op_type op_input = {
    .name = "input",
    .doc = "Given before each run.",
    .outputs = 1,
    .attribute = ATTRIBUTE_DTYPE,
    .shape = shape_input,
};
const struct op_type op_knob = {
    .name = "knob",
    .doc = "A scalar that the host sets.",
    .outputs = 1,
    .shape = shape_given,
};
const struct op_type op_constant = {
    .name = "constant",
    .doc = "A fixed scalar.",
    .outputs = 1,
    .flags = OP_PURE,
    .attribute = ATTRIBUTE_NUMBER,
    .shape = shape_given,
    .reference = reference_constant,
};
const struct op_type op_parameter = {
    .name = "parameter",
    .doc = "A trained tensor of the store.",
    .outputs = 1,
    .attribute = ATTRIBUTE_TENSOR,
    .shape = shape_given,
};
const struct op_type op_state = {
    .name = "state",
    .doc = "A state of the store as it was before the run.",
    .outputs = 1,
    .attribute = ATTRIBUTE_TENSOR,
    .shape = shape_given,
};
const struct op_type op_output = {
    .name = "output",
    .doc = "Read by the host after the run.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_EFFECT | OP_NO_GRADIENT,
    .shape = shape_as_input,
    .reference = reference_output,
};
const struct op_type op_commit = {
    .name = "commit",
    .doc = "Writes a state back to the store, after all reads.",
    .inputs = 1,
    .flags = OP_EFFECT | OP_NO_GRADIENT,
    .attribute = ATTRIBUTE_TENSOR,
    .shape = shape_nothing,
};
const struct op_type op_accumulate = {
    .name = "accumulate",
    .doc = "Adds to a parameter's place in the gradient arena.",
    .inputs = 1,
    .flags = OP_EFFECT | OP_NO_GRADIENT,
    .attribute = ATTRIBUTE_TENSOR,
    .shape = shape_nothing,
};
