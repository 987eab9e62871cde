/* Maxima and averages of windows of [N, C, H, W], and the mean of whole planes. */
#include "engine/ops/rule.h"

#include <math.h>

static bool pooled_shape(const struct pooling *how, struct shape x, struct shape *y)
{
    if (x.rank != 4)
        return false;
    *y = x;
    for (int i = 0; i < 2; i++) {
        int64_t room = x.dim[2 + i] + 2 * how->padding[i] - how->kernel[i];
        if (x.dim[2 + i] < 1 || room < 0 || how->stride[i] < 1 || how->kernel[i] < 1 ||
            how->padding[i] * 2 > how->kernel[i])
            return false;
        y->dim[2 + i] = room / how->stride[i] + 1;
    }
    return true;
}

/* Output 1 of max_pool: where in its input plane (row * W + column) each maximum lies. */
static bool shape_max_pool(const struct graph *graph, const struct node *node, struct type out[])
{
    out[0].dtype = F32;
    bool fits =
        pooled_shape(&node->attribute.pooling, input_type(graph, node, 0).shape, &out[0].shape);
    out[1] = (struct type){ I32, out[0].shape };
    return fits;
}

static bool shape_average_pool(const struct graph *graph, const struct node *node,
                               struct type out[])
{
    out[0].dtype = F32;
    return pooled_shape(&node->attribute.pooling, input_type(graph, node, 0).shape, &out[0].shape);
}

static bool shape_pool_gradient(const struct graph *graph, const struct node *node,
                                struct type out[])
{
    struct shape dy;
    out[0] = (struct type){ F32, node->attribute.shape };
    return pooled_shape(&node->attribute.pooling, node->attribute.shape, &dy) &&
           shape_equal(dy, input_type(graph, node, 0).shape);
}

/* Rows and columns of the window of output (row, column) that lie inside the plane. */
struct window {
    int64_t top, bottom, left, right;
};

static struct window window_at(const struct pooling *how, struct shape x, int64_t row,
                               int64_t column)
{
    int64_t top = row * how->stride[0] - how->padding[0];
    int64_t left = column * how->stride[1] - how->padding[1];
    int64_t bottom = top + how->kernel[0], right = left + how->kernel[1];
    return (struct window){ top < 0 ? 0 : top, bottom > x.dim[2] ? x.dim[2] : bottom,
                            left < 0 ? 0 : left, right > x.dim[3] ? x.dim[3] : right };
}

static void reference_max_pool(const struct reference_call *call)
{
    struct shape x = call->in_type[0]->shape, y = call->out_type[0]->shape;
    for (int64_t i = 0, size = shape_size(y); i < size; i++) {
        const double *plane = call->in[0] + i / (y.dim[2] * y.dim[3]) * x.dim[2] * x.dim[3];
        struct window w =
            window_at(&call->node->attribute.pooling, x, i / y.dim[3] % y.dim[2], i % y.dim[3]);
        int64_t best = w.top * x.dim[3] + w.left;
        for (int64_t h = w.top; h < w.bottom; h++)
            for (int64_t v = w.left; v < w.right; v++) {
                double here = plane[h * x.dim[3] + v];
                if (here > plane[best] || here != here) /* NaN is taken, the last of several */
                    best = h * x.dim[3] + v;
            }
        call->out[0][i] = plane[best];
        call->out[1][i] = (double)best;
    }
}

static void gradient_max_pool(RULE_ARGUMENTS)
{
    struct attributes attributes = { .shape = shape_of(in[0]), .pooling = node->attribute.pooling };
    din[0] =
        graph_add(in[0].graph, &op_max_pool_gradient, 2, (val[]){ dout[0], out[1] }, &attributes);
}

static void gradient_twice(RULE_ARGUMENTS)
{
    (void)node, (void)out, (void)dout, (void)din;
    graph_fail(in[0].graph, "max_pool cannot be differentiated twice");
}

