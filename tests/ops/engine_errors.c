/* Bad calls while building: an error of the graph that names the op and the shapes, and everything
 * after it harmless. Never a crash, whatever the order or the shapes. */
#include "engine/program.h"
#include "ops/harness.h"

/* Values to misuse: by rank, and integers. */
struct material {
    struct graph *graph;
    val scalar, row, matrix, cube, image, index;
};

static void bad_add(const struct material *m)
{
    add(m->matrix, m->cube);
}
static void bad_select(const struct material *m)
{
    select_where(m->matrix, m->row, m->cube);
}
static void bad_sum_of(const struct material *m)
{
    sum_of(2, (val[]){ m->row, m->matrix });
}
static void bad_matmul(const struct material *m)
{
    matmul(m->matrix, m->matrix);
}
static void bad_matmul_rank(const struct material *m)
{
    matmul(m->row, m->matrix);
}
static void bad_transpose(const struct material *m)
{
    transpose(m->row);
}
static void bad_sum_axis(const struct material *m)
{
    sum(m->matrix, 4, false);
}
static void bad_argmax(const struct material *m)
{
    argmax(m->matrix, 2);
}
static void bad_argmax_negative(const struct material *m)
{
    argmax(m->matrix, -1);
}
static void bad_broadcast(const struct material *m)
{
    broadcast_to(m->matrix, SHAPE(3));
}
static void bad_reshape(const struct material *m)
{
    reshape(m->matrix, SHAPE(7, 2));
}
static void bad_reshape_negative(const struct material *m)
{
    reshape(m->matrix, SHAPE(-3, -5));
}
static void bad_permute(const struct material *m)
{
    permute(m->matrix, (int[]){ 1, 1 });
}
static void bad_permute_axis(const struct material *m)
{
    permute(m->matrix, (int[]){ 0, 5 });
}
static void bad_slice(const struct material *m)
{
    slice(m->matrix, 0, 2, 4);
}
static void bad_slice_backwards(const struct material *m)
{
    slice(m->matrix, 0, 2, 1);
}
static void bad_slice_axis(const struct material *m)
{
    slice(m->matrix, 6, 0, 1);
}
static void bad_concat(const struct material *m)
{
    concat(2, (val[]){ m->matrix, m->cube }, 0);
}
static void bad_concat_axis(const struct material *m)
{
    concat(2, (val[]){ m->matrix, m->matrix }, 3);
}
static void bad_concat_kind(const struct material *m)
{
    concat(2, (val[]){ m->row, m->index }, 0);
}
static void bad_unstack(const struct material *m)
{
    val part_of_x[2];
    unstack(m->matrix, 2, part_of_x);
}
static void bad_pad(const struct material *m)
{
    pad(m->matrix, 0, -1, 0);
}
static void bad_pad_overflow(const struct material *m)
{
    pad(m->matrix, 0, INT64_MAX / 2, INT64_MAX / 2 - 10);
}
static void bad_gather(const struct material *m)
{
    gather(m->matrix, m->row);
}
static void bad_gather_scalar(const struct material *m)
{
    gather(m->scalar, m->index);
}
static void bad_scatter(const struct material *m)
{
    scatter_add(m->cube, m->index, 3);
}
static void bad_one_hot(const struct material *m)
{
    one_hot(m->row, 4);
}
static void bad_diagonal(const struct material *m)
{
    fill_diagonal(m->cube, 0);
}
static void bad_count(const struct material *m)
{
    count_up(m->graph, -1);
}
static void bad_cross_entropy(const struct material *m)
{
    cross_entropy(m->matrix, m->index);
}
static void bad_cross_entropy_kind(const struct material *m)
{
    cross_entropy(m->matrix, slice(m->row, 0, 0, 3));
}
static void bad_conv(const struct material *m)
{
    val weight = input(m->graph, "w", F32, SHAPE(2, 3, 1, 1));
    conv2d(m->image, weight, (struct convolution){ { 1, 1 }, { 0, 0 }, { 1, 1 }, 1 });
}
static void bad_conv_stride(const struct material *m)
{
    val weight = input(m->graph, "w", F32, SHAPE(2, 4, 1, 1));
    conv2d(m->image, weight, (struct convolution){ { 0, 1 }, { 0, 0 }, { 1, 1 }, 1 });
}
static void bad_conv_groups(const struct material *m)
{
    val weight = input(m->graph, "w", F32, SHAPE(3, 2, 1, 1));
    conv2d(m->image, weight, (struct convolution){ { 1, 1 }, { 0, 0 }, { 1, 1 }, 2 });
}
static void bad_conv_zero_groups(const struct material *m)
{
    val weight = input(m->graph, "w", F32, SHAPE(2, 4, 1, 1));
    conv2d(m->image, weight, (struct convolution){ { 1, 1 }, { 0, 0 }, { 1, 1 }, 0 });
}
static void bad_conv_kernel(const struct material *m)
{
    val weight = input(m->graph, "w", F32, SHAPE(2, 4, 9, 9));
    conv2d(m->image, weight, (struct convolution){ { 1, 1 }, { 0, 0 }, { 1, 1 }, 1 });
}
static void bad_conv_rank(const struct material *m)
{
    conv2d(m->matrix, m->image, (struct convolution){ { 1, 1 }, { 0, 0 }, { 1, 1 }, 1 });
}
static void bad_data_gradient(const struct material *m)
{
    val weight = input(m->graph, "w", F32, SHAPE(4, 4, 1, 1));
    conv2d_data_gradient(m->image, weight, (struct convolution){ { 1, 1 }, { 0, 0 }, { 1, 1 }, 1 },
                         SHAPE(2, 4, 7, 7));
}
static void bad_pool(const struct material *m)
{
    max_pool(m->image, (struct pooling){ { 9, 9 }, { 1, 1 }, { 0, 0 } });
}
static void bad_pool_padding(const struct material *m)
{
    average_pool(m->image, (struct pooling){ { 2, 2 }, { 1, 1 }, { 2, 2 } });
}
static void bad_pool_rank(const struct material *m)
{
    max_pool(m->matrix, (struct pooling){ { 1, 1 }, { 1, 1 }, { 0, 0 } });
}
static void bad_global_pool(const struct material *m)
{
    global_average_pool(m->matrix);
}
static void bad_norm_groups(const struct material *m)
{
    batch_normalize(m->matrix, m->row, m->row, 2, 1e-5);
}
static void bad_norm_channels(const struct material *m)
{
    val wrong = broadcast_to(constant(m->graph, 1), SHAPE(4));
    batch_normalize(m->matrix, wrong, wrong, 1, 1e-5);
}
static void bad_norm_zero_groups(const struct material *m)
{
    batch_normalize(m->matrix, m->row, m->row, 0, 1e-5);
}
static void bad_layer_norm(const struct material *m)
{
    layer_normalize(m->cube, m->row, m->row, 1e-5);
}
static void bad_layer_norm_scalar(const struct material *m)
{
    layer_normalize(m->scalar, m->row, m->row, 1e-5);
}
static void bad_l2(const struct material *m)
{
    l2_normalize(m->scalar, 1e-5);
}
static void bad_softmax(const struct material *m)
{
    softmax(m->scalar);
}
static void bad_relu_gradient(const struct material *m)
{
    relu_gradient(m->row, m->matrix);
}
static void bad_input(const struct material *m)
{
    input(m->graph, "matrix", F32, SHAPE(2));
}
static void bad_input_size(const struct material *m)
{
    input(m->graph, "huge", F32, SHAPE(INT64_MAX / 2, 3));
}
static void bad_parameter(const struct material *m)
{
    net n = network(m->graph, "n", true, 1);
    parameter(n, "w", SHAPE(3), init_constant(0));
    parameter(n, "w", SHAPE(4), init_constant(0));
}
static void bad_parameter_size(const struct material *m)
{
    parameter(network(m->graph, "n", true, 1), "w", SHAPE(INT64_MAX, 2), init_constant(0));
}
static void bad_state(const struct material *m)
{
    struct tensor *t = state(network(m->graph, "n", true, 1), "s", SHAPE(3), init_constant(0));
    state_write(m->graph, t, m->row);
}
static void bad_state_kind(const struct material *m)
{
    net n = network(m->graph, "n", true, 1);
    parameter(n, "w", SHAPE(3), init_constant(0));
    state(n, "w", SHAPE(3), init_constant(0));
}
static void bad_loss(const struct material *m)
{
    val gradient;
    gradients_of(m->matrix, no_value(m->graph), 1, &m->matrix, &gradient);
}
static void bad_none(const struct material *m)
{
    exponential(no_value(m->graph));
}
static void bad_output(const struct material *m)
{
    output(no_value(m->graph), "y");
}
static void bad_random(const struct material *m)
{
    random_uniform(m->graph, "call", SHAPE(-1));
}

