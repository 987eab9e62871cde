/* Calls on whole rows. */
#include "base/parallel.h"
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/tables.h"

#include <string.h>

static int64_t width_of(const struct call *call)
{
    struct shape x = call->in[0].type.shape;
    return x.dim[x.rank - 1];
}

/* Item r * width of an operand. */
static float *row_of(const struct operand *operand, int64_t r, int64_t width)
{
    return (float *)operand->data + r * width;
}

/* Item `at` of an operand in f32 or bf16. */
static void *items_of(const struct operand *operand, int64_t at)
{
    return (char *)operand->data + at * (int64_t)dtype_bytes(operand->type.dtype);
}

static void softmax_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    int64_t w = width_of(call);
    kernels()->softmax(row_of(&call->in[0], begin, w), row_of(&call->out[0], begin, w), end - begin,
                       w, call->op == &op_log_softmax);
}

static void cross_entropy_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    int64_t w = width_of(call);
    kernels()->cross_entropy(row_of(&call->in[0], begin, w),
                             (const int32_t *)call->in[1].data + begin,
                             row_of(&call->out[0], begin, 1), end - begin, w);
}

static void layer_norm_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    int64_t w = width_of(call);
    kernels()->layer_norm(row_of(&call->in[0], begin, w), call->in[1].data, call->in[2].data,
                          call->attribute.number, items_of(&call->out[0], begin * w),
                          call->out[0].type.dtype == BF16, row_of(&call->out[1], begin, 1),
                          row_of(&call->out[2], begin, 1), end - begin, w);
}

static void l2_normalize_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    int64_t w = width_of(call);
    kernels()->l2_normalize(row_of(&call->in[0], begin, w), call->attribute.number,
                            row_of(&call->out[0], begin, w), row_of(&call->out[1], begin, 1),
                            end - begin, w);
}

static void run_rows(struct call *call, void (*body)(void *, int64_t, int64_t))
{
    int64_t w = width_of(call);
    if (w > 0)
        parallel_for(operand_size(&call->in[0]) / w, (double)w, body, call);
}

static void softmax_run(struct call *call)
{
    run_rows(call, softmax_body);
}

static void cross_entropy_run(struct call *call)
{
    run_rows(call, cross_entropy_body);
}

static void layer_norm_run(struct call *call)
{
    run_rows(call, layer_norm_body);
}

static void l2_normalize_run(struct call *call)
{
    run_rows(call, l2_normalize_body);
}

static status softmax_prepare(struct call *call)
{
    call->run = softmax_run;
    return TACIT_OK;
}

static status cross_entropy_prepare(struct call *call)
{
    call->run = cross_entropy_run;
    return TACIT_OK;
}

static status layer_norm_prepare(struct call *call)
{
    call->run = layer_norm_run;
    return TACIT_OK;
}

static status l2_normalize_prepare(struct call *call)
{
    call->run = l2_normalize_run;
    return TACIT_OK;
}

/* Rows are cut into so many parts, whatever the threads: sums over rows then have the same bits. */
enum { PARTS = 16 };

/* Parts [begin, end); each adds up dweight and dbias in a place of its own in the scratch. */
static void layer_norm_gradient_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    int64_t w = width_of(call), rows = operand_size(&call->in[0]) / w;
    for (int64_t part = begin; part < end; part++) {
        int64_t first = rows * part / PARTS, last = rows * (part + 1) / PARTS;
        double *sums = (double *)call->scratch + 2 * w * part;
        memset(sums, 0, (size_t)(2 * w) * sizeof *sums);
        kernels()->layer_norm_gradient(
            row_of(&call->in[0], first, w), call->in[1].data, row_of(&call->in[2], first, 1),
            row_of(&call->in[3], first, 1), items_of(&call->in[4], first * w),
            call->in[4].type.dtype == BF16, row_of(&call->out[0], first, w), sums, sums + w,
            last - first, w);
    }
}

static void layer_norm_gradient_run(struct call *call)
{
    int64_t w = width_of(call);
    if (w == 0)
        return;
    parallel_for(PARTS, (double)operand_size(&call->in[0]) / PARTS, layer_norm_gradient_body, call);
    for (int64_t i = 0; i < 2 * w; i++) {
        double total = 0;
        for (int part = 0; part < PARTS; part++)
            total += ((double *)call->scratch)[2 * w * part + i];
        ((float *)call->out[1 + i / w].data)[i % w] = (float)total;
    }
}

static status layer_norm_gradient_prepare(struct call *call)
{
    call->run = layer_norm_gradient_run;
    call->scratch_bytes = (size_t)(2 * width_of(call) * PARTS) * sizeof(double);
    return TACIT_OK;
}

/* dx may lie where dy does. */
static void layer_norm_gradient_in_place(const struct node *node, int in[OUTPUTS_MAX])
{
    (void)node;
    in[0] = 4;
}

const struct cpu_kernel cpu_rows[] = {
    { &op_softmax, softmax_prepare, NULL, NULL, false },
    { &op_log_softmax, softmax_prepare, NULL, NULL, false },
    { &op_cross_entropy, cross_entropy_prepare, NULL, NULL, false },
    { &op_layer_norm, layer_norm_prepare, NULL, NULL, false },
    { &op_layer_norm_gradient, layer_norm_gradient_prepare, NULL, layer_norm_gradient_in_place,
      false },
    { &op_l2_normalize, l2_normalize_prepare, NULL, NULL, false },
    { 0 },
};
