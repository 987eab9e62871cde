/* Ops that move items about without changing them. They take f32 and integers alike. */
#include "engine/ops/rule.h"

#include <math.h>
#include <string.h>

static void reference_copy(const struct reference_call *call)
{
    int64_t size = shape_size(call->out_type[0]->shape);
    memcpy(call->out[0], call->in[0], (size_t)size * sizeof(double));
}

static bool shape_reshape(const struct graph *graph, const struct node *node, struct type out[])
{
    out[0] = (struct type){ input_type(graph, node, 0).dtype, node->attribute.shape };
    return shape_size(out[0].shape) == shape_size(input_type(graph, node, 0).shape);
}

static void gradient_reshape(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    din[0] = reshape(dout[0], shape_of(in[0]));
}

val reshape(val x, struct shape shape)
{
    if (is_none(x) || shape_equal(shape_of(x), shape))
        return x;
    struct attributes attributes = { .shape = shape };
    return graph_add(x.graph, &op_reshape, 1, &x, &attributes);
}

static val make_reshape(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return reshape(in[0], shape_from_numbers(number));
}

const struct op_type op_reshape = {
    .name = "reshape",
    .doc = "Same items, another shape.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE | OP_VIEW | OP_INTEGERS,
    .cases = "[6,4] | 2 12\n[2,3,4] | 24",
    .shape = shape_reshape,
    .gradient = gradient_reshape,
    .reference = reference_copy,
    .make = make_reshape,
};

val stop_gradient(val x)
{
    return graph_add(x.graph, &op_stop_gradient, 1, &x, NULL);
}

static val make_stop_gradient(const val in[], int inputs, const double number[])
{
    (void)inputs, (void)number;
    return stop_gradient(in[0]);
}

const struct op_type op_stop_gradient = {
    .name = "stop_gradient",
    .doc = "The value as a constant.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE | OP_VIEW | OP_NO_GRADIENT | OP_INTEGERS,
    .cases = "[5,3]",
    .shape = shape_as_input,
    .reference = reference_copy,
    .make = make_stop_gradient,
};

static bool shape_permute(const struct graph *graph, const struct node *node, struct type out[])
{
    struct type x = input_type(graph, node, 0);
    unsigned seen = 0;
    out[0] = x;
    for (int i = 0; i < x.shape.rank; i++) {
        int from = node->attribute.order[i];
        if (from < 0 || from >= x.shape.rank)
            return false;
        seen |= 1u << from;
        out[0].shape.dim[i] = x.shape.dim[from];
    }
    return seen == (1u << x.shape.rank) - 1;
}

static void gradient_permute(RULE_ARGUMENTS)
{
    (void)out;
    int back[RANK_MAX] = { 0 };
    for (int i = 0; i < shape_of(in[0]).rank; i++)
        back[node->attribute.order[i]] = i;
    din[0] = permute(dout[0], back);
}

static void reference_permute(const struct reference_call *call)
{
    struct shape x = call->in_type[0]->shape, y = call->out_type[0]->shape;
    int64_t own[RANK_MAX], stride[RANK_MAX];
    shape_strides(x, own);
    for (int i = 0; i < y.rank; i++)
        stride[i] = own[call->node->attribute.order[i]];
    for (int64_t i = 0, size = shape_size(y); i < size; i++)
        call->out[0][i] = call->in[0][operand_offset(y, i, stride)];
}

val permute(val x, const int order[])
{
    struct attributes attributes = { 0 };
    if (is_none(x))
        return x;
    for (int i = 0; i < shape_of(x).rank; i++)
        attributes.order[i] = order[i];
    return graph_add(x.graph, &op_permute, 1, &x, &attributes);
}

val transpose(val x)
{
    if (is_none(x))
        return x;
    int rank = shape_of(x).rank, order[RANK_MAX] = { 0, 1, 2, 3, 4, 5 };
    if (rank < 2)
        return graph_fail(x.graph, "transpose needs two axes, not shape %s",
                          shape_text(shape_of(x)));
    order[rank - 1] = rank - 2;
    order[rank - 2] = rank - 1;
    return permute(x, order);
}

static val make_permute(const val in[], int inputs, const double number[])
{
    int order[RANK_MAX];
    (void)inputs;
    for (int i = 0; i < RANK_MAX; i++)
        order[i] = isnan(number[i]) ? 0 : (int)number[i];
    return permute(in[0], order);
}

