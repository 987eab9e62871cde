/* What the pieces of our Winograd convolutions share: their plan and one execution of it. */
#ifndef ENGINE_CPU_WINOGRAD_PARTS_H
#define ENGINE_CPU_WINOGRAD_PARTS_H

#include "engine/cpu/kernels/winograd_fixed.h"
#include "engine/cpu/winograd.h"

enum {
    LANES = 16,
    GROUP_ITEMS = WINOGRAD_GROUP * LANES,
    PANEL_BLOCKS = WINOGRAD_PANEL / LANES,
    BLOCK_BLOCKS = WINOGRAD_BLOCK / LANES,
    BLOCK_ITEMS = WINOGRAD_POINTS * WINOGRAD_SUMS,
    COSTLY = 1000000 /* nanoseconds: always worth waking the team */
};

/* Sums of the weight gradient: kept by all threads together, one of each thread, or never kept. */
enum sums { SUMS_SHARED, SUMS_OWN, SUMS_PASSING };

struct winograd {
    enum convolution_kind kind;
    const struct fixed_kernels *fixed; /* NULL: products in f32 */
    struct winograd_image from, to;    /* 6x6 and 4x4 places of the tiles; from.blocks, to.blocks */
    int64_t tiles, lane_step, row_step; /* of the weight: from an output, an input to the next */
    int64_t parts;                      /* threads */
    bool shared;                        /* v of all threads together */
    enum sums sums;
    int64_t chunk;          /* tiles at a time */
    int64_t strip;          /* panels at a time */
    int64_t v_step, m_step; /* items from one point to the next */
    int64_t u, v, m;        /* items: of u or s, of v, of m */
    int64_t part, staging;  /* items: of what each part has, and of its staging, which comes last */
};

/* One execution: operands, the pieces of the scratch, the lot of tiles now at hand, and the tiles
 * [start, stop) of all lots. */
struct execution {
    const struct winograd *w;
    const void *from, *cotangent;
    void *to;
    float *weight, *u, *v, *m, *part;
    int64_t tile, count, start, stop;
};

/* Runs a forward convolution or a data gradient; a weight gradient. */
void winograd_convolve(struct execution *e);
void winograd_weight_gradient(struct execution *e);

/* Adds to the list what tiles [tile, tile + count) of some blocks touch: whole rows of places, from
 * those of the first tile to those of the last; what the list cannot hold is left out. */
void winograd_fetch_tiles(struct winograd_fetch *fetch, const struct winograd_image *image,
                          const void *data, int64_t block, int64_t blocks, int64_t tile,
                          int64_t count);

static inline int64_t divided(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Items of u of a panel of 32 output channels. */
static inline int64_t panel_items(const struct winograd *w)
{
    int64_t rows = w->from.blocks * LANES;
    int64_t items = w->fixed ? rows / 2 * WINOGRAD_PANEL + WINOGRAD_PANEL : rows * WINOGRAD_PANEL;
    return WINOGRAD_POINTS * (items + WINOGRAD_PAD);
}

/* Blocks of 64 x 64 channels. */
static inline int64_t blocks_of(const struct winograd *w)
{
    return divided(w->from.blocks, BLOCK_BLOCKS) * divided(w->to.blocks, BLOCK_BLOCKS);
}

/* Items of one point and one block of channels of v or m, of `count` tiles. */
static inline int64_t summand_items(const struct winograd *w, int64_t count)
{
    return (w->fixed ? divided(count, 2) + 1 : count) * LANES;
}

/* Items from point to point in the staging of a weight gradient. */
static inline int64_t staging_step(const struct winograd *w)
{
    return w->chunk * LANES + WINOGRAD_PAD;
}

static inline float *part_of(const struct execution *e, int64_t part)
{
    return e->part + part * e->w->part;
}

static inline float *staging_of(const struct execution *e, int64_t part)
{
    return part_of(e, part + 1) - e->w->staging;
}

#endif
