/* Element-wise functions of two values with broadcasting; select; the sum of several values. */
#include "engine/ops/rule.h"

#include <math.h>

static bool shape_binary(const struct graph *graph, const struct node *node, struct type out[])
{
    struct type a = input_type(graph, node, 0), b = input_type(graph, node, 1);
    out[0].dtype = F32;
    return shape_broadcast(a.shape, b.shape, &out[0].shape);
}

typedef double function_of_two(double a, double b);

static void reference_binary(const struct reference_call *call, function_of_two *f)
{
    struct shape shape = call->out_type[0]->shape;
    int64_t sa[RANK_MAX], sb[RANK_MAX], size = shape_size(shape);
    shape_broadcast_strides(call->in_type[0]->shape, shape, sa);
    shape_broadcast_strides(call->in_type[1]->shape, shape, sb);
    for (int64_t i = 0; i < size; i++)
        call->out[0][i] =
            f(call->in[0][operand_offset(shape, i, sa)], call->in[1][operand_offset(shape, i, sb)]);
}

static void gradient_add(RULE_ARGUMENTS)
{
    (void)node, (void)in, (void)out;
    din[0] = din[1] = dout[0];
}
static void gradient_subtract(RULE_ARGUMENTS)
{
    (void)node, (void)in, (void)out;
    din[0] = dout[0];
    din[1] = negate(dout[0]);
}
static void gradient_multiply(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    din[0] = multiply(dout[0], in[1]);
    din[1] = multiply(dout[0], in[0]);
}
static void gradient_divide(RULE_ARGUMENTS)
{
    (void)node;
    din[0] = divide(dout[0], in[1]);
    din[1] = negate(divide(multiply(dout[0], out[0]), in[1]));
}
/* At a tie each side takes half, as PyTorch does. */
static void gradient_maximum(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    val half = scale(equal(in[0], in[1]), 0.5);
    din[0] = multiply(dout[0], add(greater(in[0], in[1]), half));
    din[1] = multiply(dout[0], add(less(in[0], in[1]), half));
}
static void gradient_minimum(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    val half = scale(equal(in[0], in[1]), 0.5);
    din[0] = multiply(dout[0], add(less(in[0], in[1]), half));
    din[1] = multiply(dout[0], add(greater(in[0], in[1]), half));
}
static void gradient_power(RULE_ARGUMENTS)
{
    (void)node;
    din[0] = multiply(dout[0], multiply(in[1], divide(out[0], in[0])));
    din[1] = multiply(dout[0], multiply(out[0], logarithm(in[0])));
}

