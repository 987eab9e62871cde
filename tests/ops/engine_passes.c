/* What passes and programs promise by themselves: equal work is done once and different work is
 * not, padding between members means nothing, sizes count all memory, integers come out as numbers,
 * and gradients of several losses add up. */
#include "base/clock.h"
#include "engine/program.h"
#include "ops/harness.h"

static int64_t calls_of(struct graph *g)
{
    struct program *p = NULL;
    struct program_size size;
    require(compile(g, &(struct target){ .check = true }, &p), "passes");
    program_describe(p, &size);
    program_free(p);
    return size.calls;
}

/* Adds a node of `op` with attributes in memory that was `fill` before, member by member. */
static val filled_sum(val x, int fill, uint32_t axes)
{
    struct attributes attributes;
    memset(&attributes, fill, sizeof attributes);
    attributes.shape.rank = 0;
    attributes.reduce.axes = axes;
    attributes.reduce.keep = true;
    return graph_add(x.graph, &op_sum, 1, &x, &attributes);
}

static val filled_permute(val x, int fill)
{
    struct attributes attributes;
    memset(&attributes, fill, sizeof attributes);
    attributes.shape.rank = 0;
    attributes.order[0] = 1;
    attributes.order[1] = 0;
    return graph_add(x.graph, &op_permute, 1, &x, &attributes);
}

static void equal_work_is_done_once(void **state)
{
    (void)state;
    int64_t calls[2];
    for (int twice = 0; twice < 2; twice++) {
        struct store *store = store_new(1);
        struct graph *g = graph_new(store);
        val x = input(g, "x", F32, SHAPE(4, 4));
        val a = multiply(filled_sum(x, 0, 1), filled_permute(x, 0));
        val b = twice ? multiply(filled_sum(x, 0xA5, 1), filled_permute(x, 0x5A)) : a;
        output(a, "a");
        output(b, "b");
        calls[twice] = calls_of(g);
        graph_free(g);
        store_free(store);
    }
    assert_int_equal(calls[0], calls[1]);
}

/* Pairs of calls that differ in one attribute each. */
static void different_work_is_not_merged(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    val x = input(g, "x", F32, SHAPE(2, 16, 4, 4)), m = input(g, "m", F32, SHAPE(4, 4));
    val w = input(g, "w", F32, SHAPE(16, 16, 3, 3)), one = input(g, "one", F32, SHAPE(4));
    net n = network(g, "n", true, 1);
    struct convolution near = { { 1, 1 }, { 1, 1 }, { 1, 1 }, 1 };
    struct convolution wide = { { 1, 1 }, { 2, 2 }, { 2, 2 }, 1 };
    val pair[][2] = {
        { conv2d(x, w, near), conv2d(x, w, wide) },
        { average_pool(x, (struct pooling){ { 3, 3 }, { 1, 1 }, { 1, 1 } }),
          average_pool(x, (struct pooling){ { 3, 3 }, { 1, 1 }, { 0, 0 } }) },
        { max_pool(x, (struct pooling){ { 2, 2 }, { 1, 1 }, { 0, 0 } }),
          max_pool(x, (struct pooling){ { 2, 2 }, { 2, 2 }, { 0, 0 } }) },
        { output_of(batch_statistics(x, 1, 1e-3), 1), output_of(batch_statistics(x, 1, 1e-2), 1) },
        { batch_statistics(x, 1, 1e-3), batch_statistics(x, 2, 1e-3) },
        { sum(m, 1, true), sum(m, 2, true) },
        { amax(m, 1, true), amax(m, 1, false) },
        { matmul_transposed(m, false, m, false), matmul_transposed(m, false, m, true) },
        { slice(m, 0, 0, 2), slice(m, 0, 1, 3) },
        { pad(m, 0, 1, 0), pad(m, 0, 0, 1) },
        { permute(x, (int[]){ 0, 1, 3, 2 }), permute(x, (int[]){ 1, 0, 2, 3 }) },
        { fill_diagonal(m, 1), fill_diagonal(m, 2) },
        { layer_normalize(m, one, one, 1e-3), layer_normalize(m, one, one, 1e-2) },
        { l2_normalize(m, 1e-3), l2_normalize(m, 1e2) },
        { scale(m, 2), scale(m, 3) },
        { cast(argmax(m, 0), F32), cast(argmax(m, 1), F32) },
        { broadcast_to(one, SHAPE(2, 4)), broadcast_to(one, SHAPE(3, 4)) },
        { random_uniform(g, "u", SHAPE(3)), random_uniform(g, "u", SHAPE(3)) },
        { dropout(n, "d", m, 0.5), dropout(n, "d", m, 0.5) },
        { concat(2, (val[]){ m, m }, 0), concat(2, (val[]){ m, m }, 1) },
    };
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++)
        for (int k = 0; k < 2; k++) {
            char name[16];
            snprintf(name, sizeof name, "%d.%d", (int)i, k);
            output(pair[i][k], name);
        }
    struct program *p = NULL;
    struct random_stream stream = random_stream(3, "fill", 0, 0);
    require(compile(g, &(struct target){ .check = true, .seed = 3 }, &p), "pairs");
    static const char *const given[] = { "x", "m", "w", "one" };
    const int64_t items[] = { 512, 16, 16 * 16 * 9, 4 };
    for (int i = 0; i < 4; i++)
        for (int64_t k = 0; k < items[i]; k++)
            ((float *)program_input(p, given[i]))[k] = random_float(&stream);
    require(program_run(p, 0), "pairs");
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        char name[2][16];
        for (int k = 0; k < 2; k++)
            snprintf(name[k], sizeof name[k], "%d.%d", (int)i, k);
        struct shape a = program_output_shape(p, name[0]), b = program_output_shape(p, name[1]);
        if (shape_equal(a, b) && memcmp(program_output(p, name[0]), program_output(p, name[1]),
                                        (size_t)shape_size(a) * sizeof(float)) == 0)
            fail_msg("pair %d became one", (int)i);
    }
    program_free(p);
    graph_free(g);
    store_free(store);
}

