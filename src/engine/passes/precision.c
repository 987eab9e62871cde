/* Precision: how values are stored, by class. Under bf16 the activations of convolution regions
 * (the IMAGE layout), the pictures they start from and the operands of products with weights
 * (matmul_half) are bf16, and so is what such products make where all that read it can: what comes
 * between two of them (normalisation, GELU, attention, and their gradients) is never kept in f32.
 * Everything else (weights, gradients of weights, the sum of the branches, statistics, heads,
 * losses) stays f32, and so does all arithmetic. */
#include "engine/build.h"
#include "engine/cpu/cpu.h"
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

/* A product by oneDNN, whose operands must be bf16 in memory. Those by our own kernels round as
 * they read, whatever they are given. */
static bool wants_bf16(const struct node *node)
{
    return node->op == &op_matmul && node->attribute.transpose.half;
}

static bool is_product(const struct node *node)
{
    return wants_bf16(node) || node->op == &op_matmul_sum || node->op == &op_matmul_accumulate;
}

/* Inputs and outputs (bit i: number i) that the kernels of an op read and write as bf16 too. */
static const struct narrow_op {
    const struct op_type *op;
    unsigned in, out;
} narrow_ops[] = {
    { &op_matmul, 3, 1 },
    { &op_matmul_sum, 3, 1 },
    { &op_matmul_accumulate, 3, 0 },
    { &op_layer_norm, 0, 1 },
    { &op_layer_norm_gradient, 1 << 4, 0 },
    { &op_gelu, 1, 1 },
    { &op_gelu_tanh, 1, 1 },
    { &op_gelu_gradient, 3, 1 },
    { &op_gelu_tanh_gradient, 3, 1 },
    { &op_attention, 1, 1 },
    { &op_attention_gradient, 1 | 1 << 1 | 1 << 3, 1 },
    { &op_sum, 1, 0 },
    { &op_reshape, 1, 1 },
};

static const struct narrow_op *narrow_row(const struct graph *graph, const struct node *node)
{
    static const struct narrow_op none;
    if (node->op == &op_matmul && !wants_bf16(node))
        return &none;
    if (node->op == &op_sum && !sum_reads_bf16(graph, node))
        return &none;
    bool attends = node->op == &op_attention || node->op == &op_attention_gradient;
    if (attends && !attention_reads_bf16(graph, node))
        return &none;
    for (size_t i = 0; i < sizeof narrow_ops / sizeof *narrow_ops; i++)
        if (narrow_ops[i].op == node->op)
            return &narrow_ops[i];
    return &none;
}

/* By value: whether all that make and read it can have it in bf16, and whether a product with
 * rounded operands is among them, so that it is rounded anyway or as autocast rounds. */
struct narrow {
    bool can, wanted;
};

static void narrow_start(const struct plan *plan, struct narrow *narrow)
{
    const struct graph *graph = plan->graph;
    for (size_t i = 0; i < plan->ordered; i++) {
        const struct node *node = &graph->node[plan->order[i]];
        for (int k = 0; k < node->outputs; k++) {
            const struct value *value = &graph->value[node->out[k]];
            narrow[node->out[k]].can = narrow_row(graph, node)->out >> k & 1 &&
                                       value->type.dtype == F32 && value->layout == LAYOUT_PLAIN;
            narrow[node->out[k]].wanted = is_product(node);
        }
        for (int k = 0; k < node->inputs; k++) {
            narrow[node->in[k]].can &= narrow_row(graph, node)->in >> k & 1;
            narrow[node->in[k]].wanted |= is_product(node) && k < 2;
        }
    }
}

/* What hangs together: both sides of a reshape are the same bytes, and attention works in bf16 as a
 * whole, as its queries, keys and values are. Whether anything changed. */
static bool narrow_settle(const struct plan *plan, struct narrow *narrow)
{
    bool changed = false;
    for (size_t i = 0; i < plan->ordered; i++) {
        const struct node *node = &plan->graph->node[plan->order[i]];
        bool whole = node->op == &op_attention || node->op == &op_attention_gradient;
        if (node->op != &op_reshape && !whole)
            continue;
        struct narrow *from = &narrow[node->in[0]], *to = &narrow[node->out[0]];
        if (node->op == &op_reshape) {
            changed |= from->can != to->can || from->wanted != to->wanted;
            from->can = to->can = from->can && to->can;
            from->wanted = to->wanted = from->wanted || to->wanted;
        } else if (!from->can || !from->wanted) {
            changed |= to->can;
            to->can = false;
            for (int k = 1; k < node->inputs; k++) {
                changed |= narrow[node->in[k]].can;
                narrow[node->in[k]].can = false;
            }
        }
    }
    return changed;
}

static status narrow_values(struct plan *plan)
{
    struct graph *graph = plan->graph;
    struct narrow *narrow = memory_new(graph->values, sizeof *narrow);
    if (!narrow)
        return TACIT_RESOURCES;
    narrow_start(plan, narrow);
    while (narrow_settle(plan, narrow))
        ;
    for (uint32_t v = 1; v < graph->values; v++)
        if (narrow[v].can && narrow[v].wanted)
            graph->value[v].type.dtype = BF16;
    memory_free(narrow);
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
    bool half = wants_bf16(node); /* a cast may move the nodes */
    if (y && graph->value[y].layout == LAYOUT_IMAGE &&
        graph->value[node->in[0]].layout == LAYOUT_PLAIN)
        TRY(cast_operand(plan, index, 0, twin));
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
    TRY(narrow_values(plan));
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
