#include "engine/graph.h"
#include "engine/build.h"
#include "engine/op.h"
#include "base/random.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct graph *graph_new(struct store *store)
{
    struct graph *graph = memory_new(1, sizeof *graph);
    if (graph) {
        graph->store = store;
        graph->values = 1; /* value 0 is none */
        if (!memory_reserve((void **)&graph->value, &graph->value_capacity, 0,
                            sizeof *graph->value)) {
            memory_free(graph);
            return NULL;
        }
        graph->value[0] = (struct value){ 0 };
    }
    return graph;
}

void graph_free(struct graph *graph)
{
    if (!graph)
        return;
    memory_free(graph->value);
    memory_free(graph->node);
    memory_free(graph->root);
    memory_free(graph->state);
    memory_free(graph->named);
    arena_free(&graph->arena);
    memory_free(graph);
}

status graph_status(const struct graph *graph)
{
    return graph->failed ? fail(TACIT_FAILED, "%s", graph->message) : TACIT_OK;
}

val no_value(struct graph *graph)
{
    return (val){ graph, 0 };
}

val graph_fail(struct graph *graph, const char *format, ...)
{
    if (!graph->failed) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(graph->message, sizeof graph->message, format, arguments);
        va_end(arguments);
        graph->failed = true;
    }
    return no_value(graph);
}

/* Adds the id to the graph's roots: the node has an effect and stays. */
static void graph_root(struct graph *graph, uint32_t node)
{
    if (memory_reserve((void **)&graph->root, &graph->root_capacity, graph->roots,
                       sizeof *graph->root))
        graph->root[graph->roots++] = node;
    else
        graph_fail(graph, "out of memory while building a graph");
}

static bool graph_reserve(struct graph *graph, int outputs)
{
    if (!memory_reserve((void **)&graph->node, &graph->node_capacity, graph->nodes,
                        sizeof *graph->node))
        return false;
    for (int i = 0; i < outputs; i++)
        if (!memory_reserve((void **)&graph->value, &graph->value_capacity,
                            graph->values + (size_t)i, sizeof *graph->value))
            return false;
    return true;
}

