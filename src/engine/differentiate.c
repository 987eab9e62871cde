#include "engine/differentiate.h"
#include "engine/build.h"
#include "engine/op.h"

#include <string.h>

/* Work of one differentiation: per value of the forward graph, whether a wanted value lies
 * upstream, and the gradient contributions its uses have emitted so far. */
struct reverse {
    struct graph *graph;
    bool *wanted;
    struct extra {
        val v;
        uint32_t next;
    } * extra;
    uint32_t *chain;
    size_t extras, capacity;
};

static bool reverse_new(struct reverse *r, struct graph *graph)
{
    size_t values = graph->values;
    *r = (struct reverse){ .graph = graph,
                           .wanted = memory_new(values, sizeof *r->wanted),
                           .chain = memory_new(values, sizeof *r->chain),
                           .extras = 1 };
    return r->wanted && r->chain &&
           memory_reserve((void **)&r->extra, &r->capacity, 0, sizeof *r->extra);
}

static void reverse_free(struct reverse *r)
{
    memory_free(r->wanted);
    memory_free(r->chain);
    memory_free(r->extra);
}

/* Adds one use's gradient to the value's list. */
static void contribute(struct reverse *r, uint32_t value, val gradient)
{
    if (!memory_reserve((void **)&r->extra, &r->capacity, r->extras, sizeof *r->extra)) {
        graph_fail(r->graph, "out of memory while differentiating");
        return;
    }
    r->extra[r->extras] = (struct extra){ gradient, r->chain[value] };
    r->chain[value] = (uint32_t)r->extras++;
}

/* The whole gradient of a value: one sum over all its uses. */
static val collect(struct reverse *r, uint32_t value)
{
    enum { USES_MAX = 64 };
    val use[USES_MAX];
    int uses = 0;
    for (uint32_t e = r->chain[value]; e; e = r->extra[e].next) {
        if (uses == USES_MAX) { /* fold what is there and go on */
            use[0] = sum_of(uses, use);
            uses = 1;
        }
        use[uses++] = r->extra[e].v;
    }
    if (uses == 0)
        return no_value(r->graph);
    return uses == 1 ? use[0] : sum_of(uses, use);
}

/* Undoes broadcasting: sums `gradient` down to the shape of the value it belongs to. */
static val sum_to(val gradient, struct shape target)
{
    struct shape from = shape_of(gradient);
    if (shape_equal(from, target))
        return gradient;
    uint32_t axes = 0;
    for (int i = 0; i < from.rank; i++) {
        int j = i - (from.rank - target.rank);
        if (j < 0 || (target.dim[j] == 1 && from.dim[i] != 1))
            axes |= 1u << i;
    }
    return reshape(axes ? sum(gradient, axes, true) : gradient, target);
}

static void mark_wanted(struct reverse *r, int count, const val with_respect_to[])
{
    for (int i = 0; i < count; i++)
        r->wanted[with_respect_to[i].id] = true;
    for (size_t n = 0; n < r->graph->nodes; n++) {
        const struct node *node = &r->graph->node[n];
        if (node->op->flags & OP_NO_GRADIENT)
            continue;
        bool any = false;
        for (int i = 0; i < node->inputs; i++)
            any |= r->wanted[node->in[i]];
        for (int i = 0; any && i < node->outputs - node->op->private_outputs; i++)
            r->wanted[node->out[i]] = true;
    }
}

/* Applies the gradient rule of one node whose outputs have gradients. */
static void reverse_node(struct reverse *r, uint32_t index)
{
    struct node node = r->graph->node[index]; /* a copy: emitting moves the array */
    val out[OUTPUTS_MAX], dout[OUTPUTS_MAX];
    bool reached = false, wanted = false;
    for (int k = 0; k < node.outputs; k++) {
        out[k] = (val){ r->graph, node.out[k] };
        dout[k] = collect(r, node.out[k]);
        reached |= dout[k].id != 0;
    }
    for (int i = 0; i < node.inputs; i++)
        wanted |= r->wanted[node.in[i]];
    if (!reached || !wanted || !node.op->gradient || r->graph->failed)
        return;
    val *in = arena_new(&r->graph->arena, 2 * (size_t)node.inputs, sizeof *in);
    if (!in) {
        graph_fail(r->graph, "out of memory while differentiating");
        return;
    }
    val *din = in + node.inputs;
    for (int i = 0; i < node.inputs; i++) {
        in[i] = (val){ r->graph, node.in[i] };
        din[i] = no_value(r->graph);
    }
    node.op->gradient(&node, in, out, dout, din);
    for (int i = 0; i < node.inputs; i++)
        if (din[i].id && r->wanted[node.in[i]])
            contribute(r, node.in[i], sum_to(din[i], shape_of(in[i])));
}

void gradients_of(val loss, val weight, int count, const val with_respect_to[], val gradient[])
{
    struct graph *graph = loss.graph;
    for (int i = 0; i < count; i++)
        gradient[i] = no_value(graph);
    if (graph->failed || is_none(loss))
        return;
    if (is_none(weight) && shape_size(shape_of(loss)) != 1) {
        graph_fail(graph, "a loss must be a scalar to be differentiated, not %s",
                   shape_text(shape_of(loss)));
        return;
    }
    struct reverse reverse;
    if (!reverse_new(&reverse, graph)) {
        graph_fail(graph, "out of memory while differentiating");
        reverse_free(&reverse);
        return;
    }
    graph->differentiating = true;
    mark_wanted(&reverse, count, with_respect_to);
    contribute(&reverse, loss.id,
               is_none(weight) ? broadcast_to(constant(graph, 1), shape_of(loss)) : weight);
    for (uint32_t n = graph->value[loss.id].node + 1; n-- > 0 && !graph->failed;)
        reverse_node(&reverse, n);
    for (int i = 0; i < count; i++)
        gradient[i] = collect(&reverse, with_respect_to[i].id);
    graph->differentiating = false;
    reverse_free(&reverse);
}

static bool is_trained(const struct tensor *tensor, int ranges, struct range *const trained[])
{
    for (int i = 0; i < ranges; i++)
        if (tensor->range == trained[i])
            return true;
    return false;
}

void differentiate(val loss, int ranges, struct range *const trained[])
{
    struct graph *graph = loss.graph;
    size_t room = graph->nodes;
    for (int i = 0; i < ranges; i++)
        if (trained[i] && trained[i]->leader)
            graph_fail(graph, "network %s follows %s and cannot be trained itself",
                       trained[i]->name, trained[i]->leader->name);
    val *parameters = memory_new(2 * room + 1, sizeof *parameters);
    struct tensor **tensor = memory_new(room + 1, sizeof *tensor);
    int count = 0;
    for (size_t n = 0; parameters && tensor && n < room; n++) {
        const struct node *node = &graph->node[n];
        if (node->op == &op_parameter && is_trained(node->attribute.tensor, ranges, trained)) {
            tensor[count] = node->attribute.tensor;
            parameters[count++] = (val){ graph, node->out[0] };
        }
    }
    if (!parameters || !tensor) {
        graph_fail(graph, "out of memory while differentiating");
    } else {
        val *gradient = parameters + room;
        gradients_of(loss, no_value(graph), count, parameters, gradient);
        graph->differentiating = true;
        for (int i = 0; i < count; i++) {
            struct attributes attributes = { .tensor = tensor[i] };
            if (!is_none(gradient[i]))
                graph_add(graph, &op_accumulate, 1, &gradient[i], &attributes);
        }
        graph->differentiating = false;
    }
    memory_free(parameters);
    memory_free(tensor);
}
