/* What the tests of the engine share: cases as text, graphs built from them, inputs without ties or
 * kinks, runs in the reference, central differences. Include it after cmocka's own needs. */
#ifndef TESTS_OPS_HARNESS_H
#define TESTS_OPS_HARNESS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "engine/build.h"
#include "engine/differentiate.h"
#include "engine/op.h"
#include "engine/reference/reference.h"

#include <cmocka.h>

enum { CASE_INPUTS = 8, CASE_NUMBERS = 24, CASE_TEXT = 256 };

/* One case, "[2,3] [5]:7 [4]+ | 1 2": integers below 7, positive numbers. */
struct test_case {
    char text[CASE_TEXT]; /* of this case, for messages */
    int inputs, numbers;
    struct {
        struct shape shape;
        int64_t below; /* > 0: integers in [0, below) */
        bool positive;
    } input[CASE_INPUTS];
    double number[CASE_NUMBERS + 1]; /* ended by NAN */
};

static inline const char *case_shape(const char *at, struct shape *shape)
{
    *shape = SCALAR;
    for (at++; *at && *at != ']';) {
        char *end;
        assert_true(shape->rank < RANK_MAX);
        shape->dim[shape->rank++] = strtoll(at, &end, 10);
        assert_true(end != at);
        at = end + (*end == ',');
    }
    return at + 1;
}

/* Parses the case that `text` begins with; returns where the next line begins, NULL at the end. */
static inline const char *case_parse(const char *text, struct test_case *c)
{
    size_t length = strcspn(text, "\n");
    *c = (struct test_case){ 0 };
    assert_true(length < CASE_TEXT);
    memcpy(c->text, text, length);
    const char *at = c->text;
    for (; *at && *at != '|'; at++) {
        if (*at != '[')
            continue;
        assert_true(c->inputs < CASE_INPUTS);
        at = case_shape(at, &c->input[c->inputs].shape);
        if (*at == ':')
            c->input[c->inputs].below = strtoll(at + 1, (char **)&at, 10);
        c->input[c->inputs++].positive = *at == '+';
        at -= *at != '+';
    }
    for (at += *at == '|'; *at;) {
        char *end;
        double number = strtod(at, &end);
        if (end == at)
            break;
        assert_true(c->numbers < CASE_NUMBERS);
        c->number[c->numbers++] = number;
        at = end;
    }
    for (int i = c->numbers; i <= CASE_NUMBERS; i++)
        c->number[i] = NAN;
    return text[length] ? text + length + 1 : NULL;
}

/* Numbers within ±2 that are all different, none within 1e-4 of 0 or of another (size < 10,000);
 * exactly f32. So no difference quotient of a small step meets a tie or a kink of a plain op. */
static inline void fill_lattice(double *to, int64_t size, uint64_t item)
{
    struct random_stream stream = random_stream(11, "lattice", 0, item);
    uint32_t *order = malloc((size_t)size * sizeof *order + 1);
    assert_non_null(order);
    random_permutation(&stream, order, (uint32_t)size);
    double spacing = 4.0 / (double)size, start = -(double)(size / 2) + 0.3 + 0.1 * (double)item;
    for (int64_t i = 0; i < size; i++)
        to[i] = (float)(spacing * (order[i] + start));
    free(order);
}

static inline void fill_input(double *to, const struct test_case *c, int i)
{
    int64_t size = shape_size(c->input[i].shape);
    struct random_stream stream = random_stream(12, "integers", 0, (uint64_t)i);
    fill_lattice(to, size, (uint64_t)i);
    for (int64_t k = 0; k < size; k++) {
        if (c->input[i].below)
            to[k] = (double)random_below(&stream, (uint64_t)c->input[i].below);
        else if (c->input[i].positive)
            to[k] = (float)exp(0.7 * to[k]);
    }
}

/* Builds a value from inputs; `context` says how. */
typedef val builder(const val in[], int inputs, const void *context);

/* A graph y = build(in), with the gradients of sum(y * weight) by every input, unless `forward`. */
struct trial {
    struct store *store;
    struct graph *graph;
    struct reference *reference;
    int inputs;
    val in[CASE_INPUTS], y, weight, gradient[CASE_INPUTS];
};

static inline void trial_build(struct trial *t, const struct test_case *c, builder *build,
                               const void *context, bool forward)
{
    *t = (struct trial){ .store = store_new(1), .inputs = c->inputs };
    t->graph = graph_new(t->store);
    for (int i = 0; i < c->inputs; i++) {
        char name[16];
        snprintf(name, sizeof name, "in%d", i);
        t->in[i] = input(t->graph, name, c->input[i].below ? I32 : F32, c->input[i].shape);
    }
    t->y = build(t->in, c->inputs, context);
    if (is_none(t->y))
        fail_msg("%s: %s", c->text, t->graph->message);
    t->weight = input(t->graph, "weight", F32, shape_of(t->y));
    if (!forward)
        gradients_of(t->y, t->weight, c->inputs, t->in, t->gradient);
}

