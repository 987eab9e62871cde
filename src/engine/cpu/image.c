/* Calls on activations [N, C, H, W] in any layout: batch normalisation, pooling, reorders. */
#include "base/memory.h"
#include "base/parallel.h"
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/tables.h"

#include <math.h>
#include <string.h>

/* Rows are summed in this many parts at most, whatever the number of threads. */
enum { PARTS_MAX = 32 };

/* How an operand of rank 2 or 4 lies in memory. A plain [N, C] is one block of C channels. */
static struct image image_of(const struct call *call, const struct operand *operand)
{
    struct shape s = operand->type.shape;
    struct image image = { .rows = s.dim[0],
                           .channels = s.dim[1],
                           .plane = 1,
                           .height = 1,
                           .width = 1,
                           .bf16 = operand->type.dtype == BF16 };
    for (int i = 2; i < s.rank; i++)
        image.plane *= s.dim[i];
    image.width = s.rank == 4 ? s.dim[3] : image.plane;
    image.height = s.rank == 4 ? s.dim[2] : 1;
    image.block = s.rank == 2 ? image.channels : 1;
    if (operand->layout == LAYOUT_IMAGE)
        image.block = call->block ? call->block : image.channels;
    return image;
}

/* ---- batch normalisation ---- */

struct normalisation {
    struct batch_norm b;
    int64_t parts, part_rows;
    double *sums; /* [parts, 2, channels] */
};

static status normalisation_prepare(struct call *call, void (*run)(struct call *), int vectors,
                                    bool sums)
{
    struct normalisation *n = memory_new(1, sizeof *n);
    if (!n)
        return TACIT_RESOURCES;
    struct batch_norm *b = &n->b;
    b->image = image_of(call, &call->in[0]);
    b->groups = call->attribute.batch_norm.groups;
    b->relu = call->attribute.batch_norm.relu;
    b->pool = call->attribute.batch_norm.pool;
    /* Parts never cross the border of a group. */
    int64_t per_group = b->image.rows / b->groups, most = PARTS_MAX / b->groups;
    n->part_rows = (per_group + (most < 1 ? 1 : most) - 1) / (most < 1 ? 1 : most);
    n->part_rows = n->part_rows < 1 ? 1 : n->part_rows;
    int64_t parts = (per_group + n->part_rows - 1) / n->part_rows;
    n->parts = b->groups * (parts < 1 ? 1 : parts);
    call->state = n;
    call->drop = memory_free;
    call->run = run;
    size_t statistics = (size_t)(b->groups * b->image.channels);
    call->scratch_bytes = (size_t)vectors * statistics * sizeof(float) + 64;
    if (sums)
        call->scratch_bytes += (size_t)(n->parts * 2 * b->image.channels) * sizeof(double);
    return TACIT_OK;
}

/* Rows of part p. */
static void part_range(const struct normalisation *n, int64_t p, int64_t *begin, int64_t *end)
{
    int64_t per_group = n->b.image.rows / n->b.groups, parts = n->parts / n->b.groups;
    int64_t stop = p / parts * per_group + per_group;
    *begin = p / parts * per_group + p % parts * n->part_rows;
    *end = *begin + n->part_rows < stop ? *begin + n->part_rows : stop;
}

typedef void sum_function(const struct batch_norm *b, int64_t begin, int64_t end, double *sums);

static void sum_parts(struct normalisation *n, sum_function *sum, int64_t begin, int64_t end)
{
    int64_t width = 2 * n->b.image.channels, first, last;
    for (int64_t p = begin; p < end; p++) {
        part_range(n, p, &first, &last);
        memset(n->sums + p * width, 0, (size_t)width * sizeof(double));
        sum(&n->b, first, last, n->sums + p * width);
    }
}

static void statistics_body(void *argument, int64_t begin, int64_t end)
{
    sum_parts(argument, kernels()->bn_sums, begin, end);
}

static void gradient_sums_body(void *argument, int64_t begin, int64_t end)
{
    sum_parts(argument, kernels()->bn_gradient_sums, begin, end);
}