/* Integers where kernels compute in f32. */
static void bad_integer_softmax(const struct material *m)
{
    softmax(m->index);
}
static void bad_integer_matmul(const struct material *m)
{
    matmul(reshape(m->index, SHAPE(2, 2)), reshape(m->index, SHAPE(2, 2)));
}
static void bad_integer_sum_of(const struct material *m)
{
    sum_of(2, (val[]){ m->index, m->index });
}
static void bad_integer_scatter(const struct material *m)
{
    scatter_add(m->index, m->index, 4);
}
static void bad_integer_logits(const struct material *m)
{
    cross_entropy(reshape(m->index, SHAPE(4, 1)), m->index);
}
static void bad_integer_diagonal(const struct material *m)
{
    fill_diagonal(reshape(m->index, SHAPE(2, 2)), 0);
}
static void bad_integer_gather(const struct material *m)
{
    all_gather(m->index, 2, 0);
}
static void bad_integer_dropout(const struct material *m)
{
    dropout(network(m->graph, "n", true, 1), "drop", m->index, 0.5);
}
static void bad_half_softmax(const struct material *m)
{
    softmax(cast(m->matrix, BF16));
}
static void bad_half_permute(const struct material *m)
{
    transpose(cast(m->matrix, BF16));
}
static void bad_state_number(const struct material *m)
{
    struct tensor *s = state(network(m->graph, "n", true, 1), "s", SHAPE(4), init_constant(0));
    state_write(m->graph, s, m->index);
}
static void bad_output_name(const struct material *m)
{
    output(m->row, "y");
    output(m->cube, "y");
}

