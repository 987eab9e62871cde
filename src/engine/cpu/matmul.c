/* Calls of matrix products. */
#include "engine/cpu/half.h"
#include "engine/cpu/onednn.h"
#include "engine/cpu/tables.h"

static void product_run(struct call *call)
{
    call->failure = product_execute(call->state, call->in[0].data, call->in[1].data,
                                    call->out[0].data, call->scratch);
}

/* Product of all axes but the last two. */
static int64_t batches(struct shape shape)
{
    int64_t count = 1;
    for (int i = 0; i < shape.rank - 2; i++)
        count *= shape.dim[i];
    return count;
}

static status product_prepare(struct call *call)
{
    struct shape a = call->in[0].type.shape, b = call->in[1].type.shape,
                 y = call->out[0].type.shape;
    bool ta = call->attribute.transpose.a, tb = call->attribute.transpose.b;
    struct product_request r = { .batch = batches(y),
                                 .m = y.dim[y.rank - 2],
                                 .n = y.dim[y.rank - 1],
                                 .k = a.dim[a.rank - 1 - ta],
                                 .a_repeats = batches(a) == 1,
                                 .b_repeats = batches(b) == 1,
                                 .a_transposed = ta,
                                 .b_transposed = tb,
                                 .a_bf16 = call->in[0].type.dtype == BF16,
                                 .b_bf16 = call->in[1].type.dtype == BF16,
                                 .c_bf16 = call->out[0].type.dtype == BF16 };
    if ((batches(a) != 1 && batches(a) != r.batch) || (batches(b) != 1 && batches(b) != r.batch))
        return fail(TACIT_FAILED, "matmul on the CPU cannot broadcast %s against %s", shape_text(a),
                    shape_text(b));
    if (r.b_repeats && !ta) { /* one weight for all batches: one tall matrix */
        r.m *= r.batch;
        r.batch = 1;
    }
    struct primitive *primitive;
    TRY(product_new(&r, &primitive));
    call->state = primitive;
    call->drop = primitive_free;
    call->scratch_bytes = primitive_scratch(primitive);
    call->implementation = primitive_name(primitive);
    call->flops = 2.0 * (double)r.batch * (double)r.m * (double)r.n * (double)r.k;
    call->run = product_run;
    return TACIT_OK;
}

const struct cpu_kernel cpu_matmul[] = {
    { &op_matmul, product_prepare, NULL, NULL, false },
    { &op_matmul_sum, half_prepare, NULL, NULL, false },
    { &op_matmul_accumulate, half_prepare, NULL, NULL, false },
    { 0 },
};
