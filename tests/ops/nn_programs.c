/* Whole graphs on the CPU against the reference: random ones, and those of methods to come; with
 * the checker and recomputation on and off. */
#include "ops/model_cpu.h"
#include "ops/random_graph.h"
#include "ops/zoo.h"
#include "engine/cpu/cpu.h"
#include "nn/networks.h"

static const struct target targets[] = {
    { .check = true },
    { .check = false },
    { .check = true, .no_recompute = true },
};

enum { TARGETS = sizeof targets / sizeof *targets };

static void graphs_to_come(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        model_builder *build;
        int variant;
    } row[] = {
        { "EMA twin", build_ema_twin, BUFFERS_COPY },
        { "multi-crop", build_multi_crop, 0 },
        { "attention of 5", build_attention, 5 },
        { "attention of 8", build_attention, 8 },
        { "GRU", build_gru, 0 },
        { "queue", build_queue, 0 },
        { "gradient penalty", build_gradient_penalty, 0 },
        { "tokens", build_tokens, 0 },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        for (int t = 0; t < TARGETS; t++)
            model_compare(row[i].name, row[i].build, row[i].variant, 3, &targets[t], 1e-4);
    no_complaints();
}

static void random_graphs(void **state)
{
    (void)state;
    enum { GRAPHS = 90 };
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        char label[64];
        snprintf(label, sizeof label, "graph %d", (int)seed);
        model_compare(label, build_random, 0, seed, &targets[seed % TARGETS], 1e-3);
    }
    no_complaints();
}

/* A family: two lengths of one network share the store and add into the same gradients. */
static void two_programs_on_one_store(void **state)
{
    (void)state;
    struct model small = { .variant = 5, .seed = 2 }, large = { .variant = 8, .seed = 2 };
    struct program *a = NULL, *b = NULL;
    model_build(&small, build_attention, NULL);
    model_build(&large, build_attention, small.store);
    require(compile(small.graph, &targets[0], &a), "small");
    require(compile(large.graph, &targets[0], &b), "large");
    struct range *range = small.trained[0];
    float *sum_of_both = malloc((size_t)range->size * sizeof *sum_of_both);
    assert_non_null(sum_of_both);
    fill_program(&small, a);
    fill_program(&large, b);
    require(program_run(a, 0), "small");
    memcpy(sum_of_both, range->gradient, (size_t)range->size * sizeof *sum_of_both);
    memset(range->gradient, 0, (size_t)range->size * sizeof *sum_of_both);
    require(program_run(b, 0), "large");
    for (int64_t i = 0; i < range->size; i++)
        sum_of_both[i] += range->gradient[i];
    require(program_run(a, 0), "small");
    for (int64_t i = 0; i < range->size; i++)
        assert_true(fabsf(sum_of_both[i] - range->gradient[i]) <= 1e-6F);
    free(sum_of_both);
    program_free(a);
    program_free(b);
    model_free(&large, false);
    model_free(&small, true);
}

/* Nothing is allocated in a run. */
static void no_allocation_in_a_run(void **state)
{
    (void)state;
    struct model m = { .seed = 4 };
    struct program *p = NULL;
    model_build(&m, build_multi_crop, NULL);
    require(compile(m.graph, &(struct target){ 0 }, &p), "crops");
    fill_program(&m, p);
    require(program_run(p, 0), "crops");
    int64_t before = memory_allocations();
    for (uint64_t step = 1; step < 20; step++)
        require(program_run(p, step), "crops");
    assert_int_equal(memory_allocations(), before);
    program_free(p);
    model_free(&m, true);
}

/* The same program and step give the same bits, another program of the same graph as well. */
static void same_bits(void **state)
{
    (void)state;
    float *kept = NULL;
    for (int round = 0; round < 2; round++) {
        struct model m = { .seed = 5 };
        struct program *p = NULL;
        model_build(&m, build_random, NULL);
        require(compile(m.graph, &(struct target){ .seed = 5 }, &p), "random");
        fill_program(&m, p);
        for (int again = 0; again < 2; again++) {
            struct range *range = m.trained[0];
            size_t bytes = (size_t)range->size * sizeof(float);
            if (!kept)
                kept = calloc(1, bytes);
            memset(range->gradient, 0, bytes);
            memset(range->state, 0, (size_t)range->state_size * sizeof(float));
            require(program_run(p, 3), "random");
            if (round + again == 0)
                memcpy(kept, range->gradient, bytes);
            assert_memory_equal(kept, range->gradient, bytes);
        }
        program_free(p);
        model_free(&m, true);
    }
    free(kept);
}

