/* Programs compiled for bf16: products by our own kernels with what they take over, attention and
 * GELU between them, against the same numbers rounded by hand or the program in f32. */
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/onednn.h"
#include "engine/program.h"
#include "ops/cpu_cases.h"

#include <string.h>

/* The nearest bf16, ties to even. */
static double rounded(double x)
{
    float f = (float)x;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000u;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

/* How often the program's print names an op. */
static int calls_of(const struct program *program, const char *op)
{
    char word[64];
    int count = 0;
    struct text text = { 0 };
    snprintf(word, sizeof word, " %s ", op);
    require(program_print(program, &text), "print");
    for (const char *at = text_string(&text); (at = strstr(at, word)); at++)
        count++;
    text_free(&text);
    return count;
}

static double *filled(struct program *program, const char *name, int64_t size, uint64_t item)
{
    float *to = program_input(program, name);
    double *number = calloc((size_t)size, sizeof *number);
    assert_non_null(number);
    fill_lattice(number, size, item);
    for (int64_t i = 0; to && i < size; i++)
        to[i] = (float)number[i];
    return number;
}

/* Item (i, j) of op(a): a has `columns` as stored. */
static double item_of(const double *a, int64_t columns, bool turned, int64_t i, int64_t j)
{
    return rounded(turned ? a[j * columns + i] : a[i * columns + j]);
}

/* got [m, n] is op(a) op(b) of the rounded operands [+ bias] [+ residual] but for the rounding of
 * sums in f32. */
struct expected_product {
    int64_t m, n, k;
    const double *a, *b, *bias, *residual;
    bool a_turned, b_turned;
};

static void check_product(const struct expected_product *e, const float *got, const char *what)
{
    for (int64_t i = 0; i < e->m; i++)
        for (int64_t j = 0; j < e->n; j++) {
            double want = e->bias ? e->bias[j] : 0, reach = 1;
            want += e->residual ? e->residual[i * e->n + j] : 0;
            for (int64_t t = 0; t < e->k; t++) {
                double term = item_of(e->a, e->a_turned ? e->m : e->k, e->a_turned, i, t) *
                              item_of(e->b, e->b_turned ? e->k : e->n, e->b_turned, t, j);
                want += term;
                reach += fabs(term);
            }
            if (!(fabs((double)got[i * e->n + j] - want) <= 2e-6 * reach))
                fail_msg("%s [%d,%d]: %g, not %g", what, (int)i, (int)j, (double)got[i * e->n + j],
                         want);
        }
}

static const struct product_case {
    int64_t m, k, n;
    bool turned, bias, residual;
} product_cases[] = {
    { 24, 16, 16, false, false, false },  { 61, 18, 33, false, true, false },
    { 61, 18, 33, true, true, true },     { 200, 386, 70, false, true, true },
    { 100, 1100, 37, true, false, true }, { 401, 64, 801, false, true, false },
};

/* x w + bias + residual, dx = dy w^T and dw = x^T dy: as if bf16 numbers were multiplied exactly.
 */
static void products(void **state)
{
    (void)state;
    bool ours = !onednn_has_tiles();
    for (size_t c = 0; onednn_has_bf16() && c < sizeof product_cases / sizeof *product_cases; c++) {
        const struct product_case *p = &product_cases[c];
        int64_t m = p->m, k = p->k, n = p->n;
        struct store *store = store_new(1);
        struct graph *g = graph_new(store);
        val x = input(g, "x", F32, SHAPE(m, k)), dy = input(g, "dy", F32, SHAPE(m, n)), by[2];
        val w = input(g, "w", F32, p->turned ? SHAPE(n, k) : SHAPE(k, n));
        val bias = input(g, "bias", F32, SHAPE(n)), residual = input(g, "rest", F32, SHAPE(m, n));
        val y = matmul_half(x, w, p->turned);
        gradients_of(y, dy, 2, (val[]){ x, w }, by);
        y = p->bias ? add(bias, y) : y;
        y = p->residual ? add(residual, reshape(reshape(y, SHAPE(1, m, n)), SHAPE(m, n))) : y;
        output(y, "y");
        output(by[0], "dx");
        output(by[1], "dw");
        struct program *program = NULL;
        struct target target = { .precision = PRECISION_BF16, .check = true };
        require(compile(g, &target, &program), "products");
        double *of_x = filled(program, "x", m * k, 0), *of_w = filled(program, "w", k * n, 1);
        double *of_dy = filled(program, "dy", m * n, 2), *of_bias = filled(program, "bias", n, 3);
        double *of_rest = filled(program, "rest", m * n, 4);
        if (ours) { /* too few rows of a gradient, and odd terms, are left to oneDNN */
            int others = (n % 2 != 0) + ((p->turned ? n : k) < 24);
            assert_int_equal(calls_of(program, "matmul"), others);
            assert_int_equal(calls_of(program, "matmul_sum"), 3 - others);
            assert_int_equal(calls_of(program, "add"), 0);
        }
        require(program_run(program, 0), "products");
        struct expected_product forward = { .m = m,
                                            .n = n,
                                            .k = k,
                                            .a = of_x,
                                            .b = of_w,
                                            .bias = p->bias ? of_bias : NULL,
                                            .residual = p->residual ? of_rest : NULL,
                                            .b_turned = p->turned };
        check_product(&forward, program_output(program, "y"), "y");
        struct expected_product to_x = {
            .m = m, .n = k, .k = n, .a = of_dy, .b = of_w, .b_turned = !p->turned
        };
        check_product(&to_x, program_output(program, "dx"), "dx");
        struct expected_product to_w = { .m = p->turned ? n : k,
                                         .n = p->turned ? k : n,
                                         .k = m,
                                         .a = p->turned ? of_dy : of_x,
                                         .b = p->turned ? of_x : of_dy,
                                         .a_turned = true };
        check_product(&to_w, program_output(program, "dw"), "dw");
        double *all[] = { of_x, of_w, of_dy, of_bias, of_rest };
        for (int i = 0; i < 5; i++)
            free(all[i]);
        program_free(program);
        graph_free(g);
        store_free(store);
    }
}

/* Relative distance of a from b, as Euclidean lengths. */
static double distance(const float *a, const float *b, int64_t size)
{
    double apart = 0, length = 0;
    for (int64_t i = 0; i < size; i++) {
        apart += pow((double)a[i] - (double)b[i], 2);
        length += pow((double)b[i], 2);
    }
    assert_true(length > 0);
    return sqrt(apart / length);
}

enum { TEXTS = 2, LONGEST = 140, WIDEST = 96, PLACES = TEXTS * LONGEST * WIDEST };

/* How a layer is built, and what of its text. */
struct layer_case {
    int64_t length, width, heads, band;
    bool causal, grouped;
    double dropout;
};

static const struct layer_case layer_cases[] = {
    { 70, 64, 2, 0, true, false, 0 },     { 131, 96, 2, 0, true, false, 0 },
    { 64, 48, 1, 0, false, false, 0 },    { 130, 24, 3, 17, true, false, 0 },
    { 67, 48, 2, 0, false, true, 0 },     { 140, 96, 3, 0, true, true, 0.3 },
    { 33, 96, 1, 20, false, false, 0.5 }, { 48, 30, 2, 0, true, false, 0 },
};

/* A layer as networks have it: x + attention(LN x), then x + MLP(LN x), with a loss on all of it.
 * The gradients of its weights lie in the store's arena. */
static val build_layer(struct graph *g, const struct layer_case *c)
{
    net n = network(g, "n", true, 1);
    int64_t rows_of = TEXTS * c->length, d = c->width;
    struct init normal = init_normal(1.5 / sqrt((double)d)), some = init_uniform(.5);
    val x = input(g, "x", F32, SHAPE(rows_of, d)), group = { g, 0 };
    if (c->grouped)
        group = input(g, "group", I32, SHAPE(TEXTS, c->length));
    val scale_of = shift(parameter(n, "scale", SHAPE(d), some), 1);
    val h = layer_normalize(x, scale_of, parameter(n, "shift", SHAPE(d), some), 1e-5);
    h = add(matmul_half(h, parameter(n, "qkv", SHAPE(d, 3 * d), normal), false),
            parameter(n, "qkv_bias", SHAPE(3 * d), some));
    h = attention_dropout(n, "weights", reshape(h, SHAPE(TEXTS, c->length, 3 * d)), group, c->heads,
                          c->causal, c->band, c->dropout);
    h = add(
        matmul_half(reshape(h, SHAPE(rows_of, d)), parameter(n, "out", SHAPE(d, d), normal), true),
        parameter(n, "out_bias", SHAPE(d), some));
    x = add(x, h);
    h = layer_normalize(x, scale_of, parameter(n, "shift2", SHAPE(d), some), 1e-5);
    h = gelu(add(matmul_half(h, parameter(n, "up", SHAPE(d, 2 * d), normal), false),
                 parameter(n, "up_bias", SHAPE(2 * d), some)));
    x = add(x, matmul_half(h, parameter(n, "down", SHAPE(2 * d, d), normal), false));
    output(x, "y");
    return mean_all(square(add(x, scale(sine(x), 0.5))));
}

struct layer_result {
    float y[PLACES], gradient[1 << 17];
    int64_t gradients;
    int casts, sums, accumulations;
};

static void run_layer(const struct layer_case *c, enum precision precision, int runs,
                      struct layer_result *r)
{
    struct store *store = store_new(3);
    struct graph *g = graph_new(store);
    val loss = build_layer(g, c);
    struct range *trained[] = { store_range(store, "n") };
    differentiate(loss, 1, trained);
    struct program *program = NULL;
    struct target target = { .precision = precision, .check = true };
    require(compile(g, &target, &program), "layer");
    free(filled(program, "x", TEXTS * c->length * c->width, 1));
    int32_t *group = program_input(program, "group");
    for (int64_t i = 0; group && i < TEXTS * c->length; i++)
        group[i] = (int32_t)(i / 29);
    for (int i = 0; i < runs; i++)
        require(program_run(program, 7), "layer");
    memcpy(r->y, program_output(program, "y"),
           (size_t)(TEXTS * c->length * c->width) * sizeof *r->y);
    r->gradients = 0;
    for (int64_t t = 0; t < trained[0]->tensors; t++) {
        const struct tensor *tensor = trained[0]->tensor[t];
        memcpy(r->gradient + r->gradients, tensor_gradient(tensor),
               (size_t)shape_size(tensor->shape) * sizeof *r->gradient);
        r->gradients += shape_size(tensor->shape);
    }
    r->casts = calls_of(program, "cast");
    r->sums = calls_of(program, "matmul_sum");
    r->accumulations = calls_of(program, "matmul_accumulate");
    program_free(program);
    graph_free(g);
    store_free(store);
}

/* Against the program in f32: apart by a few roundings of 2^-9, in each tensor of gradients, and
 * not the same; a second run adds the same gradients once more. */
static void layers(void **state)
{
    (void)state;
    static struct layer_result wide, narrow, twice;
    for (size_t i = 0; onednn_has_bf16() && i < sizeof layer_cases / sizeof *layer_cases; i++) {
        const struct layer_case *c = &layer_cases[i];
        int64_t places = TEXTS * c->length * c->width;
        run_layer(c, PRECISION_F32, 1, &wide);
        run_layer(c, PRECISION_BF16, 1, &narrow);
        run_layer(c, PRECISION_BF16, 2, &twice);
        double of_y = distance(narrow.y, wide.y, places);
        double of_gradient = distance(narrow.gradient, wide.gradient, wide.gradients);
        assert_int_equal(wide.gradients, narrow.gradients);
        if (!(of_y < 1e-2 && of_y > 1e-5 && of_gradient < 1e-2 && of_gradient > 1e-5))
            fail_msg("case %d: y by %g, gradients by %g", (int)i, of_y, of_gradient);
        for (int64_t k = 0; k < twice.gradients; k++)
            assert_true(fabs((double)twice.gradient[k] - 2 * (double)narrow.gradient[k]) <=
                        1e-5 * (1e-3 + fabs((double)narrow.gradient[k])));
        if (!onednn_has_tiles()) {
            assert_int_equal(narrow.casts, 0);
            assert_int_equal(narrow.accumulations, 4);
            assert_int_equal(narrow.sums, 8);
        }
    }
}

/* The curves of what is rounded afterwards: within 2e-5 of the exact ones, also in their tails. */
static void curves(void **state)
{
    (void)state;
    enum { POINTS = 4003 };
    static float x[POINTS], y[POINTS], slope[POINTS], one[POINTS];
    for (int i = 0; i < POINTS; i++) {
        x[i] = -9.0f + 18.0f * (float)i / (POINTS - 1);
        one[i] = 1;
    }
    kernels()->gelu_rounded(x, y, POINTS);
    kernels()->gelu_gradient_rounded(one, x, slope, POINTS);
    for (int i = 0; i < POINTS; i++) {
        double at = (double)x[i], share = erfc(-at / sqrt(2)) / 2;
        double density = exp(-at * at / 2) / sqrt(2 * acos(-1));
        assert_true(fabs((double)y[i] - at * share) <= 2e-5 * fabs(at * share));
        assert_true(fabs((double)slope[i] - (share + at * density)) <=
                    2e-5 * (share + fabs(at) * density));
    }
    float bad = NAN, out = 0;
    kernels()->gelu_rounded(&bad, &out, 1);
    assert_true(isnan(out));
}

static int run(const char *isa)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(products), cmocka_unit_test(layers),
                                        cmocka_unit_test(curves) };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int main(void)
{
    return run_on_every_isa(run);
}
