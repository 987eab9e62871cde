/* Taking the colour away, as torchvision's RandomGrayscale. */
#include "augment/plan.h"

#include <string.h>

void canvas_gray(struct canvas *canvas)
{
    float *const *plane = canvas->plane;
    if (canvas->channels != 3)
        return;
    canvas->plan->loops->gray(plane[0], plane[1], plane[2], canvas->count, plane[0]);
    memcpy(plane[1], plane[0], canvas->count * sizeof *plane[0]);
    memcpy(plane[2], plane[0], canvas->count * sizeof *plane[0]);
}

static void draw_gray(const struct augment_plan *plan, int width, int height, int view,
                      struct random_stream *stream, struct augment_draw *draw)
{
    (void)width, (void)height, (void)view;
    draw->gray = random_double(stream) < plan->settings.gray;
}

static void apply_gray(const struct augment_draw *draw, struct canvas *canvas)
{
    if (draw->gray)
        canvas_gray(canvas);
}

const struct augment_type augment_grayscale = {
    .name = "gray",
    .doc = "Take the colour away.",
    .draw = draw_gray,
    .apply = apply_gray,
};
