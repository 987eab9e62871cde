/* Calls of attention: heads of texts are shared out, each thread with a scratch of its own. */
#include "base/memory.h"
#include "base/parallel.h"
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/tables.h"

struct attention_call {
    struct attention_work work;
    int64_t items, slots, slot_items; /* a slot: the scratch of a thread, in floats */
    float *scratch;
    bool backward;
};

/* Slots [begin, end), each with its share of the heads. */
static void slot_body(void *argument, int64_t begin, int64_t end)
{
    const struct attention_call *c = argument;
    for (int64_t slot = begin; slot < end; slot++) {
        float *scratch = c->scratch + slot * c->slot_items;
        for (int64_t i = c->items * slot / c->slots; i < c->items * (slot + 1) / c->slots; i++)
            (c->backward ? kernels()->attention_gradient : kernels()->attention)(&c->work, i,
                                                                                 scratch);
    }
}

static void attention_run(struct call *call)
{
    struct attention_call *c = call->state;
    int group = c->backward ? 4 : 1;
    c->scratch = call->scratch;
    c->work.qkv = call->in[0].data;
    c->work.group = call->inputs > group ? call->in[group].data : NULL;
    c->work.y = c->backward ? call->in[1].data : call->out[0].data;
    c->work.level = c->backward ? call->in[2].data : call->out[1].data;
    c->work.dy = c->backward ? call->in[3].data : NULL;
    c->work.dqkv = c->backward ? call->out[0].data : NULL;
    parallel_for(c->slots, 1e6, slot_body, c);
}

static int64_t whole(int64_t count)
{
    return (count + 15) / 16 * 16;
}

static status attention_prepare(struct call *call)
{
    struct attention_call *c = memory_new(1, sizeof *c);
    if (!c)
        return TACIT_RESOURCES;
    struct shape qkv = call->in[0].type.shape;
    int64_t heads = call->attribute.attention.heads, width = qkv.dim[2] / 3;
    c->work = (struct attention_work){ .heads = heads,
                                       .length = qkv.dim[1],
                                       .width = width,
                                       .band = call->attribute.attention.band,
                                       .causal = call->attribute.attention.causal };
    c->items = qkv.dim[0] * heads;
    c->slots = parallel_threads() < c->items ? parallel_threads() : c->items;
    c->slots = c->slots > 1 ? c->slots : 1;
    c->backward = call->op == &op_attention_gradient;
    int64_t wide = whole(qkv.dim[1]), room = whole(width / heads), block = ATTENTION_QUERIES;
    c->slot_items = 2 * wide * room + block * (wide + room);
    if (c->backward)
        c->slot_items += 4 * wide * room + block * (wide + 2 * room);
    int64_t products = c->backward ? 5 : 2, seen = c->work.causal ? 1 : 2;
    call->flops = (double)(products * seen * qkv.dim[0] * qkv.dim[1] * qkv.dim[1] * width);
    call->state = c;
    call->drop = memory_free;
    call->scratch_bytes = (size_t)(c->slots * c->slot_items) * sizeof(float);
    call->run = attention_run;
    return TACIT_OK;
}

const struct cpu_kernel cpu_attention[] = {
    { &op_attention, attention_prepare, NULL, NULL, false },
    { &op_attention_gradient, attention_prepare, NULL, NULL, false },
    { 0 },
};
