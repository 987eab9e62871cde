/* Batch normalisation and what else touches whole activations, in any channel block. Channels are
 * taken 16 at a time where the block allows; other blocks go item by item. */
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/vector.h"

/* Where the runs of 16 channels (or of one channel, when the block is no multiple of 16) lie. */
struct walk {
    int64_t step;  /* items from one place of the plane to the next */
    int64_t runs;  /* runs of `lanes` channels */
    int64_t lanes; /* 16 or 1 */
};

INLINE struct walk walk_of(const struct image *image)
{
    int64_t lanes = image->block % LANES == 0 ? LANES : 1;
    return (struct walk){ image->block, image->channels / lanes, lanes };
}

/* First item of run `run` of row n, in a tensor whose plane has `plane` places. */
INLINE int64_t run_at(const struct image *image, int64_t plane, int64_t n, int64_t channel)
{
    int64_t blocks = image->channels / image->block;
    return ((n * blocks + channel / image->block) * plane) * image->block + channel % image->block;
}

/* A run of row n: its first channel, the place of its statistics, and its first item in tensors of
 * whole planes and of pooled ones. */
struct run {
    int64_t channel, statistic, whole, pooled;
};

INLINE struct run run_of(const struct batch_norm *b, struct walk walk, int64_t n, int64_t r)
{
    const struct image *image = &b->image;
    int64_t per_group = image->rows / b->groups, channel = r * walk.lanes;
    int64_t pooled = b->pool ? image->plane / 4 : image->plane;
    return (struct run){ channel, n / per_group * image->channels + channel,
                         run_at(image, image->plane, n, channel),
                         run_at(image, pooled, n, channel) };
}

/* ---- sums for the statistics ---- */

enum { STRETCH = 256 }; /* places summed in f32 before they are added in double */

INLINE void sums_of_run(const void *x, int64_t step, int64_t plane, double *sum, double *squares,
                        bool bf16)
{
    for (int64_t p = 0; p < plane; p += STRETCH) {
        int64_t stop = p + STRETCH < plane ? p + STRETCH : plane;
        v16 s0 = v16_set(0), s1 = s0, q0 = s0, q1 = s0;
        int64_t i = p;
        for (; i + 1 < stop; i += 2) {
            v16 a = v16_get(x, i * step, bf16), b = v16_get(x, (i + 1) * step, bf16);
            s0 += a;
            s1 += b;
            q0 += a * a;
            q1 += b * b;
        }
        for (; i < stop; i++) {
            v16 a = v16_get(x, i * step, bf16);
            s0 += a;
            q0 += a * a;
        }
        d16_add(sum, s0 + s1);
        d16_add(squares, q0 + q1);
    }
}

INLINE const void *item(const void *base, int64_t at, bool bf16)
{
    return (const char *)base + at * (bf16 ? 2 : 4);
}

INLINE void bn_sums(const struct batch_norm *b, int64_t begin, int64_t end, double *sums, bool bf16)
{
    const struct image *image = &b->image;
    struct walk walk = walk_of(image);
    double *squares = sums + image->channels;
    for (int64_t n = begin; n < end; n++)
        for (int64_t r = 0; r < walk.runs; r++) {
            int64_t c = r * walk.lanes, at = run_at(image, image->plane, n, c);
            if (walk.lanes == LANES) {
                sums_of_run(item(b->x, at, bf16), walk.step, image->plane, sums + c, squares + c,
                            bf16);
                continue;
            }
            double total = 0, total_squares = 0;
            for (int64_t p = 0; p < image->plane; p++) {
                double x = (double)scalar_get(b->x, at + p * walk.step, bf16);
                total += x;
                total_squares += x * x;
            }
            sums[c] += total;
            squares[c] += total_squares;
        }
}

void KERNEL(bn_sums)(const struct batch_norm *b, int64_t begin, int64_t end, double *sums)
{
    if (b->image.bf16)
        bn_sums(b, begin, end, sums, true);
    else
        bn_sums(b, begin, end, sums, false);
}

/* ---- application: y = slope x + offset [+ residual] [, ReLU] [, 2x2 maximum] ---- */

INLINE v16 clip(v16 y, bool relu)
{
    return relu ? v16_select(y < v16_set(0), v16_set(0), y) : y; /* NaN passes */
}

INLINE void apply_run(const struct batch_norm *b, int64_t at, int64_t step, v16 slope, v16 offset,
                      bool bf16, bool residual, bool relu)
{
    for (int64_t p = 0; p < b->image.plane; p++) {
        v16 y = v16_get(b->x, at + p * step, bf16) * slope + offset;
        if (residual)
            y += v16_get(b->residual, at + p * step, bf16);
        v16_put(b->y, at + p * step, clip(y, relu), bf16);
    }
}

