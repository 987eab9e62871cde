/* Calls of attention: heads of texts are shared out, each thread with a scratch of its own. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/tables.h"

#include <math.h>
#include <string.h>

struct attention_call {
    struct attention_work work;
    int64_t items, slots, slot_items; /* a slot: the scratch of a thread, in floats */
    float *scratch;
    bool backward;
    void (*kernel)(const struct attention_work *work, int64_t item, float *scratch);
    struct attention_draw *draw; /* [texts], where weights are dropped */
    char name[];                 /* of the draw: its graph may be freed before the program runs */
};

/* Slots [begin, end), each with its share of the heads. */
static void slot_body(void *argument, int64_t begin, int64_t end)
{
    const struct attention_call *c = argument;
    for (int64_t slot = begin; slot < end; slot++) {
        float *scratch = c->scratch + slot * c->slot_items;
        for (int64_t i = c->items * slot / c->slots; i < c->items * (slot + 1) / c->slots; i++)
            c->kernel(&c->work, i, scratch);
    }
}

static void open_draws(struct attention_call *c, const struct run_key *key, int64_t texts)
{
    for (int64_t t = 0; c->draw && t < texts; t++) {
        uint64_t row = (uint64_t)run_row(key, texts, t);
        struct random_stream stream = random_stream(key->seed, c->name, key->step, row);
        c->draw[t] = (struct attention_draw){ stream.key, stream.high };
    }
}

static void attention_run(struct call *call)
{
    struct attention_call *c = call->state;
    int group = c->backward ? 4 : 1;
    open_draws(c, call->run_key, call->in[0].type.shape.dim[0]);
    c->scratch = call->scratch;
    c->work.qkv = call->in[0].data;
    c->work.group = call->inputs > group ? call->in[group].data : NULL;
    c->work.y = c->backward ? call->in[1].data : call->out[0].data;
    c->work.level = c->backward ? call->in[2].data : call->out[1].data;
    c->work.dy = c->backward ? call->in[3].data : NULL;
    c->work.dqkv = c->backward ? call->out[0].data : NULL;
    parallel_for(c->slots, 1e6, slot_body, c);
}

static int64_t whole(int64_t count, int64_t of)
{
    return (count + of - 1) / of * of;
}

/* Floats that one head wants, by kernel. */
static int64_t scratch_items(int64_t length, int64_t size, bool backward)
{
    int64_t wide = whole(length, 16), room = whole(size, 16), block = ATTENTION_QUERIES;
    int64_t items = 2 * wide * room + block * (wide + room);
    return backward ? items + 4 * wide * room + block * (wide + 2 * room) + wide : items;
}

static int64_t half_scratch_items(int64_t length, int64_t size, bool backward)
{
    int64_t wide = whole(length, HALF_PANEL), room = whole(size, HALF_PANEL);
    int64_t block = ATTENTION_QUERIES, items = wide * room + block * wide * 3 / 2;
    return backward ? items + 3 * wide * room + block * (wide * 3 / 2 + room) + wide : items;
}

static void choose_kernel(const struct call *call, struct attention_call *c)
{
    int64_t length = c->work.length, size = c->work.width / c->work.heads;
    if (call->in[0].type.dtype == BF16) {
        c->kernel = c->backward ? kernels()->attention_gradient_half : kernels()->attention_half;
        c->slot_items = half_scratch_items(length, size, c->backward);
    } else {
        c->kernel = c->backward ? kernels()->attention_gradient : kernels()->attention;
        c->slot_items = scratch_items(length, size, c->backward);
    }
    c->work.y_bf16 = (c->backward ? &call->in[1] : &call->out[0])->type.dtype == BF16;
    c->work.dy_bf16 = c->backward && call->in[3].type.dtype == BF16;
    c->work.dqkv_bf16 = c->backward && call->out[0].type.dtype == BF16;
}

bool attention_reads_bf16(const struct graph *graph, const struct node *node)
{
    int64_t heads = node->attribute.attention.heads;
    return graph->value[node->in[0]].type.shape.dim[2] / 3 / heads % 2 == 0;
}

static void attention_drop(void *state)
{
    struct attention_call *c = state;
    memory_free(c->draw);
    memory_free(c);
}

/* NULL: no memory. */
static struct attention_call *attention_new(const struct attributes *attribute, int64_t texts)
{
    const char *name = attribute->random.call ? attribute->random.call : "";
    size_t bytes = strlen(name) + 1;
    struct attention_call *c = memory_new(1, sizeof *c + bytes);
    if (!c || !attribute->random.call)
        return c;
    memcpy(c->name, name, bytes);
    c->draw = memory_new((size_t)texts, sizeof *c->draw);
    if (!c->draw) {
        memory_free(c);
        return NULL;
    }
    return c;
}

static status attention_prepare(struct call *call)
{
    struct shape qkv = call->in[0].type.shape;
    struct attention_call *c = attention_new(&call->attribute, qkv.dim[0]);
    if (!c)
        return TACIT_RESOURCES;
    double rate = call->attribute.random.rate;
    int64_t heads = call->attribute.attention.heads, width = qkv.dim[2] / 3;
    c->work = (struct attention_work){ .heads = heads,
                                       .length = qkv.dim[1],
                                       .width = width,
                                       .band = call->attribute.attention.band,
                                       .causal = call->attribute.attention.causal,
                                       .least = c->draw ? (uint32_t)ceil(rate * 0x1p24) : 0,
                                       .factor = (float)(1 / (1 - rate)),
                                       .draw = c->draw };
    c->items = qkv.dim[0] * heads;
    c->slots = parallel_threads() < c->items ? parallel_threads() : c->items;
    c->slots = c->slots > 1 ? c->slots : 1;
    c->backward = call->op == &op_attention_gradient;
    choose_kernel(call, c);
    int64_t products = c->backward ? 5 : 2, seen = c->work.causal ? 1 : 2;
    call->flops = (double)(products * seen * qkv.dim[0] * qkv.dim[1] * qkv.dim[1] * width);
    call->state = c;
    call->drop = attention_drop;
    call->scratch_bytes = (size_t)(c->slots * c->slot_items) * sizeof(float);
    call->run = attention_run;
    return TACIT_OK;
}

const struct cpu_kernel cpu_attention[] = {
    { &op_attention, attention_prepare, NULL, NULL, false },
    { &op_attention_gradient, attention_prepare, NULL, NULL, false },
    { 0 },
};
