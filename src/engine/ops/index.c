/* Ops that choose by integers, or make them. */
#include "engine/ops/rule.h"

static bool shape_gather(const struct graph *graph, const struct node *node, struct type out[])
{
    struct type table = input_type(graph, node, 0), index = input_type(graph, node, 1);
    int rank = index.shape.rank + table.shape.rank - 1;
    if (table.shape.rank < 1 || index.dtype != I32 || rank > RANK_MAX)
        return false;
    out[0] = (struct type){ table.dtype, index.shape };
    out[0].shape.rank = rank;
    for (int i = 1; i < table.shape.rank; i++)
        out[0].shape.dim[index.shape.rank + i - 1] = table.shape.dim[i];
    return true;
}

static void gradient_gather(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    din[0] = scatter_add(dout[0], in[1], rows(in[0]));
}

static void reference_gather(const struct reference_call *call)
{
    int64_t count = shape_size(call->in_type[1]->shape);
    int64_t width = count ? shape_size(call->out_type[0]->shape) / count : 0;
    for (int64_t i = 0; i < count * width; i++)
        call->out[0][i] = call->in[0][(int64_t)call->in[1][i / width] * width + i % width];
}

val gather(val table, val index)
{
    return graph_add(table.graph, &op_gather, 2, (val[]){ table, index }, NULL);
}

static val make_gather(const val in[], int inputs, const double number[])
{
    (void)inputs, (void)number;
    return gather(in[0], in[1]);
}

const struct op_type op_gather = {
    .name = "gather",
    .doc = "Rows of a table by index; an embedding.",
    .inputs = 2,
    .outputs = 1,
    .flags = OP_PURE | OP_INTEGERS,
    .cases = "[5,3] [7]:5\n[4,2,3] [6]:4\n[9] [4]:9\n[6,5] [2,3]:6",
    .shape = shape_gather,
    .gradient = gradient_gather,
    .reference = reference_gather,
    .make = make_gather,
};

/* Rows [count of index..., width...] into a table of attribute.shape.dim[0] rows. */
static bool shape_scatter_add(const struct graph *graph, const struct node *node, struct type out[])
{
    struct shape from = input_type(graph, node, 0).shape, index = input_type(graph, node, 1).shape;
    int rank = from.rank - index.rank + 1;
    if (rank < 1 || rank > RANK_MAX || input_type(graph, node, 1).dtype != I32 ||
        input_type(graph, node, 0).dtype != F32)
        return false;
    out[0] = (struct type){ .dtype = F32, .shape = { .rank = rank } };
    out[0].shape.dim[0] = node->attribute.shape.dim[0];
    for (int i = 0; i < index.rank; i++)
        if (from.dim[i] != index.dim[i])
            return false;
    for (int i = index.rank; i < from.rank; i++)
        out[0].shape.dim[i - index.rank + 1] = from.dim[i];
    return true;
}

static void gradient_scatter_add(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    din[0] = gather(dout[0], in[1]);
}

static void reference_scatter_add(const struct reference_call *call)
{
    int64_t count = shape_size(call->in_type[1]->shape),
            size = shape_size(call->out_type[0]->shape);
    int64_t width = count ? shape_size(call->in_type[0]->shape) / count : 0;
    for (int64_t i = 0; i < size; i++)
        call->out[0][i] = 0;
    for (int64_t i = 0; i < count * width; i++)
        call->out[0][(int64_t)call->in[1][i / width] * width + i % width] += call->in[0][i];
}

val scatter_add(val rows_of, val index, int64_t count)
{
    struct attributes attributes = { .shape = SHAPE(count) };
    return graph_add(rows_of.graph, &op_scatter_add, 2, (val[]){ rows_of, index }, &attributes);
}

static val make_scatter_add(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return scatter_add(in[0], in[1], (int64_t)number[0]);
}

const struct op_type op_scatter_add = {
    .name = "scatter_add",
    .doc = "Adds rows into the rows of a table by index.",
    .inputs = 2,
    .outputs = 1,
    .flags = OP_PURE | OP_INTEGERS,
    .cases = "[7,3] [7]:5 | 5\n[2,3,5] [2,3]:6 | 6",
    .shape = shape_scatter_add,
    .gradient = gradient_scatter_add,
    .reference = reference_scatter_add,
    .make = make_scatter_add,
};

static bool shape_one_hot(const struct graph *graph, const struct node *node, struct type out[])
{
    struct type index = input_type(graph, node, 0);
    out[0] = (struct type){ F32, SHAPE(index.shape.dim[0], node->attribute.shape.dim[0]) };
    return index.dtype == I32 && index.shape.rank == 1;
}

