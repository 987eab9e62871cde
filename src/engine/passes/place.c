/* Place: which bytes every value gets. Temporaries are placed greedily by size over their
 * lifetimes (Pisarchyk & Lee 2020, arXiv:2001.03288). */
#include "engine/cpu/cpu.h"
#include "engine/op.h"
#include "engine/passes/plan.h"

#include <stdlib.h>

enum { ALIGNMENT = 64 };

size_t plan_bytes(const struct plan *plan, uint32_t value)
{
    struct type type = plan->graph->value[value].type;
    return (size_t)shape_size(type.shape) * dtype_bytes(type.dtype);
}

uint32_t plan_root(const struct plan *plan, uint32_t value, size_t *offset)
{
    *offset = 0;
    while (plan->buffer[value].place == PLACE_ALIAS) {
        *offset += plan->buffer[value].alias_offset;
        value = plan->buffer[value].root;
    }
    return value;
}

static size_t rounded(const struct plan *plan, size_t bytes)
{
    size_t guard = plan->target->check ? 2 * ALIGNMENT : 0;
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + guard;
}

static bool is_fixed(const struct op_type *op)
{
    return op == &op_input || op == &op_knob || op == &op_constant || op == &op_output;
}

/* Whether a slice is one run of bytes of its input, and at which byte it begins. */
static bool slice_is_run(const struct graph *graph, const struct node *node, size_t *offset)
{
    struct type from = graph->value[node->in[0]].type;
    int64_t inner = 1;
    for (int i = 0; i < node->attribute.part.axis; i++)
        if (from.shape.dim[i] != 1)
            return false;
    for (int i = node->attribute.part.axis + 1; i < from.shape.rank; i++)
        inner *= from.shape.dim[i];
    *offset = (size_t)(node->attribute.part.start * inner) * dtype_bytes(from.dtype);
    return true;
}

/* Which place each output of the node has, before in-place sharing. */
static void place_outputs(struct plan *plan, uint32_t position)
{
    const struct graph *graph = plan->graph;
    const struct node *node = &graph->node[plan->order[position]];
    for (int k = 0; k < node->outputs; k++) {
        struct buffer *buffer = &plan->buffer[node->out[k]];
        *buffer = (struct buffer){ .place = PLACE_TEMPORARY,
                                   .bytes = plan_bytes(plan, node->out[k]),
                                   .first = position,
                                   .last = position };
        if (node->op == &op_parameter || node->op == &op_state)
            buffer->place = PLACE_STORE;
        else if (is_fixed(node->op))
            buffer->place = PLACE_FIXED;
    }
    size_t offset = 0;
    bool view = node->op->flags & OP_VIEW;
    if (view || (node->op == &op_slice && slice_is_run(graph, node, &offset))) {
        struct buffer *buffer = &plan->buffer[node->out[0]];
        buffer->place = PLACE_ALIAS;
        buffer->root = node->in[0];
        buffer->alias_offset = offset;
    }
}

/* Lifetimes of the roots: from the first definition to the last use through any alias. */
static void find_lifetimes(struct plan *plan)
{
    size_t offset;
    for (uint32_t i = 0; i < plan->ordered; i++) {
        const struct node *node = &plan->graph->node[plan->order[i]];
        for (int k = 0; k < node->inputs; k++)
            plan->buffer[plan_root(plan, node->in[k], &offset)].last = i;
        for (int k = 0; k < node->outputs; k++) {
            struct buffer *root = &plan->buffer[plan_root(plan, node->out[k], &offset)];
            root->last = root->last > i ? root->last : i;
        }
    }
}

/* Lets outputs lie where an input dies, as the kernel's row allows. */
static void share_in_place(struct plan *plan, uint32_t position)
{
    const struct graph *graph = plan->graph;
    const struct node *node = &graph->node[plan->order[position]];
    int in[OUTPUTS_MAX] = { -1, -1, -1, -1 };
    cpu_in_place(graph, node, in);
    for (int k = 0; k < node->outputs; k++) {
        if (in[k] < 0 || in[k] >= node->inputs)
            continue;
        size_t offset;
        uint32_t root = plan_root(plan, node->in[in[k]], &offset), value = node->out[k];
        struct buffer *from = &plan->buffer[root], *to = &plan->buffer[value];
        if (to->place != PLACE_TEMPORARY || from->place != PLACE_TEMPORARY || offset != 0 ||
            from->last != position || from->bytes != to->bytes)
            continue;
        bool again = false; /* the same bytes may not also be read through another input */
        for (int j = 0; j < node->inputs; j++)
            again |= j != in[k] && plan_root(plan, node->in[j], &offset) == root;
        if (again)
            continue;
        from->last = to->last > from->last ? to->last : from->last;
        to->place = PLACE_ALIAS;
        to->root = root;
        to->alias_offset = 0;
    }
}