/* Pictures that poolings take down to a single pixel, where an image is plain as well: the integers
 * that say which maximum was taken change their layout, too. */
static void down_to_a_pixel(void **state)
{
    (void)state;
    int stored = strcmp(cpu_isa(), "avx512_bf16") == 0 ? 2 : 1;
    for (int bf16 = 0; bf16 < stored; bf16++) {
        struct store *store = store_new(3);
        struct graph *g = graph_new(store);
        struct range *range = store_range(store, "backbone");
        struct network_options options = { .width = 1 };
        struct target target = { .precision = bf16 ? PRECISION_BF16 : PRECISION_F32 };
        struct program *p = NULL;
        const struct network_type *conv4 = network_find("conv4");
        val features = conv4->encode(network(g, "backbone", true, 1), conv4, &options,
                                     input(g, "pictures", F32, SHAPE(4, 1, 28, 28)));
        differentiate(mean_all(square(features)), 1, &range);
        require(compile(g, &target, &p), "28 pixels");
        float *pictures = program_input(p, "pictures");
        for (int i = 0; i < 4 * 28 * 28; i++)
            pictures[i] = (float)((i * 37) % 101) / 101;
        require(program_run(p, 0), "28 pixels");
        double squares = 0;
        for (int64_t i = 0; i < range->size; i++)
            squares += (double)range->gradient[i] * range->gradient[i];
        assert_true(squares > 0 && squares < 1e6);
        program_free(p);
        graph_free(g);
        store_free(store);
    }
}

/* A program keeps all it needs of its graph: the name of a random call, too. */
static void graph_freed_before_the_run(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    struct program *p = NULL;
    output(random_uniform(g, "call", SHAPE(9)), "u");
    require(compile(g, &(struct target){ .seed = 5 }, &p), "random");
    graph_free(g);
    require(program_run(p, 3), "random");
    for (uint64_t i = 0; i < 9; i++) {
        struct random_stream stream = random_stream(5, "call", 3, i);
        assert_float_equal(program_output(p, "u")[i], random_float(&stream), 0);
    }
    program_free(p);
    store_free(store);
}

/* What states take over from each other is what they held before the run. */
static void states_change_places(void **unused)
{
    (void)unused;
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    struct program *p = NULL;
    net n = network(g, "n", true, 1);
    const char *const name[] = { "a", "b", "c" };
    struct tensor *tensor[3];
    val was[3];
    for (int i = 0; i < 3; i++) {
        tensor[i] = state(n, name[i], SHAPE(4), init_constant(i));
        was[i] = state_read(g, tensor[i]);
    }
    for (int i = 0; i < 3; i++)
        state_write(g, tensor[i],
                    i == 1 ? reshape(reshape(was[2], SHAPE(2, 2)), SHAPE(4)) : was[(i + 1) % 3]);
    require(compile(g, &targets[0], &p), "states");
    require(program_run(p, 0), "states");
    for (int i = 0; i < 3; i++)
        assert_float_equal(tensor_value(tensor[i])[3], (float)((i + 1) % 3), 0);
    program_free(p);
    graph_free(g);
    store_free(store);
}

/* A class from outside that is none must not be read; the row is NaN and the others stay. */
static void targets_that_are_no_class(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    struct program *p = NULL;
    output(cross_entropy(broadcast_to(constant(g, 0), SHAPE(4, 3)), input(g, "t", I32, SHAPE(4))),
           "loss");
    require(compile(g, &targets[0], &p), "targets");
    memcpy(program_input(p, "t"), (int32_t[]){ -1, 2, 3, INT32_MIN }, 4 * sizeof(int32_t));
    require(program_run(p, 0), "targets");
    const float *loss = program_output(p, "loss");
    assert_float_equal(loss[1], log(3), 1e-6);
    assert_true(isnan(loss[0]) && isnan(loss[2]) && isnan(loss[3]));
    program_free(p);
    graph_free(g);
    store_free(store);
}

static int run(const char *isa)
{
    parallel_flush_denormals();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graphs_to_come),
        cmocka_unit_test(random_graphs),
        cmocka_unit_test(two_programs_on_one_store),
        cmocka_unit_test(no_allocation_in_a_run),
        cmocka_unit_test(same_bits),
        cmocka_unit_test(down_to_a_pixel),
        cmocka_unit_test(graph_freed_before_the_run),
        cmocka_unit_test(states_change_places),
        cmocka_unit_test(targets_that_are_no_class),
    };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int main(void)
{
    return run_on_every_isa(run);
}