INLINE void apply_pooled_run(const struct batch_norm *b, int64_t at, int64_t to, int64_t step,
                             v16 slope, v16 offset, bool bf16)
{
    int64_t width = b->image.width;
    for (int64_t h = 0; h < b->image.height / 2; h++)
        for (int64_t w = 0; w < width / 2; w++) {
            int64_t from = at + (2 * h * width + 2 * w) * step, below = from + width * step;
            v16 top = v16_max(v16_get(b->x, from, bf16) * slope + offset,
                              v16_get(b->x, from + step, bf16) * slope + offset);
            v16 bottom = v16_max(v16_get(b->x, below, bf16) * slope + offset,
                                 v16_get(b->x, below + step, bf16) * slope + offset);
            v16_put(b->y, to + (h * (width / 2) + w) * step, clip(v16_max(top, bottom), b->relu),
                    bf16);
        }
}

/* Normalised value of one item, before ReLU. */
INLINE float applied(const struct batch_norm *b, int64_t at, float slope, float offset, bool bf16)
{
    float y = scalar_get(b->x, at, bf16) * slope + offset;
    return b->residual ? y + scalar_get(b->residual, at, bf16) : y;
}

/* Item of x that the pooled place p takes: the first largest. */
INLINE int64_t pooled_from(const struct batch_norm *b, int64_t at, int64_t p, int64_t step,
                           float slope, float offset, bool bf16)
{
    int64_t width = b->image.width, half = width / 2;
    int64_t corner = at + (p / half * 2 * width + p % half * 2) * step, best = corner;
    for (int k = 1; k < 4; k++) {
        int64_t other = corner + (k / 2 * width + k % 2) * step;
        float y = applied(b, other, slope, offset, bf16);
        if (y > applied(b, best, slope, offset, bf16) || y != y)
            best = other;
    }
    return best;
}

INLINE void apply_scalar_run(const struct batch_norm *b, int64_t at, int64_t to, int64_t step,
                             float slope, float offset, bool bf16)
{
    int64_t places = b->pool ? b->image.plane / 4 : b->image.plane;
    for (int64_t p = 0; p < places; p++) {
        int64_t from = b->pool ? pooled_from(b, at, p, step, slope, offset, bf16) : at + p * step;
        float y = applied(b, from, slope, offset, bf16);
        scalar_put(b->y, to + p * step, b->relu && y < 0 ? 0 : y, bf16); /* NaN passes */
    }
}

INLINE void bn_apply(const struct batch_norm *b, int64_t begin, int64_t end, bool bf16)
{
    struct walk walk = walk_of(&b->image);
    for (int64_t n = begin; n < end; n++)
        for (int64_t r = 0; r < walk.runs; r++) {
            struct run run = run_of(b, walk, n, r);
            int64_t s = run.statistic, at = run.whole, to = run.pooled;
            if (walk.lanes == 1) {
                apply_scalar_run(b, at, to, walk.step, b->slope[s], b->offset[s], bf16);
                continue;
            }
            v16 slope = v16_load(b->slope + s), offset = v16_load(b->offset + s);
            if (b->pool)
                apply_pooled_run(b, at, to, walk.step, slope, offset, bf16);
            else if (b->residual)
                apply_run(b, at, walk.step, slope, offset, bf16, true, b->relu);
            else
                apply_run(b, at, walk.step, slope, offset, bf16, false, b->relu);
        }
}

void KERNEL(bn_apply)(const struct batch_norm *b, int64_t begin, int64_t end)
{
    if (b->image.bf16)
        bn_apply(b, begin, end, true);
    else
        bn_apply(b, begin, end, false);
}

/* ---- gradient, first pass: dz (before ReLU), its sum and its sum with x ---- */

/* What ReLU lets through. With a residual the forward result tells; without, x does. */
INLINE v16 through_relu(const struct batch_norm *b, int64_t at, v16 dy, v16 x, v16 slope,
                        v16 offset, bool bf16)
{
    if (!b->relu)
        return dy;
    v16 y = b->y_forward ? v16_get(b->y_forward, at, bf16) : x * slope + offset;
    return v16_select(y > v16_set(0), dy, v16_set(0));
}

INLINE void gradient_sums_run(const struct batch_norm *b, int64_t at, int64_t step, v16 slope,
                              v16 offset, double *sum, double *product, bool bf16)
{
    for (int64_t p = 0; p < b->image.plane; p += STRETCH) {
        int64_t stop = p + STRETCH < b->image.plane ? p + STRETCH : b->image.plane;
        v16 s = v16_set(0), q = s;
        for (int64_t i = p; i < stop; i++) {
            int64_t here = at + i * step;
            v16 x = v16_get(b->x, here, bf16);
            v16 dz = through_relu(b, here, v16_get(b->dy, here, bf16), x, slope, offset, bf16);
            if (b->dresidual)
                v16_put(b->dresidual, here, dz, bf16);
            s += dz;
            q += dz * x;
        }
        d16_add(sum, s);
        d16_add(product, q);
    }
}

