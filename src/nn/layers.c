#include "nn/layers.h"

#include <math.h>

static const double BATCH_NORM_EPSILON = 1e-5, BATCH_NORM_MOMENTUM = 0.1;

val linear_without_bias(net n, const char *name, val x, int64_t out)
{
    if (is_none(x))
        return x;
    int64_t in = dim(x, shape_of(x).rank - 1);
    struct init init = init_uniform(1 / sqrt((double)in));
    return matmul_transposed(x, false,
                             parameter(part(n, "%s", name), "weight", SHAPE(out, in), init), true);
}

val linear(net n, const char *name, val x, int64_t out)
{
    if (is_none(x))
        return x;
    double bound = 1 / sqrt((double)dim(x, shape_of(x).rank - 1));
    val product = linear_without_bias(n, name, x, out);
    return add(product, parameter(part(n, "%s", name), "bias", SHAPE(out), init_uniform(bound)));
}

val convolution(net n, const char *name, val x, int64_t out, int kernel, int stride, int padding)
{
    double deviation = sqrt(2.0 / ((double)kernel * kernel * (double)out));
    val weight = parameter(part(n, "%s", name), "weight", SHAPE(out, dim(x, 1), kernel, kernel),
                           init_normal(deviation));
    struct convolution how = { { stride, stride }, { padding, padding }, { 1, 1 }, 1 };
    return conv2d(x, weight, how);
}

/* running <- .9 running + .1 batch, the groups in turn, as PyTorch's separate calls do. */
static void move_running(net n, struct tensor *running, val statistics, double correction)
{
    int64_t channels = dim(statistics, 1);
    val value = state_read(n.graph, running);
    for (int g = 0; g < n.groups; g++) {
        val batch = reshape(slice(statistics, 0, g, g + 1), SHAPE(channels));
        value = add(scale(value, 1 - BATCH_NORM_MOMENTUM),
                    scale(batch, BATCH_NORM_MOMENTUM * correction));
    }
    state_write(n.graph, running, value);
}

static val normalise(net n, val x, val weight, val bias)
{
    int64_t channels = dim(x, 1);
    struct tensor *mean_of = state(n, "running_mean", SHAPE(channels), init_constant(0));
    struct tensor *variance = state(n, "running_var", SHAPE(channels), init_constant(1));
    struct tensor *batches = state(n, "num_batches_tracked", SCALAR, init_constant(0));
    if (batches)
        batches->counter = true;
    if (!n.training) {
        val spread = shift(state_read(n.graph, variance), BATCH_NORM_EPSILON);
        return batch_apply(x, reshape(state_read(n.graph, mean_of), SHAPE(1, channels)),
                           reshape(inverse_square_root(spread), SHAPE(1, channels)), weight, bias,
                           1, false);
    }
    val statistics = batch_statistics(x, n.groups, BATCH_NORM_EPSILON);
    if (n.update && !is_none(statistics)) {
        double count = (double)shape_size(shape_of(x)) / (double)channels / n.groups;
        move_running(n, mean_of, statistics, 1);
        move_running(n, variance, output_of(statistics, 2), count > 1 ? count / (count - 1) : 1);
        state_write(n.graph, batches, shift(state_read(n.graph, batches), n.groups));
    }
    return batch_apply(x, statistics, output_of(statistics, 1), weight, bias, n.groups, true);
}

val batch_norm(net n, const char *name, val x)
{
    if (is_none(x))
        return x;
    net here = part(n, "%s", name);
    struct shape channels = SHAPE(dim(x, 1));
    return normalise(here, x, parameter(here, "weight", channels, init_constant(1)),
                     parameter(here, "bias", channels, init_constant(0)));
}

val batch_norm_plain(net n, const char *name, val x)
{
    if (is_none(x))
        return x;
    struct shape channels = SHAPE(dim(x, 1));
    return normalise(part(n, "%s", name), x, broadcast_to(constant(n.graph, 1), channels),
                     broadcast_to(constant(n.graph, 0), channels));
}
