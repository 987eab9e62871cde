#include "engine/reference/reference.h"
#include "engine/op.h"

#include <string.h>

struct reference {
    struct graph *graph;
    double **value; /* by value id; value[0] is none */
    size_t values;
    struct run_key key;
    double **total; /* by node: of an accumulation, the tensor's gradient up to it */
    size_t nodes;
};

static status value_new(struct reference *reference, uint32_t id)
{
    const struct graph *graph = reference->graph;
    const struct node *node = &graph->node[graph->value[id].node];
    int64_t size = shape_size(graph->value[id].type.shape);
    double *to = reference->value[id] = memory_new((size_t)size + 1, sizeof(double));
    if (!to)
        return TACIT_RESOURCES;
    if (node->op == &op_parameter || node->op == &op_state) {
        TRY(range_seal(node->attribute.tensor->range));
        const float *from = tensor_value(node->attribute.tensor);
        for (int64_t i = 0; i < size; i++)
            to[i] = from[i];
    }
    return TACIT_OK;
}

static status total_new(struct reference *reference, size_t n)
{
    const struct graph *graph = reference->graph;
    const struct node *node = &graph->node[n];
    if (node->op != &op_accumulate)
        return TACIT_OK;
    size_t size = (size_t)shape_size(graph->value[node->in[0]].type.shape);
    reference->total[n] = memory_new(size + 1, sizeof(double));
    return reference->total[n] ? TACIT_OK : TACIT_RESOURCES;
}

status reference_new(struct graph *graph, uint64_t seed, struct reference **result)
{
    TRY(graph_status(graph));
    struct reference *reference = memory_new(1, sizeof *reference);
    if (!reference)
        return TACIT_RESOURCES;
    *reference = (struct reference){
        .graph = graph, .values = graph->values, .nodes = graph->nodes, .key.seed = seed
    };
    reference->value = memory_new(graph->values, sizeof(double *));
    reference->total = memory_new(graph->nodes, sizeof(double *));
    status made = reference->value && reference->total ? TACIT_OK : TACIT_RESOURCES;
    for (uint32_t id = 1; made == TACIT_OK && id < graph->values; id++)
        made = value_new(reference, id);
    for (size_t n = 0; made == TACIT_OK && n < graph->nodes; n++)
        made = total_new(reference, n);
    if (made != TACIT_OK) {
        reference_free(reference);
        return made;
    }
    *result = reference;
    return TACIT_OK;
}

void reference_free(struct reference *reference)
{
    if (!reference)
        return;
    for (size_t id = 0; reference->value && id < reference->values; id++)
        memory_free(reference->value[id]);
    for (size_t n = 0; reference->total && n < reference->nodes; n++)
        memory_free(reference->total[n]);
    memory_free(reference->total);
    memory_free(reference->value);
    memory_free(reference);
}

double *reference_value(struct reference *reference, val v)
{
    return reference->value[v.id];
}

void reference_rows(struct reference *reference, int64_t first, int64_t count, int64_t total)
{
    reference->key.first = first;
    reference->key.count = count;
    reference->key.total = total;
}

/* The tensor's gradient as the accumulations before node `end` leave it; NULL: there are none. */
static double *total_before(const struct reference *reference, size_t end,
                            const struct tensor *tensor)
{
    while (end-- > 0) {
        const struct node *node = &reference->graph->node[end];
        if (node->op == &op_accumulate && node->attribute.tensor == tensor)
            return reference->total[end];
    }
    return NULL;
}

static void accumulate(struct reference *reference, size_t n)
{
    const struct node *node = &reference->graph->node[n];
    const double *before = total_before(reference, n, node->attribute.tensor);
    const double *gradient = reference->value[node->in[0]];
    int64_t size = shape_size(node->attribute.tensor->shape);
    for (int64_t i = 0; i < size; i++)
        reference->total[n][i] = gradient[i] + (before ? before[i] : 0);
}

status reference_run(struct reference *reference, uint64_t step)
{
    const struct graph *graph = reference->graph;
    reference->key.step = step;
    for (size_t n = 0; n < graph->nodes; n++) {
        const struct node *node = &graph->node[n];
        struct reference_call call = { .node = node, .key = reference->key };
        if (node->op == &op_accumulate)
            accumulate(reference, n);
        if (!node->op->reference)
            continue;
        if (node->inputs > (int)(sizeof call.in / sizeof call.in[0]))
            return fail(TACIT_FAILED, "%s has more inputs than the reference takes",
                        node->op->name);
        for (int i = 0; i < node->inputs; i++) {
            call.in[i] = reference->value[node->in[i]];
            call.in_type[i] = &graph->value[node->in[i]].type;
        }
        for (int i = 0; i < node->outputs; i++) {
            call.out[i] = reference->value[node->out[i]];
            call.out_type[i] = &graph->value[node->out[i]].type;
        }
        node->op->reference(&call);
    }
    return TACIT_OK;
}

const double *reference_gradient(const struct reference *reference, const struct tensor *tensor)
{
    return total_before(reference, reference->nodes, tensor);
}

const double *reference_state(const struct reference *reference, const struct tensor *tensor)
{
    for (size_t i = 0; i < reference->graph->states; i++)
        if (reference->graph->state[i].tensor == tensor)
            return reference->value[reference->graph->state[i].value];
    return NULL;
}
