/* Resizing as Pillow does (src/libImaging/Resample.c): the filter's support grows with the
 * reduction, weights are normalised, rounded to fixed point, and the horizontal pass is rounded to
 * 8 bits before the vertical one. The horizontal pass works on LANES rows side by side, so that
 * both passes add up contiguous bytes. */
#include "augment/plan.h"

#include <math.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

struct filter {
    double support;
    double (*weight)(double x);
};

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

/* Keys 1981, equation 4, a = -1/2. */
static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static const struct filter filters[] = {
    [INTERPOLATION_BILINEAR] = { 1, bilinear },
    [INTERPOLATION_BICUBIC] = { 2, bicubic },
};

int resize_most_taps(enum augment_interpolation interpolation, int from, int to)
{
    double scale = (double)from / to;
    return 2 * (int)ceil(filters[interpolation].support * (scale < 1 ? 1 : scale)) + 1;
}

/* The taps of output pixels first … first + count - 1 when `from` pixels become `to`. `weights` and
 * `values` have room for the weights of all, and of one, output pixel. */
static void taps_fill(const struct filter *filter, int from, int to, int first, int count,
                      struct taps *taps, int32_t *weights, double *values)
{
    double scale = (double)from / to, reduction = scale < 1 ? 1 : scale;
    double support = filter->support * reduction, inverse = 1 / reduction;
    for (int x = 0; x < count; x++) {
        double centre = (first + x + 0.5) * scale, total = 0;
        int low = (int)(centre - support + 0.5), high = (int)(centre + support + 0.5);
        low = low < 0 ? 0 : low;
        high = high > from ? from : high;
        for (int i = low; i < high; i++) {
            values[i - low] = filter->weight((i - centre + 0.5) * inverse);
            total += values[i - low];
        }
        for (int i = 0; i < high - low; i++) {
            double fixed = (total == 0 ? values[i] : values[i] / total) * (1 << WEIGHT_BITS);
            weights[i] = (int32_t)(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
        }
        taps[x] = (struct taps){ low, high - low, weights };
        weights += high - low;
    }
}

/* out[j * out_stride + i] = in[i * in_stride + j] for 16 x 16 bytes. */
static void transpose_block(const uint8_t *in, size_t in_stride, uint8_t *out, size_t out_stride)
{
#if defined(__SSE2__)
    /* Interleaving the first half with the second four times is a transposition. */
    __m128i row[LANES], next[LANES];
    for (int i = 0; i < LANES; i++)
        row[i] = _mm_loadu_si128((const __m128i *)(const void *)(in + i * in_stride));
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < LANES / 2; i++) {
            next[2 * i] = _mm_unpacklo_epi8(row[i], row[i + LANES / 2]);
            next[2 * i + 1] = _mm_unpackhi_epi8(row[i], row[i + LANES / 2]);
        }
        memcpy(row, next, sizeof row);
    }
    for (int i = 0; i < LANES; i++)
        _mm_storeu_si128((__m128i *)(void *)(out + i * out_stride), row[i]);
#else
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < LANES; j++)
            out[j * out_stride + i] = in[i * in_stride + j];
#endif
}

/* lanes[j * LANES + i] = byte j of row i, for `rows` rows of `bytes` bytes; rows that are missing
 * are zero, and lanes have whole blocks of columns. */
static void rows_to_lanes(const uint8_t *in, size_t stride, int rows, size_t bytes, uint8_t *lanes)
{
    for (size_t j = 0; j < bytes; j += LANES, lanes += LANES * LANES) {
        if (rows == LANES && j + LANES <= bytes) {
            transpose_block(in + j, stride, lanes, LANES);
            continue;
        }
        uint8_t block[LANES * LANES] = { 0 };
        size_t width = bytes - j < LANES ? bytes - j : LANES;
        for (int i = 0; i < rows; i++)
            memcpy(block + i * LANES, in + i * stride + j, width);
        transpose_block(block, LANES, lanes, LANES);
    }
}

/* The horizontal pass over the rows of the box that the vertical one needs. */
static void resize_horizontally(const struct augment_plan *plan,
                                const struct augment_picture *picture,
                                const struct augment_draw *draw, int first, int count,
                                const struct workspace *w)
{
    int channels = picture->channels, padded = plan->padded;
    size_t stride = (size_t)picture->width * channels, bytes = (size_t)draw->width * channels;
    size_t height = ((size_t)count + LANES - 1) / LANES * LANES;
    const uint8_t *in =
        picture->pixels + (draw->top + (size_t)first) * stride + (size_t)draw->left * channels;
    for (int y = 0; y < count; y += LANES) {
        int rows = count - y < LANES ? count - y : LANES;
        rows_to_lanes(in + y * stride, stride, rows, bytes, w->lanes);
        plan->loops->resize_columns(w->lanes, channels, w->taps, plan->size, padded, draw->flip,
                                    w->band);
        for (int c = 0; c < channels; c++)
            for (int x = 0; x < padded; x += LANES)
                transpose_block(w->band + ((size_t)c * padded + x) * LANES, LANES,
                                w->columns + (c * height + y) * padded + x, padded);
    }
}

void resize_picture(const struct augment_plan *plan, const struct augment_picture *picture,
                    const struct augment_draw *draw, const struct workspace *w)
{
    const struct filter *filter = &filters[plan->settings.interpolation];
    int size = plan->size, padded = plan->padded;
    struct taps *vertical = w->taps + size;
    int32_t *weights = w->weights;
    taps_fill(filter, draw->width, draw->resized_width, draw->window_left, size, w->taps, weights,
              w->filter);
    const struct taps *last = &w->taps[size - 1];
    weights += last->weight + last->count - weights;
    taps_fill(filter, draw->height, draw->resized_height, draw->window_top, size, vertical, weights,
              w->filter);
    int first = vertical[0].first;
    int count = vertical[size - 1].first + vertical[size - 1].count - first;
    for (int y = 0; y < size; y++)
        vertical[y].first -= first;
    resize_horizontally(plan, picture, draw, first, count, w);
    size_t height = ((size_t)count + LANES - 1) / LANES * LANES;
    for (int c = 0; c < picture->channels; c++)
        for (int y = 0; y < size; y++)
            /* A row's last block runs into the next row, which is written later. */
            plan->loops->resize_row(w->columns + c * height * padded, &vertical[y], padded,
                                    w->planes + c * plan->stride + (size_t)y * size);
}
