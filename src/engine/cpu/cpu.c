/* The table of CPU kernels, and the choice of the instruction set. */
#include "engine/cpu/cpu.h"
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/tables.h"

#include <stdlib.h>
#include <string.h>

static const struct cpu_kernel *const tables[] = {
    cpu_elementwise, cpu_reduce,      cpu_rows,   cpu_image,     cpu_move, cpu_index,
    cpu_source,      cpu_convolution, cpu_matmul, cpu_attention, NULL
};

const struct cpu_kernel *cpu_find(const struct op_type *op)
{
    for (int t = 0; tables[t]; t++)
        for (const struct cpu_kernel *row = tables[t]; row->op; row++)
            if (row->op == op)
                return row;
    return NULL;
}

void cpu_in_place(const struct graph *graph, const struct node *node, int in[OUTPUTS_MAX])
{
    const struct cpu_kernel *kernel = cpu_find(node->op);
    if (kernel && kernel->in_place)
        kernel->in_place(node, in);
    else if (node->op->flags & OP_IN_PLACE && shape_equal(graph->value[node->in[0]].type.shape,
                                                          graph->value[node->out[0]].type.shape))
        in[0] = 0;
}

static bool wide(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

static bool wide_bf16(void)
{
    return wide() && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni");
}

static bool least(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* Best first. */
static const struct {
    const struct kernel_table *table;
    bool (*supported)(void);
} sets[] = {
    { &kernel_table_avx512_bf16, wide_bf16 },
    { &kernel_table_avx512, wide },
    { &kernel_table_avx2, least },
};
enum { SETS = sizeof sets / sizeof sets[0] };

/* The first set that TACIT_ISA allows; SETS when it names none. */
static int first_allowed(void)
{
    const char *cap = getenv("TACIT_ISA");
    int first = 0;
    while (cap && *cap && first < SETS && strcmp(cap, sets[first].table->name) != 0)
        first++;
    return first;
}

static const struct kernel_table *choose_table(void)
{
    __builtin_cpu_init();
    for (int i = first_allowed(); i < SETS; i++)
        if (sets[i].supported())
            return sets[i].table;
    return &kernel_table_avx2;
}

const struct kernel_table *kernels(void)
{
    static const struct kernel_table *_Atomic table; /* any thread may be the first to ask */
    const struct kernel_table *chosen = table;
    if (!chosen)
        table = chosen = choose_table();
    return chosen;
}

status cpu_ready(void)
{
    __builtin_cpu_init();
    if (!least())
        return fail(TACIT_FAILED, "this processor has no AVX2, which the kernels need at least");
    if (first_allowed() == SETS)
        return fail(TACIT_USAGE,
                    "TACIT_ISA=%s: no such instruction set; take avx2, avx512 or avx512_bf16",
                    getenv("TACIT_ISA"));
    return TACIT_OK;
}

bool cpu_capped(void)
{
    const char *cap = getenv("TACIT_ISA");
    return cap && *cap;
}

const char *cpu_isa(void)
{
    return kernels()->name;
}

bool layout_image_fits(struct shape shape)
{
    return shape.rank == 4 && shape.dim[1] % 16 == 0 && shape.dim[1] > 0;
}

void layout_same(const struct graph *graph, const struct node *node, struct layout_choice *choice)
{
    struct shape shape = graph->value[node->out[0]].type.shape;
    bool image = false, alike = layout_image_fits(shape);
    for (int k = 0; k < node->inputs; k++) {
        const struct value *in = &graph->value[node->in[k]];
        bool scalar = shape_size(in->type.shape) == 1;
        alike &= scalar || shape_equal(in->type.shape, shape);
        image |= !scalar && in->layout == LAYOUT_IMAGE;
    }
    for (int k = 0; alike && image && k < node->inputs && k < LAYOUT_OPERANDS; k++)
        choice->in[k] =
            shape_size(graph->value[node->in[k]].type.shape) == 1 ? LAYOUT_PLAIN : LAYOUT_IMAGE;
    choice->out[0] = alike && image ? LAYOUT_IMAGE : LAYOUT_PLAIN;
}
