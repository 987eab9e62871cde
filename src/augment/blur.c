/* torchvision's GaussianBlur on tensors: a sampled Gaussian over an odd window, normalised, borders
 * reflected. The two-dimensional kernel is a product, so rows and columns are done in turn. */
#include "augment/plan.h"

#include <math.h>
#include <string.h>

enum { MOST_TAPS = 255 };

/* -1 -> 1, size -> size - 2. The window is at most 2 size - 1 wide, so once is enough. */
static int reflect(int i, int size)
{
    i = i < 0 ? -i : i;
    return i >= size ? 2 * (size - 1) - i : i;
}

static void kernel_fill(double sigma, int taps, float *kernel)
{
    double value[MOST_TAPS], total = 0;
    for (int i = 0; i < taps; i++) {
        double x = (i - taps / 2) / sigma;
        total += value[i] = exp(-0.5 * x * x);
    }
    for (int i = 0; i < taps; i++)
        kernel[i] = (float)(value[i] / total);
}

static void blur_plane(const struct canvas *canvas, const float *kernel, int taps, float *plane)
{
    const float *rows[MOST_TAPS];
    int size = canvas->size, radius = taps / 2;
    float *border = canvas->row;
    for (int t = 0; t < taps; t++)
        rows[t] = border + t;
    for (int y = 0; y < size; y++) {
        const float *row = plane + (size_t)y * size;
        for (int i = 0; i < radius; i++) {
            border[i] = row[reflect(i - radius, size)];
            border[radius + size + i] = row[reflect(size + i, size)];
        }
        memcpy(border + radius, row, (size_t)size * sizeof *row);
        canvas->plan->loops->weigh(rows, kernel, taps, (size_t)size,
                                   canvas->spare + (size_t)y * size);
    }
    for (int y = 0; y < size; y++) {
        for (int t = 0; t < taps; t++)
            rows[t] = canvas->spare + (size_t)reflect(y + t - radius, size) * size;
        canvas->plan->loops->weigh(rows, kernel, taps, (size_t)size, plane + (size_t)y * size);
    }
}

void canvas_blur(struct canvas *canvas, double sigma, int taps)
{
    float kernel[MOST_TAPS];
    kernel_fill(sigma, taps, kernel);
    for (int c = 0; c < canvas->channels; c++)
        blur_plane(canvas, kernel, taps, canvas->plane[c]);
}

static void draw_blur(const struct augment_plan *plan, int width, int height, int view,
                      struct random_stream *stream, struct augment_draw *draw)
{
    (void)width, (void)height;
    const struct augment_settings *s = &plan->settings;
    bool blurred = random_double(stream) < (view == 0 ? s->blur : s->blur_second);
    double place = random_double(stream);
    if (blurred)
        draw->sigma = s->blur_sigma_min + (s->blur_sigma_max - s->blur_sigma_min) * place;
}

static void apply_blur(const struct augment_draw *draw, struct canvas *canvas)
{
    if (draw->sigma > 0 && canvas->plan->blur_taps > 1)
        canvas_blur(canvas, draw->sigma, canvas->plan->blur_taps);
}

const struct augment_type augment_blur = {
    .name = "blur",
    .doc = "Gaussian blur.",
    .draw = draw_blur,
    .apply = apply_blur,
};