static inline void trial_free(struct trial *t)
{
    reference_free(t->reference);
    graph_free(t->graph);
    store_free(t->store);
}

static inline void require(status code, const char *what)
{
    if (code != TACIT_OK)
        fail_msg("%s: %s", what, status_message());
}

/* Makes the reference and fills inputs and weight; runs nothing yet. */
static inline void trial_open(struct trial *t, const struct test_case *c)
{
    require(reference_new(t->graph, 1, &t->reference), c->text);
    for (int i = 0; i < c->inputs; i++)
        fill_input(reference_value(t->reference, t->in[i]), c, i);
    fill_lattice(reference_value(t->reference, t->weight), shape_size(shape_of(t->y)), 9);
}

#define DIFFERENCE_STEP 1e-5

/* The central difference of sum(y * weight) when input i moves by ±h along `direction`; y is
 * subtracted item by item, so that large constants in it cost no digits. */
static inline double difference(struct trial *t, int i, const double *direction, int64_t size)
{
    double *x = reference_value(t->reference, t->in[i]), total = 0;
    const double *y = reference_value(t->reference, t->y);
    const double *weight = reference_value(t->reference, t->weight);
    int64_t items = shape_size(shape_of(t->y));
    double *before = malloc(((size_t)items + (size_t)size + 1) * sizeof *before);
    assert_non_null(before);
    double *start = before + items;
    memcpy(start, x, (size_t)size * sizeof *x);
    for (int side = -1; side <= 1; side += 2) {
        for (int64_t k = 0; k < size; k++)
            x[k] = start[k] + side * DIFFERENCE_STEP * direction[k];
        require(reference_run(t->reference, 0), "reference");
        if (side < 0)
            memcpy(before, y, (size_t)items * sizeof *y);
    }
    for (int64_t k = 0; k < items; k++)
        total += (y[k] - before[k]) * weight[k];
    memcpy(x, start, (size_t)size * sizeof *x);
    free(before);
    return total / (2 * DIFFERENCE_STEP);
}

/* Compares the gradient by input i with difference quotients: some single items, then one random
 * direction, which no wrong item escapes. */
static inline void check_input(struct trial *backward, struct trial *forward,
                               const struct test_case *c, const char *name, int i)
{
    enum { ITEMS = 12 };
    int64_t size = shape_size(c->input[i].shape);
    double *direction = calloc((size_t)size + 1, sizeof *direction);
    bool none = is_none(backward->gradient[i]);
    const double *gradient = reference_value(backward->reference, backward->gradient[i]);
    double scale = 0;
    struct random_stream stream = random_stream(13, "items", 0, 0);
    assert_non_null(direction);
    if (!none)
        assert_true(shape_equal(shape_of(backward->gradient[i]), c->input[i].shape));
    for (int64_t k = 0; k < size && !none; k++)
        scale = fmax(scale, fabs(gradient[k]));
    for (int trial = 0; trial <= ITEMS && size > 0; trial++) {
        int64_t item = (int64_t)random_below(&stream, (uint64_t)size);
        double want = 0, reach = 0;
        for (int64_t k = 0; k < size; k++) {
            direction[k] = trial == ITEMS ? random_normal(&stream) : k == item;
            want += none ? 0 : gradient[k] * direction[k];
            reach += none ? 0 : fabs(gradient[k] * direction[k]);
        }
        double got = difference(forward, i, direction, size);
        double bound = 1e-6 * fmax(fmax(reach, trial == ITEMS ? 0 : scale), 1e-3);
        if (!(fabs(got - want) <= bound))
            fail_msg("%s, case %s: gradient by input %d, item %d: rule %.12g, difference %.12g",
                     name, c->text, i, trial == ITEMS ? -1 : (int)item, want, got);
    }
    free(direction);
}

/* Checks the gradients by all real inputs of y = build(in) against central differences. */
static inline void check_gradient(const char *name, const struct test_case *c, builder *build,
                                  const void *context)
{
    struct trial backward, forward;
    trial_build(&backward, c, build, context, false);
    trial_build(&forward, c, build, context, true);
    trial_open(&backward, c);
    trial_open(&forward, c);
    require(reference_run(backward.reference, 0), c->text);
    for (int i = 0; i < c->inputs; i++)
        if (!c->input[i].below)
            check_input(&backward, &forward, c, name, i);
    trial_free(&backward);
    trial_free(&forward);
}

/* A builder that makes a whole op of the table from the numbers of its case. */
struct op_case {
    const struct op_type *op;
    const struct test_case *c;
};

static inline val build_op(const val in[], int inputs, const void *context)
{
    const struct op_case *subject = context;
    return subject->op->make(in, inputs, subject->c->number);
}

#endif
