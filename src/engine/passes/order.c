/* Commit, live, merge: which nodes run. */
#include "base/map.h"
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

/* ---- what a node computes, as text: equal texts, equal results ---- */

static void key_none(struct text *key, const struct attributes *a, int rank)
{
    (void)key, (void)a, (void)rank;
}

static void key_convolution(struct text *key, const struct attributes *a, int rank)
{
    (void)rank;
    const struct convolution *c = &a->convolution;
    for (int i = 0; i < 2; i++)
        text_append(key, " %lld %lld %lld", (long long)c->stride[i], (long long)c->padding[i],
                    (long long)c->dilation[i]);
    text_append(key, " %lld", (long long)c->groups);
}

static void key_pooling(struct text *key, const struct attributes *a, int rank)
{
    (void)rank;
    const struct pooling *p = &a->pooling;
    for (int i = 0; i < 2; i++)
        text_append(key, " %lld %lld %lld", (long long)p->kernel[i], (long long)p->stride[i],
                    (long long)p->padding[i]);
}

static void key_batch_norm(struct text *key, const struct attributes *a, int rank)
{
    (void)rank;
    text_append(key, " %d %d %d %d %a", a->batch_norm.groups, a->batch_norm.total,
                a->batch_norm.relu, a->batch_norm.pool, a->batch_norm.epsilon);
}

static void key_reduce(struct text *key, const struct attributes *a, int rank)
{
    (void)rank;
    text_append(key, " %x %d", (unsigned)a->reduce.axes, a->reduce.keep);
}

static void key_transpose(struct text *key, const struct attributes *a, int rank)
{
    (void)rank;
    text_append(key, " %d %d %d %d %d", a->transpose.a, a->transpose.b, a->transpose.half,
                a->transpose.bias, a->transpose.residual);
}

static void key_part(struct text *key, const struct attributes *a, int rank)
{
    (void)rank;
    text_append(key, " %d %lld %lld", a->part.axis, (long long)a->part.start,
                (long long)a->part.stop);
}

static void key_order(struct text *key, const struct attributes *a, int rank)
{
    for (int i = 0; i < rank; i++)
        text_append(key, " %d", a->order[i]);
}

static void key_number(struct text *key, const struct attributes *a, int rank)
{
    (void)rank;
    text_append(key, " %a", a->number);
}

static void key_tensor(struct text *key, const struct attributes *a, int rank)
{
    (void)rank;
    text_append(key, " %p", (void *)a->tensor);
}

static void key_dtype(struct text *key, const struct attributes *a, int rank)
{
    (void)rank;
    text_append(key, " %d", (int)a->dtype);
}

static void key_random(struct text *key, const struct attributes *a, int rank)
{
    (void)rank;
    text_append(key, " %a %s", a->random.rate, a->random.call);
}

static void key_attention(struct text *key, const struct attributes *a, int rank)
{
    text_append(key, " %lld %lld %d", (long long)a->attention.heads, (long long)a->attention.band,
                a->attention.causal);
    if (a->random.call)
        key_random(key, a, rank);
}

/* Members only, each by itself: what lies between them in memory means nothing. */
static void (*const key_of[ATTRIBUTE_KINDS])(struct text *, const struct attributes *, int rank) = {
    [ATTRIBUTE_NONE] = key_none,           [ATTRIBUTE_CONVOLUTION] = key_convolution,
    [ATTRIBUTE_POOLING] = key_pooling,     [ATTRIBUTE_BATCH_NORM] = key_batch_norm,
    [ATTRIBUTE_REDUCE] = key_reduce,       [ATTRIBUTE_TRANSPOSE] = key_transpose,
    [ATTRIBUTE_PART] = key_part,           [ATTRIBUTE_ORDER] = key_order,
    [ATTRIBUTE_NUMBER] = key_number,       [ATTRIBUTE_TENSOR] = key_tensor,
    [ATTRIBUTE_DTYPE] = key_dtype,         [ATTRIBUTE_RANDOM] = key_random,
    [ATTRIBUTE_ATTENTION] = key_attention,
};

static void work_key(struct text *key, const struct graph *graph, const struct node *node)
{
    int rank = node->inputs ? graph->value[node->in[0]].type.shape.rank : 0;
    text_clear(key);
    text_append(key, "%s %d ", node->op->name, node->backward);
    text_append(key, "%s", shape_text(node->attribute.shape));
    for (int k = 0; k < node->inputs; k++)
        text_append(key, " %u", (unsigned)node->in[k]);
    text_append(key, ":");
    key_of[node->op->attribute](key, &node->attribute, rank);
}

/* ---- merging ---- */

struct merge {
    struct graph *graph;
    uint32_t *replacement; /* by value */
    struct map first;      /* the node that computes what a key says */
    struct arena keys;
    struct text key;
};

/* *twin: the earlier node that computes the same, or this one. */
static status find_twin(struct merge *m, uint32_t index, uint32_t *twin)
{
    const struct node *node = &m->graph->node[index];
    *twin = index;
    if (!(node->op->flags & (OP_PURE | OP_RANDOM)))
        return TACIT_OK;
    work_key(&m->key, m->graph, node);
    TRY(text_status(&m->key));
    int64_t known = map_get(&m->first, text_string(&m->key));
    if (known >= 0) {
        *twin = (uint32_t)known;
        return TACIT_OK;
    }
    char *kept = arena_text(&m->keys, "%s", text_string(&m->key));
    return kept && map_set(&m->first, kept, index) ? TACIT_OK : TACIT_RESOURCES;
}

static status merge_node(struct merge *m, struct plan *plan, uint32_t index, size_t *kept)
{
    struct node *node = &m->graph->node[index];
    uint32_t twin;
    for (int k = 0; k < node->inputs; k++)
        node->in[k] = m->replacement[node->in[k]];
    TRY(find_twin(m, index, &twin));
    if (twin == index)
        plan->order[(*kept)++] = index;
    for (int k = 0; twin != index && k < node->outputs; k++)
        m->replacement[node->out[k]] = m->graph->node[twin].out[k];
    return TACIT_OK;
}

status pass_merge(struct plan *plan)
{
    struct graph *graph = plan->graph;
    struct merge m = {
        graph, memory_new(graph->values, sizeof *m.replacement), { 0 }, { 0 }, { 0 }
    };
    status result = m.replacement ? TACIT_OK : TACIT_RESOURCES;
    size_t kept = 0, ordered = plan->ordered;
    for (uint32_t v = 0; m.replacement && v < graph->values; v++)
        m.replacement[v] = v;
    for (size_t i = 0; i < ordered && result == TACIT_OK; i++)
        result = merge_node(&m, plan, plan->order[i], &kept);
    if (result == TACIT_OK) {
        plan->ordered = kept;
        for (size_t i = 0; i < graph->names; i++)
            graph->named[i].value = m.replacement[graph->named[i].value];
    }
    map_free(&m.first);
    arena_free(&m.keys);
    text_free(&m.key);
    memory_free(m.replacement);
    return result;
}
