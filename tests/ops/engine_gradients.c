/* Gradient rules against central differences in double, of every op and of what builders fuse. */
#include "ops/harness.h"

static void every_op(void **state)
{
    (void)state;
    int checked = 0;
    for (int i = 0; all_ops[i]; i++) {
        const struct op_type *op = all_ops[i];
        if (!op->make || (op->flags & OP_NO_GRADIENT))
            continue;
        struct test_case c;
        for (const char *at = op->cases; at; checked++) {
            at = case_parse(at, &c);
            check_gradient(op->name, &c, build_op, &(struct op_case){ op, &c });
        }
    }
    assert_true(checked > 100);
}

/* Gradients that are defined as zero are not emitted at all. */
static void without_gradient(void **state)
{
    (void)state;
    for (int i = 0; all_ops[i]; i++) {
        const struct op_type *op = all_ops[i];
        struct test_case c;
        if (!op->make || !(op->flags & OP_NO_GRADIENT))
            continue;
        case_parse(op->cases, &c);
        struct trial t;
        trial_build(&t, &c, build_op, &(struct op_case){ op, &c }, false);
        for (int k = 0; k < t.inputs; k++)
            assert_true(is_none(t.gradient[k]));
        trial_free(&t);
    }
}

/* The gradient by one input of an op, whose own gradient is then checked: the second derivative.
 * The last input of the case is the upstream gradient. */
struct twice {
    struct op_case subject;
    int by;
};

static val build_gradient(const val in[], int inputs, const void *context)
{
    const struct twice *twice = context;
    val gradient[CASE_INPUTS], y = build_op(in, inputs - 1, &twice->subject);
    gradients_of(y, in[inputs - 1], inputs - 1, in, gradient);
    return gradient[twice->by];
}

static const struct op_type *const twice_differentiable[] = {
    &op_matmul,
    &op_conv2d,
    &op_conv2d_data_gradient,
    &op_conv2d_weight_gradient,
    &op_exp,
    &op_log,
    &op_sqrt,
    &op_rsqrt,
    &op_reciprocal,
    &op_square,
    &op_gelu,
    &op_gelu_tanh,
    &op_silu,
    &op_tanh,
    &op_sigmoid,
    &op_softplus,
    &op_erf,
    &op_sin,
    &op_cos,
    &op_multiply,
    &op_divide,
    &op_power,
    &op_softmax,
    &op_log_softmax,
    &op_cross_entropy,
    &op_l2_normalize,
    &op_layer_norm,
    &op_average_pool,
    &op_select,
    &op_gather,
    &op_scatter_add,
    &op_relu,
    &op_fill_diagonal,
};

static void second_derivatives(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof twice_differentiable / sizeof *twice_differentiable; i++) {
        const struct op_type *op = twice_differentiable[i];
        struct test_case c, more;
        for (const char *at = op->cases; at;) {
            at = case_parse(at, &c);
            struct trial t;
            trial_build(&t, &c, build_op, &(struct op_case){ op, &c }, true);
            more = c;
            more.input[more.inputs++].shape = shape_of(t.y);
            trial_free(&t);
            for (int by = 0; by < c.inputs; by++)
                if (!c.input[by].below && !(op == &op_select && by == 0))
                    check_gradient(op->name, &more, build_gradient,
                                   &(struct twice){ { op, &c }, by });
        }
    }
}

/* Inputs x, weight, bias [, residual or shortcut]; numbers: groups, epsilon. */
static val normalise(const val in[], const double number[])
{
    return batch_normalize(in[0], in[1], in[2], (int)number[0], number[1]);
}

static val build_normalise(const val in[], int inputs, const void *context)
{
    (void)inputs;
    return normalise(in, context);
}

static val build_normalise_relu(const val in[], int inputs, const void *context)
{
    (void)inputs;
    val y = relu(normalise(in, context));
    assert_ptr_equal(node_of(y)->op, &op_bn_apply);
    return y;
}

static val build_normalise_add_relu(const val in[], int inputs, const void *context)
{
    (void)inputs;
    val y = relu(add(normalise(in, context), in[3]));
    assert_ptr_equal(node_of(y)->op, &op_bn_apply);
    return y;
}

static val build_add_normalise_relu(const val in[], int inputs, const void *context)
{
    (void)inputs;
    return relu(add(in[3], normalise(in, context)));
}

static val build_normalise_relu_pool(const val in[], int inputs, const void *context)
{
    (void)inputs;
    struct pooling how = { { 2, 2 }, { 2, 2 }, { 0, 0 } };
    val y = max_pool(relu(normalise(in, context)), how);
    assert_ptr_equal(node_of(y)->op, &op_bn_apply);
    return y;
}

/* Two branches, both normalised, as where a residual network changes its width. */
static val build_two_branches(const val in[], int inputs, const void *context)
{
    (void)inputs;
    const double *number = context;
    val shortcut = batch_normalize(in[3], in[1], in[2], (int)number[0], number[1]);
    return relu(add(normalise(in, context), shortcut));
}

/* The value before ReLU is used as well: fusing must not change that. */
static val build_shared_before_relu(const val in[], int inputs, const void *context)
{
    (void)inputs;
    val y = normalise(in, context);
    return add(relu(y), square(y));
}

