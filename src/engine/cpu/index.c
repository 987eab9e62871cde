/* Calls that choose by integers, make them, or draw random numbers. Indices from outside are
 * checked: a wrong one fails the run instead of reading past the table. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/tables.h"

#include <math.h>
#include <string.h>

/* Items of one row of the table. */
static int64_t row_width(const struct operand *rows, const struct operand *index)
{
    int64_t count = operand_size(index);
    return count ? operand_size(rows) / count : 0;
}

/* Rows [begin, end) of the result. */
static void gather_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    const int32_t *index = call->in[1].data;
    int64_t width = row_width(&call->out[0], &call->in[1]), table = call->in[0].type.shape.dim[0];
    for (int64_t i = begin; i < end; i++) {
        uint32_t *to = (uint32_t *)call->out[0].data + i * width;
        if (index[i] < 0 || index[i] >= table)
            memset(to, 0xFF, (size_t)width * sizeof *to); /* NaN: noticed by the finite check */
        else
            memcpy(to, (const uint32_t *)call->in[0].data + index[i] * width,
                   (size_t)width * sizeof *to);
    }
}

static void gather_run(struct call *call)
{
    double cost = 2 + 0.2 * (double)row_width(&call->out[0], &call->in[1]);
    parallel_for(operand_size(&call->in[1]), cost, gather_body, call);
}

static status gather_prepare(struct call *call)
{
    call->run = gather_run;
    return TACIT_OK;
}

/* Threads share out the columns, by so many: each adds up all rows of its own, in their order, so
 * that sums have the same bits on any number of threads. */
enum { SCATTER_COLUMNS = 32 };

/* Runs of columns [begin, end). */
static void scatter_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    const int32_t *index = call->in[1].data;
    int64_t rows = operand_size(&call->in[1]), width = row_width(&call->in[0], &call->in[1]);
    int64_t table = call->out[0].type.shape.dim[0], first = begin * SCATTER_COLUMNS;
    int64_t count = (width < end * SCATTER_COLUMNS ? width : end * SCATTER_COLUMNS) - first;
    const float *from = (const float *)call->in[0].data + first;
    float *to = (float *)call->out[0].data + first;
    for (int64_t i = 0; i < table; i++)
        memset(to + i * width, 0, (size_t)count * sizeof *to);
    for (int64_t i = 0; i < rows; i++)
        if (index[i] >= 0 && index[i] < table)
            kernels()->accumulate(from + i * width, to + index[i] * width, count);
}

static void scatter_run(struct call *call)
{
    int64_t width = row_width(&call->in[0], &call->in[1]);
    if (operand_size(&call->in[1]) == 0) {
        memset(call->out[0].data, 0, (size_t)operand_size(&call->out[0]) * sizeof(float));
        return;
    }
    int64_t items = operand_size(&call->in[0]) + operand_size(&call->out[0]);
    double cost = 0.2 * SCATTER_COLUMNS * (double)items / (double)(width + 1);
    parallel_for((width + SCATTER_COLUMNS - 1) / SCATTER_COLUMNS, cost, scatter_body, call);
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

/* Rows [begin, end): the softmax, less 1 at the target, times the row's upstream gradient. A target
 * that names no class takes nothing off: the loss is NaN already. */
static void entropy_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    const int32_t *target = call->in[1].data;
    int64_t width = call->out[0].type.shape.dim[1];
    for (int64_t r = begin; r < end; r++) {
        float *y = (float *)call->out[0].data + r * width;
        kernels()->softmax((const float *)call->in[0].data + r * width, y, 1, width, false);
        if (target[r] >= 0 && target[r] < width)
            y[target[r]] -= 1;
        kernels()->binary(BINARY_multiply, y, 1, (const float *)call->in[2].data + r, 0, y, width);
    }
}

static void entropy_run(struct call *call)
{
    struct shape shape = call->out[0].type.shape;
    parallel_for(shape.dim[0], (double)shape.dim[1], entropy_body, call);
}

static status entropy_prepare(struct call *call)
{
    call->run = entropy_run;
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

/* A draw: rows of `width` items, each from a stream of its own, made by pieces. The name is kept:
 * the graph that owns it may be freed before the program runs. */
struct draw {
    int64_t rows, width, pieces; /* pieces: of one row */
    bool scalar;
    uint32_t least;
    float factor;
    char name[];
};

/* Pieces [begin, end) of all rows. */
static void draw_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    const struct draw *d = call->state;
    const struct run_key *key = call->run_key;
    for (int64_t at = begin; at < end;) {
        int64_t row = at / d->pieces, first = at % d->pieces * RANDOM_PIECE;
        int64_t pieces =
            d->pieces - at % d->pieces < end - at ? d->pieces - at % d->pieces : end - at;
        int64_t count =
            d->width - first < pieces * RANDOM_PIECE ? d->width - first : pieces * RANDOM_PIECE;
        uint64_t number = d->scalar ? 0 : (uint64_t)run_row(key, d->rows, row);
        struct random_stream stream = random_stream(key->seed, d->name, key->step, number);
        float *y = (float *)call->out[0].data + row * d->width + first;
        if (call->op == &op_dropout)
            kernels()->dropout(stream.key, stream.high, first, d->least, d->factor,
                               (const float *)call->in[0].data + row * d->width + first, y, count);
        else
            kernels()->random_uniform(stream.key, stream.high, first, y, count);
        at += pieces;
    }
}

static void draw_run(struct call *call)
{
    const struct draw *d = call->state;
    parallel_for(d->rows * d->pieces, RANDOM_PIECE * 0.5, draw_body, call);
}

static status draw_prepare(struct call *call)
{
    const char *name = call->attribute.random.call;
    size_t bytes = strlen(name) + 1;
    struct shape shape = call->out[0].type.shape;
    struct draw *d = memory_new(1, sizeof *d + bytes);
    if (!d)
        return TACIT_RESOURCES;
    memcpy(d->name, name, bytes);
    double rate = call->attribute.random.rate;
    d->scalar = shape.rank == 0;
    d->rows = d->scalar ? 1 : shape.dim[0];
    d->width = d->rows ? shape_size(shape) / d->rows : 0;
    d->pieces = (d->width + RANDOM_PIECE - 1) / RANDOM_PIECE;
    d->least = (uint32_t)ceil(rate * 0x1p24);
    d->factor = (float)(1 / (1 - rate));
    call->state = d;
    call->drop = memory_free;
    call->run = draw_run;
    return TACIT_OK;
}

const struct cpu_kernel cpu_index[] = {
    { &op_gather, gather_prepare, NULL, NULL, false },
    { &op_scatter_add, scatter_prepare, NULL, NULL, false },
    { &op_one_hot, one_hot_prepare, NULL, NULL, false },
    { &op_cross_entropy_gradient, entropy_prepare, NULL, NULL, false },
    { &op_fill_diagonal, diagonal_prepare, NULL, NULL, false },
    { &op_count_up, count_prepare, NULL, NULL, false },
    { &op_random_uniform, draw_prepare, NULL, NULL, false },
    { &op_dropout, draw_prepare, NULL, NULL, false },
    { 0 },
};