/* The call, and words that its message must hold. */
static const struct {
    void (*call)(const struct material *m);
    const char *words[3];
} bad[] = {
    { bad_add, { "add", "[3,5]", "[2,3,4]" } },
    { bad_select, { "select", "[2,3,4]" } },
    { bad_sum_of, { "sum_n", "[5]", "[3,5]" } },
    { bad_matmul, { "matmul", "[3,5] [3,5]" } },
    { bad_matmul_rank, { "matmul", "[5] [3,5]" } },
    { bad_transpose, { "transpose", "[5]" } },
    { bad_sum_axis, { "sum", "[3,5]" } },
    { bad_argmax, { "argmax", "[3,5]" } },
    { bad_argmax_negative, { "argmax", "[3,5]" } },
    { bad_broadcast, { "broadcast_to", "[3,5]" } },
    { bad_reshape, { "reshape", "[3,5]" } },
    { bad_reshape_negative, { "reshape", "[3,5]" } },
    { bad_permute, { "permute", "[3,5]" } },
    { bad_permute_axis, { "permute", "[3,5]" } },
    { bad_slice, { "slice", "[3,5]" } },
    { bad_slice_backwards, { "slice", "[3,5]" } },
    { bad_slice_axis, { "slice", "[3,5]" } },
    { bad_concat, { "concat", "[3,5] [2,3,4]" } },
    { bad_concat_axis, { "concat", "[3,5] [3,5]" } },
    { bad_concat_kind, { "concat", "[5] i32 [4]" } },
    { bad_unstack, { "3 rows", "2 equal parts" } },
    { bad_pad, { "pad", "[3,5]" } },
    { bad_pad_overflow, { "pad" } },
    { bad_gather, { "gather", "[3,5] [5]" } },
    { bad_gather_scalar, { "gather", "[] i32 [4]" } },
    { bad_scatter, { "scatter_add", "[2,3,4] i32 [4]" } },
    { bad_one_hot, { "one_hot", "[5]" } },
    { bad_diagonal, { "fill_diagonal", "[2,3,4]" } },
    { bad_count, { "count_up" } },
    { bad_cross_entropy, { "cross_entropy", "[3,5] i32 [4]" } },
    { bad_cross_entropy_kind, { "cross_entropy", "[3,5] [3]" } },
    { bad_conv, { "conv2d", "[2,4,6,6] [2,3,1,1]" } },
    { bad_conv_stride, { "conv2d", "[2,4,6,6] [2,4,1,1]" } },
    { bad_conv_groups, { "conv2d", "[3,2,1,1]" } },
    { bad_conv_zero_groups, { "conv2d" } },
    { bad_conv_kernel, { "conv2d", "[2,4,9,9]" } },
    { bad_conv_rank, { "conv2d", "[3,5]" } },
    { bad_data_gradient, { "conv2d_data_gradient", "[2,4,6,6]" } },
    { bad_pool, { "max_pool", "[2,4,6,6]" } },
    { bad_pool_padding, { "average_pool", "[2,4,6,6]" } },
    { bad_pool_rank, { "max_pool", "[3,5]" } },
    { bad_global_pool, { "global_average_pool", "[3,5]" } },
    { bad_norm_groups, { "bn_statistics", "[3,5]" } },
    { bad_norm_channels, { "bn_apply", "[3,5]", "[4]" } },
    { bad_norm_zero_groups, { "bn_statistics", "[3,5]" } },
    { bad_layer_norm, { "layer_norm", "[2,3,4]", "[5]" } },
    { bad_layer_norm_scalar, { "layer_norm", "[]" } },
    { bad_l2, { "l2_normalize", "[]" } },
    { bad_softmax, { "softmax", "[]" } },
    { bad_relu_gradient, { "relu_gradient", "[5] [3,5]" } },
    { bad_input, { "two inputs", "matrix" } },
    { bad_input_size, { "too large" } },
    { bad_parameter, { "n.w", "[3]", "[4]" } },
    { bad_parameter_size, { "n.w", "too large" } },
    { bad_state, { "state s", "[3]", "[5]" } },
    { bad_state_kind, { "n.w" } },
    { bad_loss, { "scalar", "[3,5]" } },
    { bad_none, { "exp", "no value" } },
    { bad_output, { "output", "no value" } },
    { bad_random, { "random_uniform" } },
    { bad_integer_softmax, { "softmax", "f32 only", "i32 [4]" } },
    { bad_integer_matmul, { "matmul", "f32 only", "i32 [2,2] i32 [2,2]" } },
    { bad_integer_sum_of, { "sum_n", "f32 only", "i32 [4]" } },
    { bad_integer_scatter, { "scatter_add", "i32 [4] i32 [4]" } },
    { bad_integer_logits, { "cross_entropy", "i32 [4,1] i32 [4]" } },
    { bad_integer_diagonal, { "fill_diagonal", "f32 only" } },
    { bad_integer_gather, { "all_gather", "f32 only" } },
    { bad_integer_dropout, { "dropout", "f32 only" } },
    { bad_half_softmax, { "softmax", "f32 only", "bf16 [3,5]" } },
    { bad_half_permute, { "permute", "f32 only", "bf16 [3,5]" } },
    { bad_state_number, { "state s", "f32", "i32" } },
    { bad_output_name, { "two outputs", "y" } },
};

