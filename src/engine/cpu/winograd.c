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
 * threads, s of a block is turned into weights at once and never stored.
 *
 * Activations in bf16 are multiplied in fixed point where the machine can (winograd_fixed.h): every
 * part then has a staging area for what waits for its length. Numbers of items count floats. */
#include "engine/cpu/winograd_parts.h"
#include "base/memory.h"
#include "base/parallel.h"

enum {
    TAPS = 9,
    OWN_ITEMS = 64 << 10,           /* of v that a thread keeps in its second-level cache */
    LARGE_WEIGHTS = 4 << 20,        /* items of u that had better not be kept */
    SHARED_TILES = 264,             /* of v made together: 22 groups */
    GRADIENT_TILES = 192,           /* of v and m made together */
    GRADIENT_TILES_MOST = 288,      /* where that makes them come in one lot */
    OWN_TILES_LEAST = 64,           /* of v and m that a thread makes alone: at least, and */
    OWN_GRADIENT_ITEMS = 512 << 10, /* as many as make these */
    OWN_SUMS = 4 << 20              /* items of all own s */
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

static void plan_convolution(struct winograd *w)
{
    int64_t groups = divided(w->tiles, WINOGRAD_GROUP),
            panels = divided(w->to.blocks, PANEL_BLOCKS);
    int64_t all = panels * panel_items(w);
    w->v_step = w->from.blocks * (w->fixed ? GROUP_ITEMS / 2 : GROUP_ITEMS) + WINOGRAD_PAD;
    w->staging = w->fixed ? w->from.blocks * LANES * TAPS * LANES : 0;
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
    w->part = w->m + (w->shared ? w->u : w->v) + w->staging;
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
    w->v_step = w->from.blocks * summand_items(w, w->chunk) + WINOGRAD_PAD;
    w->m_step = w->to.blocks * summand_items(w, w->chunk) + WINOGRAD_PAD;
    w->v = WINOGRAD_POINTS * w->v_step;
    w->m = WINOGRAD_POINTS * w->m_step;
    w->u = w->sums == SUMS_PASSING ? BLOCK_ITEMS : sums;
    w->staging = w->fixed ? WINOGRAD_POINTS * staging_step(w) : 0;
    w->part = w->sums == SUMS_SHARED ? 0 : w->sums == SUMS_OWN ? w->u + w->v + w->m : w->u;
    w->part += w->staging;
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
    w->fixed =
        r->bf16 && kernels() == &kernel_table_avx512_bf16 ? &fixed_kernels_avx512_bf16 : NULL;
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

void winograd_execute(const struct winograd *w, void *x, float *weight, void *y, void *scratch)
{
    bool data = w->kind == CONVOLVE_DATA;
    struct execution e = { .w = w, .from = data ? y : x, .to = data ? x : y, .weight = weight };
    e.u = e.v = scratch;
    e.part = e.u + common_items(w);
    if (w->kind != CONVOLVE_WEIGHT) {
        winograd_convolve(&e);
        return;
    }
    e.cotangent = y;
    if (w->sums == SUMS_SHARED)
        e.v += w->u;
    e.m = e.v + w->v;
    winograd_weight_gradient(&e);
}

void winograd_fetch_tiles(struct winograd_fetch *fetch, const struct winograd_image *image,
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
