/* Reductions over axes, and their counterpart, broadcasting. */
#include "engine/ops/rule.h"

#include <math.h>

/* The input's shape with the reduced axes of size 1. */
static struct shape kept_shape(struct shape shape, uint32_t axes)
{
    for (int i = 0; i < shape.rank; i++)
        if (axes >> i & 1)
            shape.dim[i] = 1;
    return shape;
}

static bool shape_reduce(const struct graph *graph, const struct node *node, struct type out[])
{
    struct shape from = input_type(graph, node, 0).shape;
    uint32_t axes = node->attribute.reduce.axes;
    if (axes >> from.rank)
        return false;
    out[0] = (struct type){ .dtype = F32 };
    struct shape kept = kept_shape(from, axes);
    for (int i = 0; i < from.rank; i++)
        if (node->attribute.reduce.keep || !(axes >> i & 1))
            out[0].shape.dim[out[0].shape.rank++] = kept.dim[i];
    return true;
}

static val reduce(const struct op_type *op, val x, uint32_t axes, bool keep)
{
    struct attributes attributes = { .reduce = { axes, keep } };
    return graph_add(x.graph, op, 1, (val[]){ real(x) }, &attributes);
}

/* The upstream gradient stretched over the reduced axes again. */
static val stretch(val reduced, val x, uint32_t axes)
{
    return broadcast_to(reshape(reduced, kept_shape(shape_of(x), axes)), shape_of(x));
}

static void gradient_sum(RULE_ARGUMENTS)
{
    (void)out;
    din[0] = stretch(dout[0], in[0], node->attribute.reduce.axes);
}

/* Items that reach the maximum share its gradient evenly, as PyTorch's amax. */
static void gradient_amax(RULE_ARGUMENTS)
{
    uint32_t axes = node->attribute.reduce.axes;
    val reached = equal(in[0], stretch(out[0], in[0], axes));
    val share = divide(reached, sum(reached, axes, true));
    din[0] = multiply(share, stretch(dout[0], in[0], axes));
}

static void reference_reduce(const struct reference_call *call, bool largest)
{
    struct shape from = call->in_type[0]->shape;
    uint32_t axes = call->node->attribute.reduce.axes;
    int64_t stride[RANK_MAX], size = shape_size(from),
                              results = shape_size(call->out_type[0]->shape);
    shape_broadcast_strides(kept_shape(from, axes), from, stride);
    for (int64_t i = 0; i < results; i++)
        call->out[0][i] = largest ? -INFINITY : 0;
    for (int64_t i = 0; i < size; i++) {
        double *to = &call->out[0][operand_offset(from, i, stride)];
        double x = call->in[0][i];
        *to = !largest ? *to + x : x > *to || x != x ? x : *to; /* NaN passes */
    }
}

static void reference_sum(const struct reference_call *call)
{
    reference_reduce(call, false);
}

static void reference_amax(const struct reference_call *call)
{
    reference_reduce(call, true);
}

val sum(val x, uint32_t axes, bool keep)
{
    return reduce(&op_sum, x, axes, keep);
}

val amax(val x, uint32_t axes, bool keep)
{
    return reduce(&op_amax, x, axes, keep);
}

val mean(val x, uint32_t axes, bool keep)
{
    if (is_none(x))
        return x;
    int64_t count = 1;
    for (int i = 0; i < shape_of(x).rank; i++)
        count *= axes >> i & 1 ? dim(x, i) : 1;
    return scale(sum(x, axes, keep), 1.0 / (double)count);
}

val sum_last(val x)
{
    if (is_none(x))
        return x;
    if (shape_of(x).rank == 0)
        return graph_fail(x.graph, "sum_last needs an axis, not shape []");
    return sum(x, 1u << (shape_of(x).rank - 1), true);
}

val mean_all(val x)
{
    return is_none(x) ? x : mean(x, (1u << shape_of(x).rank) - 1, false);
}

static val make_sum(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return sum(in[0], (uint32_t)number[0], number[1] != 0);
}

static val make_amax(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return amax(in[0], (uint32_t)number[0], number[1] != 0);
}

#define REDUCE_CASES \
    "[7] | 1 0\n[3,4,5] | 2 1\n[3,4,5] | 5 0\n[2,3,4,5] | 13 1\n[3,40] | 2 0\n[40,3] | 1 0"

