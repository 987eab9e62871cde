/* Element-wise calls: runs of contiguous items, broadcasting by strides. */
#include "base/memory.h"
#include "base/parallel.h"
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/tables.h"

#include <string.h>

static const double NANOSECONDS_PER_ITEM = 0.2;

/* ---- one operand ---- */

static const struct op_type *const unary_ops[] = {
#define U(name, expression) [UNARY_##name] = &op_##name,
    UNARY_LIST(U)
#undef U
};

struct unary {
    enum unary_kind kind;
    double cost;
};

/* Operands and results that are stored as bf16 pass through pieces that stay in the nearest cache.
 */
enum { PIECE = 1024 };

/* Items [at, at + count) of an operand as f32: where they are, or in the piece. */
static const float *wide_piece(const struct operand *operand, int64_t at, int64_t count,
                               float *piece)
{
    if (operand->type.dtype != BF16)
        return (const float *)operand->data + at;
    kernels()->from_bf16((const uint16_t *)operand->data + at, piece, count);
    return piece;
}

/* Runs `make` on pieces of the items [begin, end) of inputs (at most two) and result. */
static void by_pieces(const struct call *call, int64_t begin, int64_t end,
                      void (*make)(const struct call *, const float *const in[], float *to,
                                   int64_t count))
{
    float piece[3][PIECE];
    bool narrow = call->out[0].type.dtype == BF16;
    for (int64_t at = begin; at < end; at += PIECE) {
        int64_t count = end - at < PIECE ? end - at : PIECE;
        const float *in[2];
        for (int k = 0; k < call->inputs; k++)
            in[k] = wide_piece(&call->in[k], at, count, piece[k]);
        make(call, in, narrow ? piece[2] : (float *)call->out[0].data + at, count);
        if (narrow)
            kernels()->to_bf16(piece[2], (uint16_t *)call->out[0].data + at, count);
    }
}

static void unary_piece(const struct call *call, const float *const in[], float *to, int64_t count)
{
    if (call->op == &op_gelu && call->out[0].type.dtype == BF16)
        kernels()->gelu_rounded(in[0], to, count);
    else
        kernels()->unary(((const struct unary *)call->state)->kind, in[0], to, count);
}

static void unary_body(void *argument, int64_t begin, int64_t end)
{
    by_pieces(argument, begin, end, unary_piece);
}

static void unary_run(struct call *call)
{
    parallel_for(operand_size(&call->out[0]), ((struct unary *)call->state)->cost, unary_body,
                 call);
}

static status unary_prepare(struct call *call)
{
    struct unary *u = memory_new(1, sizeof *u);
    if (!u)
        return TACIT_RESOURCES;
    while (unary_ops[u->kind] != call->op)
        u->kind++;
    /* The functions of the C library take some nanoseconds an item. */
    bool simple = u->kind == UNARY_negate || u->kind == UNARY_relu || u->kind == UNARY_square;
    u->cost = simple ? NANOSECONDS_PER_ITEM : u->kind >= UNARY_exp ? 1 : 5;
    call->state = u;
    call->drop = memory_free;
    call->run = unary_run;
    return TACIT_OK;
}

/* ---- two or three operands with broadcasting ---- */

enum { OPERANDS_MAX = 3 };

/* The result's axes with neighbours merged where all operands allow it; axis 0 is the innermost. */
struct spread {
    int operands, axes;
    int64_t size[RANK_MAX], stride[OPERANDS_MAX][RANK_MAX];
    enum binary_kind kind;
    double cost;
};

static void spread_axes(const struct call *call, struct spread *s)
{
    struct shape shape = call->out[0].type.shape;
    int64_t stride[OPERANDS_MAX][RANK_MAX];
    for (int k = 0; k < s->operands; k++)
        shape_broadcast_strides(call->in[k].type.shape, shape, stride[k]);
    s->axes = 0;
    for (int axis = shape.rank - 1; axis >= 0; axis--) {
        if (shape.dim[axis] == 1)
            continue;
        bool joins = s->axes > 0;
        for (int k = 0; joins && k < s->operands; k++)
            joins = stride[k][axis] == s->stride[k][s->axes - 1] * s->size[s->axes - 1];
        if (joins) {
            s->size[s->axes - 1] *= shape.dim[axis];
            continue;
        }
        s->size[s->axes] = shape.dim[axis];
        for (int k = 0; k < s->operands; k++)
            s->stride[k][s->axes] = stride[k][axis];
        s->axes++;
    }
    if (s->axes == 0) {
        s->axes = 1;
        s->size[0] = shape_size(shape);
    }
}

