/* torchvision's ColorJitter on tensors: brightness, contrast, saturation and hue in random order,
 * clamped after each. */
#include "augment/plan.h"

#include <math.h>

void canvas_brightness(struct canvas *canvas, double factor)
{
    for (int c = 0; c < canvas->channels; c++)
        canvas->plan->loops->affine(canvas->plane[c], canvas->count, (float)factor, 0);
}

void canvas_contrast(struct canvas *canvas, double factor)
{
    const struct pixel_loops *loops = canvas->plan->loops;
    float *const *plane = canvas->plane;
    double sum = canvas->channels == 3
                     ? loops->gray_sum(plane[0], plane[1], plane[2], canvas->count)
                     : loops->sum(plane[0], canvas->count);
    double offset = (1 - factor) * sum / (double)canvas->count;
    for (int c = 0; c < canvas->channels; c++)
        loops->affine(plane[c], canvas->count, (float)factor, (float)offset);
}

void canvas_saturation(struct canvas *canvas, double factor)
{
    float *const *plane = canvas->plane;
    if (canvas->channels == 3)
        canvas->plan->loops->saturation(plane[0], plane[1], plane[2], canvas->count, (float)factor);
}

void canvas_hue(struct canvas *canvas, double turn)
{
    float *const *plane = canvas->plane;
    if (canvas->channels == 3)
        canvas->plan->loops->hue(plane[0], plane[1], plane[2], canvas->count, (float)turn);
}

static const struct {
    void (*change)(struct canvas *canvas, double factor);
    double unchanged;
} kinds[JITTER_KINDS] = {
    [JITTER_BRIGHTNESS] = { canvas_brightness, 1 },
    [JITTER_CONTRAST] = { canvas_contrast, 1 },
    [JITTER_SATURATION] = { canvas_saturation, 1 },
    [JITTER_HUE] = { canvas_hue, 0 },
};

static void draw_jitter(const struct augment_plan *plan, int width, int height, int view,
                        struct random_stream *stream, struct augment_draw *draw)
{
    (void)width, (void)height, (void)view;
    const struct augment_settings *s = &plan->settings;
    const double strength[JITTER_KINDS] = { s->brightness, s->contrast, s->saturation, s->hue };
    uint32_t order[JITTER_KINDS];
    draw->jitter = random_double(stream) < s->jitter;
    random_permutation(stream, order, JITTER_KINDS);
    for (int i = 0; i < JITTER_KINDS; i++) {
        double low = kinds[i].unchanged - strength[i], high = kinds[i].unchanged + strength[i];
        if (i != JITTER_HUE && low < 0)
            low = 0;
        draw->order[i] = (int)order[i];
        draw->factor[i] = low + (high - low) * random_double(stream);
    }
}

static void apply_jitter(const struct augment_draw *draw, struct canvas *canvas)
{
    for (int i = 0; draw->jitter && i < JITTER_KINDS; i++) {
        int kind = draw->order[i];
        if (draw->factor[kind] != kinds[kind].unchanged)
            kinds[kind].change(canvas, draw->factor[kind]);
    }
}

const struct augment_type augment_jitter = {
    .name = "jitter",
    .doc = "Change brightness, contrast, saturation and hue, in random order.",
    .draw = draw_jitter,
    .apply = apply_jitter,
};