static void reference_one_hot(const struct reference_call *call)
{
    int64_t classes = call->out_type[0]->shape.dim[1], size = shape_size(call->out_type[0]->shape);
    for (int64_t i = 0; i < size; i++)
        call->out[0][i] = (int64_t)call->in[0][i / classes] == i % classes;
}

val one_hot(val index, int64_t classes)
{
    struct attributes attributes = { .shape = SHAPE(classes) };
    return graph_add(index.graph, &op_one_hot, 1, &index, &attributes);
}

static val make_one_hot(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return one_hot(in[0], (int64_t)number[0]);
}

const struct op_type op_one_hot = {
    .name = "one_hot",
    .doc = "1 at the index, else 0.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE | OP_NO_GRADIENT | OP_INTEGERS,
    .cases = "[6]:4 | 4\n[1]:3 | 3",
    .shape = shape_one_hot,
    .reference = reference_one_hot,
    .make = make_one_hot,
};

static bool shape_fill_diagonal(const struct graph *graph, const struct node *node,
                                struct type out[])
{
    out[0] = input_type(graph, node, 0);
    return out[0].shape.rank == 2;
}

static void gradient_fill_diagonal(RULE_ARGUMENTS)
{
    (void)node, (void)in, (void)out;
    din[0] = fill_diagonal(dout[0], 0);
}

static void reference_fill_diagonal(const struct reference_call *call)
{
    int64_t width = call->out_type[0]->shape.dim[1], size = shape_size(call->out_type[0]->shape);
    for (int64_t i = 0; i < size; i++)
        call->out[0][i] = i / width == i % width ? call->node->attribute.number : call->in[0][i];
}

val fill_diagonal(val square_matrix, double number)
{
    struct attributes attributes = { .number = number };
    return graph_add(square_matrix.graph, &op_fill_diagonal, 1, &square_matrix, &attributes);
}

static val make_fill_diagonal(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return fill_diagonal(in[0], number[0]);
}

const struct op_type op_fill_diagonal = {
    .name = "fill_diagonal",
    .doc = "Replaces the diagonal by a number.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE | OP_IN_PLACE,
    .attribute = ATTRIBUTE_NUMBER,
    .cases = "[4,4] | -1e9\n[1,1] | 0",
    .shape = shape_fill_diagonal,
    .gradient = gradient_fill_diagonal,
    .reference = reference_fill_diagonal,
    .make = make_fill_diagonal,
};

static bool shape_count_up(const struct graph *graph, const struct node *node, struct type out[])
{
    (void)graph;
    out[0] = (struct type){ I32, node->attribute.shape };
    return node->attribute.shape.dim[0] <= INT32_MAX;
}

static void reference_count_up(const struct reference_call *call)
{
    for (int64_t i = 0; i < call->out_type[0]->shape.dim[0]; i++)
        call->out[0][i] = (double)i;
}

val count_up(struct graph *graph, int64_t count)
{
    struct attributes attributes = { .shape = SHAPE(count) };
    return graph_add(graph, &op_count_up, 0, NULL, &attributes);
}

const struct op_type op_count_up = {
    .name = "count_up",
    .doc = "0, 1, 2, …",
    .outputs = 1,
    .flags = OP_PURE | OP_NO_GRADIENT,
    .shape = shape_count_up,
    .reference = reference_count_up,
};

static bool shape_cast(const struct graph *graph, const struct node *node, struct type out[])
{
    out[0] = input_type(graph, node, 0);
    out[0].dtype = node->attribute.dtype;
    return true;
}

static void gradient_cast(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    if (type_of(in[0]).dtype != I32)
        din[0] = cast(dout[0], type_of(in[0]).dtype);
}

/* Double holds every f32, bf16 and 32-bit integer: nothing changes but truncation to integers. */
static void reference_cast(const struct reference_call *call)
{
    bool whole = call->out_type[0]->dtype == I32;
    for (int64_t i = 0, size = shape_size(call->out_type[0]->shape); i < size; i++)
        call->out[0][i] = whole ? (double)(int64_t)call->in[0][i] : call->in[0][i];
}

val cast(val x, enum dtype dtype)
{
    if (is_none(x) || type_of(x).dtype == dtype)
        return x;
    struct attributes attributes = { .dtype = dtype };
    return graph_add(x.graph, &op_cast, 1, &x, &attributes);
}

static val make_cast(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return cast(in[0], (enum dtype)(int)number[0]);
}

const struct op_type op_cast = {
    .name = "cast",
    .doc = "Another type of number.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE | OP_INTEGERS,
    .attribute = ATTRIBUTE_DTYPE,
    .cases = "[7]:9 | 0",
    .shape = shape_cast,
    .gradient = gradient_cast,
    .reference = reference_cast,
    .make = make_cast,
};
