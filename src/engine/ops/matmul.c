/* Matrix products over the last two axes. */
#include "engine/ops/rule.h"

static bool shape_matmul(const struct graph *graph, const struct node *node, struct type out[])
{
    struct shape a = input_type(graph, node, 0).shape, b = input_type(graph, node, 1).shape;
    bool ta = node->attribute.transpose.a, tb = node->attribute.transpose.b;
    if (a.rank < 2 || b.rank < 2)
        return false;
    int64_t m = a.dim[a.rank - 1 - !ta], inside = a.dim[a.rank - 1 - ta];
    int64_t k = b.dim[b.rank - 1 - !tb], n = b.dim[b.rank - 1 - tb];
    struct shape batch_a = a, batch_b = b;
    batch_a.rank -= 2;
    batch_b.rank -= 2;
    out[0].dtype = F32;
    if (inside != k || !shape_broadcast(batch_a, batch_b, &out[0].shape))
        return false;
    out[0].shape.dim[out[0].shape.rank++] = m;
    out[0].shape.dim[out[0].shape.rank++] = n;
    return true;
}

static val product(val a, bool transpose_a, val b, bool transpose_b, bool half);

/* y = A B with A = a or a^T: dA = dy B^T, dB = A^T dy. */
static void gradient_matmul(RULE_ARGUMENTS)
{
    (void)out;
    bool ta = node->attribute.transpose.a, tb = node->attribute.transpose.b;
    bool half = node->attribute.transpose.half;
    din[0] =
        ta ? product(in[1], tb, dout[0], true, half) : product(dout[0], false, in[1], !tb, half);
    din[1] =
        tb ? product(dout[0], true, in[0], ta, half) : product(in[0], !ta, dout[0], false, half);
}

static void reference_matmul(const struct reference_call *call)
{
    struct shape y = call->out_type[0]->shape, batch = y;
    bool ta = call->node->attribute.transpose.a, tb = call->node->attribute.transpose.b;
    batch.rank -= 2;
    struct shape shape[2];
    int64_t stride[2][RANK_MAX], matrix[2];
    for (int i = 0; i < 2; i++) {
        shape[i] = call->in_type[i]->shape;
        matrix[i] = shape[i].dim[shape[i].rank - 1] * shape[i].dim[shape[i].rank - 2];
        struct shape outer = shape[i];
        outer.rank -= 2;
        shape_broadcast_strides(outer, batch, stride[i]);
    }
    int64_t m = y.dim[y.rank - 2], n = y.dim[y.rank - 1], batches = shape_size(batch);
    int64_t k = shape[0].dim[shape[0].rank - 1 - ta];
    for (int64_t t = 0; t < batches; t++) {
        const double *a = call->in[0] + operand_offset(batch, t, stride[0]) * matrix[0];
        const double *b = call->in[1] + operand_offset(batch, t, stride[1]) * matrix[1];
        double *to = call->out[0] + t * m * n;
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double total = 0;
                for (int64_t l = 0; l < k; l++)
                    total +=
                        (ta ? a[l * m + i] : a[i * k + l]) * (tb ? b[j * k + l] : b[l * n + j]);
                to[i * n + j] = total;
            }
    }
}

/* Kernels repeat a single matrix over all batches, nothing finer: other operands are repeated
 * beforehand. Shapes that do not fit are left to the shape rule. */
static val repeated(val x, val other)
{
    struct shape own = shape_of(x), theirs = shape_of(other), batch;
    if (own.rank < 2 || theirs.rank < 2)
        return x;
    struct shape matrix = { 2, { own.dim[own.rank - 2], own.dim[own.rank - 1] } };
    own.rank -= 2;
    theirs.rank -= 2;
    if (shape_size(own) == 1 || !shape_broadcast(own, theirs, &batch) ||
        shape_size(own) == shape_size(batch))
        return x;
    batch.dim[batch.rank++] = matrix.dim[0];
    batch.dim[batch.rank++] = matrix.dim[1];
    return broadcast_to(x, batch);
}

