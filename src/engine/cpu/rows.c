/* Calls on whole rows. */
#include "base/parallel.h"
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/tables.h"

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
                          call->attribute.number, row_of(&call->out[0], begin, w),
                          row_of(&call->out[1], begin, 1), row_of(&call->out[2], begin, 1),
                          end - begin, w);
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

const struct cpu_kernel cpu_rows[] = {
    { &op_softmax, softmax_prepare, NULL, NULL, false },
    { &op_log_softmax, softmax_prepare, NULL, NULL, false },
    { &op_cross_entropy, cross_entropy_prepare, NULL, NULL, false },
    { &op_layer_norm, layer_norm_prepare, NULL, NULL, false },
    { &op_l2_normalize, l2_normalize_prepare, NULL, NULL, false },
    { 0 },
};