static double row_cost(const struct normalisation *n)
{
    return 0.15 * (double)(n->b.image.channels * n->b.image.plane);
}

/* Adds up the parts of group g: sums [2, channels] into its first part. */
static const double *group_sums(const struct normalisation *n, int64_t g)
{
    int64_t parts = n->parts / n->b.groups, width = 2 * n->b.image.channels;
    double *total = n->sums + g * parts * width;
    for (int64_t p = 1; p < parts; p++)
        for (int64_t i = 0; i < width; i++)
            total[i] += total[p * width + i];
    return total;
}

static void statistics_run(struct call *call)
{
    struct normalisation *n = call->state;
    struct batch_norm *b = &n->b;
    b->x = call->in[0].data;
    n->sums = call->scratch;
    parallel_for(n->parts, row_cost(n) * (double)n->part_rows, statistics_body, n);
    float *mean = call->out[0].data, *inverse = call->out[1].data, *variance = call->out[2].data;
    int64_t channels = b->image.channels;
    double count = (double)(b->image.rows / b->groups * b->image.plane);
    for (int64_t g = 0; g < b->groups; g++) {
        const double *total = group_sums(n, g);
        for (int64_t c = 0; c < channels; c++) {
            double centre = total[c] / count,
                   spread = total[channels + c] / count - centre * centre;
            spread = spread > 0 ? spread : spread == spread ? 0 : spread;
            mean[g * channels + c] = (float)centre;
            variance[g * channels + c] = (float)spread;
            inverse[g * channels + c] =
                (float)(1 / sqrt(spread + call->attribute.batch_norm.epsilon));
        }
    }
}

static status statistics_prepare(struct call *call)
{
    return normalisation_prepare(call, statistics_run, 0, true);
}

/* y = slope x + offset, from statistics and parameters. */
static void slopes(const struct call *call, const struct batch_norm *b, float *slope, float *offset)
{
    const float *mean = call->in[1].data, *inverse = call->in[2].data;
    const float *weight = call->in[3].data, *bias = call->in[4].data;
    for (int64_t s = 0; s < b->groups * b->image.channels; s++) {
        int64_t c = s % b->image.channels;
        slope[s] = weight[c] * inverse[s];
        offset[s] = bias[c] - mean[s] * slope[s];
    }
}

static void apply_body(void *argument, int64_t begin, int64_t end)
{
    const struct normalisation *n = argument;
    kernels()->bn_apply(&n->b, begin, end);
}

static void apply_run(struct call *call)
{
    struct normalisation *n = call->state;
    struct batch_norm *b = &n->b;
    float *slope = call->scratch, *offset = slope + b->groups * b->image.channels;
    slopes(call, b, slope, offset);
    b->slope = slope;
    b->offset = offset;
    b->x = call->in[0].data;
    b->residual = call->inputs == 6 ? call->in[5].data : NULL;
    b->y = call->out[0].data;
    parallel_for(b->image.rows, row_cost(n), apply_body, n);
}

static status apply_prepare(struct call *call)
{
    return normalisation_prepare(call, apply_run, 2, false);
}

/* Coefficients of the second pass (reference: ops/batch_norm.c), and the parameters' gradients. */
static void gradient_coefficients(struct call *call, const struct normalisation *n, float *dx_dy,
                                  float *dx_x, float *dx_one)
{
    const struct batch_norm *b = &n->b;
    const float *mean = call->in[1].data, *inverse = call->in[2].data, *weight = call->in[3].data;
    float *dweight = call->out[1].data, *dbias = call->out[2].data;
    int64_t channels = b->image.channels;
    double count = (double)(b->image.rows / b->groups * b->image.plane);
    memset(dweight, 0, (size_t)channels * sizeof *dweight);
    memset(dbias, 0, (size_t)channels * sizeof *dbias);
    for (int64_t g = 0; g < b->groups; g++) {
        const double *total = group_sums(n, g);
        for (int64_t c = 0; c < channels; c++) {
            int64_t s = g * channels + c;
            double m = (double)mean[s], r = (double)inverse[s], w = (double)weight[c];
            double sum = total[c], product = r * (total[channels + c] - m * total[c]);
            double bent = call->attribute.batch_norm.total ? w * r * r * product / count : 0;
            double level = call->attribute.batch_norm.total ? w * r * sum / count : 0;
            dweight[c] += (float)product;
            dbias[c] += (float)sum;
            dx_dy[s] = (float)(w * r);
            dx_x[s] = (float)-bent;
            dx_one[s] = (float)(bent * m - level);
        }
    }
}