const struct op_type op_permute = {
    .name = "permute",
    .doc = "Reorders the axes.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE | OP_INTEGERS,
    .attribute = ATTRIBUTE_ORDER,
    .cases = "[3,4] | 1 0\n[2,3,4] | 2 0 1\n[2,3,4,5] | 0 2 1 3",
    .shape = shape_permute,
    .gradient = gradient_permute,
    .reference = reference_permute,
    .make = make_permute,
};

/* Copies the block of `count` items along `axis` that starts at `from_start` of one tensor to
 * `to_start` of another; the other axes agree. */
static void copy_block(const double *from, struct shape from_shape, int64_t from_start, double *to,
                       struct shape to_shape, int64_t to_start, int axis, int64_t count)
{
    int64_t inner = 1, outer = 1;
    for (int i = 0; i < axis; i++)
        outer *= to_shape.dim[i];
    for (int i = axis + 1; i < to_shape.rank; i++)
        inner *= to_shape.dim[i];
    for (int64_t o = 0; o < outer; o++)
        memcpy(to + (o * to_shape.dim[axis] + to_start) * inner,
               from + (o * from_shape.dim[axis] + from_start) * inner,
               (size_t)(count * inner) * sizeof(double));
}

static bool shape_slice(const struct graph *graph, const struct node *node, struct type out[])
{
    int axis = node->attribute.part.axis;
    int64_t start = node->attribute.part.start, stop = node->attribute.part.stop;
    out[0] = input_type(graph, node, 0);
    if (axis < 0 || axis >= out[0].shape.rank || start < 0 || stop < start ||
        stop > out[0].shape.dim[axis])
        return false;
    out[0].shape.dim[axis] = stop - start;
    return true;
}

static void gradient_slice(RULE_ARGUMENTS)
{
    (void)out;
    int axis = node->attribute.part.axis;
    din[0] = pad(dout[0], axis, node->attribute.part.start,
                 dim(in[0], axis) - node->attribute.part.stop);
}

static void reference_slice(const struct reference_call *call)
{
    int axis = call->node->attribute.part.axis;
    copy_block(call->in[0], call->in_type[0]->shape, call->node->attribute.part.start, call->out[0],
               call->out_type[0]->shape, 0, axis, call->out_type[0]->shape.dim[axis]);
}

static val part_op(const struct op_type *op, val x, int axis, int64_t start, int64_t stop)
{
    struct attributes attributes = { .part = { axis, start, stop } };
    return graph_add(x.graph, op, 1, &x, &attributes);
}

val slice(val x, int axis, int64_t start, int64_t stop)
{
    if (!is_none(x) && start == 0 && stop == dim(x, axis))
        return x;
    return part_op(&op_slice, x, axis, start, stop);
}

void unstack(val x, int count, val part_of_x[])
{
    int64_t each = count > 0 ? rows(x) / count : 0;
    if (!is_none(x) && each * count != rows(x))
        graph_fail(x.graph, "%lld rows cannot be unstacked into %d equal parts", (long long)rows(x),
                   count);
    for (int i = 0; i < count; i++)
        part_of_x[i] = slice(x, 0, i * each, (i + 1) * each);
}

static val make_slice(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return slice(in[0], (int)number[0], (int64_t)number[1], (int64_t)number[2]);
}

const struct op_type op_slice = {
    .name = "slice",
    .doc = "A run of one axis.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE | OP_INTEGERS,
    .attribute = ATTRIBUTE_PART,
    .cases = "[6,4] | 0 1 4\n[2,5,3] | 1 2 5\n[2,5,3] | 2 0 1",
    .shape = shape_slice,
    .gradient = gradient_slice,
    .reference = reference_slice,
    .make = make_slice,
};

static bool shape_pad(const struct graph *graph, const struct node *node, struct type out[])
{
    int axis = node->attribute.part.axis;
    out[0] = input_type(graph, node, 0);
    if (axis < 0 || axis >= out[0].shape.rank || node->attribute.part.start < 0 ||
        node->attribute.part.stop < 0)
        return false;
    out[0].shape.dim[axis] += node->attribute.part.start + node->attribute.part.stop;
    return true;
}

static void gradient_pad(RULE_ARGUMENTS)
{
    (void)out;
    int axis = node->attribute.part.axis;
    int64_t before = node->attribute.part.start;
    din[0] = slice(dout[0], axis, before, before + dim(in[0], axis));
}