const struct op_type op_sum = {
    .name = "sum",
    .doc = "Sum over axes.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE,
    .attribute = ATTRIBUTE_REDUCE,
    .cases = REDUCE_CASES,
    .shape = shape_reduce,
    .gradient = gradient_sum,
    .reference = reference_sum,
    .make = make_sum,
};
const struct op_type op_amax = {
    .name = "amax",
    .doc = "Maximum over axes; NaN where any item is.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE,
    .attribute = ATTRIBUTE_REDUCE,
    .cases = REDUCE_CASES,
    .shape = shape_reduce,
    .gradient = gradient_amax,
    .reference = reference_amax,
    .make = make_amax,
};

static bool shape_argmax(const struct graph *graph, const struct node *node, struct type out[])
{
    struct shape from = input_type(graph, node, 0).shape;
    int axis = node->attribute.part.axis;
    if (axis < 0 || axis >= from.rank || from.dim[axis] == 0)
        return false;
    out[0] = (struct type){ .dtype = I32 };
    for (int i = 0; i < from.rank; i++)
        if (i != axis)
            out[0].shape.dim[out[0].shape.rank++] = from.dim[i];
    return true;
}

/* NaN is larger than any number. */
static bool is_larger(double x, double than)
{
    return x > than || (x != x && than == than);
}

static void reference_argmax(const struct reference_call *call)
{
    struct shape from = call->in_type[0]->shape;
    int axis = call->node->attribute.part.axis;
    int64_t inner = 1, length = from.dim[axis], results = shape_size(call->out_type[0]->shape);
    for (int i = axis + 1; i < from.rank; i++)
        inner *= from.dim[i];
    for (int64_t i = 0; i < results; i++) {
        const double *x = call->in[0] + i / inner * inner * length + i % inner;
        int64_t best = 0;
        for (int64_t j = 1; j < length; j++)
            if (is_larger(x[j * inner], x[best * inner]))
                best = j;
        call->out[0][i] = (double)best;
    }
}

val argmax(val x, int axis)
{
    struct attributes attributes = { .part = { .axis = axis } };
    return graph_add(x.graph, &op_argmax, 1, (val[]){ real(x) }, &attributes);
}

static val make_argmax(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return argmax(in[0], (int)number[0]);
}

const struct op_type op_argmax = {
    .name = "argmax",
    .doc = "Index of the first maximum along an axis.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE | OP_NO_GRADIENT,
    .attribute = ATTRIBUTE_PART,
    .cases = "[7] | 0\n[3,4,5] | 1\n[6,9] | 1",
    .shape = shape_argmax,
    .reference = reference_argmax,
    .make = make_argmax,
};

static bool shape_broadcast_to(const struct graph *graph, const struct node *node,
                               struct type out[])
{
    struct shape both;
    out[0] = (struct type){ input_type(graph, node, 0).dtype, node->attribute.shape };
    return shape_broadcast(input_type(graph, node, 0).shape, out[0].shape, &both) &&
           shape_equal(both, out[0].shape);
}

/* The driver sums the gradient back to the input's shape. */
static void gradient_broadcast_to(RULE_ARGUMENTS)
{
    (void)node, (void)in, (void)out;
    din[0] = dout[0];
}

static void reference_broadcast_to(const struct reference_call *call)
{
    struct shape to = call->out_type[0]->shape;
    int64_t stride[RANK_MAX], size = shape_size(to);
    shape_broadcast_strides(call->in_type[0]->shape, to, stride);
    for (int64_t i = 0; i < size; i++)
        call->out[0][i] = call->in[0][operand_offset(to, i, stride)];
}

val broadcast_to(val x, struct shape shape)
{
    if (is_none(x) || shape_equal(shape_of(x), shape))
        return x;
    struct attributes attributes = { .shape = shape };
    return graph_add(x.graph, &op_broadcast_to, 1, &x, &attributes);
}

static val make_broadcast_to(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return broadcast_to(in[0], shape_from_numbers(number));
}

const struct op_type op_broadcast_to = {
    .name = "broadcast_to",
    .doc = "Repeats axes of size 1.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE | OP_INTEGERS,
    .cases = "[1] | 4 3\n[3,1] | 2 3 5",
    .shape = shape_broadcast_to,
    .gradient = gradient_broadcast_to,
    .reference = reference_broadcast_to,
    .make = make_broadcast_to,
};
