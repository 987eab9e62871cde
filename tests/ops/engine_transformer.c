/* What transformers are made of, alone and as one block: rules against central differences, the CPU
 * against the reference in every form of operands and on every instruction set. */
#include "engine/cpu/onednn.h"
#include "ops/cpu_cases.h"

static const char *const line[] = {
    "matmul | [2,3,4,6] [2,3,6,4] | 0 0",
    "matmul | [2,3,4,6] [2,3,5,6] | 0 1",
    "matmul | [2,3,6,4] [2,3,6,5] | 1 0",
    "matmul | [2,3,6,4] [2,3,5,6] | 1 1",
    "matmul | [2,3,4,6] [6,5] | 0 0",
    "matmul | [2,3,4,6] [5,6] | 0 1",
    "matmul | [2,3,4,6] [3,6,5] | 0 0",
    "matmul | [2,1,4,6] [2,3,6,5] | 0 0",
    "matmul | [2,4,33,16] [2,4,33,16] | 0 1",
    "add | [2,3,5,5] [1,1,5,5]",
    "add | [2,3,5,5] [2,1,1,5]",
    "add | [2,3,5,5] [5,5]",
    "softmax | [2,3,5,5]",
    "log_softmax | [2,3,5,7]",
    "layer_norm | [2,5,64] [64] [64] | 1e-5",
    "layer_norm | [2,5,13] [13] [13] | 1e-12",
    "gelu_tanh | [2,5,33]",
    "gelu | [2,5,33]",
    "silu | [2,5,33]",
    "gather | [9,16] [4,5]:3",
    "gather | [9,5] [40]:2",
    "scatter_add | [4,5,16] [4,5]:3 | 9",
    "scatter_add | [40,37] [40]:2 | 3",
    "permute | [2,5,3,4] | 0 2 1 3",
    "permute | [2,3,5,4] | 0 2 3 1",
    "attention | [2,5,24] | 2 1 0 0",
    "attention | [1,70,48] | 1 1 0 0",
    "attention | [1,131,96] | 2 1 0 0",
    "attention | [2,66,51] | 1 0 0 0",
    "attention | [1,130,30] | 2 1 17 0",
    "attention | [1,90,24] | 2 0 33 0",
    "attention | [2,67,24] [2,67]:3 | 2 1 0 0",
    "attention | [2,80,96] [2,80]:2 | 2 0 0 0",
    "attention | [2,70,48] | 2 1 0 0.1",
    "attention | [3,33,24] | 2 0 0 0.5",
    "attention | [1,150,33] [1,150]:2 | 1 1 70 0.3",
    "layer_norm | [40,33] [33] [33] | 1e-5",
    "gelu_gradient | [3,33] [3,33]",
    "gelu_tanh_gradient | [3,33] [3,33]",
    "dropout | [2,3,5,5] | 0.1",
    "dropout | [4,5,64] | 0.5",
};

static void rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        struct test_case c;
        const char *bar = strchr(line[i], '|');
        for (int k = 0; all_ops[k]; k++) {
            size_t length = strlen(all_ops[k]->name);
            if (length != (size_t)(bar - line[i]) - 1 ||
                strncmp(all_ops[k]->name, line[i], length) != 0)
                continue;
            case_parse(bar + 2, &c);
            check_gradient(all_ops[k]->name, &c, build_op, &(struct op_case){ all_ops[k], &c });
        }
    }
}

static void kernels_of_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof line / sizeof *line; i++)
        run_line(line[i], run_every_form);
    assert_int_equal(complaints, 0);
}

enum { BATCH = 2, LENGTH = 5, HEADS = 2, WIDTH = 8, WORDS = 7 };

/* [B, T, 3D] -> part k of the three as [B, H, T, D/H]. */
static val heads(val qkv, int k)
{
    val own = slice(qkv, 2, k * WIDTH, (k + 1) * WIDTH);
    val split = reshape(own, SHAPE(BATCH, LENGTH, HEADS, WIDTH / HEADS));
    return permute(split, (int[]){ 0, 2, 1, 3 });
}

/* -1e4 for keys after the query [1, 1, T, T] and beyond each text's length [B, 1, 1, T]. */
static val masked(val scores)
{
    struct graph *g = scores.graph;
    val place = count_up(g, LENGTH);
    val key = reshape(place, SHAPE(1, 1, 1, LENGTH)),
        query = reshape(place, SHAPE(1, 1, LENGTH, 1));
    val length = reshape(shift(scale(count_up(g, BATCH), -2), LENGTH), SHAPE(BATCH, 1, 1, 1));
    val causal = scale(greater(key, query), -1e4);
    return add(add(scores, causal), scale(greater_equal(key, length), -1e4));
}

/* One block (Vaswani et al. 2017; normalised first) on embedded tokens, and the mean loss of every
 * other place's next word. in: words [7,8], tokens [2,5], qkv [24,8], out [8,8], normalisation [8]
 * twice, wide [16,8], narrow [8,16]. */
