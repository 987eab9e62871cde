/* Layout: decided per connected convolution region by the kernels' own rules. */
#include "engine/cpu/cpu.h"
#include "engine/op.h"
#include "engine/passes/plan.h"

/* Sees to it that input k of the node has the wanted layout. */
static status want_layout(struct plan *plan, uint32_t node, int k, enum layout wanted,
                          uint32_t *twin)
{
    struct graph *graph = plan->graph;
    uint32_t value = graph->node[node].in[k];
    if (graph->value[value].layout == wanted)
        return TACIT_OK;
    if (!twin[value]) {
        val from = { graph, value };
        graph->differentiating = graph->node[node].backward;
        val to = graph_add(graph, &op_reorder, 1, &from, NULL);
        graph->differentiating = false;
        TRY(graph_status(graph));
        graph->value[to.id].layout = wanted;
        twin[value] = to.id;
        TRY(plan_append(plan, graph->value[to.id].node));
    }
    graph->node[node].in[k] = twin[value];
    return TACIT_OK;
}

static status lay_out(struct plan *plan, uint32_t index, uint32_t *twin)
{
    struct layout_choice choice = { 0 };
    const struct cpu_kernel *kernel = cpu_find(plan->graph->node[index].op);
    bool stored_f32 = plan->target->precision == PRECISION_F32;
    if (kernel && kernel->layout && (stored_f32 || kernel->bf16))
        kernel->layout(plan->graph, &plan->graph->node[index], &choice);
    for (int k = 0; k < plan->graph->node[index].inputs; k++) {
        enum layout wanted = k < LAYOUT_OPERANDS ? choice.in[k] : choice.in[0];
        TRY(want_layout(plan, index, k, wanted, twin));
    }
    const struct node *node = &plan->graph->node[index];
    for (int k = 0; k < node->outputs; k++)
        plan->graph->value[node->out[k]].layout = choice.out[k];
    return plan_append(plan, index);
}

status pass_layout(struct plan *plan)
{
    uint32_t *order = plan->order;
    size_t ordered = plan->ordered, values = plan->graph->values;
    /* A reorder adds at most one value for each value that is there. */
    uint32_t *twin = memory_new(2 * values, sizeof *twin);
    status result = twin ? TACIT_OK : TACIT_RESOURCES;
    plan->order = NULL;
    plan->ordered = plan->order_capacity = 0;
    for (size_t i = 0; i < ordered && result == TACIT_OK; i++)
        result = lay_out(plan, order[i], twin);
    memory_free(order);
    memory_free(twin);
    return result;
}