static void reference_max_pool_gradient(const struct reference_call *call)
{
    struct shape dx = call->out_type[0]->shape, dy = call->in_type[0]->shape;
    for (int64_t i = 0, size = shape_size(dx); i < size; i++)
        call->out[0][i] = 0;
    for (int64_t i = 0, size = shape_size(dy); i < size; i++) {
        double *plane = call->out[0] + i / (dy.dim[2] * dy.dim[3]) * dx.dim[2] * dx.dim[3];
        plane[(int64_t)call->in[1][i]] += call->in[0][i];
    }
}

/* max_pool of 2x2 windows of relu(normalised) is folded into the op that normalises. */
static val pool_into_normalisation(val x, struct pooling how)
{
    const struct node *node = node_of(x);
    struct shape shape = shape_of(x);
    if (node->op != &op_bn_apply || !node->attribute.batch_norm.relu || node->inputs != 5 ||
        node->attribute.batch_norm.pool || shape.dim[2] % 2 || shape.dim[3] % 2)
        return no_value(x.graph);
    for (int i = 0; i < 2; i++)
        if (how.kernel[i] != 2 || how.stride[i] != 2 || how.padding[i] != 0)
            return no_value(x.graph);
    struct attributes attributes = node->attribute;
    attributes.batch_norm.pool = 2;
    val in[5] = { { x.graph, node->in[0] },
                  { x.graph, node->in[1] },
                  { x.graph, node->in[2] },
                  { x.graph, node->in[3] },
                  { x.graph, node->in[4] } };
    return graph_add(x.graph, &op_bn_apply, 5, in, &attributes);
}

val max_pool(val x, struct pooling how)
{
    if (is_none(x))
        return x;
    val fused = pool_into_normalisation(x, how);
    struct attributes attributes = { .pooling = how };
    return is_none(fused) ? graph_add(x.graph, &op_max_pool, 1, &x, &attributes) : fused;
}

static void gradient_average_pool(RULE_ARGUMENTS)
{
    (void)out;
    struct attributes attributes = { .shape = shape_of(in[0]), .pooling = node->attribute.pooling };
    din[0] = graph_add(in[0].graph, &op_average_pool_gradient, 1, dout, &attributes);
}

/* Sums windows of x into y, or spreads y over the windows of x, times 1 / window size. */
static void average(const struct pooling *how, struct shape x, struct shape y, double *px,
                    double *py, bool spread)
{
    double share = 1.0 / (double)(how->kernel[0] * how->kernel[1]);
    for (int64_t i = 0, size = shape_size(y); i < size; i++) {
        double *plane = px + i / (y.dim[2] * y.dim[3]) * x.dim[2] * x.dim[3];
        struct window w = window_at(how, x, i / y.dim[3] % y.dim[2], i % y.dim[3]);
        double total = 0;
        for (int64_t h = w.top; h < w.bottom; h++)
            for (int64_t v = w.left; v < w.right; v++) {
                total += plane[h * x.dim[3] + v];
                if (spread)
                    plane[h * x.dim[3] + v] += py[i] * share;
            }
        if (!spread)
            py[i] = total * share;
    }
}

static void reference_average_pool(const struct reference_call *call)
{
    average(&call->node->attribute.pooling, call->in_type[0]->shape, call->out_type[0]->shape,
            (double *)call->in[0], call->out[0], false);
}

static void reference_average_pool_gradient(const struct reference_call *call)
{
    for (int64_t i = 0, size = shape_size(call->out_type[0]->shape); i < size; i++)
        call->out[0][i] = 0;
    average(&call->node->attribute.pooling, call->out_type[0]->shape, call->in_type[0]->shape,
            call->out[0], (double *)call->in[0], true);
}

/* Linear: the gradient of spreading is averaging. */
static void gradient_average_pool_gradient(RULE_ARGUMENTS)
{
    (void)in, (void)out;
    din[0] = average_pool(dout[0], node->attribute.pooling);
}

val average_pool(val x, struct pooling how)
{
    struct attributes attributes = { .pooling = how };
    return graph_add(x.graph, &op_average_pool, 1, &x, &attributes);
}

