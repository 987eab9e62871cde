/* Weight gradient, as winograd.c divides it. */
#include "base/parallel.h"
#include "engine/cpu/winograd_parts.h"

enum {
    LINE_ITEMS = 16, /* a cache line */
    STRETCH = 32     /* tiles that a thread takes at a time */
};

/* `count` tiles from t of the lot at hand, of one block of x or, behind those, of dy. */
static void gather_block(const struct execution *e, int64_t block, int64_t t, int64_t count,
                         float *to, int64_t step)
{
    const struct winograd *w = e->w;
    if (block < w->from.blocks)
        kernels()->winograd_source(&w->from, e->from, block, e->tile + t, count, to, step);
    else
        kernels()->winograd_cotangent(&w->to, e->cotangent, block - w->from.blocks, e->tile + t,
                                      count, to, step);
}

/* Items of a lot of tiles that are gathered one by one: (stretch of tiles, block) or, in fixed
 * point, blocks. */
static int64_t gathered(const struct winograd *w, int64_t count)
{
    return (w->from.blocks + w->to.blocks) * (w->fixed ? 1 : divided(count, STRETCH));
}

static void gather_items(const struct execution *e, int64_t part, int64_t begin, int64_t end)
{
    const struct winograd *w = e->w;
    int64_t blocks = w->from.blocks + w->to.blocks, size = summand_items(w, e->count);
    for (int64_t i = begin; i < end; i++) {
        int64_t t = i / blocks * STRETCH, block = i % blocks;
        bool source = block < w->from.blocks;
        int64_t step = source ? w->v_step : w->m_step;
        float *to = source ? e->v + block * size : e->m + (block - w->from.blocks) * size;
        if (w->fixed) {
            float *staging = staging_of(e, part);
            gather_block(e, block, 0, e->count, staging, staging_step(w));
            w->fixed->pack(staging, staging_step(w), e->count, to, step);
        } else {
            gather_block(e, block, t, least(STRETCH, e->count - t), to + t * LANES, step);
        }
    }
}

/* Parts [begin, end), each with its share of the lot at hand. */
static void gather_lot(void *argument, int64_t begin, int64_t end)
{
    const struct execution *e = argument;
    int64_t items = gathered(e->w, e->count), parts = e->w->parts;
    for (int64_t part = begin; part < end; part++)
        gather_items(e, part, items * part / parts, items * (part + 1) / parts);
}

/* What one point of one block of sums is made of. */
struct summands {
    const float *v, *m;
    int64_t v_blocks, m_blocks;
};

static struct summands summands_of(const struct execution *e, int64_t block, int64_t point)
{
    const struct winograd *w = e->w;
    int64_t columns = divided(w->to.blocks, BLOCK_BLOCKS), size = summand_items(w, e->count);
    int64_t in = block / columns * BLOCK_BLOCKS, out = block % columns * BLOCK_BLOCKS;
    return (struct summands){ e->v + point * w->v_step + in * size,
                              e->m + point * w->m_step + out * size,
                              least(BLOCK_BLOCKS, w->from.blocks - in),
                              least(BLOCK_BLOCKS, w->to.blocks - out) };
}

static void fetch_items(struct winograd_fetch *fetch, const float *at, int64_t items)
{
    if (fetch->count < WINOGRAD_RUNS) {
        fetch->at[fetch->count] = (const char *)at;
        fetch->lines[fetch->count++] = items / LINE_ITEMS;
    }
}

/* Adds the lot of tiles at hand to one point of one block of sums, and fetches the next. */
static void add_point(const struct execution *e, const struct summands *now,
                      const struct summands *next, float *s, bool fresh,
                      struct winograd_fetch *fetch)
{
    int64_t size = summand_items(e->w, e->count);
    if (next->v != now->v)
        fetch_items(fetch, next->v, next->v_blocks * size);
    if (next->m != now->m)
        fetch_items(fetch, next->m, next->m_blocks * size);
    (e->w->fixed ? e->w->fixed->accumulate : kernels()->winograd_accumulate)(
        now->v, now->v_blocks, now->m, now->m_blocks, e->count, s, fresh, fetch);
}

/* The weights of one block of sums. */
static void finish_block(const struct execution *e, int64_t block, const float *s)
{
    const struct winograd *w = e->w;
    int64_t columns = divided(w->to.blocks, BLOCK_BLOCKS);
    int64_t in = block / columns * BLOCK_BLOCKS, out = block % columns * BLOCK_BLOCKS;
    kernels()->winograd_weight_gradient(
        s, least(BLOCK_BLOCKS, w->from.blocks - in) * LANES,
        least(BLOCK_BLOCKS, w->to.blocks - out) * LANES, w->lane_step,
        e->weight + out * LANES * w->lane_step + in * LANES * w->row_step);
}

