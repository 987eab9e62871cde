/* Random numbers inside a program, and what is gathered from other ranks. */
#include "engine/ops/rule.h"
#include "base/random.h"

#include <string.h>

static bool shape_random(const struct graph *graph, const struct node *node, struct type out[])
{
    (void)graph;
    out[0] = (struct type){ F32, node->attribute.shape };
    return true;
}

static void reference_random(const struct reference_call *call)
{
    struct random_stream stream =
        random_stream(call->seed, call->node->attribute.named.name, call->step, 0);
    for (int64_t i = 0, size = shape_size(call->out_type[0]->shape); i < size; i++)
        call->out[0][i] = random_float(&stream);
}

val random_uniform(struct graph *graph, const char *call, struct shape shape)
{
    char *kept = arena_text(&graph->arena, "%s", call);
    struct attributes attributes = { .shape = shape, .named.name = kept };
    if (!kept)
        return graph_fail(graph, "out of memory while building a graph");
    return graph_add(graph, &op_random_uniform, 0, NULL, &attributes);
}

val dropout(net n, const char *call, val x, double rate)
{
    if (!n.training || rate <= 0 || is_none(x))
        return x;
    char *name = arena_text(&n.graph->arena, "%s.%s%s", n.range->name, n.scope, call);
    if (!name)
        return graph_fail(n.graph, "out of memory while building a graph");
    val kept = greater_equal(random_uniform(n.graph, name, shape_of(x)), constant(n.graph, rate));
    return multiply(x, scale(kept, 1 / (1 - rate)));
}

const struct op_type op_random_uniform = {
    .name = "random_uniform",
    .doc = "U[0, 1), a function of (seed, step, call, element).",
    .outputs = 1,
    .flags = OP_RANDOM | OP_NO_GRADIENT,
    .shape = shape_random,
    .reference = reference_random,
};

static bool shape_all_gather(const struct graph *graph, const struct node *node, struct type out[])
{
    out[0] = input_type(graph, node, 0);
    out[0].shape.dim[0] *= node->attribute.part.stop;
    return out[0].shape.rank >= 1;
}

static void gradient_all_gather(RULE_ARGUMENTS)
{
    (void)out;
    int64_t rank = node->attribute.part.start, ranks = node->attribute.part.stop;
    val own = slice(dout[0], 0, rank * rows(in[0]), (rank + 1) * rows(in[0]));
    din[0] = scale(own, (double)ranks);
}

/* One process has no other ranks to ask: it stands for all of them. */
static void reference_all_gather(const struct reference_call *call)
{
    int64_t size = shape_size(call->in_type[0]->shape);
    for (int64_t r = 0; r < call->node->attribute.part.stop; r++)
        memcpy(call->out[0] + r * size, call->in[0], (size_t)size * sizeof(double));
}

val all_gather(val x, int ranks, int rank)
{
    struct attributes attributes = { .part = { .start = rank, .stop = ranks } };
    return ranks == 1 ? x : graph_add(x.graph, &op_all_gather, 1, &x, &attributes);
}

const struct op_type op_all_gather = {
    .name = "all_gather",
    .doc = "Rows of all ranks.",
    .inputs = 1,
    .outputs = 1,
    .shape = shape_all_gather,
    .gradient = gradient_all_gather,
    .reference = reference_all_gather,
};
