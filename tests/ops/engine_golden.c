/* The reference against PyTorch in double: values and gradients of every op. */
#include "ops/golden.h"

static void compare(const struct golden_case *k, const char *what, const double *got,
                    const struct golden_tensor *want)
{
    for (int64_t i = 0, size = shape_size(want->shape); i < size; i++) {
        double bound = 1e-9 * fabs(want->value[i]) + 1e-11;
        if (!(fabs(got[i] - want->value[i]) <= bound))
            fail_msg("%s | %s: %s [%d] is %.17g, PyTorch says %.17g", k->name, k->c.text, what,
                     (int)i, got[i], want->value[i]);
    }
}

static void run_case(const struct golden_case *k)
{
    struct trial t;
    trial_build(&t, &k->c, build_golden, k, false);
    require(reference_new(t.graph, 1, &t.reference), k->c.text);
    assert_true(shape_equal(shape_of(t.y), k->output.shape));
    for (int i = 0; i < t.inputs; i++)
        memcpy(reference_value(t.reference, t.in[i]), k->input[i].value,
               (size_t)shape_size(k->input[i].shape) * sizeof(double));
    memcpy(reference_value(t.reference, t.weight), k->upstream.value,
           (size_t)shape_size(k->upstream.shape) * sizeof(double));
    require(reference_run(t.reference, 0), k->c.text);
    compare(k, "value", reference_value(t.reference, t.y), &k->output);
    for (int i = 0; i < t.inputs; i++) {
        if (is_none(t.gradient[i]) && k->gradient[i].value) {
            /* No rule is the same as a rule that says 0. */
            for (int64_t j = 0; j < shape_size(k->gradient[i].shape); j++)
                assert_true(k->gradient[i].value[j] == 0);
        } else if (k->gradient[i].value) {
            assert_true(shape_equal(shape_of(t.gradient[i]), k->gradient[i].shape));
            compare(k, "gradient", reference_value(t.reference, t.gradient[i]), &k->gradient[i]);
        }
    }
    trial_free(&t);
}

static void every_case(void **state)
{
    (void)state;
    struct golden golden;
    struct golden_case k;
    golden_open(&golden, "ops.bin", "TACITOPS");
    assert_true(golden.cases > 250);
    for (int i = 0; i < golden.cases; i++) {
        golden_next(&golden, &k);
        run_case(&k);
        golden_free(&k);
    }
    assert_ptr_equal(golden.at, golden.end);
    free(golden.bytes);
}

/* Every op of the table that computes something is among PyTorch's cases, so that no rule and its
 * reference are judged by their own author alone. */
static void every_op_has_a_witness(void **state)
{
    (void)state;
    static const char *const elsewhere[] = {
        /* known under the name of what is composed of them */
        "bn_statistics", "bn_apply", "bn_gradient", "relu_gradient", "conv2d_data_gradient",
        "conv2d_weight_gradient", "max_pool_gradient", "average_pool_gradient", "scatter_add",
        "cross_entropy_gradient", "gelu_gradient", "gelu_tanh_gradient", "layer_norm_gradient",
        /* engine_transformer compares it with what it is composed of, methods_text_step a step with
         * it with transformers' */
        "attention", "attention_gradient",
        /* engine_half compares it with numbers rounded by hand */
        "matmul_sum",
        /* trivial; engine_gradients, engine_random and nn_programs see to them */
        "cast", "stop_gradient", "all_gather", "reorder", "dropout", NULL
    };
    for (int i = 0; all_ops[i]; i++) {
        if (all_ops[i]->inputs == 0 || (all_ops[i]->flags & OP_EFFECT))
            continue;
        bool known = false;
        for (int e = 0; elsewhere[e]; e++)
            known |= strcmp(elsewhere[e], all_ops[i]->name) == 0;
        struct golden golden;
        struct golden_case k;
        golden_open(&golden, "ops.bin", "TACITOPS");
        for (int n = 0; n < golden.cases && !known; n++) {
            golden_next(&golden, &k);
            known = strcmp(k.name, all_ops[i]->name) == 0;
            golden_free(&k);
        }
        free(golden.bytes);
        if (!known)
            fail_msg("no PyTorch numbers for op %s", all_ops[i]->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case),
        cmocka_unit_test(every_op_has_a_witness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
