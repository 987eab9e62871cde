/* Element-wise functions of one value. */
#include "engine/ops/rule.h"

#include <math.h>

#define SQRT_2_OVER_PI 0.7978845608028654
#define INVERSE_SQRT_2 0.7071067811865476
#define INVERSE_SQRT_2PI 0.3989422804014327
#define TWO_OVER_SQRT_PI 1.1283791670955126
#define GELU_CUBIC 0.044715

static val one_minus(val x)
{
    return subtract(constant(x.graph, 1), x);
}

/* Each rule: the derivative of y at x, both at hand; the driver's upstream gradient multiplies. */
static val slope_negate(val x, val y)
{
    (void)y;
    return constant(x.graph, -1);
}
static val slope_exp(val x, val y)
{
    (void)x;
    return y;
}
static val slope_log(val x, val y)
{
    (void)y;
    return reciprocal(x);
}
static val slope_sqrt(val x, val y)
{
    (void)x;
    return divide(constant(y.graph, 0.5), y);
}
static val slope_rsqrt(val x, val y)
{
    return scale(divide(y, x), -0.5);
}
static val slope_reciprocal(val x, val y)
{
    (void)x;
    return negate(square(y));
}
static val slope_square(val x, val y)
{
    (void)y;
    return scale(x, 2);
}
static val slope_absolute(val x, val y)
{
    (void)y;
    val zero = constant(x.graph, 0);
    return subtract(greater(x, zero), less(x, zero));
}
static val slope_silu(val x, val y)
{
    val gate = sigmoid(x);
    return add(y, multiply(gate, one_minus(y)));
}
static val slope_tanh(val x, val y)
{
    (void)x;
    return one_minus(square(y));
}
static val slope_sigmoid(val x, val y)
{
    (void)x;
    return multiply(y, one_minus(y));
}
static val slope_softplus(val x, val y)
{
    (void)y;
    return sigmoid(x);
}
static val slope_erf(val x, val y)
{
    (void)y;
    return scale(exponential(negate(square(x))), TWO_OVER_SQRT_PI);
}
static val slope_sin(val x, val y)
{
    (void)y;
    return cosine(x);
}
static val slope_cos(val x, val y)
{
    (void)y;
    return negate(sine(x));
}

static val unary(const struct op_type *op, val x)
{
    return graph_add(x.graph, op, 1, (val[]){ real(x) }, NULL);
}

/* One op: its builder, gradient from the slope, reference from the expression in x. */
#define UNARY(op_name, builder, slope, expression, what, shapes) \
    static void gradient_##op_name(RULE_ARGUMENTS)               \
    {                                                            \
        (void)node;                                              \
        din[0] = multiply(dout[0], slope(in[0], out[0]));        \
    }                                                            \
    CURVE(op_name, builder, expression, what, shapes)

/* The same with the gradient rule at hand. */
#define CURVE(op_name, builder, expression, what, shapes)                        \
    static void reference_##op_name(const struct reference_call *call)           \
    {                                                                            \
        int64_t size = shape_size(call->out_type[0]->shape);                     \
        for (int64_t i = 0; i < size; i++) {                                     \
            double x = call->in[0][i];                                           \
            call->out[0][i] = expression;                                        \
        }                                                                        \
    }                                                                            \
    val builder(val x)                                                           \
    {                                                                            \
        return unary(&op_##op_name, x);                                          \
    }                                                                            \
    static val make_##op_name(const val in[], int inputs, const double number[]) \
    {                                                                            \
        (void)inputs, (void)number;                                              \
        return builder(in[0]);                                                   \
    }                                                                            \
    const struct op_type op_##op_name = {                                        \
        .name = #op_name,                                                        \
        .doc = what,                                                             \
        .inputs = 1,                                                             \
        .outputs = 1,                                                            \
        .flags = OP_PURE | OP_IN_PLACE,                                          \
        .cases = shapes,                                                         \
        .shape = shape_as_input,                                                 \
        .gradient = gradient_##op_name,                                          \
        .reference = reference_##op_name,                                        \
        .make = make_##op_name,                                                  \
    };

static void gradient_gelu(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    din[0] = gelu_gradient(dout[0], in[0]);
}

static void gradient_gelu_tanh(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    din[0] = gelu_tanh_gradient(dout[0], in[0]);
}

#define ANY "[1]\n[5,17]\n[2,3,7]"
#define POSITIVE "[1]+\n[5,17]+\n[2,3,7]+"

