/* Layer normalisation over the last axis (Ba et al. 2016, arXiv:1607.06450), L2 normalisation. */
#include "engine/differentiate.h"
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

/* Mean and inverse have gradients of their own where this rule is differentiated again: 1/n and
 * -inverse^2 xhat / n. */
static void gradient_layer_norm(RULE_ARGUMENTS)
{
    (void)node;
    double share = 1.0 / (double)dim(in[0], shape_of(in[0]).rank - 1);
    if (!is_none(dout[0])) {
        val from[] = { in[0], in[1], out[1], out[2], dout[0] };
        din[0] = graph_add(in[0].graph, &op_layer_norm_gradient, 5, from, NULL);
        din[1] = output_of(din[0], 1);
        din[2] = output_of(din[0], 2);
    }
    if (!is_none(dout[1]))
        din[0] = together(din[0], broadcast_to(scale(dout[1], share), shape_of(in[0])));
    if (!is_none(dout[2])) {
        val xhat = multiply(subtract(in[0], out[1]), out[2]);
        din[0] = together(din[0], multiply(scale(dout[2], -share), multiply(square(out[2]), xhat)));
    }
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

/* Inputs: x, weight, mean, inverse, dy. */
static bool shape_layer_norm_gradient(const struct graph *graph, const struct node *node,
                                      struct type out[])
{
    struct shape x = input_type(graph, node, 0).shape, row = x;
    if (x.rank < 1)
        return false;
    row.dim[x.rank - 1] = 1;
    out[0] = (struct type){ F32, x };
    out[1] = out[2] = (struct type){ F32, SHAPE(x.dim[x.rank - 1]) };
    return shape_equal(input_type(graph, node, 1).shape, out[1].shape) &&
           shape_equal(input_type(graph, node, 2).shape, row) &&
           shape_equal(input_type(graph, node, 3).shape, row) &&
           shape_equal(input_type(graph, node, 4).shape, x);
}

/* Its three outputs, by ops that can be differentiated. */
static void compose_layer_norm_gradient(const val in[], val out[])
{
    int last = shape_of(in[0]).rank - 1;
    double share = 1.0 / (double)dim(in[0], last);
    uint32_t outer = (1u << last) - 1;
    val xhat = multiply(subtract(in[0], in[2]), in[3]), g = multiply(in[4], in[1]);
    val centre = scale(sum_last(g), share);
    val radial = multiply(xhat, scale(sum_last(multiply(g, xhat)), share));
    out[0] = multiply(in[3], subtract(subtract(g, centre), radial));
    out[1] = outer ? sum(multiply(in[4], xhat), outer, false) : multiply(in[4], xhat);
    out[2] = outer ? sum(in[4], outer, false) : in[4];
}

static void gradient_layer_norm_gradient(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    struct graph *g = in[0].graph;
    val leaf[5], composed[3], by[5];
    for (int i = 0; i < 5; i++)
        leaf[i] = stop_gradient(in[i]);
    compose_layer_norm_gradient(leaf, composed);
    for (int k = 0; k < 3; k++) {
        if (is_none(dout[k]))
            continue;
        gradients_of(composed[k], dout[k], 5, leaf, by);
        g->differentiating = true;
        for (int i = 0; i < 5; i++)
            din[i] = is_none(by[i]) ? din[i] : together(din[i], by[i]);
    }
}

/* g = dy weight; dx = inverse (g - mean(g) - xhat mean(g xhat)). */
static void reference_layer_norm_gradient(const struct reference_call *call)
{
    struct shape x = call->in_type[0]->shape;
    int64_t width = x.dim[x.rank - 1], count = width ? shape_size(x) / width : 0;
    for (int64_t i = 0; i < width; i++)
        call->out[1][i] = call->out[2][i] = 0;
    for (int64_t r = 0; r < count; r++) {
        const double *row = call->in[0] + r * width, *dy = call->in[4] + r * width;
        double of_g = 0, of_gx = 0, inverse = call->in[3][r];
        for (int64_t i = 0; i < width; i++) {
            double xhat = (row[i] - call->in[2][r]) * inverse, g = dy[i] * call->in[1][i];
            of_g += g / (double)width;
            of_gx += g * xhat / (double)width;
            call->out[1][i] += dy[i] * xhat;
            call->out[2][i] += dy[i];
        }
        for (int64_t i = 0; i < width; i++) {
            double xhat = (row[i] - call->in[2][r]) * inverse, g = dy[i] * call->in[1][i];
            call->out[0][r * width + i] = inverse * (g - of_g - xhat * of_gx);
        }
    }
}

const struct op_type op_layer_norm_gradient = {
    .name = "layer_norm_gradient",
    .doc = "The gradients of layer normalisation by x, weight and bias.",
    .inputs = 5,
    .outputs = 3,
    .flags = OP_PURE,
    .shape = shape_layer_norm_gradient,
    .gradient = gradient_layer_norm_gradient,
    .reference = reference_layer_norm_gradient,
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
