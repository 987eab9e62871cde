/* Every row of the table of ops is complete. */
#include "ops/harness.h"

static bool is_source(const struct op_type *op)
{
    return op == &op_input || op == &op_knob || op == &op_parameter || op == &op_state;
}

static void rows_are_complete(void **state)
{
    (void)state;
    int count = 0;
    for (; all_ops[count]; count++) {
        const struct op_type *op = all_ops[count];
        assert_non_null(op->name);
        print_message("%s\n", op->name);
        assert_non_null(op->doc);
        assert_true(strlen(op->name) > 0 && strlen(op->doc) > 1);
        assert_int_equal(op->doc[strlen(op->doc) - 1] == '.' || strstr(op->doc, "…") != NULL, 1);
        assert_non_null(op->shape);
        assert_true(op->inputs >= -1 && op->inputs <= CASE_INPUTS);
        assert_true(op->outputs >= 0 && op->outputs <= OUTPUTS_MAX);
        assert_true(op->private_outputs >= 0 && op->private_outputs <= op->outputs);
        assert_true(op->reference || is_source(op) || (op->flags & OP_EFFECT));
        bool differentiable = op->inputs != 0;
        assert_true(!differentiable || op->gradient || (op->flags & OP_NO_GRADIENT));
        assert_false(op->gradient && (op->flags & OP_NO_GRADIENT));
        assert_false((op->flags & OP_PURE) && (op->flags & (OP_RANDOM | OP_EFFECT)));
        assert_true(!(op->flags & OP_RANDOM) || op->attribute == ATTRIBUTE_RANDOM ||
                    op->attribute == ATTRIBUTE_ATTENTION);
        assert_true(!(op->flags & OP_IN_PLACE) || op->inputs != 0);
    }
    assert_true(count > 60);
}

/* What a case's numbers set must be told apart when equal nodes are merged. */
static void attributes_are_told(void **state)
{
    (void)state;
    for (int i = 0; all_ops[i]; i++) {
        const struct op_type *op = all_ops[i];
        struct test_case c;
        for (const char *at = op->make ? op->cases : NULL; at;) {
            at = case_parse(at, &c);
            struct trial t;
            trial_build(&t, &c, build_op, &(struct op_case){ op, &c }, true);
            const struct node *node = node_of(t.y);
            if (c.numbers && !node->op->attribute && !node->attribute.shape.rank)
                fail_msg("%s does not say which attributes it uses", node->op->name);
            trial_free(&t);
        }
    }
}

static void names_are_unique(void **state)
{
    (void)state;
    for (int i = 0; all_ops[i]; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(all_ops[i]->name, all_ops[j]->name);
}

/* Ops that only a gradient rule emits are checked through the ops whose rules emit them. */
static bool is_checked_elsewhere(const struct op_type *op)
{
    return op->inputs == 0 || (op->flags & OP_EFFECT) || op == &op_bn_gradient ||
           op == &op_max_pool_gradient || op == &op_average_pool_gradient ||
           op == &op_attention_gradient || op == &op_layer_norm_gradient || op == &op_all_gather ||
           op == &op_matmul_sum ||           /* pass_fuse emits it: engine_half */
           strcmp(op->name, "reorder") == 0; /* layout passes emit it */
}

static void every_op_has_cases_that_fit(void **state)
{
    (void)state;
    for (int i = 0; all_ops[i]; i++) {
        const struct op_type *op = all_ops[i];
        assert_int_equal(op->make != NULL, op->cases != NULL);
        if (!op->make) {
            if (!is_checked_elsewhere(op))
                fail_msg("%s has no test cases", op->name);
            continue;
        }
        int cases = 0;
        struct test_case c;
        for (const char *at = op->cases; at; cases++) {
            at = case_parse(at, &c);
            struct trial t;
            assert_true(op->inputs < 0 ? c.inputs > 0
                                       : c.inputs == op->inputs || op == &op_bn_apply);
            trial_build(&t, &c, build_op, &(struct op_case){ op, &c }, true);
            assert_int_equal(graph_status(t.graph), TACIT_OK);
            trial_free(&t);
        }
        assert_true(cases > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(attributes_are_told),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(every_op_has_cases_that_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
