/* Commit, live, merge: which nodes run. */
#include "engine/build.h"
#include "engine/op.h"
#include "engine/passes/plan.h"

#include <string.h>

status plan_append(struct plan *plan, uint32_t node)
{
    if (!memory_reserve((void **)&plan->order, &plan->order_capacity, plan->ordered,
                        sizeof *plan->order))
        return TACIT_RESOURCES;
    plan->order[plan->ordered++] = node;
    return TACIT_OK;
}

/* Whether the state has been written at all. */
static bool is_written(const struct graph *graph, const struct state_slot *slot)
{
    if (!slot->value)
        return false;
    const struct node *node = &graph->node[graph->value[slot->value].node];
    return node->op != &op_state || node->attribute.tensor != slot->tensor;
}

/* Whether the bytes of the value may be those of a state in the store. */
static bool is_stored(const struct graph *graph, uint32_t value)
{
    const struct node *node = &graph->node[graph->value[value].node];
    while (node->op->flags & OP_VIEW || node->op == &op_slice)
        node = &graph->node[graph->value[node->in[0]].node];
    return node->op == &op_state;
}

status pass_commit(struct plan *plan)
{
    struct graph *graph = plan->graph;
    /* What a state takes over from another is copied before any commit may change the other. */
    for (size_t i = 0; i < graph->states; i++) {
        struct state_slot *slot = &graph->state[i];
        if (is_written(graph, slot) && is_stored(graph, slot->value))
            slot->value = scale((val){ graph, slot->value }, 1).id;
    }
    for (size_t i = 0; i < graph->states; i++) {
        val latest = { graph, graph->state[i].value };
        struct attributes attributes = { .tensor = graph->state[i].tensor };
        if (is_written(graph, &graph->state[i]))
            graph_add(graph, &op_commit, 1, &latest, &attributes);
    }
    return graph_status(graph);
}

status pass_live(struct plan *plan)
{
    const struct graph *graph = plan->graph;
    bool *live = memory_new(graph->nodes, sizeof *live);
    if (!live)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < graph->roots; i++)
        live[graph->root[i]] = true;
    for (size_t n = graph->nodes; n-- > 0;)
        for (int i = 0; live[n] && i < graph->node[n].inputs; i++)
            live[graph->value[graph->node[n].in[i]].node] = true;
    status result = TACIT_OK;
    plan->ordered = 0;
    /* Effects go last among their peers by construction: commits were added after all reads. */
    for (size_t n = 0; n < graph->nodes && result == TACIT_OK; n++)
        if (live[n])
            result = plan_append(plan, (uint32_t)n);
    memory_free(live);
    return result;
}

static bool same_work(const struct node *a, const struct node *b)
{
    return a->op == b->op && a->inputs == b->inputs && a->backward == b->backward &&
           memcmp(&a->attribute, &b->attribute, sizeof a->attribute) == 0 &&
           memcmp(a->in, b->in, (size_t)a->inputs * sizeof *a->in) == 0;
}

status pass_merge(struct plan *plan)
{
    struct graph *graph = plan->graph;
    uint32_t *replacement = memory_new(graph->values, sizeof *replacement);
    if (!replacement)
        return TACIT_RESOURCES;
    for (uint32_t v = 0; v < graph->values; v++)
        replacement[v] = v;
    size_t kept = 0;
    for (size_t i = 0; i < plan->ordered; i++) {
        struct node *node = &graph->node[plan->order[i]];
        for (int k = 0; k < node->inputs; k++)
            node->in[k] = replacement[node->in[k]];
        size_t twin = kept;
        if (node->op->flags & OP_PURE)
            for (twin = 0; twin < kept; twin++)
                if (same_work(node, &graph->node[plan->order[twin]]))
                    break;
        if (twin < kept)
            for (int k = 0; k < node->outputs; k++)
                replacement[node->out[k]] = graph->node[plan->order[twin]].out[k];
        else
            plan->order[kept++] = plan->order[i];
    }
    plan->ordered = kept;
    for (size_t i = 0; i < graph->names; i++)
        graph->named[i].value = replacement[graph->named[i].value];
    memory_free(replacement);
    return TACIT_OK;
}
