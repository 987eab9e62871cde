/* 2-D convolution (cross-correlation) and its two gradients, which are linear in both inputs, so
 * that each of the three differentiates into the others. x [N, C, H, W], weight [O, C/groups, h,
 * w]. */
#include "engine/ops/rule.h"

/* Output length of one axis; -1 when the kernel does not fit. */
static int64_t output_length(int64_t length, int64_t kernel, int64_t stride, int64_t padding,
                             int64_t dilation)
{
    int64_t room = length + 2 * padding - (dilation * (kernel - 1) + 1);
    return room < 0 || stride < 1 || dilation < 1 || kernel < 1 ? -1 : room / stride + 1;
}

/* Result shape of convolving x with weight; false when they do not fit. */
static bool convolve_shape(const struct convolution *how, struct shape x, struct shape weight,
                           struct shape *y)
{
    if (x.rank != 4 || weight.rank != 4 || how->groups < 1 || weight.dim[0] % how->groups ||
        x.dim[1] != weight.dim[1] * how->groups)
        return false;
    *y = SHAPE(x.dim[0], weight.dim[0], 0, 0);
    for (int i = 0; i < 2; i++) {
        y->dim[2 + i] = output_length(x.dim[2 + i], weight.dim[2 + i], how->stride[i],
                                      how->padding[i], how->dilation[i]);
        if (y->dim[2 + i] < 0)
            return false;
    }
    return true;
}

static bool shape_conv2d(const struct graph *graph, const struct node *node, struct type out[])
{
    out[0].dtype = F32;
    return convolve_shape(&node->attribute.convolution, input_type(graph, node, 0).shape,
                          input_type(graph, node, 1).shape, &out[0].shape);
}

static bool shape_data_gradient(const struct graph *graph, const struct node *node,
                                struct type out[])
{
    struct shape dy;
    out[0] = (struct type){ F32, node->attribute.shape };
    return convolve_shape(&node->attribute.convolution, node->attribute.shape,
                          input_type(graph, node, 1).shape, &dy) &&
           shape_equal(dy, input_type(graph, node, 0).shape);
}

static bool shape_weight_gradient(const struct graph *graph, const struct node *node,
                                  struct type out[])
{
    struct shape dy;
    out[0] = (struct type){ F32, node->attribute.shape };
    return convolve_shape(&node->attribute.convolution, input_type(graph, node, 0).shape,
                          node->attribute.shape, &dy) &&
           shape_equal(dy, input_type(graph, node, 1).shape);
}

/* Visits every product of the convolution: y[yi] += x[xi] * weight[wi]; the three ops differ only
 * in which of the three they sum into. */
static void reference_convolve(const struct convolution *how, struct shape x, struct shape w,
                               struct shape y, const double *px, const double *pw, const double *py,
                               double *sum_x, double *sum_w, double *sum_y)
{
    int64_t per_group = w.dim[0] / how->groups;
    for (int64_t yi = 0, size = shape_size(y); yi < size; yi++) {
        int64_t column = yi % y.dim[3], row = yi / y.dim[3] % y.dim[2];
        int64_t o = yi / (y.dim[3] * y.dim[2]) % y.dim[1],
                n = yi / (y.dim[3] * y.dim[2] * y.dim[1]);
        for (int64_t k = 0, taps = w.dim[1] * w.dim[2] * w.dim[3]; k < taps; k++) {
            int64_t kw = k % w.dim[3], kh = k / w.dim[3] % w.dim[2], c = k / (w.dim[3] * w.dim[2]);
            int64_t h = row * how->stride[0] - how->padding[0] + kh * how->dilation[0];
            int64_t v = column * how->stride[1] - how->padding[1] + kw * how->dilation[1];
            if (h < 0 || h >= x.dim[2] || v < 0 || v >= x.dim[3])
                continue;
            int64_t channel = o / per_group * w.dim[1] + c;
            int64_t xi = ((n * x.dim[1] + channel) * x.dim[2] + h) * x.dim[3] + v;
            int64_t wi = o * taps + k;
            if (sum_y)
                sum_y[yi] += px[xi] * pw[wi];
            if (sum_x)
                sum_x[xi] += py[yi] * pw[wi];
            if (sum_w)
                sum_w[wi] += py[yi] * px[xi];
        }
    }
}

static void clear(double *to, struct shape shape)
{
    for (int64_t i = 0, size = shape_size(shape); i < size; i++)
        to[i] = 0;
}

static void reference_conv2d(const struct reference_call *call)
{
    struct shape y = call->out_type[0]->shape;
    clear(call->out[0], y);
    reference_convolve(&call->node->attribute.convolution, call->in_type[0]->shape,
                       call->in_type[1]->shape, y, call->in[0], call->in[1], NULL, NULL, NULL,
                       call->out[0]);
}

static void reference_data_gradient(const struct reference_call *call)
{
    struct shape x = call->out_type[0]->shape;
    clear(call->out[0], x);
    reference_convolve(&call->node->attribute.convolution, x, call->in_type[1]->shape,
                       call->in_type[0]->shape, NULL, call->in[1], call->in[0], call->out[0], NULL,
                       NULL);
}

static void reference_weight_gradient(const struct reference_call *call)
{
    struct shape w = call->out_type[0]->shape;
    clear(call->out[0], w);
    reference_convolve(&call->node->attribute.convolution, call->in_type[0]->shape, w,
                       call->in_type[1]->shape, call->in[0], NULL, call->in[1], NULL, call->out[0],
                       NULL);
}