static void spread_run(const struct call *call, const struct spread *s, const int64_t offset[],
                       int64_t at, int64_t count)
{
    const float *in[OPERANDS_MAX] = { 0 };
    int64_t step[OPERANDS_MAX] = { 0 };
    for (int k = 0; k < s->operands; k++) {
        in[k] = (const float *)call->in[k].data + offset[k];
        step[k] = s->stride[k][0];
    }
    float *to = (float *)call->out[0].data + at;
    if (s->operands == 3)
        kernels()->select(in[0], step[0], in[1], step[1], in[2], step[2], to, count);
    else
        kernels()->binary(s->kind, in[0], step[0], in[1], step[1], to, count);
}

/* Items [begin, end) of the result, run by run along the innermost axis. */
static void spread_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    const struct spread *s = call->state;
    for (int64_t at = begin; at < end;) {
        int64_t index = at / s->size[0], inside = at % s->size[0], offset[OPERANDS_MAX];
        int64_t count = s->size[0] - inside < end - at ? s->size[0] - inside : end - at;
        for (int k = 0; k < s->operands; k++)
            offset[k] = inside * s->stride[k][0];
        for (int axis = 1; axis < s->axes; axis++) {
            for (int k = 0; k < s->operands; k++)
                offset[k] += index % s->size[axis] * s->stride[k][axis];
            index /= s->size[axis];
        }
        spread_run(call, s, offset, at, count);
        at += count;
    }
}

static void spread_call(struct call *call)
{
    const struct spread *s = call->state;
    parallel_for(operand_size(&call->out[0]), s->cost + 5.0 / (double)(s->size[0] + 1), spread_body,
                 call);
}

static const struct op_type *const binary_ops[] = {
#define B(name, expression) [BINARY_##name] = &op_##name,
    BINARY_LIST(B)
#undef B
};

static status spread_prepare(struct call *call)
{
    struct spread *s = memory_new(1, sizeof *s);
    if (!s)
        return TACIT_RESOURCES;
    s->operands = call->inputs;
    s->cost = NANOSECONDS_PER_ITEM;
    while (call->inputs == 2 && binary_ops[s->kind] != call->op)
        s->kind++;
    spread_axes(call, s);
    call->state = s;
    call->drop = memory_free;
    call->run = spread_call;
    return TACIT_OK;
}

/* ---- the gradients of GELU ---- */

static void gelu_gradient_piece(const struct call *call, const float *const in[], float *to,
                                int64_t count)
{
    if (call->op == &op_gelu_gradient && call->out[0].type.dtype == BF16)
        kernels()->gelu_gradient_rounded(in[0], in[1], to, count);
    else
        kernels()->gelu_gradient(call->op == &op_gelu_tanh_gradient, in[0], in[1], to, count);
}

static void gelu_gradient_body(void *argument, int64_t begin, int64_t end)
{
    by_pieces(argument, begin, end, gelu_gradient_piece);
}

static void gelu_gradient_run(struct call *call)
{
    parallel_for(operand_size(&call->out[0]), 1, gelu_gradient_body, call);
}

static status gelu_gradient_prepare(struct call *call)
{
    call->run = gelu_gradient_run;
    return TACIT_OK;
}

/* ---- the sum of several values ---- */

static void sum_n_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    const void *in[CALL_INPUTS];
    for (int k = 0; k < call->inputs; k++)
        in[k] = call->in[k].data;
    kernels()->sum_n(call->inputs, in, call->out[0].data, begin, end,
                     call->out[0].type.dtype == BF16);
}

static void sum_n_run(struct call *call)
{
    parallel_for(operand_size(&call->out[0]), NANOSECONDS_PER_ITEM * call->inputs, sum_n_body,
                 call);
}

static status sum_n_prepare(struct call *call)
{
    call->run = sum_n_run;
    return TACIT_OK;
}

#define U(op_name, expression) { &op_##op_name, unary_prepare, layout_same, NULL, false },
#define B(op_name, expression) { &op_##op_name, spread_prepare, layout_same, NULL, false },
const struct cpu_kernel cpu_elementwise[] = {
    UNARY_LIST(U) BINARY_LIST(B){ &op_select, spread_prepare, NULL, NULL, false },
    { &op_gelu_gradient, gelu_gradient_prepare, layout_same, NULL, false },
    { &op_gelu_tanh_gradient, gelu_gradient_prepare, layout_same, NULL, false },
    { &op_sum_n, sum_n_prepare, layout_same, NULL, true },
    { 0 },
};
