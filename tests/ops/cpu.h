/* The same graphs through compiled programs: in every form in which an op may find its operands,
 * with the checker on and off, on every instruction set. */
#ifndef TESTS_OPS_CPU_H
#define TESTS_OPS_CPU_H

#include <sys/wait.h>
#include <unistd.h>

#include "base/parallel.h"
#include "engine/program.h"
#include "ops/harness.h"

/* Every wrong case is told before the test fails. */
static int complaints;

__attribute__((format(printf, 1, 2))) static inline void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (complaints++ < 60) {
        vprint_error(format, arguments);
        print_error("\n");
    }
    va_end(arguments);
}

static inline struct program *compile_or_complain(struct graph *g, const struct target *target,
                                                  const char *name, const char *what)
{
    struct program *p = NULL;
    if (compile(g, target, &p) == TACIT_OK)
        return p;
    complain("%s | %s: %s", name, what, status_message());
    return NULL;
}

static inline void no_complaints(void)
{
    int found = complaints;
    complaints = 0;
    assert_int_equal(found, 0);
}

/* Where the operands of the op under test come from. */
enum form {
    FORM_PLAIN,      /* inputs of the graph */
    FORM_TEMPORARY,  /* results that nobody else needs: the op may overwrite them */
    FORM_SHARED,     /* results that are read once more after the op */
    FORM_CONVOLVED,  /* images between convolutions: the layout of their region */
    FORM_PARAMETERS, /* parameters, whose gradients are accumulated */
    FORMS
};

static const char *const form_name[] = { "inputs", "temporaries", "shared", "convolved",
                                         "parameters" };

/* Runs the tests once under each instruction set, our kernels' and oneDNN's, each in a process of
 * its own, for the choice is made once; "" is the best there is. */
static inline int run_on_every_isa(int (*run)(const char *isa))
{
    static const char *const isa[] = { "avx2", "avx512", "" };
    int failed = 0;
    for (size_t i = 0; i < sizeof isa / sizeof *isa; i++) {
        int result = 0;
        fflush(NULL);
        pid_t child = fork();
        if (child < 0)
            return 1;
        if (child == 0) {
            if (*isa[i])
                setenv("TACIT_ISA", isa[i], 1);
            exit(run(*isa[i] ? isa[i] : "best"));
        }
        if (waitpid(child, &result, 0) != child || result != 0)
            failed++;
    }
    return failed;
}

struct wrapped {
    builder *build;
    const void *context;
    const struct test_case *c;
    enum form form;
};

static inline val through_identity(val x, const char *name)
{
    struct convolution how = { { 1, 1 }, { 0, 0 }, { 1, 1 }, 1 };
    return conv2d(x, input(x.graph, name, F32, SHAPE(dim(x, 1), dim(x, 1), 1, 1)), how);
}

/* The op on operands of the wanted form. */
static inline val build_wrapped(const val in[], int inputs, const void *context)
{
    const struct wrapped *w = context;
    struct graph *g = in[0].graph;
    val x[CASE_INPUTS], y, one = no_value(g);
    char name[32];
    if (w->form == FORM_TEMPORARY || w->form == FORM_SHARED)
        one = input(g, "one", F32, SCALAR);
    for (int i = 0; i < inputs; i++) {
        snprintf(name, sizeof name, "identity%d", i);
        x[i] = in[i];
        if (w->c->input[i].below)
            continue;
        if (!is_none(one))
            x[i] = multiply(in[i], one);
        else if (w->form == FORM_CONVOLVED && shape_of(in[i]).rank == 4)
            x[i] = through_identity(in[i], name);
    }
    y = w->build(x, inputs, w->context);
    for (int i = 0; i < inputs && w->form == FORM_SHARED; i++) {
        snprintf(name, sizeof name, "kept%d", i);
        val total = sum(y, (1u << shape_of(y).rank) - 1, false);
        if (!w->c->input[i].below && !is_none(y))
            output(multiply(x[i], total), name);
    }
    if (w->form == FORM_CONVOLVED && !is_none(y) && shape_of(y).rank == 4)
        y = through_identity(y, "identity");
    return y;
}