static void fused_forms(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        builder *build;
        bool residual, planes;
    } form[] = {
        { "normalise", build_normalise, false, false },
        { "normalise, relu", build_normalise_relu, false, false },
        { "normalise, add, relu", build_normalise_add_relu, true, false },
        { "add, normalise, relu", build_add_normalise_relu, true, false },
        { "normalise, relu, pool", build_normalise_relu_pool, false, true },
        { "two branches", build_two_branches, true, false },
        { "shared before relu", build_shared_before_relu, false, false },
    };
    static const char *const shape[] = { "[4,3,2,6]", "[4,16,4,2]", "[6,5]", "[2,4,2,2]" };
    for (size_t f = 0; f < sizeof form / sizeof *form; f++)
        for (size_t s = 0; s < 4; s++)
            for (int groups = 1; groups <= 2; groups++) {
                struct test_case c;
                char text[CASE_TEXT];
                struct shape x;
                case_shape(shape[s], &x);
                snprintf(text, sizeof text, "%s [%d] [%d] %s | %d 1e-3", shape[s], (int)x.dim[1],
                         (int)x.dim[1], form[f].residual ? shape[s] : "", groups);
                case_parse(text, &c);
                if (!form[f].planes || x.rank == 4)
                    check_gradient(form[f].name, &c, form[f].build, c.number);
            }
}

/* Statistics that do not come from x: constants for the gradient. */
static val build_given_statistics(const val in[], int inputs, const void *context)
{
    (void)inputs, (void)context;
    struct graph *g = in[0].graph;
    int64_t channels = dim(in[0], 1);
    val mean_of = broadcast_to(constant(g, 0.2), SHAPE(2, channels));
    val inverse = broadcast_to(constant(g, 1.7), SHAPE(2, channels));
    return relu(batch_apply(in[0], mean_of, inverse, in[1], in[2], 2, false));
}

static void given_statistics(void **state)
{
    (void)state;
    struct test_case c;
    case_parse("[4,3,2,5] [3] [3]", &c);
    check_gradient("given statistics", &c, build_given_statistics, NULL);
    case_parse("[6,5] [5] [5]", &c);
    check_gradient("given statistics", &c, build_given_statistics, NULL);
}

/* One value used many times, also more often than one sum takes; and through every builder that
 * composes. */
static val build_many_uses(const val in[], int inputs, const void *context)
{
    (void)inputs, (void)context;
    val total = in[0];
    for (int i = 0; i < 90; i++)
        total = add(total, sine(scale(in[0], 0.1 * i)));
    return total;
}

static val build_composed(const val in[], int inputs, const void *context)
{
    (void)inputs, (void)context;
    val x = in[0], part_of_x[2];
    unstack(rotate(x, 3), 2, part_of_x);
    val y = matmul(transpose(part_of_x[0]), part_of_x[1]);
    val z = add(mean(x, 1, false), shift(mean_all(y), 2));
    return add(multiply(y, stop_gradient(y)), multiply(z, sum_last(maximum(y, minimum(y, z)))));
}

static void compositions(void **state)
{
    (void)state;
    struct test_case c;
    case_parse("[3,4]", &c);
    check_gradient("many uses", &c, build_many_uses, NULL);
    case_parse("[6,4]", &c);
    struct trial t;
    trial_build(&t, &c, build_composed, NULL, false);
    trial_free(&t);
}

/* A gradient stops where it is told to: d/dx (x * stop(x)) = stop(x), no more. */
static void stopped(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    val x = input(g, "x", F32, SHAPE(5)), gradient, through;
    gradients_of(multiply(x, stop_gradient(x)), broadcast_to(constant(g, 1), SHAPE(5)), 1, &x,
                 &gradient);
    gradients_of(stop_gradient(square(x)), broadcast_to(constant(g, 1), SHAPE(5)), 1, &x, &through);
    assert_true(is_none(through));
    struct reference *r = NULL;
    require(reference_new(g, 1, &r), "stop");
    fill_lattice(reference_value(r, x), 5, 0);
    require(reference_run(r, 0), "stop");
    for (int i = 0; i < 5; i++)
        assert_true(reference_value(r, gradient)[i] == reference_value(r, x)[i]);
    reference_free(r);
    graph_free(g);
    store_free(store);
}

/* What cannot be differentiated twice says so instead of leaving terms out. */
static void refused(void **state)
{
    (void)state;
    struct pooling how = { { 3, 3 }, { 2, 2 }, { 1, 1 } };
    for (int which = 0; which < 2; which++) {
        struct store *store = store_new(1);
        struct graph *g = graph_new(store);
        val x = input(g, "x", F32, SHAPE(4, 3, 4, 4)), once, again;
        val ones = broadcast_to(constant(g, 1), SHAPE(3));
        val y = which ? max_pool(x, how) : batch_normalize(x, ones, ones, 1, 1e-5);
        gradients_of(y, square(y), 1, &x, &once);
        assert_int_equal(graph_status(g), TACIT_OK);
        gradients_of(once, square(once), 1, &x, &again);
        assert_int_equal(graph_status(g), TACIT_FAILED);
        assert_non_null(strstr(status_message(), "differentiated twice"));
        graph_free(g);
        store_free(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op),
        cmocka_unit_test(without_gradient),
        cmocka_unit_test(second_derivatives),
        cmocka_unit_test(fused_forms),
        cmocka_unit_test(given_statistics),
        cmocka_unit_test(compositions),
        cmocka_unit_test(stopped),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