static struct pooling how_from_numbers(const double n[])
{
    return (struct pooling){ { (int64_t)n[0], (int64_t)n[1] },
                             { (int64_t)n[2], (int64_t)n[3] },
                             { (int64_t)n[4], (int64_t)n[5] } };
}

static val make_max_pool(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return max_pool(in[0], how_from_numbers(number));
}

static val make_average_pool(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return average_pool(in[0], how_from_numbers(number));
}

#define POOL_CASES                                                                \
    "[2,3,6,6] | 2 2 2 2 0 0\n[2,3,7,7] | 3 3 2 2 1 1\n[1,2,5,8] | 2 3 1 2 0 1\n" \
    "[2,16,8,8] | 3 3 2 2 1 1"

const struct op_type op_max_pool = {
    .name = "max_pool",
    .doc = "Maximum of windows.",
    .inputs = 1,
    .outputs = 2,
    .private_outputs = 1,
    .flags = OP_PURE,
    .attribute = ATTRIBUTE_POOLING,
    .cases = POOL_CASES,
    .shape = shape_max_pool,
    .gradient = gradient_max_pool,
    .reference = reference_max_pool,
    .make = make_max_pool,
};
const struct op_type op_max_pool_gradient = {
    .name = "max_pool_gradient",
    .doc = "Sends dy to where each maximum was.",
    .inputs = 2,
    .outputs = 1,
    .flags = OP_PURE | OP_INTEGERS,
    .attribute = ATTRIBUTE_POOLING,
    .shape = shape_pool_gradient,
    .gradient = gradient_twice,
    .reference = reference_max_pool_gradient,
};
const struct op_type op_average_pool = {
    .name = "average_pool",
    .doc = "Mean of windows, padding counted as zeros.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE,
    .attribute = ATTRIBUTE_POOLING,
    .cases = POOL_CASES,
    .shape = shape_average_pool,
    .gradient = gradient_average_pool,
    .reference = reference_average_pool,
    .make = make_average_pool,
};
const struct op_type op_average_pool_gradient = {
    .name = "average_pool_gradient",
    .doc = "Spreads dy evenly over its window.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE,
    .attribute = ATTRIBUTE_POOLING,
    .shape = shape_pool_gradient,
    .gradient = gradient_average_pool_gradient,
    .reference = reference_average_pool_gradient,
};

static bool shape_global(const struct graph *graph, const struct node *node, struct type out[])
{
    struct shape x = input_type(graph, node, 0).shape;
    if (x.rank < 3)
        return false;
    out[0] = (struct type){ F32, SHAPE(x.dim[0], x.dim[1]) };
    return true;
}

static void gradient_global(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    struct shape shape = shape_of(in[0]), flat = shape;
    int64_t plane = 1;
    for (int i = 2; i < shape.rank; i++) {
        plane *= shape.dim[i];
        flat.dim[i] = 1;
    }
    din[0] = broadcast_to(reshape(scale(dout[0], 1.0 / (double)plane), flat), shape);
}

static void reference_global(const struct reference_call *call)
{
    int64_t planes = shape_size(call->out_type[0]->shape);
    int64_t plane = shape_size(call->in_type[0]->shape) / (planes ? planes : 1);
    for (int64_t i = 0; i < planes; i++) {
        double total = 0;
        for (int64_t j = 0; j < plane; j++)
            total += call->in[0][i * plane + j];
        call->out[0][i] = total / (double)plane;
    }
}

val global_average_pool(val x)
{
    return graph_add(x.graph, &op_global_average_pool, 1, &x, NULL);
}

static val make_global(const val in[], int inputs, const double number[])
{
    (void)inputs, (void)number;
    return global_average_pool(in[0]);
}

const struct op_type op_global_average_pool = {
    .name = "global_average_pool",
    .doc = "Mean of each plane: [N, C, ...] -> [N, C].",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE,
    .cases = "[2,3,4,5]\n[2,16,2,2]",
    .shape = shape_global,
    .gradient = gradient_global,
    .reference = reference_global,
    .make = make_global,
};
