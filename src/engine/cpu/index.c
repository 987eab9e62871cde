/* Calls that choose by integers, make them, or draw random numbers. Indices from outside are
 * checked: a wrong one fails the run instead of reading past the table. */
#include "base/memory.h"
#include "base/random.h"
#include "engine/cpu/tables.h"

#include <string.h>

/* Items of one row of the table. */
static int64_t row_width(const struct operand *rows, const struct operand *index)
{
    int64_t count = operand_size(index);
    return count ? operand_size(rows) / count : 0;
}

static void gather_run(struct call *call)
{
    const int32_t *index = call->in[1].data;
    int64_t count = operand_size(&call->in[1]), width = row_width(&call->out[0], &call->in[1]);
    int64_t table = call->in[0].type.shape.dim[0];
    for (int64_t i = 0; i < count; i++) {
        uint32_t *to = (uint32_t *)call->out[0].data + i * width;
        if (index[i] < 0 || index[i] >= table)
            memset(to, 0xFF, (size_t)width * sizeof *to); /* NaN: noticed by the finite check */
        else
            memcpy(to, (const uint32_t *)call->in[0].data + index[i] * width,
                   (size_t)width * sizeof *to);
    }
}

static status gather_prepare(struct call *call)
{
    call->run = gather_run;
    return TACIT_OK;
}

static void scatter_run(struct call *call)
{
    const int32_t *index = call->in[1].data;
    int64_t count = operand_size(&call->in[1]), width = row_width(&call->in[0], &call->in[1]);
    int64_t table = call->out[0].type.shape.dim[0];
    float *to = call->out[0].data;
    const float *from = call->in[0].data;
    memset(to, 0, (size_t)operand_size(&call->out[0]) * sizeof *to);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; index[i] >= 0 && index[i] < table && j < width; j++)
            to[index[i] * width + j] += from[i * width + j];
}

static status scatter_prepare(struct call *call)
{
    call->run = scatter_run;
    return TACIT_OK;
}

static void one_hot_run(struct call *call)
{
    const int32_t *index = call->in[0].data;
    int64_t classes = call->out[0].type.shape.dim[1], count = operand_size(&call->in[0]);
    float *to = call->out[0].data;
    memset(to, 0, (size_t)(classes * count) * sizeof *to);
    for (int64_t i = 0; i < count; i++)
        if (index[i] >= 0 && index[i] < classes)
            to[i * classes + index[i]] = 1;
}

static status one_hot_prepare(struct call *call)
{
    call->run = one_hot_run;
    return TACIT_OK;
}

static void diagonal_run(struct call *call)
{
    struct shape shape = call->out[0].type.shape;
    float *to = call->out[0].data;
    if (to != call->in[0].data)
        memcpy(to, call->in[0].data, (size_t)shape_size(shape) * sizeof *to);
    for (int64_t i = 0; i < shape.dim[0] && i < shape.dim[1]; i++)
        to[i * shape.dim[1] + i] = (float)call->attribute.number;
}

static status diagonal_prepare(struct call *call)
{
    call->run = diagonal_run;
    return TACIT_OK;
}

static void count_run(struct call *call)
{
    int32_t *to = call->out[0].data;
    for (int64_t i = 0; i < call->out[0].type.shape.dim[0]; i++)
        to[i] = (int32_t)i;
}

static status count_prepare(struct call *call)
{
    call->run = count_run;
    return TACIT_OK;
}

static void random_run(struct call *call)
{
    struct random_stream stream = random_stream(call->run_key[0], call->state, call->run_key[1], 0);
    float *to = call->out[0].data;
    for (int64_t i = 0, size = operand_size(&call->out[0]); i < size; i++)
        to[i] = random_float(&stream);
}

/* The name is kept: the graph that owns it may be freed before the program runs. */
static status random_prepare(struct call *call)
{
    size_t bytes = strlen(call->attribute.named.name) + 1;
    char *name = memory_new(bytes, 1);
    if (!name)
        return TACIT_RESOURCES;
    memcpy(name, call->attribute.named.name, bytes);
    call->state = name;
    call->drop = memory_free;
    call->run = random_run;
    return TACIT_OK;
}

const struct cpu_kernel cpu_index[] = {
    { &op_gather, gather_prepare, NULL, NULL, false },
    { &op_scatter_add, scatter_prepare, NULL, NULL, false },
    { &op_one_hot, one_hot_prepare, NULL, NULL, false },
    { &op_fill_diagonal, diagonal_prepare, NULL, NULL, false },
    { &op_count_up, count_prepare, NULL, NULL, false },
    { &op_random_uniform, random_prepare, NULL, NULL, false },
    { 0 },
};