static void gradient_body(void *argument, int64_t begin, int64_t end)
{
    const struct normalisation *n = argument;
    kernels()->bn_gradient_apply(&n->b, begin, end);
}

static void gradient_run(struct call *call)
{
    struct normalisation *n = call->state;
    struct batch_norm *b = &n->b;
    int64_t statistics = b->groups * b->image.channels;
    n->sums = call->scratch;
    float *vector = (float *)(n->sums + n->parts * 2 * b->image.channels);
    slopes(call, b, vector, vector + statistics);
    b->slope = vector;
    b->offset = vector + statistics;
    b->dx_dy = vector + 2 * statistics;
    b->dx_x = vector + 3 * statistics;
    b->dx_one = vector + 4 * statistics;
    b->x = call->in[0].data;
    b->dy = call->in[5].data;
    b->y_forward = call->inputs == 7 ? call->in[6].data : NULL;
    b->dx = call->out[0].data;
    b->dresidual = call->inputs == 7 ? call->out[3].data : NULL;
    parallel_for(n->parts, 2 * row_cost(n) * (double)n->part_rows, gradient_sums_body, n);
    gradient_coefficients(call, n, (float *)b->dx_dy, (float *)b->dx_x, (float *)b->dx_one);
    parallel_for(b->image.rows, 2 * row_cost(n), gradient_body, n);
}

static status gradient_prepare(struct call *call)
{
    return normalisation_prepare(call, gradient_run, 5, true);
}

/* Whether the call works on activations in the IMAGE layout: as x lies, or as it ought to. */
static bool wants_image(const struct graph *graph, const struct node *node)
{
    const struct value *x = &graph->value[node->in[0]];
    return layout_image_fits(x->type.shape) && x->layout == LAYOUT_IMAGE;
}

static void statistics_layout(const struct graph *graph, const struct node *node,
                              struct layout_choice *choice)
{
    choice->in[0] = wants_image(graph, node) ? LAYOUT_IMAGE : LAYOUT_PLAIN;
}

static void apply_layout(const struct graph *graph, const struct node *node,
                         struct layout_choice *choice)
{
    if (wants_image(graph, node))
        choice->in[0] = choice->in[5] = choice->out[0] = LAYOUT_IMAGE;
}

static void gradient_layout(const struct graph *graph, const struct node *node,
                            struct layout_choice *choice)
{
    if (!wants_image(graph, node))
        return;
    choice->in[0] = choice->in[5] = choice->in[6] = choice->out[0] = LAYOUT_IMAGE;
    choice->out[3] = node->inputs == 7 ? LAYOUT_IMAGE : LAYOUT_PLAIN;
}

/* Item by item without pooling: the result may take x's place. */
static void apply_in_place(const struct node *node, int in[OUTPUTS_MAX])
{
    if (!node->attribute.batch_norm.pool)
        in[0] = 0;
}

/* dz takes dy's place where it is wanted; else dx may. */
static void gradient_in_place(const struct node *node, int in[OUTPUTS_MAX])
{
    if (node->inputs == 7)
        in[3] = 5;
    else if (!node->attribute.batch_norm.pool)
        in[0] = 5;
}

/* ---- pooling, means, reorders ---- */

static void mean_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    kernels()->image_mean(call->state, call->in[0].data, call->out[0].data, begin, end);
}

