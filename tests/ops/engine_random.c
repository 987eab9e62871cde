/* Random calls of programs: their numbers are random_float's of the row's own stream, on every
 * instruction set; parts of a batch draw what the whole draws; every use draws anew. */
#include "ops/cpu.h"

enum { ROWS = 12, WIDTH = 3 * 71, VIEWS = 2 };

static struct program *drawing(struct store *store, int64_t rows_of, bool two)
{
    struct graph *g = graph_new(store);
    struct program *p = NULL;
    net n = network(g, "net", true, 1);
    val x = input(g, "x", F32, SHAPE(rows_of, 3, 71));
    output(random_uniform(g, "uniform", SHAPE(rows_of, 3, 71)), "uniform");
    output(random_uniform(g, "weights", SHAPE(5, 7)), "weights");
    output(dropout(part(n, "layer.%d", 1), "drop", x, 0.3), "dropped");
    if (two)
        output(dropout(part(n, "layer.%d", 1), "drop", x, 0.3), "again");
    require(compile(g, &(struct target){ .check = true, .seed = 7 }, &p), "draws");
    float *items = program_input(p, "x");
    for (int64_t i = 0; i < rows_of * WIDTH; i++)
        items[i] = 1;
    graph_free(g);
    return p;
}

static void numbers_are_those_of_the_row(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct program *p = drawing(store, ROWS, true);
    require(program_run(p, 4), "draws");
    const float *u = program_output(p, "uniform"), *y = program_output(p, "dropped");
    for (uint64_t row = 0; row < ROWS; row++) {
        struct random_stream stream = random_stream(7, "uniform", 4, row);
        struct random_stream drop = random_stream(7, "net.layer.1.drop", 4, row);
        for (int i = 0; i < WIDTH; i++, u++, y++) {
            assert_true(*u == random_float(&stream));
            double kept = (double)random_float(&drop) >= 0.3 ? 1 / 0.7 : 0;
            assert_true(fabs((double)*y - kept) < 1e-6);
        }
    }
    const float *again = program_output(p, "again");
    int same = 0;
    y = program_output(p, "dropped");
    for (int i = 0; i < ROWS * WIDTH; i++)
        same += y[i] == again[i];
    assert_true(fabs((double)same / (ROWS * WIDTH) - (0.49 + 0.09)) < 0.05);
    program_free(p);
    store_free(store);
}

static void parts_draw_as_the_whole(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct program *whole = drawing(store, ROWS, false);
    require(program_run(whole, 9), "whole");
    for (int64_t count = 1; count <= ROWS / VIEWS; count++) {
        struct program *part_of_it = drawing(store, VIEWS * count, false);
        for (int64_t first = 0; first + count <= ROWS / VIEWS; first += count) {
            static const char *const name[] = { "uniform", "dropped" };
            program_rows(part_of_it, first, count, ROWS / VIEWS);
            require(program_run(part_of_it, 9), "part");
            for (int v = 0; v < VIEWS; v++)
                for (int k = 0; k < 2; k++)
                    assert_memory_equal(program_output(part_of_it, name[k]) + v * count * WIDTH,
                                        program_output(whole, name[k]) +
                                            (v * ROWS / VIEWS + first) * WIDTH,
                                        (size_t)(count * WIDTH) * sizeof(float));
            if (5 % count) /* not rows of the batch */
                assert_memory_equal(program_output(part_of_it, "weights"),
                                    program_output(whole, "weights"), 35 * sizeof(float));
        }
        program_free(part_of_it);
    }
    program_free(whole);
    store_free(store);
}

/* Nothing is stored for backward: its draw is the forward one, and takes the gradient's bytes. */
static void backward_keeps_no_mask(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    net n = network(g, "net", true, 1);
    val x = parameter(n, "x", SHAPE(64, 4096), init_constant(1));
    val y = dropout(n, "drop", scale(x, 2), 0.5);
    output(sum(y, 3, false), "sum");
    differentiate(sum(y, 3, false), 1, &n.range);
    struct program *p = NULL;
    struct program_size size;
    require(compile(g, &(struct target){ 0 }, &p), "dropout");
    program_describe(p, &size);
    assert_true(size.live_bytes < 1.1 * 64 * 4096 * sizeof(float));
    require(program_run(p, 0), "dropout");
    double kept = 0;
    for (int64_t i = 0; i < 64 * 4096; i++) {
        assert_true(n.range->gradient[i] == 0 || n.range->gradient[i] == 4);
        kept += n.range->gradient[i] != 0;
    }
    assert_true(kept * 4 == (double)*program_output(p, "sum"));
    program_free(p);
    graph_free(g);
    store_free(store);
}

enum { TEXTS = 4, LENGTH = 32, HEADS = 3, EACH = 5, SIDE_BY_SIDE = 3 * HEADS * EACH };

