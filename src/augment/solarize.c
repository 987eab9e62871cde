/* Inverting bright pixels. */
#include "augment/plan.h"

void canvas_solarize(struct canvas *canvas, double threshold)
{
    for (int c = 0; c < canvas->channels; c++)
        canvas->plan->loops->solarize(canvas->plane[c], canvas->count, (float)threshold);
}

static void draw_solarize(const struct augment_plan *plan, int width, int height, int view,
                          struct random_stream *stream, struct augment_draw *draw)
{
    (void)width, (void)height;
    const struct augment_settings *s = &plan->settings;
    draw->solarize = random_double(stream) < (view == 0 ? s->solarize : s->solarize_second);
}

static void apply_solarize(const struct augment_draw *draw, struct canvas *canvas)
{
    if (draw->solarize)
        canvas_solarize(canvas, canvas->plan->settings.solarize_threshold);
}

const struct augment_type augment_solarize = {
    .name = "solarize",
    .doc = "Invert bright pixels.",
    .draw = draw_solarize,
    .apply = apply_solarize,
};
