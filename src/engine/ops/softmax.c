/* Softmax, its logarithm, and cross-entropy, over the last axis. */
#include "engine/ops/rule.h"

#include <math.h>

/* ln(sum of e^x) of one row, safe against overflow. */
static double log_sum(const double *row, int64_t width)
{
    double largest = -INFINITY, total = 0;
    for (int64_t i = 0; i < width; i++)
        largest = fmax(largest, row[i]);
    for (int64_t i = 0; i < width; i++)
        total += exp(row[i] - largest);
    return largest + log(total);
}

static void reference_rows(const struct reference_call *call, bool logarithm_of)
{
    struct shape x = call->in_type[0]->shape;
    int64_t width = x.dim[x.rank - 1], count = width ? shape_size(x) / width : 0;
    for (int64_t r = 0; r < count; r++) {
        const double *row = call->in[0] + r * width;
        double level = log_sum(row, width);
        for (int64_t i = 0; i < width; i++)
            call->out[0][r * width + i] = logarithm_of ? row[i] - level : exp(row[i] - level);
    }
}

static bool shape_rows(const struct graph *graph, const struct node *node, struct type out[])
{
    out[0] = (struct type){ F32, input_type(graph, node, 0).shape };
    return out[0].shape.rank >= 1;
}

static void reference_softmax(const struct reference_call *call)
{
    reference_rows(call, false);
}

static void reference_log_softmax(const struct reference_call *call)
{
    reference_rows(call, true);
}

static void gradient_softmax(RULE_ARGUMENTS)
{
    (void)node, (void)in;
    din[0] = multiply(out[0], subtract(dout[0], sum_last(multiply(dout[0], out[0]))));
}

static void gradient_log_softmax(RULE_ARGUMENTS)
{
    (void)node, (void)in;
    din[0] = subtract(dout[0], multiply(exponential(out[0]), sum_last(dout[0])));
}

val softmax(val x)
{
    return graph_add(x.graph, &op_softmax, 1, &x, NULL);
}

val log_softmax(val x)
{
    return graph_add(x.graph, &op_log_softmax, 1, &x, NULL);
}

static val make_softmax(const val in[], int inputs, const double number[])
{
    (void)inputs, (void)number;
    return softmax(in[0]);
}

static val make_log_softmax(const val in[], int inputs, const double number[])
{
    (void)inputs, (void)number;
    return log_softmax(in[0]);
}

const struct op_type op_softmax = {
    .name = "softmax",
    .doc = "e^x / sum(e^x) along the last axis.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE,
    .cases = "[1]\n[5,17]\n[2,3,7]",
    .shape = shape_rows,
    .gradient = gradient_softmax,
    .reference = reference_softmax,
    .make = make_softmax,
};
const struct op_type op_log_softmax = {
    .name = "log_softmax",
    .doc = "x - ln sum(e^x) along the last axis.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE,
    .cases = "[1]\n[5,17]\n[2,3,7]",
    .shape = shape_rows,
    .gradient = gradient_log_softmax,
    .reference = reference_log_softmax,
    .make = make_log_softmax,
};

static bool shape_cross_entropy(const struct graph *graph, const struct node *node,
                                struct type out[])
{
    struct shape logits = input_type(graph, node, 0).shape;
    out[0] = (struct type){ F32, SHAPE(logits.dim[0]) };
    return logits.rank == 2 && input_type(graph, node, 0).dtype == F32 &&
           input_type(graph, node, 1).dtype == I32 &&
           shape_equal(out[0].shape, input_type(graph, node, 1).shape);
}

static void gradient_cross_entropy(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    din[0] = cross_entropy_gradient(in[0], in[1], dout[0]);
}

static void reference_cross_entropy(const struct reference_call *call)
{
    int64_t width = call->in_type[0]->shape.dim[1], count = call->in_type[0]->shape.dim[0];
    for (int64_t r = 0; r < count; r++) {
        const double *row = call->in[0] + r * width;
        double target = call->in[1][r];
        bool known = target >= 0 && target < (double)width;
        call->out[0][r] = known ? log_sum(row, width) - row[(int64_t)target] : NAN;
    }
}