#define BINARY(op_name, builder, rule, more_flags, expression, what, shapes)            \
    static double apply_##op_name(double a, double b)                                   \
    {                                                                                   \
        return expression;                                                              \
    }                                                                                   \
    static void reference_##op_name(const struct reference_call *call)                  \
    {                                                                                   \
        reference_binary(call, apply_##op_name);                                        \
    }                                                                                   \
    val builder(val a, val b)                                                           \
    {                                                                                   \
        return graph_add(a.graph, &op_##op_name, 2, (val[]){ real(a), real(b) }, NULL); \
    }                                                                                   \
    static val make_##op_name(const val in[], int inputs, const double number[])        \
    {                                                                                   \
        (void)inputs, (void)number;                                                     \
        return builder(in[0], in[1]);                                                   \
    }                                                                                   \
    const struct op_type op_##op_name = {                                               \
        .name = #op_name,                                                               \
        .doc = what,                                                                    \
        .inputs = 2,                                                                    \
        .outputs = 1,                                                                   \
        .flags = OP_PURE | OP_IN_PLACE | (more_flags),                                  \
        .cases = shapes,                                                                \
        .shape = shape_binary,                                                          \
        .gradient = rule,                                                               \
        .reference = reference_##op_name,                                               \
        .make = make_##op_name,                                                         \
    };

#define PAIRS "[5,17] [5,17]\n[2,3,4] [3,1]\n[1] [4,3]\n[3,1] [1,5]"
#define PAIRS_POSITIVE "[5,17] [5,17]+\n[2,3,4] [3,1]+\n[1] [4,3]+\n[3,1] [1,5]+"

BINARY(add, add, gradient_add, 0, a + b, "a + b.", PAIRS)
BINARY(subtract, subtract, gradient_subtract, 0, a - b, "a - b.", PAIRS)
BINARY(multiply, multiply, gradient_multiply, 0, a *b, "a * b.", PAIRS)
BINARY(divide, divide, gradient_divide, 0, a / b, "a / b.", PAIRS_POSITIVE)
BINARY(maximum, maximum, gradient_maximum, 0, a > b || a != a ? a : b,
       "The larger; NaN where either is.", PAIRS)
BINARY(minimum, minimum, gradient_minimum, 0, a < b || a != a ? a : b,
       "The smaller; NaN where either is.", PAIRS)
BINARY(power, power, gradient_power, 0, pow(a, b), "a to the b, a > 0.",
       "[5,17]+ [5,17]\n[2,3,4]+ [3,1]")
BINARY(less, less, NULL, OP_NO_GRADIENT, a < b, "1 where a < b.", PAIRS)
BINARY(less_equal, less_equal, NULL, OP_NO_GRADIENT, a <= b, "1 where a <= b.", PAIRS)
BINARY(greater, greater, NULL, OP_NO_GRADIENT, a > b, "1 where a > b.", PAIRS)
BINARY(greater_equal, greater_equal, NULL, OP_NO_GRADIENT, a >= b, "1 where a >= b.", PAIRS)
BINARY(equal, equal, NULL, OP_NO_GRADIENT, a == b, "1 where a == b.", "[30]:3 [30]:3")
BINARY(not_equal, not_equal, NULL, OP_NO_GRADIENT, a != b, "1 where a != b.", "[30]:3 [30]:3")

val scale(val x, double factor)
{
    return multiply(x, constant(x.graph, factor));
}

val shift(val x, double summand)
{
    return add(x, constant(x.graph, summand));
}

static bool shape_select(const struct graph *graph, const struct node *node, struct type out[])
{
    struct shape both;
    out[0].dtype = F32;
    return shape_broadcast(input_type(graph, node, 1).shape, input_type(graph, node, 2).shape,
                           &both) &&
           shape_broadcast(input_type(graph, node, 0).shape, both, &out[0].shape);
}

static void gradient_select(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    val zero = constant(in[0].graph, 0);
    din[1] = select_where(in[0], dout[0], zero);
    din[2] = select_where(in[0], zero, dout[0]);
}

static void reference_select(const struct reference_call *call)
{
    struct shape shape = call->out_type[0]->shape;
    int64_t stride[3][RANK_MAX], size = shape_size(shape);
    for (int i = 0; i < 3; i++)
        shape_broadcast_strides(call->in_type[i]->shape, shape, stride[i]);
    for (int64_t i = 0; i < size; i++) {
        int from = call->in[0][operand_offset(shape, i, stride[0])] != 0 ? 1 : 2;
        call->out[0][i] = call->in[from][operand_offset(shape, i, stride[from])];
    }
}

val select_where(val condition, val a, val b)
{
    return graph_add(condition.graph, &op_select, 3, (val[]){ real(condition), real(a), real(b) },
                     NULL);
}

static val make_select(const val in[], int inputs, const double number[])
{
    (void)inputs, (void)number;
    return select_where(in[0], in[1], in[2]);
}

const struct op_type op_select = {
    .name = "select",
    .doc = "a where the condition is not 0, else b.",
    .inputs = 3,
    .outputs = 1,
    .flags = OP_PURE,
    .cases = "[5,17]:2 [5,17] [5,17]\n[4,1]:2 [4,3] [1]",
    .shape = shape_select,
    .gradient = gradient_select,
    .reference = reference_select,
    .make = make_select,
};

static bool shape_sum_n(const struct graph *graph, const struct node *node, struct type out[])
{
    out[0] = input_type(graph, node, 0);
    for (int i = 1; i < node->inputs; i++)
        if (!shape_equal(out[0].shape, input_type(graph, node, i).shape))
            return false;
    return true;
}

static void gradient_sum_n(RULE_ARGUMENTS)
{
    (void)in, (void)out;
    for (int i = 0; i < node->inputs; i++)
        din[i] = dout[0];
}

static void reference_sum_n(const struct reference_call *call)
{
    int64_t size = shape_size(call->out_type[0]->shape);
    for (int64_t i = 0; i < size; i++) {
        double total = 0;
        for (int k = 0; k < call->node->inputs; k++)
            total += call->in[k][i];
        call->out[0][i] = total;
    }
}

val sum_of(int count, const val v[])
{
    enum { AT_ONCE = 8 };
    val total = v[0];
    for (int done = 1; done < count;) {
        int take = count - done < AT_ONCE - 1 ? count - done : AT_ONCE - 1;
        val part_sum[AT_ONCE] = { total };
        for (int i = 0; i < take; i++)
            part_sum[i + 1] = v[done + i];
        total = graph_add(v[0].graph, &op_sum_n, take + 1, part_sum, NULL);
        done += take;
    }
    return total;
}

static val make_sum_n(const val in[], int inputs, const double number[])
{
    (void)number;
    return sum_of(inputs, in);
}

const struct op_type op_sum_n = {
    .name = "sum_n",
    .doc = "Sum of several values of one shape.",
    .inputs = -1,
    .outputs = 1,
    .flags = OP_PURE | OP_IN_PLACE,
    .cases = "[5,17] [5,17] [5,17]\n[4] [4]",
    .shape = shape_sum_n,
    .gradient = gradient_sum_n,
    .reference = reference_sum_n,
    .make = make_sum_n,
};