UNARY(negate, negate, slope_negate, -x, "-x.", ANY)
UNARY(exp, exponential, slope_exp, exp(x), "e^x.", ANY)
UNARY(log, logarithm, slope_log, log(x), "Natural logarithm.", POSITIVE)
UNARY(sqrt, square_root, slope_sqrt, sqrt(x), "Square root.", POSITIVE)
UNARY(rsqrt, inverse_square_root, slope_rsqrt, 1 / sqrt(x), "1 / square root.", POSITIVE)
UNARY(reciprocal, reciprocal, slope_reciprocal, 1 / x, "1 / x.", POSITIVE)
UNARY(square, square, slope_square, x *x, "x squared.", ANY)
UNARY(absolute, absolute, slope_absolute, fabs(x), "|x|.", ANY)
CURVE(gelu, gelu, 0.5 * x * (1 + erf(x * INVERSE_SQRT_2)), "x Phi(x), exact GELU.", ANY)
CURVE(gelu_tanh, gelu_tanh, 0.5 * x * (1 + tanh(SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x))),
      "GELU, tanh form.", ANY)
UNARY(silu, silu, slope_silu, x / (1 + exp(-x)), "x sigmoid(x).", ANY)
UNARY(tanh, hyperbolic_tangent, slope_tanh, tanh(x), "Hyperbolic tangent.", ANY)
UNARY(sigmoid, sigmoid, slope_sigmoid, 1 / (1 + exp(-x)), "1 / (1 + e^-x).", ANY)
UNARY(softplus, softplus, slope_softplus, fmax(x, 0) + log1p(exp(-fabs(x))), "ln(1 + e^x).", ANY)
UNARY(erf, error_function, slope_erf, erf(x), "Error function.", ANY)
UNARY(sin, sine, slope_sin, sin(x), "Sine.", ANY)
UNARY(cos, cosine, slope_cos, cos(x), "Cosine.", ANY)

/* relu(normalised) and relu(normalised + residual) become one pass over memory: the op that
 * normalises takes them in. The nodes it replaces stay unused and are dropped. */
static val relu_into_normalisation(val x)
{
    const struct node *node = node_of(x);
    val base = x, residual = no_value(x.graph);
    if (node->op == &op_add) {
        val a = { x.graph, node->in[0] }, b = { x.graph, node->in[1] };
        if (!shape_equal(shape_of(a), shape_of(b)))
            return no_value(x.graph);
        base = node_of(a)->op == &op_bn_apply ? a : b;
        residual = base.id == a.id ? b : a;
        node = node_of(base);
    }
    if (node->op != &op_bn_apply || !node->attribute.batch_norm.total || node->inputs != 5 ||
        node->attribute.batch_norm.relu)
        return no_value(x.graph);
    struct attributes attributes = node->attribute;
    attributes.batch_norm.relu = true;
    val in[6] = { { x.graph, node->in[0] }, { x.graph, node->in[1] }, { x.graph, node->in[2] },
                  { x.graph, node->in[3] }, { x.graph, node->in[4] }, residual };
    return graph_add(x.graph, &op_bn_apply, is_none(residual) ? 5 : 6, in, &attributes);
}

val relu(val x)
{
    if (is_none(x))
        return x;
    val fused = relu_into_normalisation(x);
    return is_none(fused) ? unary(&op_relu, x) : fused;
}

static void gradient_relu(RULE_ARGUMENTS)
{
    (void)node, (void)in;
    din[0] = relu_gradient(dout[0], out[0]);
}

static void reference_relu(const struct reference_call *call)
{
    int64_t size = shape_size(call->out_type[0]->shape);
    for (int64_t i = 0; i < size; i++)
        call->out[0][i] = call->in[0][i] < 0 ? 0 : call->in[0][i]; /* NaN passes */
}

static val make_relu(const val in[], int inputs, const double number[])
{
    (void)inputs, (void)number;
    return relu(in[0]);
}

const struct op_type op_relu = {
    .name = "relu",
    .doc = "max(x, 0).",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_PURE | OP_IN_PLACE,
    .cases = ANY,
    .shape = shape_as_input,
    .gradient = gradient_relu,
    .reference = reference_relu,
    .make = make_relu,
};

val relu_gradient(val dy, val y)
{
    return graph_add(dy.graph, &op_relu_gradient, 2, (val[]){ dy, y }, NULL);
}

/* Linear in dy; y only chooses. */
static void gradient_relu_gradient(RULE_ARGUMENTS)
{
    (void)node, (void)out;
    din[0] = relu_gradient(dout[0], in[1]);
}

static bool shape_relu_gradient(const struct graph *graph, const struct node *node,
                                struct type out[])
{
    out[0] = input_type(graph, node, 0);
    return shape_equal(out[0].shape, input_type(graph, node, 1).shape);
}