static struct material material_new(struct store *store)
{
    struct graph *g = graph_new(store);
    return (struct material){ g,
                              constant(g, 1),
                              input(g, "row", F32, SHAPE(5)),
                              input(g, "matrix", F32, SHAPE(3, 5)),
                              input(g, "cube", F32, SHAPE(2, 3, 4)),
                              input(g, "image", F32, SHAPE(2, 4, 6, 6)),
                              input(g, "index", I32, SHAPE(4)) };
}

static void bad_calls_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct store *store = store_new(1);
        struct material m = material_new(store);
        bad[i].call(&m);
        if (!m.graph->failed)
            fail_msg("the bad call that should name %s was taken", bad[i].words[0]);
        for (int w = 0; w < 3 && bad[i].words[w]; w++)
            if (!strstr(m.graph->message, bad[i].words[w]))
                fail_msg("\"%s\" does not say %s", m.graph->message, bad[i].words[w]);
        graph_free(m.graph);
        store_free(store);
    }
}

/* After an error: every other bad call and plenty of good ones are harmless, the first message
 * stays, and neither the reference nor a program is made. */
static void the_first_error_stays(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct material m = material_new(store);
    bad_add(&m);
    char message[sizeof m.graph->message];
    strcpy(message, m.graph->message);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        bad[i].call(&m);
    val y = add(m.matrix, m.row), gradient, part_of_x[3];
    assert_true(is_none(y));
    y = relu(batch_normalize(y, m.row, m.row, 1, 1e-5));
    y = max_pool(y, (struct pooling){ { 2, 2 }, { 2, 2 }, { 0, 0 } });
    unstack(y, 3, part_of_x);
    y = mean_all(cross_entropy(matmul(y, m.matrix), argmax(y, 1)));
    gradients_of(y, no_value(m.graph), 1, &m.matrix, &gradient);
    struct range *range = store_range(store, "n");
    differentiate(y, 1, &range);
    output(y, "y");
    assert_string_equal(m.graph->message, message);
    struct reference *r = NULL;
    struct program *p = NULL;
    assert_int_equal(reference_new(m.graph, 1, &r), TACIT_FAILED);
    assert_string_equal(status_message(), message);
    assert_int_equal(compile(m.graph, &(struct target){ 0 }, &p), TACIT_FAILED);
    assert_string_equal(status_message(), message);
    assert_null(r);
    assert_null(p);
    graph_free(m.graph);
    store_free(store);
}