/* Twenty thousand nodes compile in the time of some hundreds. */
static void long_graphs_compile(void **state)
{
    (void)state;
    enum { NODES = 20000 };
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    val x = input(g, "x", F32, SHAPE(4)), factor = input(g, "factor", F32, SCALAR);
    for (int i = 0; i < NODES; i++)
        x = multiply(x, factor);
    output(x, "y");
    double start = clock_seconds();
    struct program *p = NULL;
    require(compile(g, &(struct target){ 0 }, &p), "long");
    assert_true(clock_seconds() - start < 1);
    program_free(p);
    graph_free(g);
    store_free(store);
}

static void sizes_count_fixed_memory(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    struct program *p = NULL;
    struct program_size size;
    output(scale(input(g, "x", F32, SHAPE(1000, 25)), 2), "y");
    require(compile(g, &(struct target){ 0 }, &p), "sizes");
    program_describe(p, &size);
    assert_true(size.fixed_bytes >= 2 * 1000 * 25 * 4 && size.fixed_bytes < 210000);
    program_free(p);
    graph_free(g);
    store_free(store);
}

static void integers_come_out_as_numbers(void **state)
{
    (void)state;
    static const int32_t given[] = { -3, 0, 7, 16777216 };
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    struct program *p = NULL;
    val x = input(g, "x", I32, SHAPE(2, 2)), r = input(g, "r", F32, SHAPE(4));
    output(x, "same");
    output(permute(x, (int[]){ 1, 0 }), "turned");
    output(cast(r, BF16), "half");
    require(compile(g, &(struct target){ .check = true }, &p), "integers");
    memcpy(program_input(p, "x"), given, sizeof given);
    for (int i = 0; i < 4; i++)
        ((float *)program_input(p, "r"))[i] = 0.5f * (float)i;
    require(program_run(p, 0), "integers");
    for (int i = 0; i < 4; i++) {
        assert_true(program_output(p, "same")[i] == (float)given[i]);
        assert_true(program_output(p, "turned")[i] == (float)given[i / 2 + i % 2 * 2]);
        assert_true(program_output(p, "half")[i] == 0.5f * (float)i);
    }
    program_free(p);
    graph_free(g);
    store_free(store);
}

/* d/dw of w^2 and of 3 w, differentiated one after the other: 2 w + 3. */
static void gradients_of_two_losses_add_up(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    net n = network(g, "n", true, 1);
    val w = parameter(n, "w", SHAPE(3), init_constant(5));
    val first = sum(square(w), 1, false), second = sum(scale(w, 3), 1, false);
    differentiate(first, 1, &n.range);
    differentiate(second, 1, &n.range);
    struct reference *r = NULL;
    struct program *p = NULL;
    require(reference_new(g, 1, &r), "losses");
    require(reference_run(r, 0), "losses");
    require(reference_run(r, 1), "losses"); /* each run starts from nothing */
    const double *gradient = reference_gradient(r, range_find(n.range, "w"));
    require(compile(g, &(struct target){ .check = true }, &p), "losses");
    require(program_run(p, 0), "losses");
    for (int i = 0; i < 3; i++) {
        assert_true(gradient[i] == 13);
        assert_true(n.range->gradient[i] == 13);
    }
    program_free(p);
    reference_free(r);
    graph_free(g);
    store_free(store);
}

/* Where nobody reads a parameter (the gradient of w x by w is x) its gradient still has a place. */
static void unread_parameters_get_gradients(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    struct program *p = NULL;
    net n = network(g, "n", true, 1);
    val x = input(g, "x", F32, SHAPE(3));
    differentiate(sum(multiply(parameter(n, "w", SHAPE(3), init_constant(1)), x), 1, false), 1,
                  &n.range);
    require(compile(g, &(struct target){ .check = true }, &p), "unread");
    for (int i = 0; i < 3; i++)
        ((float *)program_input(p, "x"))[i] = 2;
    require(program_run(p, 0), "unread");
    for (int i = 0; i < 3; i++)
        assert_true(n.range->gradient[i] == 2);
    program_free(p);
    graph_free(g);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_work_is_done_once),
        cmocka_unit_test(different_work_is_not_merged),
        cmocka_unit_test(long_graphs_compile),
        cmocka_unit_test(sizes_count_fixed_memory),
        cmocka_unit_test(integers_come_out_as_numbers),
        cmocka_unit_test(gradients_of_two_losses_add_up),
        cmocka_unit_test(unread_parameters_get_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
