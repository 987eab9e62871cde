/* Mirroring; the resize writes its columns in reverse. */
#include "augment/plan.h"

static void draw_flip(const struct augment_plan *plan, int width, int height, int view,
                      struct random_stream *stream, struct augment_draw *draw)
{
    (void)width, (void)height, (void)view;
    draw->flip = random_double(stream) < plan->settings.flip;
}

const struct augment_type augment_flip = {
    .name = "flip",
    .doc = "Mirror left and right.",
    .draw = draw_flip,
};