static void mean_run(struct call *call)
{
    const struct image *image = call->state;
    parallel_for(image->rows, 0.2 * (double)(image->channels * image->plane), mean_body, call);
}

static status mean_prepare(struct call *call)
{
    struct image *image = memory_new(1, sizeof *image);
    if (!image)
        return TACIT_RESOURCES;
    *image = image_of(call, &call->in[0]);
    call->state = image;
    call->drop = memory_free;
    call->run = mean_run;
    return TACIT_OK;
}

static void pool_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    const struct window_pooling *p = call->state;
    void *to = call->out[0].data;
    if (call->op == &op_max_pool)
        kernels()->max_pool(p, call->in[0].data, to, call->out[1].data, begin, end);
    else if (call->op == &op_max_pool_gradient)
        kernels()->max_pool_gradient(p, call->in[0].data, call->in[1].data, to, begin, end);
    else if (call->op == &op_average_pool)
        kernels()->average_pool(p, call->in[0].data, to, begin, end);
    else
        kernels()->average_pool_gradient(p, call->in[0].data, to, begin, end);
}

static void pool_run(struct call *call)
{
    const struct window_pooling *p = call->state;
    parallel_for(p->from.rows, 2 * (double)(p->from.channels * p->from.plane), pool_body, call);
}

static status pool_prepare(struct call *call)
{
    struct window_pooling *p = memory_new(1, sizeof *p);
    if (!p)
        return TACIT_RESOURCES;
    bool backward = call->op == &op_max_pool_gradient || call->op == &op_average_pool_gradient;
    p->from = image_of(call, backward ? &call->out[0] : &call->in[0]);
    p->to = image_of(call, backward ? &call->in[0] : &call->out[0]);
    memcpy(p->kernel, call->attribute.pooling.kernel, sizeof p->kernel);
    memcpy(p->stride, call->attribute.pooling.stride, sizeof p->stride);
    memcpy(p->padding, call->attribute.pooling.padding, sizeof p->padding);
    call->state = p;
    call->drop = memory_free;
    call->run = pool_run;
    return TACIT_OK;
}

static void pool_layout(const struct graph *graph, const struct node *node,
                        struct layout_choice *choice)
{
    if (wants_image(graph, node))
        choice->in[0] = choice->in[1] = choice->out[0] = choice->out[1] = LAYOUT_IMAGE;
}

struct reorder {
    struct image from, to;
};

static void reorder_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    const struct reorder *r = call->state;
    kernels()->image_reorder(&r->from, call->in[0].data, &r->to, call->out[0].data, begin, end);
}

static void reorder_run(struct call *call)
{
    const struct reorder *r = call->state;
    parallel_for(r->from.rows, (double)(r->from.channels * r->from.plane), reorder_body, call);
}

static status reorder_prepare(struct call *call)
{
    struct reorder *r = memory_new(1, sizeof *r);
    if (!r)
        return TACIT_RESOURCES;
    r->from = image_of(call, &call->in[0]);
    r->to = image_of(call, &call->out[0]);
    call->state = r;
    call->drop = memory_free;
    call->run = reorder_run;
    return TACIT_OK;
}

const struct cpu_kernel cpu_image[] = {
    { &op_bn_statistics, statistics_prepare, statistics_layout, NULL, true },
    { &op_bn_apply, apply_prepare, apply_layout, apply_in_place, true },
    { &op_bn_gradient, gradient_prepare, gradient_layout, gradient_in_place, true },
    { &op_global_average_pool, mean_prepare, statistics_layout, NULL, true },
    { &op_max_pool, pool_prepare, pool_layout, NULL, true },
    { &op_max_pool_gradient, pool_prepare, pool_layout, NULL, true },
    { &op_average_pool, pool_prepare, pool_layout, NULL, true },
    { &op_average_pool_gradient, pool_prepare, pool_layout, NULL, true },
    { &op_reorder, reorder_prepare, NULL, NULL, true },
    { 0 },
};