static void reference_relu_gradient(const struct reference_call *call)
{
    int64_t size = shape_size(call->out_type[0]->shape);
    for (int64_t i = 0; i < size; i++)
        call->out[0][i] = call->in[1][i] > 0 ? call->in[0][i] : 0;
}

static val make_relu_gradient(const val in[], int inputs, const double number[])
{
    (void)inputs, (void)number;
    return relu_gradient(in[0], in[1]);
}

const struct op_type op_relu_gradient = {
    .name = "relu_gradient",
    .doc = "dy where y > 0, else 0.",
    .inputs = 2,
    .outputs = 1,
    .flags = OP_PURE | OP_IN_PLACE,
    .cases = "[1] [1]\n[5,17] [5,17]",
    .shape = shape_relu_gradient,
    .gradient = gradient_relu_gradient,
    .reference = reference_relu_gradient,
    .make = make_relu_gradient,
};

/* ---- the gradients of GELU, linear in dy ---- */

/* d/dx (Phi + x phi) = phi (2 - x^2), with the normal distribution Phi and its density phi. */
static val curvature_gelu(val x)
{
    val density = scale(exponential(scale(square(x), -0.5)), INVERSE_SQRT_2PI);
    return multiply(density, subtract(constant(x.graph, 2), square(x)));
}

static double slope_gelu(double x)
{
    return 0.5 * (1 + erf(x * INVERSE_SQRT_2)) + x * INVERSE_SQRT_2PI * exp(-0.5 * x * x);
}

/* With s = sigmoid(w), w = 2 sqrt(2 / pi) (x + c x^3), the slope is s + x s (1 - s) w'. */
static val curvature_gelu_tanh(val x)
{
    val s = sigmoid(scale(multiply(x, shift(scale(square(x), GELU_CUBIC), 1)), 2 * SQRT_2_OVER_PI));
    val rise = scale(shift(scale(square(x), 3 * GELU_CUBIC), 1), 2 * SQRT_2_OVER_PI);
    val bend = scale(x, 12 * GELU_CUBIC * SQRT_2_OVER_PI);
    val turned = multiply(square(rise), shift(scale(s, -2), 1));
    return multiply(multiply(s, one_minus(s)), add(scale(rise, 2), multiply(x, add(turned, bend))));
}

static double slope_gelu_tanh(double x)
{
    double s = 1 / (1 + exp(-2 * SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x)));
    return s + x * s * (1 - s) * 2 * SQRT_2_OVER_PI * (1 + 3 * GELU_CUBIC * x * x);
}

#define GELU_GRADIENT(op_name, of, what)                                                \
    val op_name(val dy, val x)                                                          \
    {                                                                                   \
        return graph_add(dy.graph, &op_##op_name, 2, (val[]){ dy, x }, NULL);           \
    }                                                                                   \
    static void gradient_##op_name(RULE_ARGUMENTS)                                      \
    {                                                                                   \
        (void)node, (void)out;                                                          \
        din[0] = op_name(dout[0], in[1]);                                               \
        din[1] = multiply(multiply(dout[0], in[0]), curvature_##of(in[1]));             \
    }                                                                                   \
    static void reference_##op_name(const struct reference_call *call)                  \
    {                                                                                   \
        for (int64_t i = 0, size = shape_size(call->out_type[0]->shape); i < size; i++) \
            call->out[0][i] = call->in[0][i] * slope_##of(call->in[1][i]);              \
    }                                                                                   \
    static val make_##op_name(const val in[], int inputs, const double number[])        \
    {                                                                                   \
        (void)inputs, (void)number;                                                     \
        return op_name(in[0], in[1]);                                                   \
    }                                                                                   \
    const struct op_type op_##op_name = {                                               \
        .name = #op_name,                                                               \
        .doc = what,                                                                    \
        .inputs = 2,                                                                    \
        .outputs = 1,                                                                   \
        .flags = OP_PURE | OP_IN_PLACE,                                                 \
        .cases = "[1] [1]\n[5,17] [5,17]\n[2,3,7] [2,3,7]",                             \
        .shape = shape_relu_gradient,                                                   \
        .gradient = gradient_##op_name,                                                 \
        .reference = reference_##op_name,                                               \
        .make = make_##op_name,                                                         \
    };

GELU_GRADIENT(gelu_gradient, gelu, "dy times the slope of GELU at x.")
GELU_GRADIENT(gelu_tanh_gradient, gelu_tanh, "dy times the slope of GELU's tanh form at x.")
