/* Random graphs of some twenty ops on pictures and rows, with shared parameters, several views, two
 * batch-norm calls on one state, stop_gradient and dropout. */
#ifndef TESTS_OPS_RANDOM_GRAPH_H
#define TESTS_OPS_RANDOM_GRAPH_H

#include "ops/model.h"

enum { POOL = 64, BATCH = 4 };

struct growth {
    struct model *m;
    struct random_stream stream;
    net n;
    val pool[POOL]; /* all have BATCH rows */
    int count;
    bool smooth; /* no kinks: difference quotients make sense */
    int calls;
};

static inline int below(struct growth *g, int bound)
{
    return (int)random_below(&g->stream, (uint64_t)bound);
}

static inline bool is_image(val v)
{
    return shape_of(v).rank == 4;
}

/* A random value of the pool, an image or rows as wanted; none when there is none. */
static inline val pick(struct growth *g, bool image)
{
    for (int attempt = 0; attempt < 40; attempt++) {
        val v = g->pool[below(g, g->count)];
        if (is_image(v) == image)
            return v;
    }
    return no_value(g->m->graph);
}

/* A value of the same shape as v, perhaps v itself. */
static inline val pick_like(struct growth *g, val v)
{
    for (int attempt = 0; attempt < 20; attempt++) {
        val other = g->pool[below(g, g->count)];
        if (shape_equal(shape_of(other), shape_of(v)))
            return other;
    }
    return v;
}

static inline const char *parameter_name(struct growth *g, const char *kind, int64_t in,
                                         int64_t out)
{
    return arena_text(&g->m->graph->arena, "%s_%d_%d_%d", kind, (int)in, (int)out, below(g, 2));
}

static inline val grow_convolution(struct growth *g, val x)
{
    static const int64_t channels[] = { 16, 16, 32, 5 };
    int64_t out = channels[below(g, 4)];
    int kernel = below(g, 2) ? 3 : 1, stride = dim(x, 2) > 3 ? 1 + below(g, 2) : 1;
    const char *name = parameter_name(g, kernel == 3 ? "c3" : "c1", dim(x, 1), out);
    return convolution(g->n, name, x, out, kernel, stride, kernel / 2);
}

static inline val grow_norm(struct growth *g, val x)
{
    const char *kind = is_image(x) ? "bn" : "bn1d";
    return batch_norm(g->n, parameter_name(g, kind, dim(x, 1), 0), x);
}

static inline val grow_unary(struct growth *g, val x)
{
    switch (below(g, g->smooth ? 5 : 7)) {
    case 0:
        return hyperbolic_tangent(x);
    case 1:
        return sigmoid(x);
    case 2:
        return silu(x);
    case 3:
        return scale(x, 0.7);
    case 4:
        return softplus(x);
    case 5:
        return absolute(x);
    default:
        return relu(x);
    }
}

static inline val grow_binary(struct growth *g, val x)
{
    val other = pick_like(g, x);
    switch (below(g, g->smooth ? 4 : 5)) {
    case 0:
        return add(x, other);
    case 1:
        return multiply(hyperbolic_tangent(x), other);
    case 2:
        return subtract(x, scale(other, 0.5));
    case 3:
        return divide(x, shift(square(other), 1));
    default:
        return maximum(x, shift(other, 0.01));
    }
}

static inline val grow_image(struct growth *g, val x)
{
    struct pooling two = { { 2, 2 }, { 2, 2 }, { 0, 0 } };
    struct pooling three = { { 3, 3 }, { 2, 2 }, { 1, 1 } };
    int64_t half = dim(x, 1) / 2;
    switch (below(g, 11)) {
    case 0:
    case 1:
        return grow_convolution(g, x);
    case 2:
        return g->smooth ? grow_norm(g, x) : relu(grow_norm(g, x));
    case 3:
        return grow_norm(g, x);
    case 4:
        return g->smooth ? grow_norm(g, x) : relu(add(grow_norm(g, x), pick_like(g, x)));
    case 5:
        if (dim(x, 2) < 4 || dim(x, 3) < 4)
            return grow_unary(g, x);
        return below(g, 2) || g->smooth ? average_pool(x, below(g, 2) ? two : three)
                                        : max_pool(x, below(g, 2) ? two : three);
    case 6:
        return concat(2, (val[]){ x, pick_like(g, x) }, 1);
    case 7:
        return half ? slice(x, 1, 0, half) : grow_unary(g, x);
    case 8:
        return global_average_pool(x);
    case 9:
        return grow_binary(g, x);
    default:
        return grow_unary(g, x);
    }
}

static inline val grow_rows(struct growth *g, val x)
{
    static const int64_t width[] = { 16, 7, 32 };
    int64_t out = width[below(g, 3)], in = dim(x, 1);
    switch (below(g, 12)) {
    case 0:
    case 1:
        return linear(g->n, parameter_name(g, "fc", in, out), x, out);
    case 2:
        return grow_norm(g, x);
    case 3:
        return layer_normalize(
            x, parameter(g->n, parameter_name(g, "lnw", in, 0), SHAPE(in), init_constant(1)),
            parameter(g->n, parameter_name(g, "lnb", in, 0), SHAPE(in), init_constant(0.1)), 1e-3);
    case 4:
        return l2_normalize(x, 1e-12);
    case 5:
        return below(g, 2) ? softmax(x) : log_softmax(x);
    case 6:
        return matmul(x, matmul_transposed(x, true, pick_like(g, x), false));
    case 7:
        return rotate(x, 1 + below(g, 3));
    case 8:
        return dropout(g->n, arena_text(&g->m->graph->arena, "drop%d", g->calls++), x, 0.3);
    case 9:
        return concat(2, (val[]){ x, pick_like(g, x) }, 1);
    case 10:
        return grow_binary(g, x);
    default:
        return grow_unary(g, x);
    }
}

/* `variant` 1: smooth ops only. The seed decides the rest. */
static inline void build_random(struct model *m)
{
    struct growth g = { .m = m, .smooth = m->variant == 1 };
    g.stream = random_stream(m->seed, "graph", 0, 0);
    g.n = network(m->graph, "net", true, 1 + below(&g, 2));
    int64_t side = 5 + below(&g, 4);
    g.pool[g.count++] = model_real(m, "view0", SHAPE(BATCH, 3, side, side + 1));
    g.pool[g.count++] = model_real(m, "view1", SHAPE(BATCH, 3, side, side + 1));
    g.pool[g.count++] = model_real(m, "rows", SHAPE(BATCH, 7));
    for (int view = 0; view < 2; view++) /* one convolution, two views */
        g.pool[g.count++] = convolution(g.n, "stem", g.pool[view], 16, 3, 1, 1);
    int nodes = 12 + below(&g, 12);
    for (int i = 0; i < nodes; i++) {
        bool image = below(&g, 2);
        val x = pick(&g, image);
        val y = is_none(x) ? g.pool[0] : image ? grow_image(&g, x) : grow_rows(&g, x);
        if (is_none(y))
            break; /* the graph has failed; whoever builds sees it */
        if (below(&g, 8) == 0)
            y = stop_gradient(y);
        /* Keep magnitudes and sizes in bounds. */
        if (dim(y, 1) <= 64)
            g.pool[g.count++] = y;
    }
    val term[POOL];
    for (int i = 3; i < g.count; i++)
        term[i - 3] = mean_all(hyperbolic_tangent(scale(square(g.pool[i]), 0.1 * (1 + i % 3))));
    m->loss = sum_of(g.count - 3, term);
    model_train(m, "net");
}

#endif
