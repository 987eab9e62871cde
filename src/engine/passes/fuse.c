/* Fuse: under bf16 a product with a weight becomes one of our own kernels where they are best, and
 * takes over the bias and the residual that are added to
 * it, and the gradient of a weight goes straight to its place in the arena: each would be one more
 * pass over memory. Only sums that nothing else reads are taken over. */
#include "engine/cpu/half.h"
#include "engine/op.h"
#include "engine/passes/plan.h"

/* By value: how many inputs of nodes it is, and the last such node. */
struct use {
    uint32_t count, node;
};

struct fusion {
    struct graph *graph;
    struct use *use;
    bool *dropped; /* by node: its work is done elsewhere */
};

/* The one node that reads the value, seen through reshapes; NULL: there is none, or more. `path`
 * becomes what that node reads. */
static struct node *only_user(const struct fusion *f, uint32_t *path)
{
    struct graph *graph = f->graph;
    while (f->use[*path].count == 1) {
        struct node *user = &graph->node[f->use[*path].node];
        if (user->op != &op_reshape)
            return user;
        *path = user->out[0];
    }
    return NULL;
}

static bool is_plain(const struct graph *graph, uint32_t value)
{
    return graph->value[value].layout == LAYOUT_PLAIN && graph->value[value].type.dtype == F32;
}

/* Drops the nodes that lead from value `from` to `to`, that of `from` included. */
static void drop_path(struct fusion *f, uint32_t from, uint32_t to)
{
    f->dropped[f->graph->value[from].node] = true;
    for (; from != to; from = f->graph->node[f->use[from].node].out[0])
        f->dropped[f->use[from].node] = true;
}

/* Turns the addition that alone reads `value` into the product, if its other operand is a bias or,
 * `residual`, as large as the product. The value of the sum; 0: it is none. */
static uint32_t take_over(struct fusion *f, uint32_t value, bool residual)
{
    struct graph *graph = f->graph;
    struct node *product = &graph->node[graph->value[value].node];
    uint32_t path = value;
    struct node *sum = only_user(f, &path);
    if (!sum || sum->op != &op_add)
        return 0;
    uint32_t other = sum->in[sum->in[0] == path];
    struct shape y = graph->value[value].type.shape, own = graph->value[path].type.shape;
    struct shape theirs = graph->value[other].type.shape;
    int64_t width = y.dim[y.rank - 1];
    bool fits = residual ? shape_equal(own, theirs)
                         : shape_equal(theirs, SHAPE(width)) && own.dim[own.rank - 1] == width;
    if (!fits || other == path || !is_plain(graph, other))
        return 0;
    uint32_t *in = arena_new(&graph->arena, (size_t)product->inputs + 1, sizeof *in);
    if (!in)
        return 0;
    for (int i = 0; i < product->inputs; i++)
        in[i] = product->in[i];
    in[product->inputs] = other;
    sum->in = in;
    sum->inputs = product->inputs + 1;
    sum->op = &op_matmul_sum;
    sum->attribute.transpose = product->attribute.transpose;
    sum->attribute.transpose.bias |= !residual;
    sum->attribute.transpose.residual |= residual;
    drop_path(f, value, path);
    return sum->out[0];
}

/* The accumulation that alone reads the gradient of a weight becomes the product itself. */
static void fuse_gradient(struct fusion *f, const struct node *product)
{
    uint32_t path = product->out[0];
    struct node *user = only_user(f, &path);
    if (!user || user->op != &op_accumulate || product->attribute.transpose.b)
        return;
    user->op = &op_matmul_accumulate;
    user->in = product->in;
    user->inputs = 2;
    drop_path(f, product->out[0], path);
}

static void fuse_node(struct fusion *f, uint32_t index)
{
    struct node *node = &f->graph->node[index];
    if (node->op != &op_matmul || !node->attribute.transpose.half || !half_fits(f->graph, node))
        return;
    node->op = &op_matmul_sum;
    if (node->attribute.transpose.a) {
        fuse_gradient(f, node);
        return;
    }
    uint32_t value = node->out[0], sum = take_over(f, value, false);
    take_over(f, sum ? sum : value, true);
}

status pass_fuse(struct plan *plan)
{
    if (plan->target->precision != PRECISION_BF16)
        return TACIT_OK;
    struct graph *graph = plan->graph;
    struct fusion f = { graph, memory_new(graph->values, sizeof *f.use),
                        memory_new(graph->nodes, sizeof *f.dropped) };
    for (size_t i = 0; f.use && f.dropped && i < plan->ordered; i++) {
        const struct node *node = &graph->node[plan->order[i]];
        for (int k = 0; k < node->inputs; k++) {
            f.use[node->in[k]].count++;
            f.use[node->in[k]].node = plan->order[i];
        }
    }
    size_t kept = 0, ordered = plan->ordered;
    for (size_t i = 0; f.use && f.dropped && i < ordered; i++)
        fuse_node(&f, plan->order[i]);
    for (size_t i = 0; f.use && f.dropped && i < ordered; i++)
        if (!f.dropped[plan->order[i]])
            plan->order[kept++] = plan->order[i];
    bool done = f.use && f.dropped;
    plan->ordered = done ? kept : ordered;
    memory_free(f.use);
    memory_free(f.dropped);
    return done ? TACIT_OK : TACIT_RESOURCES;
}