/* What a case must give: inputs, upstream gradient and results in double. */
struct expected {
    const char *name;
    const struct test_case *c;
    const double *input[CASE_INPUTS], *upstream, *y, *gradient[CASE_INPUTS]; /* NULL: none */
    struct shape y_shape;
    double relative, absolute, floor; /* of each item; of the largest of its tensor; of anything */
};

static inline void compare_floats(const struct expected *e, enum form form, const char *what,
                                  const float *got, const double *want, int64_t size, bool exact)
{
    double largest = 0;
    for (int64_t i = 0; i < size; i++)
        largest = fmax(largest, fabs(want[i]));
    for (int64_t i = 0; i < size; i++) {
        double bound =
            exact ? 1e-7 * fabs(want[i])
                  : e->relative * fabs(want[i]) + e->absolute * fmax(largest, 0.1) + e->floor;
        if (!(fabs(got[i] - want[i]) <= bound)) {
            complain("%s | %s on %s: %s [%d] is %.9g, expected %.9g", e->name, e->c->text,
                     form_name[form], what, (int)i, (double)got[i], want[i]);
            return;
        }
    }
}

/* Ops that move or choose numbers give them exactly. */
static inline bool is_exact(const char *name)
{
    static const char *const exact[] = {
        "reshape", "permute",       "slice",         "concat",   "stack_rows",    "pad",
        "gather",  "one_hot",       "rotate",        "negate",   "fill_diagonal", "broadcast_to",
        "relu",    "relu_gradient", "absolute",      "select",   "maximum",       "minimum",
        "less",    "less_equal",    "greater",       "equal",    "greater_equal", "not_equal",
        "argmax",  "amax",          "stop_gradient", "max_pool", "cast",          NULL
    };
    for (int i = 0; exact[i]; i++)
        if (strcmp(exact[i], name) == 0)
            return true;
    return false;
}

static inline void program_fill(struct program *p, const char *name, const double *from,
                                int64_t size, bool integer)
{
    void *to = program_input(p, name);
    for (int64_t i = 0; to && i < size; i++) {
        if (integer)
            ((int32_t *)to)[i] = (int32_t)from[i];
        else
            ((float *)to)[i] = (float)from[i];
    }
}

static inline void fill_identities(struct program *p, const struct trial *t)
{
    float *one = program_input(p, "one");
    if (one)
        *one = 1;
    for (size_t i = 0; i < t->graph->names; i++) {
        const char *name = t->graph->named[i].name;
        float *to = program_input(p, name);
        if (!to || strncmp(name, "identity", 8) != 0)
            continue;
        int64_t width = dim((val){ t->graph, t->graph->named[i].value }, 0);
        for (int64_t k = 0; k < width * width; k++)
            to[k] = k / width == k % width;
    }
}

/* The values that FORM_SHARED keeps: input times the sum of y. */
static inline void check_kept(const struct program *p, const struct expected *e)
{
    double total = 0, reach = 0;
    for (int64_t k = 0; k < shape_size(e->y_shape); k++) {
        total += e->y[k];
        reach += fabs(e->y[k]);
    }
    for (int i = 0; i < e->c->inputs; i++) {
        char name[32];
        snprintf(name, sizeof name, "kept%d", i);
        const float *kept = program_output(p, name);
        for (int64_t k = 0; kept && k < shape_size(e->c->input[i].shape); k++)
            if (!(fabs(kept[k] - e->input[i][k] * total) <=
                  2e-5 * fabs(e->input[i][k]) * reach + 1e-7))
                complain("%s | %s: input %d was overwritten", e->name, e->c->text, i);
    }
}

static inline void check_results(struct program *p, const struct expected *e, enum form form)
{
    bool exact = is_exact(e->name);
    char name[32];
    const float *y = program_output(p, "y");
    assert_non_null(y);
    assert_true(shape_equal(program_output_shape(p, "y"), e->y_shape));
    compare_floats(e, form, "value", y, e->y, shape_size(e->y_shape), exact);
    for (int i = 0; i < e->c->inputs; i++) {
        snprintf(name, sizeof name, "gradient%d", i);
        const float *gradient = program_output(p, name);
        if (gradient && e->gradient[i])
            compare_floats(e, form, name, gradient, e->gradient[i],
                           shape_size(e->c->input[i].shape), false);
    }
    if (form == FORM_SHARED)
        check_kept(p, e);
}

