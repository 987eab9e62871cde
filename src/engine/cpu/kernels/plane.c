/* Layouts of activations, means of planes, and windows of planes, in any channel block. */
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/vector.h"

/* Place of item (n, c, p). */
INLINE int64_t place_of(const struct image *image, int64_t n, int64_t c, int64_t p)
{
    int64_t blocks = image->channels / image->block;
    return ((n * blocks + c / image->block) * image->plane + p) * image->block + c % image->block;
}

void KERNEL(image_reorder)(const struct image *from, const void *x, const struct image *to, void *y,
                           int64_t begin, int64_t end)
{
    enum { TILE = 16 }; /* channels and places moved together, so that both sides stay in cache */
    for (int64_t n = begin; n < end; n++)
        for (int64_t c0 = 0; c0 < from->channels; c0 += TILE)
            for (int64_t p0 = 0; p0 < from->plane; p0 += TILE) {
                int64_t c1 = c0 + TILE < from->channels ? c0 + TILE : from->channels;
                int64_t p1 = p0 + TILE < from->plane ? p0 + TILE : from->plane;
                for (int64_t c = c0; c < c1; c++) {
                    int64_t a = place_of(from, n, c, p0), b = place_of(to, n, c, p0);
                    for (int64_t p = p0; p < p1; p++, a += from->block, b += to->block)
                        scalar_put(y, b, scalar_get(x, a, from->bf16), to->bf16);
                }
            }
}

void KERNEL(image_mean)(const struct image *image, const void *x, float *y, int64_t begin,
                        int64_t end)
{
    float share = 1 / (float)image->plane;
    for (int64_t n = begin; n < end; n++)
        for (int64_t c = 0; c < image->channels;) {
            int64_t at = place_of(image, n, c, 0);
            if (image->block % LANES == 0) {
                v16 total = v16_set(0);
                for (int64_t p = 0; p < image->plane; p++)
                    total += image->bf16 ? v16_get(x, at + p * image->block, true)
                                         : v16_get(x, at + p * image->block, false);
                v16_store(y + n * image->channels + c, total * share);
                c += LANES;
                continue;
            }
            double total = 0;
            for (int64_t p = 0; p < image->plane; p++)
                total += (double)scalar_get(x, at + p * image->block, image->bf16);
            y[n * image->channels + c++] = (float)(total / (double)image->plane);
        }
}

void KERNEL(image_spread)(const struct image *image, const float *x, void *y, int64_t begin,
                          int64_t end)
{
    for (int64_t n = begin; n < end; n++)
        for (int64_t c = 0; c < image->channels; c++) {
            int64_t at = place_of(image, n, c, 0);
            for (int64_t p = 0; p < image->plane; p++)
                scalar_put(y, at + p * image->block, x[n * image->channels + c], image->bf16);
        }
}

/* The part of a window that lies inside the plane. */
struct inside {
    int64_t top, bottom, left, right;
};

INLINE struct inside inside_of(const struct window_pooling *p, int64_t place)
{
    int64_t top = place / p->to.width * p->stride[0] - p->padding[0];
    int64_t left = place % p->to.width * p->stride[1] - p->padding[1];
    int64_t bottom = top + p->kernel[0], right = left + p->kernel[1];
    return (struct inside){ top < 0 ? 0 : top, bottom > p->from.height ? p->from.height : bottom,
                            left < 0 ? 0 : left, right > p->from.width ? p->from.width : right };
}

/* Sixteen channels at a time: the maximum of one window and the place it has in the plane. */
INLINE void largest_of_window(const struct window_pooling *p, const void *x, int64_t base,
                              struct inside w, v16 *largest, i16 *place, bool bf16)
{
    int64_t first = w.top * p->from.width + w.left;
    *largest = v16_get(x, base + first * p->from.block, bf16);
    *place = (i16){ 0 } + (int32_t)first;
    for (int64_t h = w.top; h < w.bottom; h++)
        for (int64_t v = w.left; v < w.right; v++) {
            int64_t at = h * p->from.width + v;
            v16 here = v16_get(x, base + at * p->from.block, bf16);
            i16 more = (here > *largest) | (here != here); /* NaN is taken, the last of several */
            *largest = v16_select(more, here, *largest);
            *place = (more & (int32_t)at) | (~more & *place);
        }
}

INLINE void max_pool_run(const struct window_pooling *p, const void *x, void *y, int32_t *place,
                         int64_t n, int64_t c, bool bf16)
{
    int64_t base = place_of(&p->from, n, c, 0), to = place_of(&p->to, n, c, 0);
    for (int64_t o = 0; o < p->to.plane; o++, to += p->to.block) {
        v16 largest;
        i16 where;
        largest_of_window(p, x, base, inside_of(p, o), &largest, &where, bf16);
        v16_put(y, to, largest, bf16);
        memcpy(place + to, &where, sizeof where);
    }
}

