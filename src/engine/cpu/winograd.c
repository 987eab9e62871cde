/* Division of Winograd convolutions into pieces that stay in the caches.
 *
 * Forward and data gradient (the same with turned weights): where the transformed weights u
 * (36 C K numbers) are small, every thread takes its own tiles, a few groups at a time: v of the
 * groups stays in its second-level cache while u streams by, panel after panel of 32 channels.
 * Where u is large (wide layers have few tiles), the threads make v of many tiles together and then
 * divide the panels: each panel of u is made, used for all tiles and forgotten.
 *
 * Weight gradient: v and m are made of a lot of tiles at a time, then multiplied to s += v' m, by
 * points and blocks of 64 x 64 channels. Where s is small every thread has its own and takes its
 * own tiles; all s are added up in the end. Where it is large the threads share each lot and divide
 * points and blocks; and when all tiles come in one lot and there are blocks enough for all
 * threads, s of a block is turned into weights at once and never stored. */
#include "engine/cpu/winograd.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "engine/cpu/kernels/kernels.h"

enum {
    LANES = 16,
    LINE_ITEMS = 16, /* a cache line */
    GROUP_ITEMS = WINOGRAD_GROUP * LANES,
    PANEL_BLOCKS = WINOGRAD_PANEL / LANES,
    BLOCK_BLOCKS = WINOGRAD_BLOCK / LANES,
    BLOCK_ITEMS = WINOGRAD_POINTS * WINOGRAD_SUMS,
    OWN_ITEMS = 64 << 10,           /* of v that a thread keeps in its second-level cache */
    LARGE_WEIGHTS = 4 << 20,        /* items of u that had better not be kept */
    SHARED_TILES = 264,             /* of v made together: 22 groups */
    GRADIENT_TILES = 192,           /* of v and m made together */
    GRADIENT_TILES_MOST = 288,      /* where that makes them come in one lot */
    OWN_TILES_LEAST = 64,           /* of v and m that a thread makes alone: at least, and */
    OWN_GRADIENT_ITEMS = 512 << 10, /* as many as make these */
    OWN_SUMS = 4 << 20,             /* items of all own s */
    STRETCH = 32                    /* tiles that a thread takes at a time */
};

/* Sums of the weight gradient: kept by all threads together, one of each thread, or never kept. */
enum sums { SUMS_SHARED, SUMS_OWN, SUMS_PASSING };

struct winograd {
    enum convolution_kind kind;
    struct winograd_image from, to; /* 6x6 and 4x4 places of the tiles; from.blocks, to.blocks */
    int64_t tiles, lane_step, row_step; /* of the weight: from an output, an input to the next */
    int64_t parts;                      /* threads */
    bool shared;                        /* v of all threads together */
    enum sums sums;
    int64_t chunk;          /* tiles at a time */
    int64_t strip;          /* panels at a time */
    int64_t v_step, m_step; /* items from one point to the next */
    int64_t u, v, m, part;  /* items: of u or s, of v, of m; of what each part has */
};

static bool blocked(const struct shape *shape, enum activation_layout layout)
{
    return layout == ACTIVATION_BLOCKED && shape->rank == 4 && shape->dim[1] > 0 &&
           shape->dim[1] % LANES == 0;
}

bool winograd_fits(const struct convolution_request *r)
{
    const struct convolution *how = &r->how;
    bool fits = blocked(&r->x, r->x_layout) && blocked(&r->y, r->y_layout) && r->weight.rank == 4 &&
                how->groups == 1 && !r->direct && how->padding[0] == how->padding[1] &&
                shape_size(r->x) > 0 && shape_size(r->y) > 0;
    for (int i = 0; i < 2; i++)
        fits = fits && r->weight.dim[2 + i] == 3 && how->stride[i] == 1 && how->dilation[i] == 1 &&
               how->padding[i] >= 0 && how->padding[i] <= 2;
    return fits;
}

