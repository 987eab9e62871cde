/* Where a view is cut from the picture. The resize does the cutting. */
#include "augment/plan.h"

#include <math.h>
#include <string.h>

static double uniform(struct random_stream *stream, double low, double high)
{
    return low + (high - low) * random_double(stream);
}

static void draw_whole_window(const struct augment_plan *plan, struct augment_draw *draw)
{
    draw->resized_width = draw->resized_height = plan->size;
    draw->window_left = draw->window_top = 0;
}

/* torchvision's RandomResizedCrop: ten tries of a uniform area and a log-uniform shape; then the
 * largest centred box of an allowed shape. */
static void draw_resized(const struct augment_plan *plan, int width, int height, int view,
                         struct random_stream *stream, struct augment_draw *draw)
{
    (void)view;
    const struct augment_settings *s = &plan->settings;
    double low = log(s->crop_ratio_min), high = log(s->crop_ratio_max);
    draw_whole_window(plan, draw);
    for (int attempt = 0; attempt < 10; attempt++) {
        double area =
            (double)width * height * uniform(stream, s->crop_scale_min, s->crop_scale_max);
        double ratio = exp(uniform(stream, low, high));
        double w = nearbyint(sqrt(area * ratio)), h = nearbyint(sqrt(area / ratio));
        if (w < 1 || h < 1 || w > width || h > height)
            continue;
        draw->width = (int)w;
        draw->height = (int)h;
        draw->top = (int)random_below(stream, (uint64_t)(height - draw->height + 1));
        draw->left = (int)random_below(stream, (uint64_t)(width - draw->width + 1));
        return;
    }
    double shape = (double)width / height;
    draw->width = width;
    draw->height = height;
    if (shape < s->crop_ratio_min)
        draw->height = (int)nearbyint(width / s->crop_ratio_min);
    else if (shape > s->crop_ratio_max)
        draw->width = (int)nearbyint(height * s->crop_ratio_max);
    draw->height = draw->height < 1 ? 1 : draw->height;
    draw->width = draw->width < 1 ? 1 : draw->width;
    draw->top = (height - draw->height) / 2;
    draw->left = (width - draw->width) / 2;
}

/* torchvision's Resize(shorter) and CenterCrop(size): the longer side is cut off to a whole number,
 * the offset rounds half to even. */
static void draw_centre_of(const struct augment_plan *plan, int shorter, int width, int height,
                           struct augment_draw *draw)
{
    bool wide = width > height;
    draw->left = draw->top = 0;
    draw->width = width;
    draw->height = height;
    draw->resized_width = wide ? (int)((int64_t)shorter * width / height) : shorter;
    draw->resized_height = wide ? shorter : (int)((int64_t)shorter * height / width);
    draw->window_left = (int)nearbyint((draw->resized_width - plan->size) / 2.0);
    draw->window_top = (int)nearbyint((draw->resized_height - plan->size) / 2.0);
}

static void draw_centre(const struct augment_plan *plan, int width, int height, int view,
                        struct random_stream *stream, struct augment_draw *draw)
{
    (void)view, (void)stream;
    draw_centre_of(plan, plan->settings.resize, width, height, draw);
}

/* torchvision's RandomCrop(size, padding) of a picture that has the view's size already. */
static void draw_padded(const struct augment_plan *plan, int width, int height, int view,
                        struct random_stream *stream, struct augment_draw *draw)
{
    (void)view;
    int padding = plan->settings.crop_padding;
    draw_centre_of(plan, plan->size, width, height, draw);
    draw->shift_y = padding - (int)random_below(stream, (uint64_t)(2 * padding + 1));
    draw->shift_x = padding - (int)random_below(stream, (uint64_t)(2 * padding + 1));
}

static void shift_plane(const float *in, int size, int x, int y, float *out)
{
    int left = x < 0 ? 0 : x, from = x < 0 ? -x : 0, width = size - left - from;
    memset(out, 0, (size_t)size * size * sizeof *out);
    if (width <= 0)
        return;
    for (int row = 0; row < size; row++)
        if (row - y >= 0 && row - y < size)
            memcpy(out + (size_t)row * size + left, in + (size_t)(row - y) * size + from,
                   (size_t)width * sizeof *out);
}

void canvas_shift(struct canvas *canvas, int x, int y)
{
    if (x == 0 && y == 0)
        return;
    for (int c = 0; c < canvas->channels; c++) {
        float *plane = canvas->plane[c];
        shift_plane(plane, canvas->size, x, y, canvas->spare);
        memcpy(plane, canvas->spare, canvas->count * sizeof *plane);
    }
}

static void apply_shift(const struct augment_draw *draw, struct canvas *canvas)
{
    canvas_shift(canvas, draw->shift_x, draw->shift_y);
}

const struct augment_type augment_resized_crop = {
    .name = "resized_crop",
    .doc = "A random box of the picture, resized to the view.",
    .draw = draw_resized,
};

const struct augment_type augment_padded_crop = {
    .name = "padded_crop",
    .doc = "The picture with a border of zeros, cut at a random place.",
    .draw = draw_padded,
    .apply = apply_shift,
};

const struct augment_type augment_centre_crop = {
    .name = "centre_crop",
    .doc = "The picture resized by its shorter side, cut in the middle.",
    .draw = draw_centre,
};