/* The four x of a pooling window, and which of them is taken (all bits set), first largest. */
struct window {
    v16 x[4];
    i16 taken[4];
};

INLINE struct window window_at(const struct batch_norm *b, int64_t from, int64_t step, v16 slope,
                               v16 offset, bool bf16)
{
    struct window w;
    int64_t below = from + b->image.width * step;
    int64_t place[4] = { from, from + step, below, below + step };
    v16 y[4], best = v16_set(0);
    for (int k = 0; k < 4; k++) {
        w.x[k] = v16_get(b->x, place[k], bf16);
        y[k] = w.x[k] * slope + offset;
        best = k ? v16_max(best, y[k]) : y[k];
    }
    i16 free = best == best;
    if (b->relu)
        free = best > v16_set(0);
    for (int k = 0; k < 4; k++) {
        w.taken[k] = free & (y[k] == best);
        free &= ~w.taken[k];
    }
    return w;
}

INLINE void gradient_sums_pooled_run(const struct batch_norm *b, int64_t at, int64_t from_dy,
                                     int64_t step, v16 slope, v16 offset, double *sum,
                                     double *product, bool bf16)
{
    int64_t width = b->image.width;
    for (int64_t h = 0; h < b->image.height / 2; h++) {
        v16 s = v16_set(0), q = s;
        for (int64_t v = 0; v < width / 2; v++) {
            struct window w =
                window_at(b, at + (2 * h * width + 2 * v) * step, step, slope, offset, bf16);
            v16 dy = v16_get(b->dy, from_dy + (h * (width / 2) + v) * step, bf16);
            for (int k = 0; k < 4; k++) {
                v16 dz = (v16)((i16)dy & w.taken[k]);
                s += dz;
                q += dz * w.x[k];
            }
        }
        d16_add(sum, s);
        d16_add(product, q);
    }
}

/* dz of one item whose gradient is dy. */
INLINE float scalar_through_relu(const struct batch_norm *b, int64_t at, float dy, float slope,
                                 float offset, bool bf16)
{
    float y =
        b->y_forward ? scalar_get(b->y_forward, at, bf16) : applied(b, at, slope, offset, bf16);
    return b->relu && !(y > 0) ? 0 : dy;
}

INLINE void gradient_sums_scalar_run(const struct batch_norm *b, int64_t at, int64_t from_dy,
                                     int64_t step, float slope, float offset, double *sum,
                                     double *product, bool bf16)
{
    int64_t places = b->pool ? b->image.plane / 4 : b->image.plane;
    for (int64_t p = 0; p < places; p++) {
        int64_t here = b->pool ? pooled_from(b, at, p, step, slope, offset, bf16) : at + p * step;
        float dy = scalar_get(b->dy, from_dy + p * step, bf16);
        float dz = scalar_through_relu(b, here, dy, slope, offset, bf16);
        if (b->dresidual)
            scalar_put(b->dresidual, here, dz, bf16);
        *sum += (double)dz;
        *product += (double)dz * (double)scalar_get(b->x, here, bf16);
    }
}

INLINE void bn_gradient_sums(const struct batch_norm *b, int64_t begin, int64_t end, double *sums,
                             bool bf16)
{
    struct walk walk = walk_of(&b->image);
    double *products = sums + b->image.channels;
    for (int64_t n = begin; n < end; n++)
        for (int64_t r = 0; r < walk.runs; r++) {
            struct run run = run_of(b, walk, n, r);
            int64_t c = run.channel, s = run.statistic, at = run.whole, from = run.pooled;
            if (walk.lanes == 1) {
                gradient_sums_scalar_run(b, at, from, walk.step, b->slope[s], b->offset[s],
                                         sums + c, products + c, bf16);
                continue;
            }
            v16 slope = v16_load(b->slope + s), offset = v16_load(b->offset + s);
            if (b->pool)
                gradient_sums_pooled_run(b, at, from, walk.step, slope, offset, sums + c,
                                         products + c, bf16);
            else
                gradient_sums_run(b, at, walk.step, slope, offset, sums + c, products + c, bf16);
        }
}

void KERNEL(bn_gradient_sums)(const struct batch_norm *b, int64_t begin, int64_t end, double *sums)
{
    if (b->image.bf16)
        bn_gradient_sums(b, begin, end, sums, true);
    else
        bn_gradient_sums(b, begin, end, sums, false);
}

/* ---- gradient, second pass: dx = dx_dy dz + dx_x x + dx_one ---- */

