/* CPU programs in f32: PyTorch's values and gradients, then the table's own cases and what builders
 * fuse against the reference, in every form of operands and on every instruction set. */
#include "ops/cpu_cases.h"
#include "ops/golden.h"

/* Cases that vector kernels and layouts find hard: whole vectors and more, images of 16 and 32
 * channels, broadcasts of every kind against images. */
static const char *const hard_case[] = {
    "relu | [2,16,5,3]",
    "gelu | [2,32,4,4]",
    "exp | [257]",
    "tanh | [3,16,1,1]",
    "sqrt | [2,16,3,3]+",
    "add | [2,16,4,4] [2,16,4,4]",
    "add | [2,16,4,4] [16,1,1]",
    "add | [2,16,4,4] [2,16,1,1]",
    "add | [2,16,4,4] [4]",
    "add | [16,1,1] [2,16,4,4]",
    "multiply | [2,32,3,5] [2,1,3,5]",
    "multiply | [2,16,4,4] [1]",
    "subtract | [1] [2,16,4,4]",
    "divide | [2,16,4,4] [2,16,4,4]+",
    "maximum | [2,16,4,4] [2,16,4,4]",
    "less | [2,16,4,4] [2,16,4,4]",
    "select | [2,16,4,4]:2 [2,16,4,4] [2,16,4,4]",
    "relu_gradient | [2,16,4,4] [2,16,4,4]",
    "sum_n | [2,16,4,4] [2,16,4,4] [2,16,4,4] [2,16,4,4]",
    "sum | [2,16,4,4] | 13 1",
    "sum | [2,16,4,4] | 2 0",
    "sum | [2,16,4,4] | 12 0",
    "sum | [2,16,4,4] | 1 1",
    "sum | [3,300] | 2 0",
    "sum | [300,3] | 1 0",
    "sum | [70,70] | 3 0",
    "amax | [2,16,4,4] | 12 1",
    "argmax | [2,16,4,4] | 1",
    "concat | [2,16,4,4] [2,32,4,4] | 1",
    "concat | [2,16,4,4] [3,16,4,4] | 0",
    "concat | [2,16,4,2] [2,16,4,4] | 3",
    "slice | [2,48,3,3] | 1 16 48",
    "slice | [2,48,3,3] | 1 5 23",
    "slice | [4,16,3,3] | 0 1 3",
    "slice | [2,16,5,3] | 2 1 4",
    "pad | [2,16,3,3] | 1 0 16",
    "pad | [2,16,3,3] | 2 1 1",
    "permute | [2,16,3,5] | 0 2 3 1",
    "permute | [4,16,3,2] | 1 0 2 3",
    "reshape | [2,16,3,4] | 2 192",
    "reshape | [2,16,3,4] | 2 4 4 12",
    "broadcast_to | [16,1,1] | 2 16 4 4",
    "stop_gradient | [2,16,4,4]",
    "max_pool | [2,16,9,7] | 3 3 2 2 1 1",
    "max_pool | [2,32,4,4] | 2 2 2 2 0 0",
    "average_pool | [2,16,9,7] | 3 3 2 2 1 1",
    "average_pool | [1,32,8,8] | 8 8 8 8 0 0",
    "global_average_pool | [3,32,7,5]",
    "gather | [5,16,2,2] [4]:5",
    "conv2d | [2,3,12,12] [32,3,3,3] | 1 1 1 1 1 1 1",
    "conv2d | [2,3,12,12] [16,3,7,7] | 2 2 3 3 1 1 1",
    "conv2d | [2,10,8,8] [16,10,3,3] | 1 1 1 1 1 1 1",
    "conv2d | [2,16,9,9] [48,16,3,3] | 1 1 1 1 1 1 1",
    "conv2d | [2,32,9,7] [16,32,3,3] | 2 2 1 1 1 1 1",
    "conv2d | [2,64,6,6] [64,64,3,3] | 1 1 1 1 1 1 1",
    "conv2d | [2,32,8,8] [64,32,1,1] | 1 1 0 0 1 1 1",
    "conv2d | [2,64,7,7] [32,64,1,1] | 2 2 0 0 1 1 1",
    "conv2d | [2,32,8,8] [32,16,3,3] | 1 1 1 1 1 1 2",
    "conv2d | [2,32,8,8] [32,1,3,3] | 1 1 1 1 1 1 32",
    "conv2d | [1,16,9,9] [16,16,3,3] | 1 1 2 2 2 2 1",
    "conv2d | [2,16,8,8] [10,16,3,3] | 1 1 1 1 1 1 1",
    "conv2d | [1,16,1,40] [32,16,1,5] | 1 2 0 2 1 1 1",
    "matmul | [64,96] [96,80] | 0 0",
    "matmul | [1,128] [10,128] | 0 1",
    "matmul | [128,1] [1,10] | 0 0",
    "matmul | [6,17,9] [6,9,33] | 0 0",
    "matmul | [4,1,7,5] [3,5,2] | 0 0",
    "layer_norm | [5,768] [768] [768] | 1e-6",
    "softmax | [3,1000]",
    "log_softmax | [7,129]",
    "cross_entropy | [9,100] [9]:100",
    "l2_normalize | [4,512] | 1e-12",
    "bn_apply | [4,64,3,3] [64] [64] | 1 1e-5",
    "bn_apply | [8,200] [200] [200] | 2 1e-5",
    "bn_apply | [8,16,1,1] [16] [16] | 4 1e-3",
    "fill_diagonal | [70,70] | -1e9",
    "one_hot | [70]:9 | 9",
    "scatter_add | [90,16] [90]:3 | 3",
};