static void describe_inputs(char *text, size_t size, int inputs, const val in[])
{
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; i < inputs && used < size; i++) {
        enum dtype dtype = type_of(in[i]).dtype;
        int wrote = snprintf(text + used, size - used, "%s%s%s%s", i ? " " : "",
                             dtype == F32 ? "" : dtype_name(dtype), dtype == F32 ? "" : " ",
                             shape_text(shape_of(in[i])));
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

/* Kernels of f32 would take the bits of other numbers for theirs. */
static bool refuses(const struct op_type *op, const struct graph *graph, const val in[], int inputs)
{
    for (int i = 0; i < inputs; i++) {
        enum dtype dtype = graph->value[in[i].id].type.dtype;
        if (dtype == I32 ? !(op->flags & OP_INTEGERS) : dtype != F32 && op != &op_cast)
            return true;
    }
    return false;
}

val graph_add(struct graph *graph, const struct op_type *op, int inputs, const val in[],
              const struct attributes *attributes)
{
    if (graph->failed)
        return no_value(graph);
    for (int i = 0; i < inputs; i++)
        if (in[i].id == 0)
            return graph_fail(graph, "%s: input %d is no value", op->name, i);
    if (refuses(op, graph, in, inputs)) {
        char shapes[512];
        describe_inputs(shapes, sizeof shapes, inputs, in);
        return graph_fail(graph, "%s takes f32 only, not %s: cast it", op->name, shapes);
    }
    struct node node = {
        .op = op, .inputs = inputs, .outputs = op->outputs, .backward = graph->differentiating
    };
    if (attributes)
        node.attribute = *attributes;
    node.in = arena_new(&graph->arena, (size_t)inputs + (size_t)op->outputs, sizeof *node.in);
    if (!node.in || !graph_reserve(graph, op->outputs))
        return graph_fail(graph, "out of memory while building a graph");
    node.out = node.in + inputs;
    for (int i = 0; i < inputs; i++)
        node.in[i] = in[i].id;
    struct type type[OUTPUTS_MAX] = { 0 };
    if (!op->shape(graph, &node, type)) {
        char shapes[512];
        describe_inputs(shapes, sizeof shapes, inputs, in);
        return graph_fail(graph, "%s cannot take inputs of shape %s", op->name, shapes);
    }
    for (int i = 0; i < op->outputs; i++) {
        if (shape_size(type[i].shape) < 0)
            return graph_fail(graph, "%s: a result of shape %s is too large", op->name,
                              shape_text(type[i].shape));
        node.out[i] = (uint32_t)graph->values;
        graph->value[graph->values++] =
            (struct value){ .type = type[i], .node = (uint32_t)graph->nodes, .output = i };
    }
    graph->node[graph->nodes++] = node;
    if (op->flags & OP_EFFECT)
        graph_root(graph, (uint32_t)graph->nodes - 1);
    return op->outputs ? (val){ graph, node.out[0] } : no_value(graph);
}

val output_of(val v, int k)
{
    return v.id ? (val){ v.graph, node_of(v)->out[k] } : v;
}

const struct node *node_of(val v)
{
    return &v.graph->node[v.graph->value[v.id].node];
}

struct type type_of(val v)
{
    return v.graph->value[v.id].type;
}

struct shape shape_of(val v)
{
    return v.graph->value[v.id].type.shape;
}

int64_t dim(val v, int axis)
{
    struct shape shape = shape_of(v);
    return axis >= 0 && axis < shape.rank ? shape.dim[axis] : 0;
}

int64_t rows(val v)
{
    return dim(v, 0);
}

bool is_none(val v)
{
    return v.id == 0;
}

net network(struct graph *graph, const char *name, bool training, int groups)
{
    struct range *range = store_range(graph->store, name);
    if (!range)
        graph_fail(graph, "out of memory while building network %s", name);
    return (net){ graph, range, "", training, training, groups };
}

net part(net n, const char *format, ...)
{
    char name[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    char *scope = arena_text(&n.graph->arena, "%s%s.", n.scope, name);
    if (!scope)
        graph_fail(n.graph, "out of memory while building a graph");
    else
        n.scope = scope;
    return n;
}

static uint32_t named_find(const struct graph *graph, const char *name, int kind)
{
    for (size_t i = 0; i < graph->names; i++)
        if ((int)graph->named[i].kind == kind && strcmp(graph->named[i].name, name) == 0)
            return graph->named[i].value;
    return 0;
}

static val named_add(struct graph *graph, const char *name, int kind, val v)
{
    char *kept = arena_text(&graph->arena, "%s", name);
    if (!kept || !memory_reserve((void **)&graph->named, &graph->name_capacity, graph->names,
                                 sizeof *graph->named))
        return graph_fail(graph, "out of memory while building a graph");
    graph->named[graph->names].name = kept;
    graph->named[graph->names].value = v.id;
    graph->named[graph->names++].kind = kind;
    return v;
}

val input(struct graph *graph, const char *name, enum dtype dtype, struct shape shape)
{
    struct attributes attributes = { .shape = shape, .dtype = dtype };
    if (named_find(graph, name, NAMED_INPUT))
        return graph_fail(graph, "two inputs are named %s", name);
    return named_add(graph, name, NAMED_INPUT, graph_add(graph, &op_input, 0, NULL, &attributes));
}

val knob(struct graph *graph, const char *name)
{
    uint32_t known = named_find(graph, name, NAMED_KNOB);
    if (known)
        return (val){ graph, known };
    struct attributes attributes = { .shape = SCALAR };
    return named_add(graph, name, NAMED_KNOB, graph_add(graph, &op_knob, 0, NULL, &attributes));
}

void output(val v, const char *name)
{
    if (named_find(v.graph, name, NAMED_OUTPUT)) {
        graph_fail(v.graph, "two outputs are named %s", name);
        return;
    }
    v = cast(v, F32);
    val copy = graph_add(v.graph, &op_output, 1, &v, NULL);
    if (!is_none(copy))
        named_add(v.graph, name, NAMED_OUTPUT, copy);
}

static struct tensor *declare(net n, const char *name, enum tensor_kind kind, struct shape shape,
                              struct init init)
{
    struct tensor *tensor = NULL;
    char *full = arena_text(&n.graph->arena, "%s%s", n.scope, name);
    if (n.graph->failed)
        return NULL;
    if (!full || range_declare(n.range, full, kind, shape, init, &tensor) != TACIT_OK)
        graph_fail(n.graph, "%s", status_message());
    return tensor;
}

val parameter(net n, const char *name, struct shape shape, struct init init)
{
    struct tensor *tensor = declare(n, name, TENSOR_PARAMETER, shape, init);
    if (!tensor)
        return no_value(n.graph);
    for (size_t i = 0; i < n.graph->nodes; i++)
        if (n.graph->node[i].op == &op_parameter && n.graph->node[i].attribute.tensor == tensor)
            return (val){ n.graph, n.graph->node[i].out[0] };
    struct attributes attributes = { .shape = shape, .tensor = tensor };
    return graph_add(n.graph, &op_parameter, 0, NULL, &attributes);
}

struct tensor *state(net n, const char *name, struct shape shape, struct init init)
{
    return declare(n, name, TENSOR_STATE, shape, init);
}

static struct state_slot *state_slot(struct graph *graph, struct tensor *tensor)
{
    for (size_t i = 0; i < graph->states; i++)
        if (graph->state[i].tensor == tensor)
            return &graph->state[i];
    if (!memory_reserve((void **)&graph->state, &graph->state_capacity, graph->states,
                        sizeof *graph->state)) {
        graph_fail(graph, "out of memory while building a graph");
        return NULL;
    }
    graph->state[graph->states] = (struct state_slot){ tensor, 0 };
    return &graph->state[graph->states++];
}

val state_read(struct graph *graph, struct tensor *tensor)
{
    struct state_slot *slot = tensor ? state_slot(graph, tensor) : NULL;
    if (!slot)
        return no_value(graph);
    if (slot->value == 0) {
        struct attributes attributes = { .shape = tensor->shape, .tensor = tensor };
        slot->value = graph_add(graph, &op_state, 0, NULL, &attributes).id;
    }
    return (val){ graph, slot->value };
}

void state_write(struct graph *graph, struct tensor *tensor, val v)
{
    struct state_slot *slot = tensor ? state_slot(graph, tensor) : NULL;
    if (!slot || is_none(v))
        return;
    if (!shape_equal(shape_of(v), tensor->shape)) {
        graph_fail(graph, "state %s is %s and cannot hold %s", tensor->name,
                   shape_text(tensor->shape), shape_text(shape_of(v)));
        return;
    }
    if (type_of(v).dtype != F32) {
        graph_fail(graph, "state %s is f32 and cannot hold %s: cast it", tensor->name,
                   dtype_name(type_of(v).dtype));
        return;
    }
    slot->value = v.id;
}