static val product(val a, bool transpose_a, val b, bool transpose_b, bool half)
{
    struct attributes attributes = { .transpose = { transpose_a, transpose_b, half } };
    if (is_none(a) || is_none(b))
        return no_value(a.graph);
    val operand_a = repeated(a, b);
    b = repeated(b, a);
    a = operand_a;
    return graph_add(a.graph, &op_matmul, 2, (val[]){ a, b }, &attributes);
}

val matmul_transposed(val a, bool transpose_a, val b, bool transpose_b)
{
    return product(a, transpose_a, b, transpose_b, false);
}

val matmul_half(val a, val b, bool transpose_b)
{
    return product(a, false, b, transpose_b, true);
}

val matmul(val a, val b)
{
    return matmul_transposed(a, false, b, false);
}

static val make_matmul(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return matmul_transposed(in[0], number[0] != 0, in[1], number[1] != 0);
}

const struct op_type op_matmul = {
    .name = "matmul",
    .doc = "Matrix product of the last two axes.",
    .inputs = 2,
    .outputs = 1,
    .flags = OP_PURE,
    .attribute = ATTRIBUTE_TRANSPOSE,
    .cases = "[4,5] [5,3] | 0 0\n[5,4] [5,3] | 1 0\n[4,5] [3,5] | 0 1\n[5,4] [3,5] | 1 1\n"
             "[2,4,5] [2,5,3] | 0 0\n[2,1,4,5] [1,3,6,5] | 0 1\n[2,4,5] [5,3] | 0 0\n"
             "[1,1] [1,1] | 0 0\n[33,65] [65,47] | 0 0",
    .shape = shape_matmul,
    .gradient = gradient_matmul,
    .reference = reference_matmul,
    .make = make_matmul,
};

/* Inputs: a, b, then as the attributes say a bias [N] and a residual as large as the result. Made
 * by pass_fuse of a product whose operands are rounded and of what is added to it; the result has
 * the shape of the last sum. */
static bool shape_matmul_sum(const struct graph *graph, const struct node *node, struct type out[])
{
    bool bias = node->attribute.transpose.bias, residual = node->attribute.transpose.residual;
    if (node->inputs != 2 + bias + residual || !shape_matmul(graph, node, out))
        return false;
    struct shape y = out[0].shape;
    if (bias && !shape_equal(input_type(graph, node, 2).shape, SHAPE(y.dim[y.rank - 1])))
        return false;
    return !residual || shape_size(input_type(graph, node, 2 + bias).shape) == shape_size(y);
}

static void reference_matmul_sum(const struct reference_call *call)
{
    struct shape y = call->out_type[0]->shape;
    int64_t width = y.dim[y.rank - 1], size = shape_size(y);
    bool bias = call->node->attribute.transpose.bias;
    reference_matmul(call);
    for (int64_t i = 0; bias && i < size; i++)
        call->out[0][i] += call->in[2][i % width];
    for (int64_t i = 0; call->node->attribute.transpose.residual && i < size; i++)
        call->out[0][i] += call->in[2 + bias][i];
}

const struct op_type op_matmul_sum = {
    .name = "matmul_sum",
    .doc = "Matrix product of rounded operands with what is added to it.",
    .inputs = -1,
    .outputs = 1,
    .flags = OP_PURE | OP_NO_GRADIENT,
    .attribute = ATTRIBUTE_TRANSPOSE,
    .shape = shape_matmul_sum,
    .reference = reference_matmul_sum,
};

static bool shape_matmul_accumulate(const struct graph *graph, const struct node *node,
                                    struct type out[])
{
    (void)out;
    struct shape a = input_type(graph, node, 0).shape, b = input_type(graph, node, 1).shape;
    return a.rank == 2 && b.rank == 2 && a.dim[0] == b.dim[0];
}

const struct op_type op_matmul_accumulate = {
    .name = "matmul_accumulate",
    .doc = "Adds a^T b, of rounded operands, to a parameter's place in the gradient arena.",
    .inputs = 2,
    .flags = OP_EFFECT | OP_NO_GRADIENT,
    .attribute = ATTRIBUTE_TENSOR,
    .shape = shape_matmul_accumulate,
};
