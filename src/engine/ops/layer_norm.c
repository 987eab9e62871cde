/* Layer normalisation over the last axis (Ba et al. 2016, arXiv:1607.06450), L2 normalisation. */
#include "engine/ops/rule.h"

#include <math.h>

/* Outputs: y, mean and 1/sqrt(variance + epsilon) per row, both with a last axis of 1. */
static bool shape_layer_norm(const struct graph *graph, const struct node *node, struct type out[])
{
    struct shape x = input_type(graph, node, 0).shape;
    if (x.rank < 1)
        return false;
    struct shape width = SHAPE(x.dim[x.rank - 1]), row = x;
    row.dim[x.rank - 1] = 1;
    for (int i = 1; i < 3; i++)
        if (!shape_equal(input_type(graph, node, i).shape, width))
            return false;
    out[0] = (struct type){ F32, x };
    out[1] = out[2] = (struct type){ F32, row };
    return true;
}

/* a + b, where either may be none. */
static val together(val a, val b)
{
    return is_none(a) ? b : is_none(b) ? a : add(a, b);
}

/* g = dy weight; dx = inverse (g - mean(g) - xhat mean(g xhat)). Mean and inverse have gradients of
 * their own where this rule is differentiated again: 1/n and -inverse^2 xhat / n. */
static void gradient_layer_norm(RULE_ARGUMENTS)
{
    (void)node;
    double share = 1.0 / (double)dim(in[0], shape_of(in[0]).rank - 1);
    val xhat = multiply(subtract(in[0], out[1]), out[2]);
    if (!is_none(dout[0])) {
        val g = multiply(dout[0], in[1]);
        val centre = scale(sum_last(g), share);
        val radial = multiply(xhat, scale(sum_last(multiply(g, xhat)), share));
        din[0] = multiply(out[2], subtract(subtract(g, centre), radial));
        din[1] = multiply(dout[0], xhat);
        din[2] = dout[0];
    }
    if (!is_none(dout[1]))
        din[0] = together(din[0], broadcast_to(scale(dout[1], share), shape_of(in[0])));
    if (!is_none(dout[2]))
        din[0] = together(din[0], multiply(scale(dout[2], -share), multiply(square(out[2]), xhat)));
}

static void reference_layer_norm(const struct reference_call *call)
{
    struct shape x = call->in_type[0]->shape;
    int64_t width = x.dim[x.rank - 1], count = width ? shape_size(x) / width : 0;
    for (int64_t r = 0; r < count; r++) {
        const double *row = call->in[0] + r * width;
        double mean_of = 0, variance = 0;
        for (int64_t i = 0; i < width; i++)
            mean_of += row[i] / (double)width;
        for (int64_t i = 0; i < width; i++)
            variance += pow(row[i] - mean_of, 2) / (double)width;
        double inverse = 1 / sqrt(variance + call->node->attribute.number);
        for (int64_t i = 0; i < width; i++)
            call->out[0][r * width + i] =
                (row[i] - mean_of) * inverse * call->in[1][i] + call->in[2][i];
        call->out[1][r] = mean_of;
        call->out[2][r] = inverse;
    }
}

val layer_normalize(val x, val weight, val bias, double epsilon)
{
    struct attributes attributes = { .number = epsilon };
    return graph_add(x.graph, &op_layer_norm, 3, (val[]){ x, weight, bias }, &attributes);
}

static val make_layer_norm(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return layer_normalize(in[0], in[1], in[2], number[0]);
}

const struct op_type op_layer_norm = {
    .name = "layer_norm",
    .doc = "Normalises the last axis, scales and shifts.",
    .inputs = 3,
    .outputs = 3,
    .flags = OP_PURE,
    .attribute = ATTRIBUTE_NUMBER,
    .cases = "[1,5] [5] [5] | 1e-5\n[3,17] [17] [17] | 1e-6\n[2,3,64] [64] [64] | 1e-5",
    .shape = shape_layer_norm,
    .gradient = gradient_layer_norm,
    .reference = reference_layer_norm,
    .make = make_layer_norm,
};

/* Outputs: y and inverse = 1 / max(||x||, epsilon) per row. */
static bool shape_l2_normalize(const struct graph *graph, const struct node *node,
                               struct type out[])
{
    struct shape x = input_type(graph, node, 0).shape;
    if (x.rank < 1)
        return false;
    out[0] = out[1] = (struct type){ F32, x };
    out[1].shape.dim[x.rank - 1] = 1;
    return true;
}

/* dx = inverse (dy - y (y . dy) [||x|| > epsilon]); of the inverse, where this rule is
 * differentiated again: -inverse^2 y [||x|| > epsilon]. */
static void gradient_l2_normalize(RULE_ARGUMENTS)
{
    (void)in;
    val y = out[0], inverse = out[1];
    val unclamped = less(inverse, constant(y.graph, 1 / node->attribute.number));
    if (!is_none(dout[0])) {
        val radial = multiply(y, multiply(unclamped, sum_last(multiply(y, dout[0]))));
        din[0] = multiply(inverse, subtract(dout[0], radial));
    }
    if (!is_none(dout[1])) {
        val length = negate(multiply(dout[1], multiply(unclamped, square(inverse))));
        din[0] = together(din[0], multiply(length, y));
    }
}

static void reference_l2_normalize(const struct reference_call *call)
{
    struct shape x = call->in_type[0]->shape;
    int64_t width = x.dim[x.rank - 1], count = width ? shape_size(x) / width : 0;
    for (int64_t r = 0; r < count; r++) {
        double squares = 0;
        for (int64_t i = 0; i < width; i++)
            squares += pow(call->in[0][r * width + i], 2);
        call->out[1][r] = 1 / fmax(sqrt(squares), call->node->attribute.number);
        for (int64_t i = 0; i < width; i++)
            call->out[0][r * width + i] = call->in[0][r * width + i] * call->out[1][r];
    }
}

val l2_normalize(val x, double epsilon)
{
    struct attributes attributes = { .number = epsilon };
    return graph_add(x.graph, &op_l2_normalize, 1, &x, &attributes);
}

static val make_l2_normalize(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return l2_normalize(in[0], number[0]);
}

const struct op_type op_l2_normalize = {
    .name = "l2_normalize",
    .doc = "Unit vectors along the last axis.",
    .inputs = 1,
    .outputs = 2,
    .flags = OP_PURE,
    .attribute = ATTRIBUTE_NUMBER,
    .cases = "[1,1] | 1e-12\n[5,17] | 1e-12\n[2,3,64] | 1e-12\n[4,8] | 100",
    .shape = shape_l2_normalize,
    .gradient = gradient_l2_normalize,
    .reference = reference_l2_normalize,
    .make = make_l2_normalize,
};