INLINE void gradient_apply_run(const struct batch_norm *b, int64_t at, int64_t step, v16 slope,
                               v16 offset, v16 dx_dy, v16 dx_x, v16 dx_one, bool bf16)
{
    for (int64_t p = 0; p < b->image.plane; p++) {
        int64_t here = at + p * step;
        v16 x = v16_get(b->x, here, bf16), dz;
        if (b->dresidual) /* the first pass left dz there */
            dz = v16_get(b->dresidual, here, bf16);
        else
            dz = through_relu(b, here, v16_get(b->dy, here, bf16), x, slope, offset, bf16);
        v16_put(b->dx, here, dx_dy * dz + (dx_x * x + dx_one), bf16);
    }
}

INLINE void gradient_apply_pooled_run(const struct batch_norm *b, int64_t at, int64_t from_dy,
                                      int64_t step, v16 slope, v16 offset, v16 dx_dy, v16 dx_x,
                                      v16 dx_one, bool bf16)
{
    int64_t width = b->image.width;
    for (int64_t h = 0; h < b->image.height / 2; h++)
        for (int64_t v = 0; v < width / 2; v++) {
            int64_t from = at + (2 * h * width + 2 * v) * step, below = from + width * step;
            int64_t place[4] = { from, from + step, below, below + step };
            struct window w = window_at(b, from, step, slope, offset, bf16);
            v16 dy = v16_get(b->dy, from_dy + (h * (width / 2) + v) * step, bf16);
            for (int k = 0; k < 4; k++) {
                v16 dz = (v16)((i16)dy & w.taken[k]);
                v16_put(b->dx, place[k], dx_dy * dz + (dx_x * w.x[k] + dx_one), bf16);
            }
        }
}

INLINE void gradient_apply_scalar_run(const struct batch_norm *b, int64_t at, int64_t from_dy,
                                      int64_t step, int64_t s, bool bf16)
{
    float slope = b->slope[s], offset = b->offset[s];
    if (b->pool) { /* first everything that holds without dz, then the places that were taken */
        for (int64_t p = 0; p < b->image.plane; p++) {
            float x = scalar_get(b->x, at + p * step, bf16);
            scalar_put(b->dx, at + p * step, b->dx_x[s] * x + b->dx_one[s], bf16);
        }
        for (int64_t p = 0; p < b->image.plane / 4; p++) {
            int64_t here = pooled_from(b, at, p, step, slope, offset, bf16);
            float dy = scalar_get(b->dy, from_dy + p * step, bf16);
            float dz = scalar_through_relu(b, here, dy, slope, offset, bf16);
            float x = scalar_get(b->x, here, bf16);
            scalar_put(b->dx, here, b->dx_dy[s] * dz + (b->dx_x[s] * x + b->dx_one[s]), bf16);
        }
        return;
    }
    for (int64_t p = 0; p < b->image.plane; p++) {
        int64_t here = at + p * step;
        float x = scalar_get(b->x, here, bf16);
        float dz = b->dresidual ? scalar_get(b->dresidual, here, bf16)
                                : scalar_through_relu(b, here, scalar_get(b->dy, here, bf16), slope,
                                                      offset, bf16);
        scalar_put(b->dx, here, b->dx_dy[s] * dz + (b->dx_x[s] * x + b->dx_one[s]), bf16);
    }
}

INLINE void bn_gradient_apply(const struct batch_norm *b, int64_t begin, int64_t end, bool bf16)
{
    struct walk walk = walk_of(&b->image);
    for (int64_t n = begin; n < end; n++)
        for (int64_t r = 0; r < walk.runs; r++) {
            struct run run = run_of(b, walk, n, r);
            int64_t s = run.statistic, at = run.whole, from = run.pooled;
            if (walk.lanes == 1) {
                gradient_apply_scalar_run(b, at, from, walk.step, s, bf16);
                continue;
            }
            v16 slope = v16_load(b->slope + s), offset = v16_load(b->offset + s);
            v16 dx_dy = v16_load(b->dx_dy + s), dx_x = v16_load(b->dx_x + s);
            v16 dx_one = v16_load(b->dx_one + s);
            if (b->pool)
                gradient_apply_pooled_run(b, at, from, walk.step, slope, offset, dx_dy, dx_x,
                                          dx_one, bf16);
            else
                gradient_apply_run(b, at, walk.step, slope, offset, dx_dy, dx_x, dx_one, bf16);
        }
}

void KERNEL(bn_gradient_apply)(const struct batch_norm *b, int64_t begin, int64_t end)
{
    if (b->image.bf16)
        bn_gradient_apply(b, begin, end, true);
    else
        bn_gradient_apply(b, begin, end, false);
}
