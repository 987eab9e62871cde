/* Recompute: a large value that costs one pass over memory (a normalised activation) is computed
 * again in backward rather than kept through the whole step (Chen et al. 2016, arXiv:1604.06174,
 * at the granularity of single cheap ops). */
#include "engine/op.h"
#include "engine/passes/plan.h"

#include <string.h>

enum { WORTH_BYTES = 1 << 20 };

struct recompute {
    struct plan *plan;
    uint32_t *clone; /* by value: the value that stands for it in backward; 0: itself */
};

static bool is_cheap(const struct graph *graph, uint32_t value)
{
    const struct node *node = &graph->node[graph->value[value].node];
    struct type type = graph->value[value].type;
    return node->op == &op_bn_apply && !node->backward &&
           (size_t)shape_size(type.shape) * dtype_bytes(type.dtype) >= WORTH_BYTES;
}

/* The value that backward uses in the place of `value`: a copy computed just before, when it is
 * cheap (and so are, in turn, the inputs of the copy). The copy is shared by all uses in backward.
 */
static status backward_value(struct recompute *r, uint32_t value, uint32_t *result)
{
    struct graph *graph = r->plan->graph;
    *result = value;
    if (!is_cheap(graph, value))
        return TACIT_OK;
    if (r->clone[value]) {
        *result = r->clone[value];
        return TACIT_OK;
    }
    struct node node = graph->node[graph->value[value].node];
    val in[8];
    for (int i = 0; i < node.inputs; i++) {
        in[i] = (val){ graph, 0 };
        TRY(backward_value(r, node.in[i], &in[i].id));
    }
    graph->differentiating = true;
    val copy = graph_add(graph, node.op, node.inputs, in, &node.attribute);
    graph->differentiating = false;
    TRY(graph_status(graph));
    graph->value[copy.id].type = graph->value[value].type;
    r->clone[value] = *result = copy.id;
    return plan_append(r->plan, graph->value[copy.id].node);
}

status pass_recompute(struct plan *plan)
{
    if (plan->target->no_recompute)
        return TACIT_OK;
    struct recompute r = { plan, memory_new(plan->graph->values, sizeof *r.clone) };
    uint32_t *order = plan->order;
    size_t ordered = plan->ordered;
    status result = r.clone ? TACIT_OK : TACIT_RESOURCES;
    plan->order = NULL;
    plan->ordered = plan->order_capacity = 0;
    for (size_t i = 0; i < ordered && result == TACIT_OK; i++) {
        struct node *node = &plan->graph->node[order[i]];
        for (int k = 0; node->backward && k < node->inputs && result == TACIT_OK; k++) {
            uint32_t in = node->in[k], value;
            result = backward_value(&r, in, &value);
            node = &plan->graph->node[order[i]]; /* cloning may move the array */
            node->in[k] = value;
        }
        if (result == TACIT_OK)
            result = plan_append(plan, order[i]);
    }
    memory_free(order);
    memory_free(r.clone);
    return result;
}