/* One case in one form: compiled, run twice, compared both times. */
static inline void run_form(const struct expected *e, builder *build, const void *context,
                            enum form form, bool check)
{
    struct wrapped w = { build, context, e->c, form };
    struct trial t;
    char name[32];
    trial_build(&t, e->c, build_wrapped, &w, false);
    output(cast(t.y, F32), "y");
    for (int i = 0; i < t.inputs; i++) {
        snprintf(name, sizeof name, "gradient%d", i);
        if (!is_none(t.gradient[i]) && e->gradient[i])
            output(t.gradient[i], name);
    }
    struct program *p = compile_or_complain(t.graph, &(struct target){ .check = check, .seed = 1 },
                                            e->name, e->c->text);
    for (int round = 0; p && round < 2; round++) {
        for (int i = 0; i < t.inputs; i++) {
            snprintf(name, sizeof name, "in%d", i);
            program_fill(p, name, e->input[i], shape_size(e->c->input[i].shape),
                         e->c->input[i].below);
        }
        program_fill(p, "weight", e->upstream, shape_size(e->y_shape), false);
        fill_identities(p, &t);
        if (program_run(p, 0) != TACIT_OK)
            complain("%s | %s on %s: %s", e->name, e->c->text, form_name[form], status_message());
        check_results(p, e, form);
    }
    program_free(p);
    trial_free(&t);
}

/* The case with its real inputs as parameters; two runs add up in the gradient arena. */
static inline void run_parameters(const struct expected *e, builder *build, const void *context,
                                  bool check)
{
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    net n = network(g, "p", true, 1);
    val in[CASE_INPUTS];
    char name[CASE_INPUTS][16];
    bool trained = false;
    for (int i = 0; i < e->c->inputs; i++) {
        snprintf(name[i], sizeof name[i], "in%d", i);
        in[i] = e->c->input[i].below
                    ? input(g, name[i], I32, e->c->input[i].shape)
                    : parameter(n, name[i], e->c->input[i].shape, init_constant(0));
        trained |= e->gradient[i] != NULL;
    }
    val y = build(in, e->c->inputs, context);
    val weight = input(g, "weight", F32, e->y_shape);
    output(cast(y, F32), "y");
    if (trained)
        differentiate(sum(multiply(y, weight), (1u << e->y_shape.rank) - 1, false), 1, &n.range);
    struct program *p =
        compile_or_complain(g, &(struct target){ .check = check, .seed = 1 }, e->name, e->c->text);
    for (int i = 0; p && i < e->c->inputs; i++) {
        int64_t size = shape_size(e->c->input[i].shape);
        program_fill(p, name[i], e->input[i], size, true);
        const struct tensor *tensor = range_find(n.range, name[i]);
        for (int64_t k = 0; tensor && tensor->range->sealed && k < size; k++)
            tensor_value(tensor)[k] = (float)e->input[i][k];
    }
    n.range->version++;
    for (int round = 1; p && round <= 2; round++) {
        program_fill(p, "weight", e->upstream, shape_size(e->y_shape), false);
        require(program_run(p, 0), e->c->text);
        check_results(p, e, FORM_PARAMETERS);
        for (int i = 0; i < e->c->inputs; i++) {
            int64_t size = shape_size(e->c->input[i].shape);
            if (!e->gradient[i])
                continue;
            double *want = malloc((size_t)size * sizeof *want + 1);
            assert_non_null(want);
            for (int64_t k = 0; k < size; k++)
                want[k] = round * e->gradient[i][k];
            compare_floats(e, FORM_PARAMETERS, name[i],
                           tensor_gradient(range_find(n.range, name[i])), want, size, false);
            free(want);
        }
    }
    program_free(p);
    graph_free(g);
    store_free(store);
}

/* All forms that fit the case, with and without the checker. */
static inline void run_every_form(const struct expected *e, builder *build, const void *context)
{
    bool image = e->y_shape.rank == 4;
    for (int i = 0; i < e->c->inputs; i++)
        image |= e->c->input[i].shape.rank == 4;
    for (int form = 0; form < FORMS; form++)
        for (int check = 0; check <= 1; check++) {
            if (form == FORM_PARAMETERS)
                run_parameters(e, build, context, check);
            else if (form != FORM_CONVOLVED || image)
                run_form(e, build, context, (enum form)form, check);
        }
}

#endif