struct item {
    uint32_t value;
    size_t bytes;
};

static int by_size(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->value < y->value ? -1 : x->value > y->value;
}

static bool overlap_in_time(const struct buffer *a, const struct buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset at which the item fits between those that live at the same time. `placed` is
 * kept sorted by offset. */
static size_t lowest_gap(const struct plan *plan, const struct item *item, const uint32_t *placed,
                         size_t count)
{
    size_t offset = 0;
    for (size_t i = 0; i < count; i++) {
        const struct buffer *other = &plan->buffer[placed[i]];
        if (!overlap_in_time(other, &plan->buffer[item->value]))
            continue;
        if (other->offset >= offset + item->bytes)
            break;
        size_t end = other->offset + rounded(plan, other->bytes);
        offset = end > offset ? end : offset;
    }
    return offset;
}

static void place_item(struct plan *plan, const struct item *item, uint32_t *placed, size_t count)
{
    struct buffer *buffer = &plan->buffer[item->value];
    buffer->offset = lowest_gap(plan, item, placed, count);
    size_t end = buffer->offset + item->bytes, at = count;
    plan->temporary_bytes = end > plan->temporary_bytes ? end : plan->temporary_bytes;
    for (; at > 0 && plan->buffer[placed[at - 1]].offset > buffer->offset; at--)
        placed[at] = placed[at - 1];
    placed[at] = item->value;
}

static status place_temporaries(struct plan *plan)
{
    size_t values = plan->graph->values, count = 0;
    struct item *item = memory_new(values, sizeof *item);
    uint32_t *placed = memory_new(values, sizeof *placed);
    for (uint32_t v = 1; item && placed && v < values; v++)
        if (plan->buffer[v].place == PLACE_TEMPORARY)
            item[count++] = (struct item){ v, rounded(plan, plan->buffer[v].bytes) };
    if (item && placed) {
        qsort(item, count, sizeof *item, by_size);
        for (size_t i = 0; i < count; i++)
            place_item(plan, &item[i], placed, i);
    }
    memory_free(item);
    memory_free(placed);
    return item && placed ? TACIT_OK : TACIT_RESOURCES;
}

static status find_live_bytes(struct plan *plan)
{
    int64_t *change = memory_new(plan->ordered + 1, sizeof *change), live = 0;
    if (!change)
        return TACIT_RESOURCES;
    for (uint32_t v = 1; v < plan->graph->values; v++)
        if (plan->buffer[v].place == PLACE_TEMPORARY) {
            change[plan->buffer[v].first] += (int64_t)plan->buffer[v].bytes;
            change[plan->buffer[v].last + 1] -= (int64_t)plan->buffer[v].bytes;
        }
    for (size_t i = 0; i < plan->ordered; i++) {
        live += change[i];
        plan->live_bytes = (size_t)live > plan->live_bytes ? (size_t)live : plan->live_bytes;
    }
    memory_free(change);
    return TACIT_OK;
}

status pass_place(struct plan *plan)
{
    plan->buffer = memory_new(plan->graph->values, sizeof *plan->buffer);
    if (!plan->buffer)
        return TACIT_RESOURCES;
    for (uint32_t i = 0; i < plan->ordered; i++)
        place_outputs(plan, i);
    find_lifetimes(plan);
    for (uint32_t i = 0; i < plan->ordered; i++)
        share_in_place(plan, i);
    for (uint32_t v = 1; v < plan->graph->values; v++)
        if (plan->buffer[v].place == PLACE_FIXED) {
            plan->buffer[v].offset = plan->fixed_bytes;
            plan->fixed_bytes += rounded(plan, plan->buffer[v].bytes);
        }
    TRY(place_temporaries(plan));
    return find_live_bytes(plan);
}

status plan_check(const struct plan *plan)
{
    for (uint32_t a = 1; a < plan->graph->values; a++)
        for (uint32_t b = a + 1; b < plan->graph->values; b++) {
            const struct buffer *x = &plan->buffer[a], *y = &plan->buffer[b];
            if (x->place != PLACE_TEMPORARY || y->place != PLACE_TEMPORARY || !x->bytes ||
                !y->bytes || !overlap_in_time(x, y))
                continue;
            if (x->offset < y->offset + y->bytes && y->offset < x->offset + x->bytes)
                return fail(TACIT_FAILED, "values %u and %u overlap in the plan", a, b);
        }
    return TACIT_OK;
}
