/* Sums, maxima, argmax over axes; broadcasting. */
#include "base/memory.h"
#include "base/parallel.h"
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/tables.h"

#include <math.h>
#include <string.h>

/* The input's axes, neighbours of one kind merged; innermost first. */
struct reduction {
    int axes;
    int64_t size[RANK_MAX], stride[RANK_MAX]; /* stride in the result; 0 for reduced axes */
    bool reduced[RANK_MAX], largest;
    int64_t results;
    double *total; /* in scratch: [results] */
};

static void merge_axes(const struct call *call, struct reduction *r)
{
    struct shape from = call->in[0].type.shape;
    int64_t step = 1;
    for (int axis = from.rank - 1; axis >= 0; axis--) {
        bool reduced = call->attribute.reduce.axes >> axis & 1;
        if (from.dim[axis] == 1)
            continue;
        if (r->axes > 0 && r->reduced[r->axes - 1] == reduced) {
            r->size[r->axes - 1] *= from.dim[axis];
        } else {
            r->reduced[r->axes] = reduced;
            r->size[r->axes] = from.dim[axis];
            r->stride[r->axes++] = reduced ? 0 : step;
        }
        step *= reduced ? 1 : from.dim[axis];
    }
    if (r->axes == 0) {
        r->axes = 1;
        r->size[0] = 1;
        r->reduced[0] = true;
    }
}

/* Rows of the innermost axis that is reduced: one number each. */
static void reduce_inner(const struct reduction *r, const float *x, double *total, int64_t rows)
{
    for (int64_t row = 0; row < rows; row++) {
        int64_t index = row, to = 0;
        for (int axis = 1; axis < r->axes; axis++) {
            to += index % r->size[axis] * r->stride[axis];
            index /= r->size[axis];
        }
        if (r->largest) {
            float best = (float)total[to];
            kernels()->run_max(x + row * r->size[0], r->size[0], &best);
            total[to] = (double)best;
        } else {
            kernels()->run_sum(x + row * r->size[0], r->size[0], &total[to]);
        }
    }
}

/* Runs of the innermost axis that is kept: added item by item. */
static void reduce_outer(const struct reduction *r, const float *x, double *total, int64_t rows)
{
    int64_t width = r->size[0];
    if (!r->largest && r->axes == 2) {
        kernels()->column_sum(x, false, rows, width, total);
        return;
    }
    for (int64_t row = 0; row < rows; row++) {
        int64_t index = row, to = 0;
        for (int axis = 1; axis < r->axes; axis++) {
            to += index % r->size[axis] * r->stride[axis];
            index /= r->size[axis];
        }
        for (int64_t i = 0; i < width; i++) {
            double here = (double)x[row * width + i];
            total[to + i] = !r->largest                            ? total[to + i] + here
                            : here > total[to + i] || here != here ? here
                                                                   : total[to + i];
        }
    }
}

struct reduce_piece {
    struct call *call;
    const struct reduction *r;
};

/* Rows whose results are their own (all but the innermost axis kept) can be shared out. */
static void reduce_rows(void *argument, int64_t begin, int64_t end)
{
    struct reduce_piece *piece = argument;
    const struct reduction *r = piece->r;
    double *total = piece->call->scratch;
    reduce_inner(r, (const float *)piece->call->in[0].data + begin * r->size[0], total + begin,
                 end - begin);
}

/* Sums over the rows of a matrix are taken in so many parts, whatever the threads: so they have the
 * same bits. Part 0 is in the place of the totals, the others follow. */
enum { PARTS = 16, PARTS_WIDTH = 1 << 15 };

static void column_parts(void *argument, int64_t begin, int64_t end)
{
    struct reduce_piece *piece = argument;
    const struct reduction *r = piece->r;
    int64_t width = r->size[0], rows = r->size[1];
    for (int64_t part = begin; part < end; part++) {
        int64_t first = rows * part / PARTS, last = rows * (part + 1) / PARTS;
        double *total = (double *)piece->call->scratch + part * width;
        memset(total, 0, (size_t)width * sizeof *total);
        const struct operand *x = &piece->call->in[0];
        kernels()->column_sum((const char *)x->data +
                                  first * width * (int64_t)dtype_bytes(x->type.dtype),
                              x->type.dtype == BF16, last - first, width, total);
    }
}

bool sum_reads_bf16(const struct graph *graph, const struct node *node)
{
    struct shape x = graph->value[node->in[0]].type.shape;
    int last = x.rank - 1;
    return last > 0 && node->attribute.reduce.axes == (1u << last) - 1 && x.dim[last] > 1 &&
           x.dim[last] <= PARTS_WIDTH && shape_size(x) > x.dim[last];
}

static bool by_parts(const struct reduction *r)
{
    return !r->largest && r->axes == 2 && !r->reduced[0] && r->results <= PARTS_WIDTH;
}

static void column_sums(struct reduce_piece *piece)
{
    double *total = piece->call->scratch;
    int64_t width = piece->r->size[0];
    parallel_for(PARTS, 0.2 * (double)(width * piece->r->size[1]) / PARTS, column_parts, piece);
    for (int64_t part = 1; part < PARTS; part++)
        for (int64_t i = 0; i < width; i++)
            total[i] += total[part * width + i];
}