/* [B, T, 3 D] -> part k as [B, heads, T, D / heads]. */
static val heads(val qkv, int k)
{
    val own = slice(qkv, 2, k * HEADS * EACH, (k + 1) * HEADS * EACH);
    return permute(reshape(own, SHAPE(rows(qkv), LENGTH, HEADS, EACH)), (int[]){ 0, 2, 1, 3 });
}

/* Causal attention with dropout from its definition; dropout() draws with (text, head, query, key).
 */
static val composed(net n, val qkv)
{
    val place = cast(count_up(qkv.graph, LENGTH), F32);
    val score =
        scale(matmul_transposed(heads(qkv, 0), false, heads(qkv, 1), true), sqrt(1. / EACH));
    val hidden =
        greater(reshape(place, SHAPE(1, 1, 1, LENGTH)), reshape(place, SHAPE(1, 1, LENGTH, 1)));
    val weight = softmax(add(score, scale(hidden, -1e9)));
    val y = matmul(dropout(n, "weights", weight, 0.3), heads(qkv, 2));
    return reshape(permute(y, (int[]){ 0, 2, 1, 3 }), SHAPE(rows(qkv), LENGTH, HEADS * EACH));
}

/* Rows [first, first + texts) of TEXTS: y and the gradient of a weighted sum of it. */
static struct program *attending(struct store *store, bool together, int64_t first, int64_t texts)
{
    struct graph *g = graph_new(store);
    struct program *p = NULL;
    net n = network(g, "net", true, 1);
    val qkv = input(g, "qkv", F32, SHAPE(texts, LENGTH, SIDE_BY_SIDE)), slope;
    val weight = input(g, "weight", F32, SHAPE(texts, LENGTH, HEADS * EACH));
    val y = together ? attention_dropout(n, "weights", qkv, no_value(g), HEADS, true, 0, 0.3)
                     : composed(n, qkv);
    gradients_of(y, weight, 1, &qkv, &slope);
    output(y, "y");
    output(slope, "slope");
    require(compile(g, &(struct target){ .check = true, .seed = 3 }, &p), "attention");
    graph_free(g);
    for (int k = 0; k < 2; k++) {
        int64_t each = LENGTH * (k ? HEADS * EACH : SIDE_BY_SIDE);
        struct random_stream stream = random_stream(1, k ? "weight" : "qkv", 0, 0);
        float *to = program_input(p, k ? "weight" : "qkv");
        for (int64_t i = 0; i < TEXTS * each; i++) {
            float number = random_float(&stream) - 0.5f;
            if (i >= first * each && i < (first + texts) * each)
                to[i - first * each] = 2 * number;
        }
    }
    program_rows(p, first, texts, TEXTS);
    require(program_run(p, 5), "attention");
    return p;
}

/* What one op drops is what dropout drops of the weights as a matrix, there and in backward. */
static void attention_drops_as_dropout_does(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct program *one = attending(store, true, 0, TEXTS);
    struct program *many = attending(store, false, 0, TEXTS);
    static const char *const name[] = { "y", "slope" };
    for (int k = 0; k < 2; k++) {
        const float *a = program_output(one, name[k]), *b = program_output(many, name[k]);
        for (int i = 0; i < TEXTS * LENGTH * (k ? SIDE_BY_SIDE : HEADS * EACH); i++)
            if (!(fabsf(a[i] - b[i]) < 1e-5f))
                fail_msg("%s %d: %g, composed %g", name[k], i, (double)a[i], (double)b[i]);
    }
    program_free(many);
    for (int64_t texts = 1; texts < TEXTS; texts++)
        for (int64_t first = 0; first + texts <= TEXTS; first += texts) {
            struct program *some = attending(store, true, first, texts);
            for (int k = 0; k < 2; k++) {
                int64_t each = LENGTH * (k ? SIDE_BY_SIDE : HEADS * EACH);
                assert_memory_equal(program_output(some, name[k]),
                                    program_output(one, name[k]) + first * each,
                                    (size_t)(texts * each) * sizeof(float));
            }
            program_free(some);
        }
    program_free(one);
    store_free(store);
}

static void rates_are_checked(void **state)
{
    (void)state;
    static const double bad[] = { -0.1, 1, 2, NAN };
    for (int i = 0; i < 4; i++) {
        struct store *store = store_new(1);
        struct graph *g = graph_new(store);
        net n = network(g, "net", true, 1);
        dropout(n, "drop", input(g, "x", F32, SHAPE(3)), bad[i]);
        assert_int_equal(graph_status(g), TACIT_FAILED);
        assert_non_null(strstr(status_message(), "dropout drop"));
        graph_free(g);
        store_free(store);
    }
}

static int run(const char *isa)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_the_row),
        cmocka_unit_test(parts_draw_as_the_whole),
        cmocka_unit_test(backward_keeps_no_mask),
        cmocka_unit_test(attention_drops_as_dropout_does),
        cmocka_unit_test(rates_are_checked),
    };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int main(void)
{
    return run_on_every_isa(run);
}
