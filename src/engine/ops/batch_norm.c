/* Normalisation by batch statistics, in three ops: the statistics of x, their application (with
 * ReLU, a residual and 2x2 maximum pooling folded in by the builders), and the gradient of both.
 * x [N, C, ...]; weight, bias [C]; statistics [groups, C], group g from rows gN/groups … */
#include "engine/ops/rule.h"

#include <math.h>

static bool statistics_fit(struct shape x, int groups)
{
    return x.rank >= 2 && groups >= 1 && x.dim[0] % groups == 0;
}

/* Outputs: mean, 1 / sqrt(variance + epsilon), variance (biased). */
static bool shape_statistics(const struct graph *graph, const struct node *node, struct type out[])
{
    struct shape x = input_type(graph, node, 0).shape;
    int groups = node->attribute.batch_norm.groups;
    if (!statistics_fit(x, groups))
        return false;
    out[0] = out[1] = out[2] = (struct type){ F32, SHAPE(groups, x.dim[1]) };
    return true;
}

/* Places of one channel of one group: items per plane, first row, number of rows. */
struct channel {
    int64_t planes, plane, first, rows;
};

static struct channel channel_of(struct shape x, int groups, int64_t group)
{
    int64_t rows_in_group = x.dim[0] / groups, plane = 1;
    for (int i = 2; i < x.rank; i++)
        plane *= x.dim[i];
    return (struct channel){ x.dim[1], plane, group * rows_in_group, rows_in_group };
}

static int64_t item_at(const struct channel *c, int64_t channel, int64_t i)
{
    return ((c->first + i / c->plane) * c->planes + channel) * c->plane + i % c->plane;
}

static void reference_statistics(const struct reference_call *call)
{
    struct shape x = call->in_type[0]->shape;
    int groups = call->node->attribute.batch_norm.groups;
    for (int64_t s = 0; s < groups * x.dim[1]; s++) {
        struct channel c = channel_of(x, groups, s / x.dim[1]);
        double count = (double)(c.rows * c.plane), mean_of = 0, square_sum = 0;
        for (int64_t i = 0; i < c.rows * c.plane; i++)
            mean_of += call->in[0][item_at(&c, s % x.dim[1], i)] / count;
        for (int64_t i = 0; i < c.rows * c.plane; i++)
            square_sum += pow(call->in[0][item_at(&c, s % x.dim[1], i)] - mean_of, 2);
        call->out[0][s] = mean_of;
        call->out[1][s] = 1 / sqrt(square_sum / count + call->node->attribute.batch_norm.epsilon);
        call->out[2][s] = square_sum / count;
    }
}

val batch_statistics(val x, int groups, double epsilon)
{
    struct attributes attributes = { .batch_norm = { .groups = groups, .epsilon = epsilon } };
    return graph_add(x.graph, &op_bn_statistics, 1, &x, &attributes);
}

static val make_statistics(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return batch_statistics(in[0], (int)number[0], number[1]);
}

const struct op_type op_bn_statistics = {
    .name = "bn_statistics",
    .doc = "Mean, 1/sqrt(variance + epsilon) and variance per channel.",
    .inputs = 1,
    .outputs = 3,
    .private_outputs = 3,
    .flags = OP_PURE | OP_NO_GRADIENT,
    .attribute = ATTRIBUTE_BATCH_NORM,
    .cases = "[4,3,2,5] | 1 1e-5\n[4,16,2,2] | 2 1e-5\n[6,5] | 2 1e-5",
    .shape = shape_statistics,
    .reference = reference_statistics,
    .make = make_statistics,
};