static void golden_cases(void **state)
{
    (void)state;
    struct golden golden;
    struct golden_case k;
    golden_open(&golden, "ops.bin", "TACITOPS");
    for (int n = 0; n < golden.cases; n++) {
        golden_next(&golden, &k);
        struct expected e = { .name = k.name,
                              .c = &k.c,
                              .upstream = k.upstream.value,
                              .y = k.output.value,
                              .y_shape = k.output.shape };
        for (int i = 0; i < k.c.inputs; i++) {
            e.input[i] = k.input[i].value;
            e.gradient[i] = k.gradient[i].value;
        }
        set_tolerance(&e);
        run_every_form(&e, build_golden, &k);
        golden_free(&k);
    }
    free(golden.bytes);
    no_complaints();
}

static void table_cases(void **state)
{
    (void)state;
    for (int i = 0; all_ops[i]; i++) {
        const struct op_type *op = all_ops[i];
        struct test_case c;
        for (const char *at = op->make ? op->cases : NULL; at;) {
            at = case_parse(at, &c);
            run_against_reference(op->name, &c, build_op, &(struct op_case){ op, &c },
                                  run_every_form);
        }
    }
    no_complaints();
}

static void more_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hard_case / sizeof *hard_case; i++)
        run_line(hard_case[i], run_every_form);
    no_complaints();
}

static void fused_forms(void **state)
{
    (void)state;
    static const char *const shape[] = { "[4,16,4,6]", "[4,3,4,2]", "[2,32,2,2]", "[4,48,8,8]",
                                         "[6,20]",     "[4,64]",    "[2,17,6,4]" };
    static const char *const name[] = { "relu(bn)", "relu(bn + residual)", "pool(relu(bn))",
                                        "relu(bn + bn)", "relu(given)" };
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++)
        for (int what = 0; what <= FUSED_GIVEN; what++)
            for (int groups = 1; groups <= 2; groups++) {
                struct test_case c;
                struct shape x;
                char text[CASE_TEXT];
                case_shape(shape[s], &x);
                if (what == FUSED_POOL && x.rank != 4)
                    continue;
                bool more = what == FUSED_RESIDUAL || what == FUSED_BOTH;
                snprintf(text, sizeof text, "%s [%d] [%d] %s | %d 1e-3", shape[s], (int)x.dim[1],
                         (int)x.dim[1], more ? shape[s] : "", groups);
                case_parse(text, &c);
                run_against_reference(name[what], &c, build_fused,
                                      &(struct fused){ c.number, what }, run_every_form);
            }
    no_complaints();
}

static int run(const char *isa)
{
    parallel_flush_denormals(); /* as in training: an integer taken for a float would be 0 */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_cases),
        cmocka_unit_test(table_cases),
        cmocka_unit_test(more_cases),
        cmocka_unit_test(fused_forms),
    };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int main(void)
{
    return run_on_every_isa(run);
}