static val build_block(const val in[], int inputs, const void *context)
{
    (void)inputs, (void)context;
    struct graph *g = in[0].graph;
    net n = network(g, "drop", true, 1);
    val x = dropout(n, "embedding", gather(in[0], in[1]), 0.1);
    val qkv = matmul_transposed(layer_normalize(x, in[4], in[5], 1e-5), false, in[2], true);
    val scores = matmul_transposed(heads(qkv, 0), false, heads(qkv, 1), true);
    val attention = dropout(n, "attention", softmax(masked(scale(scores, 0.5))), 0.1);
    val mixed = permute(matmul(attention, heads(qkv, 2)), (int[]){ 0, 2, 1, 3 });
    val flat = reshape(mixed, SHAPE(BATCH, LENGTH, WIDTH));
    x = add(x, matmul_transposed(flat, false, in[3], true));
    val wide =
        gelu_tanh(matmul_transposed(layer_normalize(x, in[4], in[5], 1e-5), false, in[6], true));
    x = add(x, matmul_transposed(wide, false, in[7], true));
    val logits = matmul_transposed(reshape(x, SHAPE(BATCH * LENGTH, WIDTH)), false, in[0], true);
    val token = reshape(in[1], SHAPE(BATCH * LENGTH));
    val place = count_up(g, BATCH * LENGTH);
    val even = equal(scale(cast(scale(place, 0.5), I32), 2), place);
    val target = cast(select_where(even, token, constant(g, -1)), I32);
    return cross_entropy_mean(logits, target, -1);
}

static void block(void **state)
{
    (void)state;
    struct test_case c;
    case_parse("[7,8] [2,5]:3 [24,8] [8,8] [8]+ [8] [16,8] [8,16]", &c);
    check_gradient("block", &c, build_block, NULL);
    run_against_reference("block", &c, build_block, NULL, run_every_form);
    assert_int_equal(complaints, 0);
}

/* The mean over what is not ignored, by hand; ignored rows get no gradient, whatever they hold. */
static void ignored_targets(void **state)
{
    (void)state;
    static const int32_t target[2][4] = { { 2, -1, 0, -1 }, { -1, -1, -1, -1 } };
    for (int all = 0; all < 2; all++) {
        struct store *store = store_new(1);
        struct graph *g = graph_new(store);
        struct program *p = NULL;
        val logits = input(g, "logits", F32, SHAPE(4, 3)), slope;
        val loss = cross_entropy_mean(logits, input(g, "target", I32, SHAPE(4)), -1);
        gradients_of(loss, no_value(g), 1, &logits, &slope);
        output(loss, "loss");
        output(slope, "slope");
        require(compile(g, &(struct target){ .check = true }, &p), "ignored");
        float *x = program_input(p, "logits");
        memcpy(program_input(p, "target"), target[all], sizeof target[all]);
        double want = 0, exponential_of[12];
        for (int i = 0; i < 12; i++) {
            x[i] = 0.3f * (float)(i % 5) - 0.1f * (float)i;
            exponential_of[i] = exp((double)x[i]);
        }
        require(program_run(p, 0), "ignored");
        const float *got = program_output(p, "slope");
        for (int r = 0; r < 4; r++) {
            const double *e = exponential_of + 3 * r;
            double total = e[0] + e[1] + e[2];
            bool kept = target[all][r] >= 0;
            want += kept ? log(total / e[target[all][r]]) / 2 : 0;
            for (int k = 0; k < 3; k++)
                assert_true(fabs((double)got[3 * r + k] -
                                 (kept ? (e[k] / total - (k == target[all][r])) / 2 : 0)) < 1e-6);
        }
        assert_true(fabs((double)*program_output(p, "loss") - want) < 1e-6);
        program_free(p);
        graph_free(g);
        store_free(store);
    }
}

/* x W and both gradients, on numbers that bf16 does not hold: within half a step of bf16 of every
 * operand, 2^-9 each, of the sum of the terms' sizes, and not as exact as f32. */
static void half_products(void **state)
{
    (void)state;
    enum { M = 37, K = 65, N = 48 };
    if (!onednn_has_bf16())
        skip();
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    val in[2] = { input(g, "x", F32, SHAPE(M, K)), input(g, "w", F32, SHAPE(K, N)) };
    val dy = input(g, "dy", F32, SHAPE(M, N)), y = matmul_half(in[0], in[1], false), by[2];
    gradients_of(y, dy, 2, in, by);
    output(y, "y");
    output(by[0], "dx");
    output(by[1], "dw");
    struct program *p = NULL;
    require(compile(g, &(struct target){ .precision = PRECISION_BF16, .check = true }, &p), "half");
    static double x[M * K], w[K * N], d[M * N];
    const struct {
        const char *name, *result;
        double *value;
        int64_t size;
    } of[] = { { "x", "dx", x, M * K }, { "w", "dw", w, K * N }, { "dy", "y", d, M * N } };
    for (int i = 0; i < 3; i++) {
        float *to = program_input(p, of[i].name);
        fill_lattice(of[i].value, of[i].size, (uint64_t)i);
        for (int64_t k = 0; k < of[i].size; k++)
            to[k] = (float)of[i].value[k];
    }
    require(program_run(p, 0), "half");
    double farthest = 0;
    for (int i = 0; i < 3; i++) {
        const float *got = program_output(p, of[i].result);
        int columns = i == 0 ? K : N, terms = i == 0 ? N : i == 1 ? M : K;
        for (int64_t at = 0; at < of[i].size; at++) {
            int64_t r = at / columns, c = at % columns;
            double want = 0, reach = 0;
            for (int64_t t = 0; t < terms; t++) {
                double term = i == 0   ? d[r * N + t] * w[c * N + t]
                              : i == 1 ? x[t * K + r] * d[t * N + c]
                                       : x[r * K + t] * w[t * N + c];
                want += term;
                reach += fabs(term);
            }
            double error = fabs((double)got[at] - want);
            assert_true(error <= reach / 250);
            farthest = fmax(farthest, error / reach);
        }
    }
    assert_true(farthest > 1e-5);
    program_free(p);
    graph_free(g);
    store_free(store);
}

static int run(const char *isa)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_of_lines),
        cmocka_unit_test(block),
        cmocka_unit_test(ignored_targets),
        cmocka_unit_test(half_products),
        cmocka_unit_test(rules),
    };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int main(void)
{
    return run_on_every_isa(run);
}
