/* Whole graphs with parameters, inputs and states: built by a function, filled, differentiated, and
 * checked against central differences in double. */
#ifndef TESTS_OPS_MODEL_H
#define TESTS_OPS_MODEL_H

#include "nn/layers.h"
#include "ops/harness.h"

enum { MODEL_INPUTS = 12, MODEL_RANGES = 4 };

struct model {
    struct store *store;
    struct graph *graph;
    int inputs;
    struct {
        const char *name;
        val v;
        int64_t below;    /* integers */
        double low, high; /* lattice numbers are mapped from [-2, 2] to this */
    } input[MODEL_INPUTS];
    val loss;
    struct range *trained[MODEL_RANGES];
    int ranges;
    int variant; /* for builders that come in several sizes */
    uint64_t seed;
};

/* Adds inputs and values to an empty graph on the store, sets loss, trained and ranges. */
typedef void model_builder(struct model *m);

static inline val model_real(struct model *m, const char *name, struct shape shape)
{
    val v = input(m->graph, name, F32, shape);
    assert_true(m->inputs < MODEL_INPUTS);
    m->input[m->inputs].name = name;
    m->input[m->inputs].low = -2;
    m->input[m->inputs].high = 2;
    m->input[m->inputs++].v = v;
    return v;
}

static inline val model_integer(struct model *m, const char *name, struct shape shape,
                                int64_t below)
{
    val v = input(m->graph, name, I32, shape);
    assert_true(m->inputs < MODEL_INPUTS);
    m->input[m->inputs].name = name;
    m->input[m->inputs].below = below;
    m->input[m->inputs++].v = v;
    return v;
}

static inline void model_train(struct model *m, const char *range)
{
    assert_true(m->ranges < MODEL_RANGES);
    m->trained[m->ranges++] = store_range(m->store, range);
}

/* Fills `to` with what input i is given; the same numbers for every backend. */
static inline void model_input(const struct model *m, int i, double *to)
{
    int64_t size = shape_size(shape_of(m->input[i].v));
    struct random_stream stream = random_stream(m->seed, "model", 0, (uint64_t)i);
    fill_lattice(to, size, (uint64_t)i);
    double low = m->input[i].low, high = m->input[i].high;
    for (int64_t k = 0; k < size; k++)
        to[k] = m->input[i].below ? (double)random_below(&stream, (uint64_t)m->input[i].below)
                                  : (float)(low + (high - low) * (to[k] + 2) / 4);
}

/* Builds into a new graph; `store` may hold an earlier graph's ranges, NULL makes one. */
static inline void model_build(struct model *m, model_builder *build, struct store *store)
{
    m->store = store ? store : store_new(m->seed + 1);
    m->graph = graph_new(m->store);
    m->inputs = m->ranges = 0;
    build(m);
    require(graph_status(m->graph), "building");
    output(m->loss, "loss");
    if (m->ranges)
        differentiate(m->loss, m->ranges, m->trained);
    require(graph_status(m->graph), "differentiating");
}

static inline void model_free(struct model *m, bool with_store)
{
    graph_free(m->graph);
    if (with_store)
        store_free(m->store);
}

static inline struct reference *model_reference(const struct model *m)
{
    struct reference *r = NULL;
    require(reference_new(m->graph, m->seed, &r), "reference");
    for (int i = 0; i < m->inputs; i++)
        model_input(m, i, reference_value(r, m->input[i].v));
    return r;
}

static inline double *model_tensor(const struct model *m, struct reference *r,
                                   const struct tensor *tensor)
{
    for (size_t n = 0; n < m->graph->nodes; n++) {
        const struct node *node = &m->graph->node[n];
        if ((node->op == &op_parameter || node->op == &op_state) &&
            node->attribute.tensor == tensor)
            return reference_value(r, (val){ m->graph, node->out[0] });
    }
    return NULL;
}

/* What stop_gradient gave stays as it is while the quotient moves the parameters. */
static inline void model_freeze(const struct model *m, bool frozen)
{
    static const struct op_type frozen_op = { .name = "stop_gradient, frozen" };
    for (size_t n = 0; n < m->graph->nodes; n++) {
        struct node *node = &m->graph->node[n];
        if (node->op == (frozen ? &op_stop_gradient : &frozen_op))
            node->op = frozen ? &frozen_op : &op_stop_gradient;
    }
}

/* Central difference of the loss when a tensor moves along a direction. */
static inline double model_difference(const struct model *m, struct reference *r, double *x,
                                      const double *direction, int64_t size)
{
    double loss[2], *start = malloc((size_t)size * sizeof *start + 1);
    assert_non_null(start);
    memcpy(start, x, (size_t)size * sizeof *start);
    model_freeze(m, true);
    for (int side = 0; side < 2; side++) {
        for (int64_t k = 0; k < size; k++)
            x[k] = start[k] + (side ? -1 : 1) * DIFFERENCE_STEP * direction[k];
        require(reference_run(r, 0), "reference");
        loss[side] = *reference_value(r, m->loss);
    }
    model_freeze(m, false);
    memcpy(x, start, (size_t)size * sizeof *start);
    free(start);
    return (loss[0] - loss[1]) / (2 * DIFFERENCE_STEP);
}

/* One random direction for a trained tensor; `relative` to the sum of what could have met. */
static inline void model_check_tensor(const struct model *m, struct reference *r,
                                      const struct tensor *tensor, double relative)
{
    int64_t size = shape_size(tensor->shape);
    const double *gradient = reference_gradient(r, tensor);
    double *x = model_tensor(m, r, tensor), want = 0, reach = 0;
    double *direction = malloc((size_t)size * sizeof *direction + 1);
    assert_non_null(x);
    assert_non_null(direction);
    struct random_stream stream = random_stream(3, tensor->name, 0, 0);
    for (int64_t k = 0; k < size; k++) {
        direction[k] = random_normal(&stream);
        want += gradient ? gradient[k] * direction[k] : 0;
        reach += gradient ? fabs(gradient[k] * direction[k]) : 0;
    }
    double got = model_difference(m, r, x, direction, size);
    if (!(fabs(got - want) <= relative * fmax(reach, 1e-3)))
        fail_msg("%s.%s: gradient along a direction %.12g, difference %.12g", tensor->range->name,
                 tensor->name, want, got);
    free(direction);
}

/* Every trained tensor's gradient against a central difference. */
static inline void model_check_seed(model_builder *build, int variant, uint64_t seed,
                                    double relative)
{
    struct model m = { .variant = variant, .seed = seed };
    model_build(&m, build, NULL);
    struct reference *r = model_reference(&m);
    for (int i = 0; i < m.ranges; i++)
        for (int64_t t = 0; t < m.trained[i]->tensors; t++)
            if (m.trained[i]->tensor[t]->kind == TENSOR_PARAMETER) {
                require(reference_run(r, 0), "reference"); /* gradients at the start again */
                model_check_tensor(&m, r, m.trained[i]->tensor[t], relative);
            }
    reference_free(r);
    model_free(&m, true);
}

static inline void model_check(model_builder *build, int variant, double relative)
{
    model_check_seed(build, variant, 0, relative);
}

#endif