val cross_entropy(val logits, val target)
{
    return graph_add(logits.graph, &op_cross_entropy, 2, (val[]){ logits, target }, NULL);
}

val cross_entropy_mean(val logits, val target, int ignored)
{
    struct graph *g = logits.graph;
    val kept = not_equal(target, constant(g, ignored));
    val loss = select_where(kept, cross_entropy(logits, target), constant(g, 0));
    val count = maximum(sum(kept, 1, false), constant(g, 1));
    return divide(sum(loss, 1, false), count);
}

static val make_cross_entropy(const val in[], int inputs, const double number[])
{
    (void)inputs, (void)number;
    return cross_entropy(in[0], in[1]);
}

const struct op_type op_cross_entropy = {
    .name = "cross_entropy",
    .doc = "-ln softmax(logits)[target], per row.",
    .inputs = 2,
    .outputs = 1,
    .flags = OP_PURE | OP_INTEGERS,
    .cases = "[1,3] [1]:3\n[6,10] [6]:10",
    .shape = shape_cross_entropy,
    .gradient = gradient_cross_entropy,
    .reference = reference_cross_entropy,
    .make = make_cross_entropy,
};

val cross_entropy_gradient(val logits, val target, val dy)
{
    return graph_add(logits.graph, &op_cross_entropy_gradient, 3, (val[]){ logits, target, dy },
                     NULL);
}

static bool shape_cross_entropy_gradient(const struct graph *graph, const struct node *node,
                                         struct type out[])
{
    if (!shape_cross_entropy(graph, node, out) || input_type(graph, node, 2).dtype != F32 ||
        !shape_equal(out[0].shape, input_type(graph, node, 2).shape))
        return false;
    out[0] = input_type(graph, node, 0);
    return true;
}

/* p = softmax(x), y = (p - one-hot) u with u = dy: linear in u; by x the slope of the softmax. */
static void gradient_cross_entropy_gradient(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    val p = softmax(in[0]), row = reshape(in[2], SHAPE(rows(in[0]), 1));
    val h = multiply(dout[0], row);
    val difference = subtract(p, one_hot(in[1], dim(in[0], 1)));
    din[0] = multiply(p, subtract(h, sum_last(multiply(p, h))));
    din[2] = reshape(sum_last(multiply(dout[0], difference)), shape_of(in[2]));
}

static void reference_cross_entropy_gradient(const struct reference_call *call)
{
    int64_t width = call->in_type[0]->shape.dim[1], count = call->in_type[0]->shape.dim[0];
    for (int64_t r = 0; r < count; r++) {
        const double *row = call->in[0] + r * width;
        double level = log_sum(row, width);
        for (int64_t i = 0; i < width; i++)
            call->out[0][r * width + i] =
                (exp(row[i] - level) - ((double)i == call->in[1][r])) * call->in[2][r];
    }
}

static val make_cross_entropy_gradient(const val in[], int inputs, const double number[])
{
    (void)inputs, (void)number;
    return cross_entropy_gradient(in[0], in[1], in[2]);
}

const struct op_type op_cross_entropy_gradient = {
    .name = "cross_entropy_gradient",
    .doc = "(softmax(logits) - one-hot of the target) dy, per row.",
    .inputs = 3,
    .outputs = 1,
    .flags = OP_PURE | OP_IN_PLACE | OP_INTEGERS,
    .cases = "[1,3] [1]:3 [1]\n[6,10] [6]:10 [6]\n[5,130] [5]:130 [5]",
    .shape = shape_cross_entropy_gradient,
    .gradient = gradient_cross_entropy_gradient,
    .reference = reference_cross_entropy_gradient,
    .make = make_cross_entropy_gradient,
};