static int64_t divided(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The image of a [N, C, H, W] whose tiles cover `covered` in steps of 4 places. */
static struct winograd_image image_of(const struct shape *shape, const struct shape *covered,
                                      int64_t padding, bool bf16)
{
    return (struct winograd_image){ .blocks = shape->dim[1] / LANES,
                                    .height = shape->dim[2],
                                    .width = shape->dim[3],
                                    .tiles_high = divided(covered->dim[2], 4),
                                    .tiles_wide = divided(covered->dim[3], 4),
                                    .padding = padding,
                                    .bf16 = bf16 };
}

/* Items of u of a panel of 32 output channels. */
static int64_t panel_items(const struct winograd *w)
{
    return WINOGRAD_POINTS * (w->from.blocks * LANES * WINOGRAD_PANEL + WINOGRAD_PAD);
}

static void plan_convolution(struct winograd *w)
{
    int64_t groups = divided(w->tiles, WINOGRAD_GROUP),
            panels = divided(w->to.blocks, PANEL_BLOCKS);
    int64_t all = panels * panel_items(w);
    w->v_step = w->from.blocks * GROUP_ITEMS + WINOGRAD_PAD;
    w->shared = all > LARGE_WEIGHTS && panels >= w->parts;
    w->strip = w->shared && panels >= 2 * w->parts ? 2 : 1;
    int64_t most =
        w->shared ? SHARED_TILES / WINOGRAD_GROUP : OWN_ITEMS / (WINOGRAD_POINTS * w->v_step);
    int64_t strips = divided(panels, w->strip);
    w->parts = least(w->parts, w->shared ? strips : groups);
    int64_t share = w->shared ? groups : divided(groups, w->parts);
    int64_t chunk = divided(share, divided(share, most < 1 ? 1 : most));
    w->chunk = chunk * WINOGRAD_GROUP;
    w->v = chunk * WINOGRAD_POINTS * w->v_step;
    w->m = w->chunk * WINOGRAD_POINTS * WINOGRAD_PANEL * w->strip;
    w->u = w->shared ? w->strip * panel_items(w) : all;
    w->part = w->m + (w->shared ? w->u : w->v);
}

/* Blocks of 64 x 64 channels. */
static int64_t blocks_of(const struct winograd *w)
{
    return divided(w->from.blocks, BLOCK_BLOCKS) * divided(w->to.blocks, BLOCK_BLOCKS);
}

static void plan_weight_gradient(struct winograd *w)
{
    int64_t blocks = blocks_of(w), sums = blocks * BLOCK_ITEMS, most = GRADIENT_TILES;
    if (w->tiles <= GRADIENT_TILES_MOST) {
        w->sums = blocks < 2 * w->parts ? SUMS_SHARED : SUMS_PASSING;
        most = GRADIENT_TILES_MOST;
    } else if (w->parts * sums <= OWN_SUMS) {
        int64_t items = WINOGRAD_POINTS * LANES * (w->from.blocks + w->to.blocks);
        w->sums = SUMS_OWN;
        w->parts = least(w->parts, divided(w->tiles, OWN_TILES_LEAST));
        if (most > OWN_GRADIENT_ITEMS / items)
            most = OWN_GRADIENT_ITEMS / items;
        most = most < OWN_TILES_LEAST ? OWN_TILES_LEAST : most;
    }
    int64_t share = divided(w->tiles, w->sums == SUMS_OWN ? w->parts : 1);
    w->chunk = divided(share, divided(share, most));
    w->v_step = w->from.blocks * w->chunk * LANES + WINOGRAD_PAD;
    w->m_step = w->to.blocks * w->chunk * LANES + WINOGRAD_PAD;
    w->v = WINOGRAD_POINTS * w->v_step;
    w->m = WINOGRAD_POINTS * w->m_step;
    w->u = w->sums == SUMS_PASSING ? BLOCK_ITEMS : sums;
    w->part = w->sums == SUMS_SHARED ? 0 : w->sums == SUMS_OWN ? w->u + w->v + w->m : w->u;
}

status winograd_new(const struct convolution_request *r, struct winograd **winograd)
{
    if (!winograd_fits(r))
        return fail(TACIT_FAILED, "no Winograd convolution of %s by %s", shape_text(r->x),
                    shape_text(r->weight));
    struct winograd *w = memory_new(1, sizeof *w);
    if (!w)
        return TACIT_RESOURCES;
    bool data = r->kind == CONVOLVE_DATA;
    int64_t padding = r->how.padding[0], c = r->x.dim[1];
    const struct shape *from = data ? &r->y : &r->x, *to = data ? &r->x : &r->y;
    w->kind = r->kind;
    w->from = image_of(from, to, data ? 2 - padding : padding, r->bf16);
    w->to = image_of(to, to, 0, r->bf16);
    w->tiles = to->dim[0] * w->to.tiles_high * w->to.tiles_wide;
    w->lane_step = data ? 9 : 9 * c;
    w->row_step = data ? 9 * c : 9;
    w->parts = parallel_threads();
    if (r->kind == CONVOLVE_WEIGHT)
        plan_weight_gradient(w);
    else
        plan_convolution(w);
    *winograd = w;
    return TACIT_OK;
}

/* Items of the scratch that do not belong to a part. */
static int64_t common_items(const struct winograd *w)
{
    if (w->kind != CONVOLVE_WEIGHT)
        return w->shared ? w->v : w->u;
    return w->sums == SUMS_OWN ? 0 : w->v + w->m + (w->sums == SUMS_SHARED ? w->u : 0);
}

size_t winograd_scratch(const struct winograd *w)
{
    return (size_t)(common_items(w) + w->parts * w->part) * sizeof(float);
}

void winograd_free(void *winograd)
{
    memory_free(winograd);
}

/* ---- forward and data gradient ---- */

/* One execution: operands, the pieces of the scratch, the lot of tiles now at hand, and the tiles
 * [start, stop) of all lots. */
struct execution {
    const struct winograd *w;
    const void *from, *cotangent;
    void *to;
    float *weight, *u, *v, *m, *part;
    int64_t tile, count, start, stop;
};

static float *part_of(const struct execution *e, int64_t part)
{
    return e->part + part * e->w->part;
}

/* u of one panel of output channels. */
static void make_panel(const struct winograd *w, const float *weight, int64_t panel, float *u)
{
    int64_t vectors = least(PANEL_BLOCKS, w->to.blocks - panel * PANEL_BLOCKS);
    kernels()->winograd_weight(weight + panel * WINOGRAD_PANEL * w->lane_step, w->lane_step,
                               w->row_step, w->kind == CONVOLVE_DATA, w->from.blocks * LANES,
                               vectors, u);
}

static void make_panels(void *argument, int64_t begin, int64_t end)
{
    struct execution *e = argument;
    for (int64_t panel = begin; panel < end; panel++)
        make_panel(e->w, e->weight, panel, e->u + panel * panel_items(e->w));
}

/* v of the group of tiles that begins at `tile`; the places of tiles that do not exist are 0. */
static void make_group(const struct execution *e, int64_t tile, int64_t block, float *v)
{
    const struct winograd *w = e->w;
    int64_t count = least(WINOGRAD_GROUP, w->tiles - tile), step = w->v_step;
    float *to = v + block * GROUP_ITEMS;
    kernels()->winograd_source(&w->from, e->from, block, tile, count, to, step);
    for (int64_t point = 0; point < WINOGRAD_POINTS && count < WINOGRAD_GROUP; point++)
        for (int64_t i = count * LANES; i < GROUP_ITEMS; i++)
            to[point * step + i] = 0;
}

/* One strip of output channels for `count` tiles from `tile`. */
static void multiply_strip(const struct execution *e, int64_t strip, int64_t tile, int64_t count,
                           const float *v, const float *u, float *m,
                           const struct winograd_fetch *fetch)
{
    const struct winograd *w = e->w;
    int64_t size = w->strip * PANEL_BLOCKS, block = strip * size;
    int64_t vectors = least(size, w->to.blocks - block);
    kernels()->winograd_product(v, w->v_step, divided(count, WINOGRAD_GROUP), w->from.blocks, u,
                                vectors, m, fetch);
    kernels()->winograd_result(&w->to, m, vectors, block, tile, count, e->to);
}

/* Adds to the list what tiles [tile, tile + count) of some blocks touch: whole rows of places, from
 * those of the first tile to those of the last; what the list cannot hold is left out. */
static void fetch_tiles(struct winograd_fetch *fetch, const struct winograd_image *image,
                        const void *data, int64_t block, int64_t blocks, int64_t tile,
                        int64_t count)
{
    int64_t in_image = image->tiles_high * image->tiles_wide, stop = tile + count;
    int64_t place = LANES * (image->bf16 ? 2 : 4), row = image->width * place;
    for (int64_t n = tile / in_image; count > 0 && n * in_image < stop; n++) {
        int64_t first = tile > n * in_image ? tile % in_image / image->tiles_wide : 0;
        int64_t last = least(stop - n * in_image, in_image) - 1;
        int64_t top = 4 * first, bottom = least(4 * (last / image->tiles_wide) + 4, image->height);
        for (int64_t b = block; b < block + blocks && fetch->count < WINOGRAD_RUNS; b++) {
            int64_t plane = (n * image->blocks + b) * image->height;
            fetch->at[fetch->count] = (const char *)data + (plane + top) * row;
            fetch->lines[fetch->count++] = (bottom - top) * row / 64;
        }
    }
}

/* v of `count` tiles from `tile`. */
static void make_groups(const struct execution *e, int64_t tile, int64_t count, float *v)
{
    for (int64_t t = 0; t < count; t += WINOGRAD_GROUP, v += WINOGRAD_POINTS * e->w->v_step)
        for (int64_t block = 0; block < e->w->from.blocks; block++)
            make_group(e, tile + t, block, v);
}

/* Parts [begin, end), each with its own tiles, all panels. While a panel is multiplied, its part of
 * the result and a share of the next tiles come from memory. */
static void own_tiles(void *argument, int64_t begin, int64_t end)
{
    const struct execution *e = argument;
    const struct winograd *w = e->w;
    int64_t groups = divided(w->tiles, WINOGRAD_GROUP), in = w->from.blocks, out = w->to.blocks;
    int64_t panels = divided(out, PANEL_BLOCKS);
    for (int64_t part = begin; part < end; part++) {
        float *v = part_of(e, part), *m = v + w->v;
        int64_t tile = groups * part / w->parts * WINOGRAD_GROUP;
        int64_t stop = least(groups * (part + 1) / w->parts * WINOGRAD_GROUP, w->tiles);
        for (; tile < stop; tile += w->chunk) {
            int64_t count = least(w->chunk, stop - tile), next = tile + count;
            make_groups(e, tile, count, v);
            for (int64_t panel = 0; panel < panels; panel++) {
                struct winograd_fetch fetch = { 0 };
                int64_t block = panel * PANEL_BLOCKS, share = in * panel / panels;
                fetch_tiles(&fetch, &w->to, e->to, block, least(PANEL_BLOCKS, out - block), tile,
                            count);
                fetch_tiles(&fetch, &w->from, e->from, share, in * (panel + 1) / panels - share,
                            next, least(w->chunk, stop - next));
                multiply_strip(e, panel, tile, count, v, e->u + panel * panel_items(w), m, &fetch);
            }
        }
    }
}

/* Items: (group, block) of the lot of tiles at hand. */
static void shared_groups(void *argument, int64_t begin, int64_t end)
{
    const struct execution *e = argument;
    int64_t blocks = e->w->from.blocks;
    for (int64_t i = begin; i < end; i++)
        make_group(e, e->tile + i / blocks * WINOGRAD_GROUP, i % blocks,
                   e->v + i / blocks * WINOGRAD_POINTS * e->w->v_step);
}

/* Parts [begin, end), each with its own strips of panels, all tiles of the lot. */
static void own_strips(void *argument, int64_t begin, int64_t end)
{
    const struct execution *e = argument;
    const struct winograd *w = e->w;
    int64_t panels = divided(w->to.blocks, PANEL_BLOCKS), strips = divided(panels, w->strip);
    struct winograd_fetch nothing = { 0 };
    for (int64_t part = begin; part < end; part++) {
        float *u = part_of(e, part), *m = u + w->u;
        int64_t stop = strips * (part + 1) / w->parts;
        for (int64_t strip = strips * part / w->parts; strip < stop; strip++) {
            for (int64_t i = 0; i < w->strip && strip * w->strip + i < panels; i++)
                make_panel(w, e->weight, strip * w->strip + i, u + i * panel_items(w));
            multiply_strip(e, strip, e->tile, e->count, e->v, u, m, &nothing);
        }
    }
}

enum { COSTLY = 1000000 }; /* nanoseconds: always worth waking the team */

static void convolve(struct execution *e)
{
    const struct winograd *w = e->w;
    int64_t panels = divided(w->to.blocks, PANEL_BLOCKS);
    if (!w->shared) {
        double cost = 2.5 * (double)w->from.blocks * (double)w->to.blocks;
        parallel_for(panels, 40 * PANEL_BLOCKS * LANES * (double)w->from.blocks, make_panels, e);
        parallel_for(w->parts, cost * (double)w->tiles * 5, own_tiles, e);
        return;
    }
    for (e->tile = 0; e->tile < w->tiles; e->tile += w->chunk) {
        e->count = least(w->chunk, w->tiles - e->tile);
        parallel_for(divided(e->count, WINOGRAD_GROUP) * w->from.blocks, 400, shared_groups, e);
        parallel_for(w->parts, COSTLY, own_strips, e);
    }
}

/* ---- weight gradient ---- */

/* Stretches of the lot at hand, of each block of x and of dy. */
static int64_t stretches_of(const struct execution *e)
{
    return divided(e->count, STRETCH) * (e->w->from.blocks + e->w->to.blocks);
}

/* Items: (stretch of tiles, block of x or of dy). */
static void gather_stretches(void *argument, int64_t begin, int64_t end)
{
    const struct execution *e = argument;
    const struct winograd *w = e->w;
    int64_t blocks = w->from.blocks + w->to.blocks, size = e->count * LANES;
    for (int64_t i = begin; i < end; i++) {
        int64_t t = i / blocks * STRETCH, block = i % blocks, count = least(STRETCH, e->count - t);
        if (block < w->from.blocks)
            kernels()->winograd_source(&w->from, e->from, block, e->tile + t, count,
                                       e->v + block * size + t * LANES, w->v_step);
        else
            kernels()->winograd_cotangent(&w->to, e->cotangent, block - w->from.blocks, e->tile + t,
                                          count, e->m + (block - w->from.blocks) * size + t * LANES,
                                          w->m_step);
    }
}

/* What one point of one block of sums is made of. */
struct summands {
    const float *v, *m;
    int64_t v_blocks, m_blocks;
};

static struct summands summands_of(const struct execution *e, int64_t block, int64_t point)
{
    const struct winograd *w = e->w;
    int64_t columns = divided(w->to.blocks, BLOCK_BLOCKS), size = e->count * LANES;
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
    int64_t size = e->count * LANES;
    if (next->v != now->v)
        fetch_items(fetch, next->v, next->v_blocks * size);
    if (next->m != now->m)
        fetch_items(fetch, next->m, next->m_blocks * size);
    kernels()->winograd_accumulate(now->v, now->v_blocks, now->m, now->m_blocks, e->count, s, fresh,
                                   fetch);
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

/* Fetches a share of what the next lot of tiles is made from: stretches as in gather_stretches. */
static void fetch_share(const struct execution *e, struct winograd_fetch *fetch, int64_t share,
                        int64_t shares)
{
    const struct winograd *w = e->w;
    int64_t tile = e->tile + e->count, count = least(w->chunk, e->stop - tile);
    int64_t blocks = w->from.blocks + w->to.blocks, stretches = divided(count, STRETCH) * blocks;
    for (int64_t i = stretches * share / shares; i < stretches * (share + 1) / shares; i++) {
        int64_t t = i / blocks * STRETCH, block = i % blocks, some = least(STRETCH, count - t);
        if (block < w->from.blocks)
            fetch_tiles(fetch, &w->from, e->from, block, 1, tile + t, some);
        else
            fetch_tiles(fetch, &w->to, e->cotangent, block - w->from.blocks, 1, tile + t, some);
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
            gather_stretches(&own, 0, stretches_of(&own));
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

static void weight_gradient(struct execution *e)
{
    const struct winograd *w = e->w;
    int64_t blocks = blocks_of(w);
    e->stop = w->tiles;
    if (w->sums == SUMS_OWN)
        parallel_for(w->parts, COSTLY, own_sums, e);
    for (; w->sums != SUMS_OWN && e->tile < w->tiles; e->tile += e->count) {
        e->count = least(w->chunk, w->tiles - e->tile);
        parallel_for(stretches_of(e), 1000, gather_stretches, e);
        if (w->sums == SUMS_SHARED)
            parallel_for(blocks * WINOGRAD_POINTS, COSTLY, add_points, e);
        else
            parallel_for(w->parts, COSTLY, own_blocks, e);
    }
    if (w->sums != SUMS_PASSING)
        parallel_for(blocks, 20000, finish_blocks, e);
}

void winograd_execute(const struct winograd *w, void *x, float *weight, void *y, void *scratch)
{
    bool data = w->kind == CONVOLVE_DATA;
    struct execution e = { .w = w, .from = data ? y : x, .to = data ? x : y, .weight = weight };
    e.u = e.v = scratch;
    e.part = e.u + common_items(w);
    if (w->kind != CONVOLVE_WEIGHT) {
        convolve(&e);
        return;
    }
    e.cotangent = y;
    if (w->sums == SUMS_SHARED)
        e.v += w->u;
    e.m = e.v + w->v;
    weight_gradient(&e);
}
