/* Precision: how values are stored, by class. Under bf16 the activations of convolution regions
 * (the IMAGE layout), the pictures they start from and the operands of products with weights
 * (matmul_half) are bf16; everything else (weights, gradients of weights, statistics, softmax,
 * heads, losses) stays f32, and so does all arithmetic. */
#include "engine/build.h"
#include "engine/cpu/onednn.h"
#include "engine/op.h"
#include "engine/passes/plan.h"

/* A plain operand becomes bf16 by a cast, which all its users share: what they read must not be
 * kept twice. twin: by value, its cast, or 0. */
static status cast_operand(struct plan *plan, uint32_t node, int k, uint32_t *twin)
{
    struct graph *graph = plan->graph;
    val from = { graph, graph->node[node].in[k] };
    if (graph->value[from.id].type.dtype != F32)
        return TACIT_OK;
    if (!twin[from.id]) {
        graph->differentiating = graph->node[node].backward;
        twin[from.id] = cast(from, BF16).id;
        graph->differentiating = false;
        TRY(graph_status(graph));
        TRY(plan_append(plan, graph->value[twin[from.id]].node));
    }
    graph->node[node].in[k] = twin[from.id];
    return TACIT_OK;
}

static status store_node(struct plan *plan, uint32_t index, uint32_t *twin)
{
    struct graph *graph = plan->graph;
    const struct node *node = &graph->node[index];
    for (int k = 0; k < node->outputs; k++) {
        struct value *value = &graph->value[node->out[k]];
        if (value->layout == LAYOUT_IMAGE && value->type.dtype == F32)
            value->type.dtype = BF16;
    }
    /* Of a convolution and its weight gradient, operand 0 is x; y tells whether it works on images.
     */
    bool forward = node->op == &op_conv2d, backward = node->op == &op_conv2d_weight_gradient;
    uint32_t y = forward ? node->out[0] : backward ? node->in[1] : 0;
    if (y && graph->value[y].layout == LAYOUT_IMAGE &&
        graph->value[node->in[0]].layout == LAYOUT_PLAIN)
        TRY(cast_operand(plan, index, 0, twin));
    bool half = node->op == &op_matmul && node->attribute.transpose.half;
    for (int k = 0; half && k < 2; k++)
        TRY(cast_operand(plan, index, k, twin));
    return plan_append(plan, index);
}

status pass_precision(struct plan *plan)
{
    if (plan->target->precision != PRECISION_BF16)
        return TACIT_OK;
    if (!onednn_has_bf16())
        return fail(TACIT_USAGE, "this processor has no bf16 arithmetic; take precision=f32");
    uint32_t *order = plan->order;
    size_t ordered = plan->ordered;
    /* Casts are never cast themselves: the values that are there now are all that may have one. */
    uint32_t *twin = memory_new(plan->graph->values, sizeof *twin);
    status result = twin ? TACIT_OK : TACIT_RESOURCES;
    plan->order = NULL;
    plan->ordered = plan->order_capacity = 0;
    for (size_t i = 0; i < ordered && result == TACIT_OK; i++)
        result = store_node(plan, order[i], twin);
    memory_free(twin);
    memory_free(order);
    return result;
}