/* Random calls with random, mostly unfit operands. */
struct dice {
    struct random_stream *stream;
    const val *pool;
    int count;
};

static val any(struct dice *d)
{
    return d->pool[random_below(d->stream, (uint64_t)d->count)];
}

static int64_t number(struct dice *d)
{
    return (int64_t)random_below(d->stream, 7) - 1;
}

static val random_window(struct dice *d, val a, val b, val c)
{
    struct pooling window = { { number(d), number(d) },
                              { number(d), number(d) },
                              { number(d), number(d) } };
    struct convolution how = {
        { number(d), number(d) }, { number(d), number(d) }, { number(d), number(d) }, number(d)
    };
    val choice[] = { a, b, c };
    switch (random_below(d->stream, 6)) {
    case 0:
        return conv2d(a, b, how);
    case 1:
        return conv2d_data_gradient(a, b, how, shape_of(c));
    case 2:
        return conv2d_weight_gradient(a, b, how, shape_of(c));
    case 3:
        return max_pool(a, window);
    case 4:
        return average_pool(a, window);
    default:
        return concat(3, choice, (int)number(d));
    }
}

static val random_shape(struct dice *d, val a)
{
    int order[] = { (int)number(d), (int)number(d), 2, 1, 0, 5 };
    switch (random_below(d->stream, 10)) {
    case 0:
        return reshape(a, SHAPE(number(d), number(d)));
    case 1:
        return permute(a, order);
    case 2:
        return slice(a, (int)number(d), number(d), number(d));
    case 3:
        return pad(a, (int)number(d), number(d), number(d));
    case 4:
        return broadcast_to(a, SHAPE(number(d), number(d), number(d)));
    case 5:
        return sum(a, (uint32_t)number(d), number(d) & 1);
    case 6:
        return amax(a, (uint32_t)number(d), number(d) & 1);
    case 7:
        return argmax(a, (int)number(d));
    case 8:
        return rotate(a, number(d));
    default:
        return cast(a, (enum dtype)(number(d) & 1));
    }
}

static val random_unary(struct dice *d, val a)
{
    val (*const one[])(val) = { softmax,  global_average_pool, relu, transpose, sum_last,
                                mean_all, log_softmax,         gelu };
    return one[random_below(d->stream, sizeof one / sizeof *one)](a);
}

static val random_call(struct dice *d)
{
    val a = any(d), b = any(d), c = any(d), gradient;
    switch (random_below(d->stream, 16)) {
    case 0:
        return add(a, b);
    case 1:
        return select_where(a, b, c);
    case 2:
        return matmul_transposed(a, number(d) & 1, b, number(d) & 1);
    case 3:
        return batch_normalize(a, b, c, (int)number(d), 1e-5);
    case 4:
        return layer_normalize(a, b, c, 1e-5);
    case 5:
        return cross_entropy(a, b);
    case 6:
        return l2_normalize(a, 1e-12);
    case 7:
        return gather(a, b);
    case 8:
        return scatter_add(a, b, number(d));
    case 9:
        return one_hot(a, number(d));
    case 10:
        return fill_diagonal(a, 1);
    case 11:
        gradients_of(a, b, 1, &c, &gradient);
        return gradient;
    case 12:
        return random_window(d, a, b, c);
    case 13:
        return random_unary(d, a);
    default:
        return random_shape(d, a);
    }
}

static void random_calls(void **state)
{
    (void)state;
    enum { ROUNDS = 20000, CALLS = 12 };
    int failed = 0, longest = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct random_stream stream = random_stream(2, "calls", 0, round);
        struct store *store = store_new(1);
        struct material m = material_new(store);
        val pool[6 + CALLS] = { m.scalar, m.row, m.matrix, m.cube, m.image, m.index };
        int count = 6;
        while (count < 6 + CALLS && !m.graph->failed) {
            val y = random_call(&(struct dice){ &stream, pool, count });
            if (is_none(y))
                break;
            assert_true(shape_size(shape_of(y)) >= 0);
            pool[count++] = y;
        }
        failed += m.graph->failed;
        longest = count > longest ? count : longest;
        assert_int_equal(m.graph->failed, m.graph->message[0] != 0);
        graph_free(m.graph);
        store_free(store);
    }
    assert_true(failed > ROUNDS / 2 && longest > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_calls_are_told),
        cmocka_unit_test(the_first_error_stays),
        cmocka_unit_test(random_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
