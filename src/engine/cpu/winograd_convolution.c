/* Forward convolution and data gradient, as winograd.c divides them. */
#include "base/parallel.h"
#include "engine/cpu/winograd_parts.h"

/* u of one panel of output channels. */
static void make_panel(const struct execution *e, int64_t part, int64_t panel, float *u)
{
    const struct winograd *w = e->w;
    int64_t vectors = least(PANEL_BLOCKS, w->to.blocks - panel * PANEL_BLOCKS);
    int64_t rows = w->from.blocks * LANES;
    const float *weight = e->weight + panel * WINOGRAD_PANEL * w->lane_step;
    bool turned = w->kind == CONVOLVE_DATA;
    if (w->fixed)
        w->fixed->weight(weight, w->lane_step, w->row_step, turned, rows, vectors, u,
                         staging_of(e, part));
    else
        kernels()->winograd_weight(weight, w->lane_step, w->row_step, turned, rows, vectors, u);
}

/* Parts [begin, end), each with its share of the panels. */
static void make_panels(void *argument, int64_t begin, int64_t end)
{
    const struct execution *e = argument;
    int64_t panels = divided(e->w->to.blocks, PANEL_BLOCKS), parts = e->w->parts;
    for (int64_t part = begin; part < end; part++)
        for (int64_t i = panels * part / parts; i < panels * (part + 1) / parts; i++)
            make_panel(e, part, i, e->u + i * panel_items(e->w));
}

/* v of one block of the group of tiles that begins at `tile`; the places of tiles that do not exist
 * are 0. */
static void make_block(const struct execution *e, int64_t tile, int64_t block, float *v)
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
    (w->fixed ? w->fixed->product : kernels()->winograd_product)(
        v, w->v_step, divided(count, WINOGRAD_GROUP), w->from.blocks, u, vectors, m, fetch);
    kernels()->winograd_result(&w->to, m, vectors, block, tile, count, e->to);
}

/* v of `count` tiles from `tile`: items [begin, end) of (group, block) or, in fixed point, groups.
 */
static void make_groups(const struct execution *e, int64_t part, int64_t tile, int64_t count,
                        float *v, int64_t begin, int64_t end)
{
    const struct winograd *w = e->w;
    int64_t blocks = w->fixed ? 1 : w->from.blocks;
    for (int64_t i = begin; i < end; i++) {
        int64_t t = i / blocks * WINOGRAD_GROUP;
        float *group = v + i / blocks * WINOGRAD_POINTS * w->v_step;
        if (w->fixed)
            w->fixed->source(&w->from, e->from, tile + t, least(WINOGRAD_GROUP, count - t), group,
                             w->v_step, staging_of(e, part));
        else
            make_block(e, tile + t, i % blocks, group);
    }
}

static int64_t groups_of(const struct winograd *w, int64_t count)
{
    return divided(count, WINOGRAD_GROUP) * (w->fixed ? 1 : w->from.blocks);
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
            make_groups(e, part, tile, count, v, 0, groups_of(w, count));
            for (int64_t panel = 0; panel < panels; panel++) {
                struct winograd_fetch fetch = { 0 };
                int64_t block = panel * PANEL_BLOCKS, share = in * panel / panels;
                winograd_fetch_tiles(&fetch, &w->to, e->to, block, least(PANEL_BLOCKS, out - block),
                                     tile, count);
                winograd_fetch_tiles(&fetch, &w->from, e->from, share,
                                     in * (panel + 1) / panels - share, next,
                                     least(w->chunk, stop - next));
                multiply_strip(e, panel, tile, count, v, e->u + panel * panel_items(w), m, &fetch);
            }
        }
    }
}

/* Parts [begin, end), each with its share of the lot of tiles at hand. */
static void shared_groups(void *argument, int64_t begin, int64_t end)
{
    const struct execution *e = argument;
    int64_t items = groups_of(e->w, e->count), parts = e->w->parts;
    for (int64_t part = begin; part < end; part++)
        make_groups(e, part, e->tile, e->count, e->v, items * part / parts,
                    items * (part + 1) / parts);
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
                make_panel(e, part, strip * w->strip + i, u + i * panel_items(w));
            multiply_strip(e, strip, e->tile, e->count, e->v, u, m, &nothing);
        }
    }
}

void winograd_convolve(struct execution *e)
{
    const struct winograd *w = e->w;
    if (!w->shared) {
        double cost = 2.5 * (double)w->from.blocks * (double)w->to.blocks;
        double panels_cost = 40 * LANES * (double)w->from.blocks * (double)w->to.blocks;
        parallel_for(w->parts, panels_cost, make_panels, e);
        parallel_for(w->parts, cost * (double)w->tiles * 5, own_tiles, e);
        return;
    }
    for (e->tile = 0; e->tile < w->tiles; e->tile += w->chunk) {
        e->count = least(w->chunk, w->tiles - e->tile);
        parallel_for(w->parts, COSTLY, shared_groups, e);
        parallel_for(w->parts, COSTLY, own_strips, e);
    }
}