/* Fetches a share of what the next lot of tiles is made from: stretches of every block. */
static void fetch_share(const struct execution *e, struct winograd_fetch *fetch, int64_t share,
                        int64_t shares)
{
    const struct winograd *w = e->w;
    int64_t tile = e->tile + e->count, count = least(w->chunk, e->stop - tile);
    int64_t blocks = w->from.blocks + w->to.blocks, stretches = divided(count, STRETCH) * blocks;
    for (int64_t i = stretches * share / shares; i < stretches * (share + 1) / shares; i++) {
        int64_t t = i / blocks * STRETCH, block = i % blocks, some = least(STRETCH, count - t);
        if (block < w->from.blocks)
            winograd_fetch_tiles(fetch, &w->from, e->from, block, 1, tile + t, some);
        else
            winograd_fetch_tiles(fetch, &w->to, e->cotangent, block - w->from.blocks, 1, tile + t,
                                 some);
    }
}

/* Items: (point, block); the sums are kept. */
static void add_points(void *argument, int64_t begin, int64_t end)
{
    const struct execution *e = argument;
    int64_t blocks = blocks_of(e->w);
    for (int64_t i = begin; i < end; i++) {
        int64_t j = i + 1 < end ? i + 1 : begin;
        struct winograd_fetch fetch = { 0 };
        struct summands now = summands_of(e, i % blocks, i / blocks);
        struct summands next = summands_of(e, j % blocks, j / blocks);
        fetch_items(&fetch, e->u + j % blocks * BLOCK_ITEMS + j / blocks * WINOGRAD_SUMS,
                    WINOGRAD_SUMS);
        fetch_share(e, &fetch, i, blocks * WINOGRAD_POINTS);
        add_point(e, &now, &next, e->u + i % blocks * BLOCK_ITEMS + i / blocks * WINOGRAD_SUMS,
                  e->tile == e->start, &fetch);
    }
}

/* Blocks [begin, end): the sums of all parts, then the weights. */
static void finish_blocks(void *argument, int64_t begin, int64_t end)
{
    const struct execution *e = argument;
    for (int64_t block = begin; block < end; block++) {
        float *s = e->u + block * BLOCK_ITEMS;
        for (int64_t part = 1; e->w->sums == SUMS_OWN && part < e->w->parts; part++)
            kernels()->accumulate(s + part * e->w->part, s, BLOCK_ITEMS);
        finish_block(e, block, s);
    }
}

/* Parts [begin, end), each with its own tiles, from x and dy to its own sums. */
static void own_sums(void *argument, int64_t begin, int64_t end)
{
    const struct execution *e = argument;
    const struct winograd *w = e->w;
    for (int64_t part = begin; part < end; part++) {
        struct execution own = *e;
        own.u = part_of(e, part);
        own.v = own.u + w->u;
        own.m = own.v + w->v;
        own.start = w->tiles * part / w->parts;
        own.stop = w->tiles * (part + 1) / w->parts;
        for (own.tile = own.start; own.tile < own.stop; own.tile += own.count) {
            own.count = least(w->chunk, own.stop - own.tile);
            gather_items(&own, part, 0, gathered(w, own.count));
            add_points(&own, 0, blocks_of(w) * WINOGRAD_POINTS);
        }
    }
}

/* Parts [begin, end), each with its own blocks from all tiles to the weights. */
static void own_blocks(void *argument, int64_t begin, int64_t end)
{
    const struct execution *e = argument;
    const struct winograd *w = e->w;
    int64_t blocks = blocks_of(w);
    for (int64_t part = begin; part < end; part++)
        for (int64_t block = blocks * part / w->parts; block < blocks * (part + 1) / w->parts;
             block++) {
            for (int64_t point = 0; point < WINOGRAD_POINTS; point++) {
                struct winograd_fetch fetch = { 0 };
                struct summands now = summands_of(e, block, point);
                struct summands next = summands_of(e, block, (point + 1) % WINOGRAD_POINTS);
                add_point(e, &now, &next, part_of(e, part) + point * WINOGRAD_SUMS, true, &fetch);
            }
            finish_block(e, block, part_of(e, part));
        }
}

void winograd_weight_gradient(struct execution *e)
{
    const struct winograd *w = e->w;
    int64_t blocks = blocks_of(w);
    e->stop = w->tiles;
    if (w->sums == SUMS_OWN)
        parallel_for(w->parts, COSTLY, own_sums, e);
    for (; w->sums != SUMS_OWN && e->tile < w->tiles; e->tile += e->count) {
        e->count = least(w->chunk, w->tiles - e->tile);
        parallel_for(w->parts, COSTLY, gather_lot, e);
        if (w->sums == SUMS_SHARED)
            parallel_for(blocks * WINOGRAD_POINTS, COSTLY, add_points, e);
        else
            parallel_for(w->parts, COSTLY, own_blocks, e);
    }
    if (w->sums != SUMS_PASSING)
        parallel_for(blocks, 20000, finish_blocks, e);
}