static void reference_pad(const struct reference_call *call)
{
    int axis = call->node->attribute.part.axis;
    for (int64_t i = 0, size = shape_size(call->out_type[0]->shape); i < size; i++)
        call->out[0][i] = 0;
    copy_block(call->in[0], call->in_type[0]->shape, 0, call->out[0], call->out_type[0]->shape,
               call->node->attribute.part.start, axis, call->in_type[0]->shape.dim[axis]);
}

val pad(val x, int axis, int64_t before, int64_t after)
{
    return before == 0 && after == 0 ? x : part_op(&op_pad, x, axis, before, after);
}

static val make_pad(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return pad(in[0], (int)number[0], (int64_t)number[1], (int64_t)number[2]);
}

const struct op_type op_pad = {
    .name = "pad",
    .doc = "Zeros before and after, along one axis.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE | OP_INTEGERS,
    .attribute = ATTRIBUTE_PART,
    .cases = "[6,4] | 0 1 2\n[2,5,3] | 1 0 3\n[2,5,3] | 2 2 0",
    .shape = shape_pad,
    .gradient = gradient_pad,
    .reference = reference_pad,
    .make = make_pad,
};

static bool shape_concat(const struct graph *graph, const struct node *node, struct type out[])
{
    int axis = node->attribute.part.axis;
    out[0] = input_type(graph, node, 0);
    if (axis < 0 || axis >= out[0].shape.rank)
        return false;
    for (int i = 1; i < node->inputs; i++) {
        struct type more = input_type(graph, node, i);
        struct shape same = more.shape;
        if (more.dtype != out[0].dtype || same.rank != out[0].shape.rank)
            return false;
        same.dim[axis] = out[0].shape.dim[axis];
        if (!shape_equal(same, out[0].shape))
            return false;
        out[0].shape.dim[axis] += more.shape.dim[axis];
    }
    return true;
}

static void gradient_concat(RULE_ARGUMENTS)
{
    (void)out;
    int axis = node->attribute.part.axis;
    int64_t start = 0;
    for (int i = 0; i < node->inputs; i++) {
        din[i] = slice(dout[0], axis, start, start + dim(in[i], axis));
        start += dim(in[i], axis);
    }
}

static void reference_concat(const struct reference_call *call)
{
    int axis = call->node->attribute.part.axis;
    int64_t start = 0;
    for (int i = 0; i < call->node->inputs; i++) {
        struct shape from = call->in_type[i]->shape;
        copy_block(call->in[i], from, 0, call->out[0], call->out_type[0]->shape, start, axis,
                   from.dim[axis]);
        start += from.dim[axis];
    }
}

val concat(int count, const val v[], int axis)
{
    struct attributes attributes = { .part = { .axis = axis } };
    return count == 1 ? v[0] : graph_add(v[0].graph, &op_concat, count, v, &attributes);
}

val stack(const val view[], int count)
{
    return concat(count, view, 0);
}

val rotate(val x, int64_t by)
{
    if (is_none(x) || rows(x) == 0 || by % rows(x) == 0)
        return x;
    int64_t cut = rows(x) - (by % rows(x) + rows(x)) % rows(x);
    return concat(2, (val[]){ slice(x, 0, cut, rows(x)), slice(x, 0, 0, cut) }, 0);
}

static val make_concat(const val in[], int inputs, const double number[])
{
    return concat(inputs, in, (int)number[0]);
}

const struct op_type op_concat = {
    .name = "concat",
    .doc = "One after the other along an axis.",
    .inputs = -1,
    .outputs = 1,
    .flags = OP_PURE | OP_INTEGERS,
    .attribute = ATTRIBUTE_PART,
    .cases = "[2,3] [4,3] | 0\n[2,3,4] [2,1,4] [2,2,4] | 1\n[3,2] [3,5] | 1",
    .shape = shape_concat,
    .gradient = gradient_concat,
    .reference = reference_concat,
    .make = make_concat,
};

/* Between layouts; the items and their order are the same to everybody but kernels. */
const struct op_type op_reorder = {
    .name = "reorder",
    .doc = "Another layout in memory.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE | OP_NO_GRADIENT | OP_INTEGERS,
    .shape = shape_as_input,
    .reference = reference_copy,
};
