/* Random numbers inside a program, and what is gathered from other ranks. */
#include "engine/ops/rule.h"
#include "base/random.h"

#include <string.h>

int64_t run_row(const struct run_key *key, int64_t rows_of, int64_t row)
{
    if (key->count <= 0 || rows_of % key->count != 0)
        return row;
    return row / key->count * key->total + key->first + row % key->count;
}

static bool shape_random(const struct graph *graph, const struct node *node, struct type out[])
{
    (void)graph;
    out[0] = (struct type){ F32, node->attribute.shape };
    return true;
}

/* The stream that row `row` of the result draws from. */
static struct random_stream row_stream(const struct reference_call *call, int64_t row)
{
    struct shape shape = call->out_type[0]->shape;
    uint64_t number = shape.rank ? (uint64_t)run_row(&call->key, shape.dim[0], row) : 0;
    return random_stream(call->key.seed, call->node->attribute.random.call, call->key.step, number);
}

static int64_t row_items(struct shape shape)
{
    int64_t items = 1;
    for (int i = 1; i < shape.rank; i++)
        items *= shape.dim[i];
    return items;
}

static void reference_random(const struct reference_call *call)
{
    struct random_stream stream = { 0 };
    int64_t width = row_items(call->out_type[0]->shape);
    for (int64_t i = 0, size = shape_size(call->out_type[0]->shape); i < size; i++) {
        if (i % width == 0)
            stream = row_stream(call, i / width);
        call->out[0][i] = random_float(&stream);
    }
}

static bool is_drawn(const struct graph *graph, const char *call)
{
    for (size_t n = 0; n < graph->nodes; n++)
        if (graph->node[n].attribute.random.call &&
            strcmp(graph->node[n].attribute.random.call, call) == 0)
            return true;
    return false;
}

/* The name of a new draw: `call`, or numbered where the graph has drawn by that name. */
static const char *new_draw(struct graph *graph, const char *call)
{
    const char *name = arena_text(&graph->arena, "%s", call);
    for (int use = 2; name && is_drawn(graph, name); use++)
        name = arena_text(&graph->arena, "%s#%d", call, use);
    if (!name)
        graph_fail(graph, "out of memory while building a graph");
    return name;
}

val random_uniform(struct graph *graph, const char *call, struct shape shape)
{
    struct attributes attributes = { .shape = shape, .random.call = new_draw(graph, call) };
    return graph_add(graph, &op_random_uniform, 0, NULL, &attributes);
}

const struct op_type op_random_uniform = {
    .name = "random_uniform",
    .doc = "U[0, 1), a function of (seed, step, call, row, element).",
    .outputs = 1,
    .flags = OP_RANDOM | OP_NO_GRADIENT,
    .attribute = ATTRIBUTE_RANDOM,
    .shape = shape_random,
    .reference = reference_random,
};

/* The same draw of the upstream gradient. */
static void gradient_dropout(RULE_ARGUMENTS)
{
    (void)in, (void)out;
    din[0] = graph_add(dout[0].graph, &op_dropout, 1, dout, &node->attribute);
}

static void reference_dropout(const struct reference_call *call)
{
    double rate = call->node->attribute.random.rate;
    reference_random(call);
    for (int64_t i = 0, size = shape_size(call->out_type[0]->shape); i < size; i++)
        call->out[0][i] = call->out[0][i] < rate ? 0 : call->in[0][i] / (1 - rate);
}

const char *network_draw(net n, const char *call, double rate)
{
    if (!(rate > 0 && rate < 1)) {
        graph_fail(n.graph, "dropout %s: a rate of %g is not in [0, 1)", call, rate);
        return NULL;
    }
    char *name = arena_text(&n.graph->arena, "%s.%s%s", n.range->name, n.scope, call);
    if (!name)
        graph_fail(n.graph, "out of memory while building a graph");
    return name ? new_draw(n.graph, name) : NULL;
}

val dropout(net n, const char *call, val x, double rate)
{
    if (!n.training || rate == 0 || is_none(x) || n.graph->failed)
        return x;
    struct attributes attributes = { .random = { network_draw(n, call, rate), rate } };
    return attributes.random.call ? graph_add(n.graph, &op_dropout, 1, &x, &attributes)
                                  : no_value(n.graph);
}

static val make_dropout(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return dropout(network(in[0].graph, "net", true, 1), "dropout", in[0], number[0]);
}

const struct op_type op_dropout = {
    .name = "dropout",
    .doc = "Zero with a chance, else scaled to keep the mean.",
    .inputs = 1,
    .outputs = 1,
    .flags = OP_RANDOM | OP_IN_PLACE,
    .attribute = ATTRIBUTE_RANDOM,
    .cases = "[1] | 0.5\n[5,17] | 0.25\n[2,3,7] | 0.9\n[3,130] | 0.1",
    .shape = shape_as_input,
    .gradient = gradient_dropout,
    .reference = reference_dropout,
    .make = make_dropout,
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
    .attribute = ATTRIBUTE_PART,
    .shape = shape_all_gather,
    .gradient = gradient_all_gather,
    .reference = reference_all_gather,
};
