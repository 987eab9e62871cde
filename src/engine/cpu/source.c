/* Calls at the border of a program: inputs that are simply there, outputs, states, gradients; and
 * changes of the number type. */
#include "base/parallel.h"
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/tables.h"

#include <string.h>

static void nothing_run(struct call *call)
{
    (void)call;
}

static status nothing_prepare(struct call *call)
{
    call->run = nothing_run;
    return TACIT_OK;
}

/* The number is written once: a constant has memory of its own. */
static void constant_run(struct call *call)
{
    *(float *)call->out[0].data = (float)call->attribute.number;
}

static status constant_prepare(struct call *call)
{
    call->run = constant_run;
    return TACIT_OK;
}

static void output_run(struct call *call)
{
    memcpy(call->out[0].data, call->in[0].data,
           (size_t)operand_size(&call->in[0]) * sizeof(uint32_t));
}

static status output_prepare(struct call *call)
{
    call->run = output_run;
    return TACIT_OK;
}

static void commit_run(struct call *call)
{
    memcpy(tensor_value(call->attribute.tensor), call->in[0].data,
           (size_t)operand_size(&call->in[0]) * sizeof(float));
}

static status commit_prepare(struct call *call)
{
    call->run = commit_run;
    return TACIT_OK;
}

static void accumulate_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    kernels()->accumulate((const float *)call->in[0].data + begin,
                          tensor_gradient(call->attribute.tensor) + begin, end - begin);
}

static void accumulate_run(struct call *call)
{
    parallel_for(operand_size(&call->in[0]), 0.3, accumulate_body, call);
}

static status accumulate_prepare(struct call *call)
{
    call->run = accumulate_run;
    return TACIT_OK;
}

static void cast_body(void *argument, int64_t begin, int64_t end)
{
    struct call *call = argument;
    enum dtype from = call->in[0].type.dtype, to = call->out[0].type.dtype;
    const float *x = call->in[0].data;
    float *y = call->out[0].data;
    if (from == F32 && to == BF16)
        kernels()->to_bf16(x + begin, (uint16_t *)call->out[0].data + begin, end - begin);
    else if (from == BF16 && to == F32)
        kernels()->from_bf16((const uint16_t *)call->in[0].data + begin, y + begin, end - begin);
    else
        for (int64_t i = begin; i < end; i++) {
            if (from == I32)
                y[i] = (float)((const int32_t *)call->in[0].data)[i];
            else
                ((int32_t *)call->out[0].data)[i] = (int32_t)x[i];
        }
}

static void cast_run(struct call *call)
{
    parallel_for(operand_size(&call->in[0]), 0.3, cast_body, call);
}

static status cast_prepare(struct call *call)
{
    enum dtype from = call->in[0].type.dtype, to = call->out[0].type.dtype;
    if ((from == BF16 && to != F32) || (to == BF16 && from != F32))
        return fail(TACIT_FAILED, "the CPU casts bf16 from and to f32 only");
    call->run = cast_run;
    return TACIT_OK;
}

static void gather_ranks_run(struct call *call)
{
    status outcome = call->comm->all_gather(call->comm->context, call->in[0].data,
                                            call->out[0].data, operand_size(&call->in[0]));
    call->failure = outcome == TACIT_OK
                        ? TACIT_OK
                        : fail(outcome, "%s: another rank did not answer", call->op->name);
}

static status gather_ranks_prepare(struct call *call)
{
    int64_t ranks = call->attribute.part.stop;
    if (!call->comm || call->comm->ranks != ranks)
        return fail(TACIT_FAILED, "a graph for %lld ranks was compiled for %d", (long long)ranks,
                    call->comm ? call->comm->ranks : 1);
    call->run = gather_ranks_run;
    return TACIT_OK;
}

const struct cpu_kernel cpu_source[] = {
    { &op_all_gather, gather_ranks_prepare, NULL, NULL, false },
    { &op_input, nothing_prepare, NULL, NULL, false },
    { &op_knob, nothing_prepare, NULL, NULL, false },
    { &op_constant, constant_prepare, NULL, NULL, false },
    { &op_parameter, nothing_prepare, NULL, NULL, false },
    { &op_state, nothing_prepare, NULL, NULL, false },
    { &op_output, output_prepare, NULL, NULL, false },
    { &op_commit, commit_prepare, NULL, NULL, false },
    { &op_accumulate, accumulate_prepare, NULL, NULL, false },
    { &op_cast, cast_prepare, layout_same, NULL, false },
    { 0 },
};