/* The same for one channel. */
INLINE void max_pool_channel(const struct window_pooling *p, const void *x, void *y, int32_t *place,
                             int64_t n, int64_t c, bool bf16)
{
    int64_t base = place_of(&p->from, n, c, 0), step = p->from.block;
    for (int64_t o = 0; o < p->to.plane; o++) {
        struct inside w = inside_of(p, o);
        int64_t best = w.top * p->from.width + w.left, to = place_of(&p->to, n, c, o);
        float largest = scalar_get(x, base + best * step, bf16);
        for (int64_t h = w.top; h < w.bottom; h++)
            for (int64_t v = w.left; v < w.right; v++) {
                float here = scalar_get(x, base + (h * p->from.width + v) * step, bf16);
                if (here > largest || here != here) {
                    largest = here;
                    best = h * p->from.width + v;
                }
            }
        scalar_put(y, to, largest, bf16);
        place[to] = (int32_t)best;
    }
}

void KERNEL(max_pool)(const struct window_pooling *p, const void *x, void *y, int32_t *place,
                      int64_t begin, int64_t end)
{
    bool wide = p->from.block % LANES == 0, bf16 = p->from.bf16;
    for (int64_t n = begin; n < end; n++)
        for (int64_t c = 0; c < p->from.channels; c += wide ? LANES : 1) {
            if (!wide)
                max_pool_channel(p, x, y, place, n, c, bf16);
            else if (bf16)
                max_pool_run(p, x, y, place, n, c, true);
            else
                max_pool_run(p, x, y, place, n, c, false);
        }
}

/* Sets the planes of row n to zero. */
INLINE void clear_row(const struct image *image, void *x, int64_t n)
{
    size_t bytes = (size_t)(image->channels * image->plane) * (image->bf16 ? 2 : 4);
    memset((char *)x + (size_t)n * bytes, 0, bytes);
}

void KERNEL(max_pool_gradient)(const struct window_pooling *p, const void *dy, const int32_t *place,
                               void *dx, int64_t begin, int64_t end)
{
    bool bf16 = p->from.bf16;
    int64_t lanes = p->from.block % LANES == 0 ? LANES : 1;
    for (int64_t n = begin; n < end; n++) {
        clear_row(&p->from, dx, n);
        for (int64_t c = 0; c < p->from.channels; c += lanes) {
            int64_t from = place_of(&p->to, n, c, 0), to = place_of(&p->from, n, c, 0);
            for (int64_t o = 0; o < p->to.plane; o++, from += p->to.block)
                for (int64_t lane = 0; lane < lanes; lane++) {
                    int64_t at = to + place[from + lane] * p->from.block + lane;
                    float total = scalar_get(dx, at, bf16) + scalar_get(dy, from + lane, bf16);
                    scalar_put(dx, at, total, bf16);
                }
        }
    }
}

void KERNEL(average_pool)(const struct window_pooling *p, const void *x, void *y, int64_t begin,
                          int64_t end)
{
    float share = 1 / (float)(p->kernel[0] * p->kernel[1]);
    for (int64_t n = begin; n < end; n++)
        for (int64_t c = 0; c < p->from.channels; c++)
            for (int64_t o = 0; o < p->to.plane; o++) {
                struct inside w = inside_of(p, o);
                int64_t base = place_of(&p->from, n, c, 0);
                float total = 0;
                for (int64_t h = w.top; h < w.bottom; h++)
                    for (int64_t v = w.left; v < w.right; v++)
                        total += scalar_get(x, base + (h * p->from.width + v) * p->from.block,
                                            p->from.bf16);
                scalar_put(y, place_of(&p->to, n, c, o), total * share, p->to.bf16);
            }
}

void KERNEL(average_pool_gradient)(const struct window_pooling *p, const void *dy, void *dx,
                                   int64_t begin, int64_t end)
{
    float share = 1 / (float)(p->kernel[0] * p->kernel[1]);
    bool bf16 = p->from.bf16;
    for (int64_t n = begin; n < end; n++) {
        clear_row(&p->from, dx, n);
        for (int64_t c = 0; c < p->from.channels; c++)
            for (int64_t o = 0; o < p->to.plane; o++) {
                struct inside w = inside_of(p, o);
                int64_t base = place_of(&p->from, n, c, 0);
                float part = scalar_get(dy, place_of(&p->to, n, c, o), bf16) * share;
                for (int64_t h = w.top; h < w.bottom; h++)
                    for (int64_t v = w.left; v < w.right; v++) {
                        int64_t to = base + (h * p->from.width + v) * p->from.block;
                        scalar_put(dx, to, scalar_get(dx, to, bf16) + part, bf16);
                    }
            }
    }
}