static val convolve(const struct op_type *op, val a, val b, struct convolution how,
                    struct shape result)
{
    struct attributes attributes = { .shape = result, .convolution = how };
    return graph_add(a.graph, op, 2, (val[]){ a, b }, &attributes);
}

val conv2d(val x, val weight, struct convolution how)
{
    return convolve(&op_conv2d, x, weight, how, SCALAR);
}

val conv2d_data_gradient(val dy, val weight, struct convolution how, struct shape x)
{
    return convolve(&op_conv2d_data_gradient, dy, weight, how, x);
}

val conv2d_weight_gradient(val x, val dy, struct convolution how, struct shape weight)
{
    return convolve(&op_conv2d_weight_gradient, x, dy, how, weight);
}

static void gradient_conv2d(RULE_ARGUMENTS)
{
    (void)out;
    struct convolution how = node->attribute.convolution;
    din[0] = conv2d_data_gradient(dout[0], in[1], how, shape_of(in[0]));
    din[1] = conv2d_weight_gradient(in[0], dout[0], how, shape_of(in[1]));
}

static void gradient_data_gradient(RULE_ARGUMENTS)
{
    (void)out;
    struct convolution how = node->attribute.convolution;
    din[0] = conv2d(dout[0], in[1], how);
    din[1] = conv2d_weight_gradient(dout[0], in[0], how, shape_of(in[1]));
}

static void gradient_weight_gradient(RULE_ARGUMENTS)
{
    (void)out;
    struct convolution how = node->attribute.convolution;
    din[0] = conv2d_data_gradient(in[1], dout[0], how, shape_of(in[0]));
    din[1] = conv2d(in[0], dout[0], how);
}

static struct convolution how_from_numbers(const double n[])
{
    return (struct convolution){ { (int64_t)n[0], (int64_t)n[1] },
                                 { (int64_t)n[2], (int64_t)n[3] },
                                 { (int64_t)n[4], (int64_t)n[5] },
                                 (int64_t)n[6] };
}

static val make_conv2d(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return conv2d(in[0], in[1], how_from_numbers(number));
}

/* Numbers: as conv2d's, then the four dimensions of the result. */
static val make_data_gradient(const val in[], int inputs, const double number[])
{
    (void)inputs;
    const double *d = number + 7;
    return conv2d_data_gradient(in[0], in[1], how_from_numbers(number),
                                SHAPE((int64_t)d[0], (int64_t)d[1], (int64_t)d[2], (int64_t)d[3]));
}

static val make_weight_gradient(const val in[], int inputs, const double number[])
{
    (void)inputs;
    const double *d = number + 7;
    return conv2d_weight_gradient(
        in[0], in[1], how_from_numbers(number),
        SHAPE((int64_t)d[0], (int64_t)d[1], (int64_t)d[2], (int64_t)d[3]));
}

const struct op_type op_conv2d = {
    .name = "conv2d",
    .doc = "2-D convolution with zero padding.",
    .inputs = 2,
    .outputs = 1,
    .flags = OP_PURE,
    .attribute = ATTRIBUTE_CONVOLUTION,
    .cases = "[2,3,6,6] [4,3,3,3] | 1 1 1 1 1 1 1\n[2,3,7,5] [4,3,3,3] | 2 2 1 1 1 1 1\n"
             "[2,4,5,5] [6,4,1,1] | 2 2 0 0 1 1 1\n[1,3,11,11] [4,3,7,7] | 2 2 3 3 1 1 1\n"
             "[1,4,8,8] [4,2,3,3] | 1 1 2 2 2 2 2\n[2,4,5,6] [4,1,3,3] | 1 1 1 1 1 1 4\n"
             "[2,16,8,8] [16,16,3,3] | 1 1 1 1 1 1 1\n[2,16,8,8] [32,16,3,3] | 2 2 1 1 1 1 1\n"
             "[2,16,8,8] [32,16,1,1] | 2 2 0 0 1 1 1\n[2,2,1,12] [3,2,1,5] | 1 2 0 2 1 1 1",
    .shape = shape_conv2d,
    .gradient = gradient_conv2d,
    .reference = reference_conv2d,
    .make = make_conv2d,
};
const struct op_type op_conv2d_data_gradient = {
    .name = "conv2d_data_gradient",
    .doc = "Gradient of a convolution by its input.",
    .inputs = 2,
    .outputs = 1,
    .flags = OP_PURE,
    .attribute = ATTRIBUTE_CONVOLUTION,
    .cases = "[2,4,6,6] [4,3,3,3] | 1 1 1 1 1 1 1 2 3 6 6\n"
             "[2,32,4,4] [32,16,3,3] | 2 2 1 1 1 1 1 2 16 8 8",
    .shape = shape_data_gradient,
    .gradient = gradient_data_gradient,
    .reference = reference_data_gradient,
    .make = make_data_gradient,
};
const struct op_type op_conv2d_weight_gradient = {
    .name = "conv2d_weight_gradient",
    .doc = "Gradient of a convolution by its weight.",
    .inputs = 2,
    .outputs = 1,
    .flags = OP_PURE,
    .attribute = ATTRIBUTE_CONVOLUTION,
    .cases = "[2,3,6,6] [2,4,6,6] | 1 1 1 1 1 1 1 4 3 3 3\n"
             "[2,16,8,8] [2,32,4,4] | 2 2 1 1 1 1 1 32 16 3 3",
    .shape = shape_weight_gradient,
    .gradient = gradient_weight_gradient,
    .reference = reference_weight_gradient,
    .make = make_weight_gradient,
};