static bool shape_apply(const struct graph *graph, const struct node *node, struct type out[])
{
    struct shape x = input_type(graph, node, 0).shape;
    int groups = node->attribute.batch_norm.groups, pool = node->attribute.batch_norm.pool;
    if (!statistics_fit(x, groups))
        return false;
    struct shape statistics = SHAPE(groups, x.dim[1]), channels = SHAPE(x.dim[1]);
    for (int i = 1; i < 5; i++)
        if (!shape_equal(input_type(graph, node, i).shape, i < 3 ? statistics : channels))
            return false;
    if (node->inputs == 6 && !shape_equal(input_type(graph, node, 5).shape, x))
        return false;
    out[0] = (struct type){ F32, x };
    for (int i = 2; pool && i < x.rank; i++)
        out[0].shape.dim[i] /= pool;
    return true;
}

/* Normalised, scaled, shifted value of item i of x (before ReLU and pooling), plus the residual. */
static double applied(const struct reference_call *call, int64_t i)
{
    struct shape x = call->in_type[0]->shape;
    struct channel c = channel_of(x, 1, 0);
    int64_t channel = i / c.plane % x.dim[1], row = i / (c.plane * x.dim[1]);
    int64_t s = row / (x.dim[0] / call->node->attribute.batch_norm.groups) * x.dim[1] + channel;
    double y = (call->in[0][i] - call->in[1][s]) * call->in[2][s] * call->in[3][channel];
    bool residual = call->node->op == &op_bn_apply && call->node->inputs == 6;
    return y + call->in[4][channel] + (residual ? call->in[5][i] : 0);
}

/* Index in x of the item that output i of a 2x2 pooling takes: the first largest. */
static int64_t pooled_from(const struct reference_call *call, struct shape y, int64_t i)
{
    struct shape x = call->in_type[0]->shape;
    int64_t top = i / y.dim[3] * 2 * x.dim[3] + i % y.dim[3] * 2, best = top;
    for (int k = 1; k < 4; k++) {
        int64_t at = top + k / 2 * x.dim[3] + k % 2;
        best = applied(call, at) > applied(call, best) ? at : best;
    }
    return best;
}

static void reference_apply(const struct reference_call *call)
{
    struct shape y = call->out_type[0]->shape;
    for (int64_t i = 0, size = shape_size(y); i < size; i++) {
        bool pool = call->node->attribute.batch_norm.pool;
        double value = applied(call, pool ? pooled_from(call, y, i) : i);
        call->out[0][i] = call->node->attribute.batch_norm.relu && value < 0 ? 0 : value;
    }
}

static void gradient_apply(RULE_ARGUMENTS)
{
    bool relu = node->attribute.batch_norm.relu, residual = node->inputs == 6;
    val gradient_in[7] = { in[0], in[1], in[2], in[3], in[4], dout[0], out[0] };
    struct attributes attributes = node->attribute;
    val dx =
        graph_add(in[0].graph, &op_bn_gradient, relu && residual ? 7 : 6, gradient_in, &attributes);
    din[0] = dx;
    din[3] = output_of(dx, 1);
    din[4] = output_of(dx, 2);
    if (residual)
        din[5] = relu ? output_of(dx, 3) : dout[0];
}

val batch_apply(val x, val mean_of, val inverse, val weight, val bias, int groups, bool total)
{
    struct attributes attributes = { .batch_norm = { .groups = groups, .total = total } };
    return graph_add(x.graph, &op_bn_apply, 5, (val[]){ x, mean_of, inverse, weight, bias },
                     &attributes);
}

val batch_normalize(val x, val weight, val bias, int groups, double epsilon)
{
    val statistics = batch_statistics(x, groups, epsilon);
    return batch_apply(x, statistics, output_of(statistics, 1), weight, bias, groups, true);
}

static val make_apply(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return batch_normalize(in[0], in[1], in[2], (int)number[0], number[1]);
}

const struct op_type op_bn_apply = {
    .name = "bn_apply",
    .doc = "Normalises by given statistics; scales, shifts [, adds, clips].",
    .inputs = -1,
    .outputs = 1,
    .flags = OP_PURE,
    .attribute = ATTRIBUTE_BATCH_NORM,
    .cases = "[4,3,2,5] [3] [3] | 1 1e-5\n[4,16,2,2] [16] [16] | 2 1e-5\n[6,5] [5] [5] | 2 1e-5\n"
             "[4,32] [32] [32] | 1 1e-5",
    .shape = shape_apply,
    .gradient = gradient_apply,
    .reference = reference_apply,
    .make = make_apply,
};

