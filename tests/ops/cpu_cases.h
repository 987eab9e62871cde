/* Cases of the CPU's tests: against the reference, from lines of text, and of fused forms. */
#ifndef TESTS_OPS_CPU_CASES_H
#define TESTS_OPS_CPU_CASES_H

#include "ops/cpu.h"

/* Errors of f32: 2e-5 of the item, and of the largest item of its tensor, which bounds
 * c eps sum |a||b| for the few hundred terms of these cases. Where inputs span many powers (the
 * tails of activations) the largest says nothing. */
static inline void set_tolerance(struct expected *e)
{
    bool tails = strncmp(e->c->text, "[12] ", 5) == 0;
    e->relative = 2e-5;
    e->absolute = tails ? 0 : 2e-5;
    e->floor = tails ? 2e-6 : 0;
}

/* Which forms a case is run in. */
typedef void runner(const struct expected *e, builder *build, const void *context);

/* A case against the reference, on the harness's numbers. */
static inline void run_against_reference(const char *name, const struct test_case *c,
                                         builder *build, const void *context, runner *run)
{
    struct trial t;
    trial_build(&t, c, build, context, false);
    trial_open(&t, c);
    require(reference_run(t.reference, 0), c->text);
    struct expected e = { .name = name,
                          .c = c,
                          .upstream = reference_value(t.reference, t.weight),
                          .y = reference_value(t.reference, t.y),
                          .y_shape = shape_of(t.y) };
    for (int i = 0; i < c->inputs; i++) {
        e.input[i] = reference_value(t.reference, t.in[i]);
        if (!c->input[i].below)
            e.gradient[i] = reference_value(t.reference, t.gradient[i]);
    }
    set_tolerance(&e);
    run(&e, build, context);
    trial_free(&t);
}

/* "OP | SHAPES | NUMBERS": an op of the table. */
static inline void run_line(const char *line, runner *run)
{
    const char *bar = strchr(line, '|');
    const struct op_type *op = NULL;
    struct test_case c;
    for (int k = 0; all_ops[k]; k++)
        if (strlen(all_ops[k]->name) == (size_t)(bar - line) - 1 &&
            strncmp(all_ops[k]->name, line, strlen(all_ops[k]->name)) == 0)
            op = all_ops[k];
    assert_non_null(op);
    case_parse(bar + 2, &c);
    run_against_reference(op->name, &c, build_op, &(struct op_case){ op, &c }, run);
}

struct fused {
    const double *number;
    enum { FUSED_RELU, FUSED_RESIDUAL, FUSED_POOL, FUSED_BOTH, FUSED_GIVEN } what;
};

/* relu(bn), relu(bn + residual), max_pool(relu(bn)), relu(bn + bn), relu(bn of given statistics) */
static inline val build_fused(const val in[], int inputs, const void *context)
{
    (void)inputs;
    const struct fused *f = context;
    int groups = (int)f->number[0];
    if (f->what == FUSED_GIVEN) {
        struct shape shape = SHAPE(groups, dim(in[0], 1));
        return relu(batch_apply(in[0], broadcast_to(constant(in[0].graph, 0.2), shape),
                                broadcast_to(constant(in[0].graph, 1.7), shape), in[1], in[2],
                                groups, false));
    }
    val y = batch_normalize(in[0], in[1], in[2], groups, f->number[1]);
    if (f->what == FUSED_RESIDUAL)
        return relu(add(y, in[3]));
    if (f->what == FUSED_BOTH)
        return relu(add(y, batch_normalize(in[3], in[1], in[2], groups, f->number[1])));
    if (f->what == FUSED_POOL)
        return max_pool(relu(y), (struct pooling){ { 2, 2 }, { 2, 2 }, { 0, 0 } });
    return relu(y);
}

#endif
