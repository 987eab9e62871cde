/* CPU programs on data large enough to be shared out among threads, whose pieces begin and end
 * anywhere: against the reference, with one, two and three threads. */
#include "ops/cpu_cases.h"

static const char *const large_case[] = {
    "add | [3,100003] [3,1]",
    "add | [100003] [100003]",
    "multiply | [2,16,97,65] [16,1,1]",
    "subtract | [2,16,97,65] [2,1,97,65]",
    "divide | [301,333] [333]+",
    "maximum | [301,1] [1,333]",
    "select | [301,333]:2 [301,1] [333]",
    "less | [301,333] [301,1]",
    "exp | [70001]",
    "relu | [100003]",
    "relu_gradient | [100003] [100003]",
    "sum_n | [50021] [50021] [50021]",
    "cast | [100003]:9 | 0",
    "sum | [3,100003] | 2 0",
    "sum | [100003,3] | 1 0",
    "sum | [301,333]+ | 3 0",
    "sum | [7,101,5,60] | 10 1",
    "sum | [7,101,5,60] | 5 0",
    "amax | [301,333] | 2 0",
    "amax | [301,333] | 1 0",
    "argmax | [301,333] | 1",
    "softmax | [301,333]",
    "log_softmax | [301,333]",
    "cross_entropy | [301,333] [301]:333",
    "layer_norm | [301,333] [333] [333] | 1e-5",
    "l2_normalize | [301,333] | 1e-12",
    "permute | [301,333] | 1 0",
    "permute | [4,33,40,20] | 0 2 3 1",
    "concat | [301,333] [301,200] | 1",
    "slice | [301,333] | 1 7 300",
    "pad | [301,333] | 1 3 4",
    "broadcast_to | [333] | 301 333",
    "gather | [50,301] [1001]:50",
    "scatter_add | [1001,301] [1001]:50 | 50",
    "fill_diagonal | [333,333] | -1e9",
    "matmul | [301,333] [333,77] | 0 0",
    "matmul | [5,70,80] [5,80,33] | 0 0",
    "conv2d | [3,16,33,35] [32,16,3,3] | 1 1 1 1 1 1 1",
    "conv2d | [5,3,37,31] [16,3,3,3] | 2 2 1 1 1 1 1",
    "max_pool | [3,16,65,67] | 3 3 2 2 1 1",
    "max_pool | [5,5,65,67] | 2 2 2 2 0 0",
    "average_pool | [3,16,65,67] | 3 3 2 2 1 1",
    "global_average_pool | [30,48,17,9]",
    "bn_apply | [6,48,33,35] [48] [48] | 2 1e-5",
    "bn_apply | [6,5,63,65] [5] [5] | 1 1e-5",
    "bn_apply | [302,333] [333] [333] | 2 1e-5",
};

/* Without the checker, whose filling would take all the time; temporaries with it. */
static void some_forms(const struct expected *e, builder *build, const void *context)
{
    run_form(e, build, context, FORM_PLAIN, false);
    run_form(e, build, context, FORM_TEMPORARY, true);
    if (e->y_shape.rank == 4 && e->c->input[0].shape.rank == 4)
        run_form(e, build, context, FORM_CONVOLVED, false);
    run_parameters(e, build, context, false);
}

static void large_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof large_case / sizeof *large_case; i++)
        run_line(large_case[i], some_forms);
    no_complaints();
}

static void large_fused_forms(void **state)
{
    (void)state;
    static const char *const text[] = { "[6,48,22,34] [48] [48] [6,48,22,34] | 2 1e-3",
                                        "[5,7,66,34] [7] [7] [5,7,66,34] | 1 1e-3" };
    for (size_t t = 0; t < 2; t++)
        for (int what = 0; what <= FUSED_GIVEN; what++) {
            struct test_case c;
            case_parse(text[t], &c);
            if (what != FUSED_RESIDUAL && what != FUSED_BOTH)
                c.inputs = 3;
            run_against_reference("fused", &c, build_fused, &(struct fused){ c.number, what },
                                  some_forms);
        }
    no_complaints();
}

static int run(const char *isa)
{
    parallel_set_threads(strcmp(isa, "avx2") == 0 ? 3 : strcmp(isa, "avx512") == 0 ? 1 : 2);
    parallel_flush_denormals();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_cases),
        cmocka_unit_test(large_fused_forms),
    };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int main(void)
{
    return run_on_every_isa(run);
}