/* Inputs x, mean, inverse, weight, bias, dy [, y]; outputs dx, dweight, dbias, dresidual. */
static bool shape_bn_gradient(const struct graph *graph, const struct node *node, struct type out[])
{
    struct type x = input_type(graph, node, 0), weight = input_type(graph, node, 3);
    out[0] = (struct type){ F32, x.shape };
    out[1] = out[2] = weight;
    out[3] = (struct type){ F32, node->inputs == 7 ? x.shape : SHAPE(0) };
    return true;
}

/* dz: the gradient before ReLU and pooling, item by item, into out[0]. */
static void reference_before_relu(const struct reference_call *call)
{
    struct shape x = call->in_type[0]->shape, dy = call->in_type[5]->shape;
    bool relu = call->node->attribute.batch_norm.relu, pool = call->node->attribute.batch_norm.pool;
    for (int64_t i = 0, size = shape_size(x); i < size; i++)
        call->out[0][i] = 0;
    for (int64_t i = 0, size = shape_size(dy); i < size; i++) {
        int64_t from = pool ? pooled_from(call, dy, i) : i;
        double y = call->node->inputs == 7 ? call->in[6][i] : applied(call, from);
        call->out[0][from] = relu && !(y > 0) ? 0 : call->in[5][i];
    }
}

/* With xhat = (x - mean) inverse and the sums over each group's items (n of them):
 * dx = weight inverse (dz - sum(dz)/n - xhat sum(dz xhat)/n); given statistics: the first term. */
static void reference_bn_gradient(const struct reference_call *call)
{
    struct shape x = call->in_type[0]->shape;
    int groups = call->node->attribute.batch_norm.groups;
    reference_before_relu(call);
    for (int64_t i = 0; i < x.dim[1]; i++)
        call->out[1][i] = call->out[2][i] = 0;
    if (call->node->inputs == 7)
        for (int64_t i = 0, size = shape_size(x); i < size; i++)
            call->out[3][i] = call->out[0][i];
    for (int64_t s = 0; s < groups * x.dim[1]; s++) {
        struct channel c = channel_of(x, groups, s / x.dim[1]);
        int64_t channel = s % x.dim[1], count = c.rows * c.plane;
        double sum_dz = 0, sum_product = 0, inverse = call->in[2][s];
        for (int64_t i = 0; i < count; i++) {
            int64_t at = item_at(&c, channel, i);
            sum_dz += call->out[0][at];
            sum_product += call->out[0][at] * (call->in[0][at] - call->in[1][s]) * inverse;
        }
        call->out[1][channel] += sum_product;
        call->out[2][channel] += sum_dz;
        for (int64_t i = 0; i < count; i++) {
            int64_t at = item_at(&c, channel, i);
            double xhat = (call->in[0][at] - call->in[1][s]) * inverse;
            double shared = (sum_dz + xhat * sum_product) / (double)count;
            double centred =
                call->out[0][at] - (call->node->attribute.batch_norm.total ? shared : 0);
            call->out[0][at] = call->in[3][channel] * inverse * centred;
        }
    }
}

/* The first derivative depends on x through the statistics in ways that no method needs. */
static void gradient_twice(RULE_ARGUMENTS)
{
    (void)node, (void)out, (void)dout, (void)din;
    graph_fail(in[0].graph, "batch normalisation cannot be differentiated twice");
}

const struct op_type op_bn_gradient = {
    .name = "bn_gradient",
    .doc = "Gradient of normalising by x, weight, bias and residual.",
    .inputs = -1,
    .outputs = 4,
    .flags = OP_PURE,
    .attribute = ATTRIBUTE_BATCH_NORM,
    .shape = shape_bn_gradient,
    .gradient = gradient_twice,
    .reference = reference_bn_gradient,
};