static void reduce_run(struct call *call)
{
    const struct reduction *r = call->state;
    double *total = call->scratch;
    float *to = call->out[0].data;
    int64_t items = operand_size(&call->in[0]), rows = r->size[0] ? items / r->size[0] : 0;
    for (int64_t i = 0; i < r->results; i++)
        total[i] = r->largest ? -INFINITY : 0;
    struct reduce_piece piece = { call, r };
    if (r->reduced[0] && r->axes <= 2)
        parallel_for(rows, 0.2 * (double)r->size[0], reduce_rows, &piece);
    else if (by_parts(r))
        column_sums(&piece);
    else if (r->reduced[0])
        reduce_inner(r, call->in[0].data, total, rows);
    else
        reduce_outer(r, call->in[0].data, total, rows);
    for (int64_t i = 0; i < r->results; i++)
        to[i] = (float)total[i];
}

static status reduce_prepare(struct call *call)
{
    struct reduction *r = memory_new(1, sizeof *r);
    if (!r)
        return TACIT_RESOURCES;
    r->largest = call->op == &op_amax;
    r->results = operand_size(&call->out[0]);
    merge_axes(call, r);
    call->state = r;
    call->drop = memory_free;
    call->scratch_bytes = (size_t)(r->results * (by_parts(r) ? PARTS : 1)) * sizeof(double);
    call->run = reduce_run;
    return TACIT_OK;
}

/* NaN is larger than any number. */
static bool is_larger(float x, float than)
{
    return x > than || (x != x && than == than);
}

static void argmax_run(struct call *call)
{
    struct shape from = call->in[0].type.shape;
    int axis = call->attribute.part.axis;
    int64_t inner = 1, length = from.dim[axis], results = operand_size(&call->out[0]);
    int32_t *to = call->out[0].data;
    for (int i = axis + 1; i < from.rank; i++)
        inner *= from.dim[i];
    for (int64_t i = 0; i < results; i++) {
        const float *x = (const float *)call->in[0].data + i / inner * inner * length + i % inner;
        int64_t best = 0;
        for (int64_t j = 1; j < length; j++)
            best = is_larger(x[j * inner], x[best * inner]) ? j : best;
        to[i] = (int32_t)best;
    }
}

static status argmax_prepare(struct call *call)
{
    call->run = argmax_run;
    return TACIT_OK;
}

/* [N, C, 1, 1] spread over planes may go straight into an activation. */
static bool is_spread(const struct graph *graph, const struct node *node)
{
    struct shape from = graph->value[node->in[0]].type.shape;
    struct shape to = graph->value[node->out[0]].type.shape;
    return layout_image_fits(to) && from.rank == 4 && from.dim[0] == to.dim[0] &&
           from.dim[1] == to.dim[1] && from.dim[2] == 1 && from.dim[3] == 1;
}

static void broadcast_layout(const struct graph *graph, const struct node *node,
                             struct layout_choice *choice)
{
    if (is_spread(graph, node))
        choice->out[0] = LAYOUT_IMAGE;
}

static void spread_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    kernels()->image_spread(call->state, call->in[0].data, call->out[0].data, begin, end);
}

static void spread_run(struct call *call)
{
    const struct image *image = call->state;
    parallel_for(image->rows, (double)(image->channels * image->plane), spread_body, call);
}

static void broadcast_run(struct call *call)
{
    struct shape to = call->out[0].type.shape;
    int64_t stride[RANK_MAX], size = shape_size(to);
    const uint32_t *from = call->in[0].data;
    uint32_t *y = call->out[0].data;
    shape_broadcast_strides(call->in[0].type.shape, to, stride);
    int64_t inner = to.rank ? to.dim[to.rank - 1] : 1, step = to.rank ? stride[to.rank - 1] : 0;
    for (int64_t row = 0; inner && row < size / inner; row++) {
        int64_t index = row, offset = 0;
        for (int axis = to.rank - 2; axis >= 0; axis--) {
            offset += index % to.dim[axis] * stride[axis];
            index /= to.dim[axis];
        }
        for (int64_t i = 0; i < inner; i++)
            y[row * inner + i] = from[offset + i * step];
    }
}

static status broadcast_prepare(struct call *call)
{
    call->run = broadcast_run;
    if (call->out[0].layout == LAYOUT_PLAIN)
        return TACIT_OK;
    struct shape to = call->out[0].type.shape;
    struct image *image = memory_new(1, sizeof *image);
    if (!image)
        return TACIT_RESOURCES;
    *image = (struct image){ to.dim[0],
                             to.dim[1],
                             to.dim[2] * to.dim[3],
                             to.dim[2],
                             to.dim[3],
                             call->block ? call->block : to.dim[1],
                             call->out[0].type.dtype == BF16 };
    call->state = image;
    call->drop = memory_free;
    call->run = spread_run;
    return TACIT_OK;
}

const struct cpu_kernel cpu_reduce[] = {
    { &op_sum, reduce_prepare, NULL, NULL, false },
    { &op_amax, reduce_prepare, NULL, NULL, false },
    { &op_argmax, argmax_prepare, NULL, NULL, false },
    { &op_broadcast_to, broadcast_prepare, broadcast_layout, NULL, true },
    { 0 },
};
