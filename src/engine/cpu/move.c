/* Calls that move items of four bytes: permutations, slices, padding, concatenation. */
#include "base/memory.h"
#include "base/parallel.h"
#include "engine/cpu/tables.h"

#include <string.h>

static void view_run(struct call *call)
{
    (void)call; /* the bytes are there already */
}

static status view_prepare(struct call *call)
{
    call->run = view_run;
    return TACIT_OK;
}

/* Items before (outer) and behind (inner) an axis. */
static void around(struct shape shape, int axis, int64_t *outer, int64_t *inner)
{
    *outer = *inner = 1;
    for (int i = 0; i < axis; i++)
        *outer *= shape.dim[i];
    for (int i = axis + 1; i < shape.rank; i++)
        *inner *= shape.dim[i];
}

/* Copies `count` indices of the axis from one operand to another, at the given starts. */
static void copy_block(const struct operand *from, int64_t from_start, const struct operand *to,
                       int64_t to_start, int axis, int64_t count)
{
    int64_t outer, inner;
    around(to->type.shape, axis, &outer, &inner);
    int64_t from_length = from->type.shape.dim[axis], to_length = to->type.shape.dim[axis];
    for (int64_t o = 0; o < outer; o++)
        memcpy((uint32_t *)to->data + (o * to_length + to_start) * inner,
               (const uint32_t *)from->data + (o * from_length + from_start) * inner,
               (size_t)(count * inner) * sizeof(uint32_t));
}

static void slice_run(struct call *call)
{
    int axis = call->attribute.part.axis;
    copy_block(&call->in[0], call->attribute.part.start, &call->out[0], 0, axis,
               call->out[0].type.shape.dim[axis]);
}

/* A slice of the outermost axis is placed inside its input: nothing to do. */
static status slice_prepare(struct call *call)
{
    int64_t outer, inner;
    around(call->in[0].type.shape, call->attribute.part.axis, &outer, &inner);
    call->run = outer == 1 ? view_run : slice_run;
    return TACIT_OK;
}

static void pad_run(struct call *call)
{
    int axis = call->attribute.part.axis;
    memset(call->out[0].data, 0, (size_t)operand_size(&call->out[0]) * sizeof(uint32_t));
    copy_block(&call->in[0], 0, &call->out[0], call->attribute.part.start, axis,
               call->in[0].type.shape.dim[axis]);
}

static status pad_prepare(struct call *call)
{
    call->run = pad_run;
    return TACIT_OK;
}

static void concat_run(struct call *call)
{
    int axis = call->attribute.part.axis;
    int64_t start = 0;
    for (int k = 0; k < call->inputs; k++) {
        int64_t count = call->in[k].type.shape.dim[axis];
        copy_block(&call->in[k], 0, &call->out[0], start, axis, count);
        start += count;
    }
}

static status concat_prepare(struct call *call)
{
    call->run = concat_run;
    return TACIT_OK;
}

/* Rows of the result's last axis [begin, end). */
static void permute_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    struct shape y = call->out[0].type.shape;
    const int64_t *stride = call->state;
    int64_t width = y.dim[y.rank - 1], step = stride[y.rank - 1];
    uint32_t *to = (uint32_t *)call->out[0].data + begin * width;
    for (int64_t row = begin; row < end; row++, to += width) {
        const uint32_t *from = call->in[0].data;
        int64_t index = row;
        for (int axis = y.rank - 2; axis >= 0; axis--) {
            from += index % y.dim[axis] * stride[axis];
            index /= y.dim[axis];
        }
        if (step == 1)
            memcpy(to, from, (size_t)width * sizeof *to);
        else
            for (int64_t i = 0; i < width; i++)
                to[i] = from[i * step];
    }
}

static void permute_run(struct call *call)
{
    struct shape y = call->out[0].type.shape;
    int64_t width = y.rank ? y.dim[y.rank - 1] : 1;
    if (width > 0)
        parallel_for(shape_size(y) / width, 5 + (double)width, permute_body, call);
}

static status permute_prepare(struct call *call)
{
    int64_t own[RANK_MAX], *stride = memory_new(RANK_MAX, sizeof *stride);
    if (!stride)
        return TACIT_RESOURCES;
    shape_strides(call->in[0].type.shape, own);
    for (int i = 0; i < call->out[0].type.shape.rank; i++)
        stride[i] = own[call->attribute.order[i]];
    call->state = stride;
    call->drop = memory_free;
    call->run = permute_run;
    return TACIT_OK;
}

const struct cpu_kernel cpu_move[] = {
    { &op_reshape, view_prepare, NULL, NULL, false },
    { &op_stop_gradient, view_prepare, NULL, NULL, false },
    { &op_slice, slice_prepare, NULL, NULL, false },
    { &op_pad, pad_prepare, NULL, NULL, false },
    { &op_concat, concat_prepare, NULL, NULL, false },
    { &op_permute, permute_prepare, NULL, NULL, false },
    { 0 },
};
