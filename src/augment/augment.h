/* How a picture becomes views: a plan is made once from settings, then turns 8-bit pictures into
 * normalised float planes. A view is a function of (seed, epoch, sample, view) and nothing else, so
 * loader threads may share one plan; each needs its own scratch memory. */
#ifndef AUGMENT_AUGMENT_H
#define AUGMENT_AUGMENT_H

#include "augment/settings.h"
#include "base/random.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A decoded picture: 8-bit samples, interleaved [height, width, channels], channels 1 or 3. The
 * pixels stay the caller's. */
struct augment_picture {
    int width, height, channels;
    const uint8_t *pixels;
};

/* Everything that chance decides about one view. The box of the picture (in pixels) is resized to
 * resized_width x resized_height, of which the size x size window at (window_left, window_top)
 * remains; it is mirrored, then moved by (shift_x, shift_y) pixels with zeros coming in. */
struct augment_draw {
    int left, top, width, height;
    int resized_width, resized_height, window_left, window_top;
    int shift_x, shift_y;
    bool flip;
    bool jitter;
    int order[4]; /* which of the factors comes first, second … */
    double
        factor[4]; /* brightness, contrast, saturation (1: unchanged), hue (turns, 0: unchanged) */
    bool gray;
    double sigma; /* of the blur in pixels; 0: none */
    bool solarize;
};

/* The four colour changes, as indices of augment_draw.factor. */
enum { JITTER_BRIGHTNESS, JITTER_CONTRAST, JITTER_SATURATION, JITTER_HUE, JITTER_KINDS };

/* One operator: a row of the table in augment.c. */
struct augment_plan;
struct canvas;
struct augment_type {
    const char *name, *doc;
    /* Adds what chance decides to *draw. `view` counts from 0. */
    void (*draw)(const struct augment_plan *plan, int width, int height, int view,
                 struct random_stream *stream, struct augment_draw *draw);
    /* Does it; NULL where the resize does (crops, flip). */
    void (*apply)(const struct augment_draw *draw, struct canvas *canvas);
};

/* The n-th operator, in the order of drawing; NULL behind the last. */
const struct augment_type *augment_type(int n);

/* A plan for views of out_channels (1 or 3) x size x size. One-channel pictures are repeated for
 * three output channels; three-channel pictures become gray for one. The settings are copied.
 * TACIT_USAGE: a setting out of range; TACIT_RESOURCES. Free with augment_plan_free. */
status augment_plan_new(const struct augment_settings *settings, int out_channels, int size,
                        struct augment_plan **plan);
void augment_plan_free(struct augment_plan *plan);

/* The settings a plan was made from, with what every automatic value became. */
const struct augment_settings *augment_plan_settings(const struct augment_plan *plan);

/* Bytes of scratch memory that views of pictures up to this size need, on a boundary of 64 bytes
 * (memory_new_aligned). */
size_t augment_scratch_bytes(const struct augment_plan *plan, int max_width, int max_height);

/* What chance decides about view `view` (0 … views - 1) of sample `sample` in `epoch`, for a
 * picture of this size. */
void augment_draw(const struct augment_plan *plan, int width, int height, uint64_t seed,
                  uint64_t epoch, uint64_t sample, int view, struct augment_draw *draw);

/* Makes the view that *draw tells: out is [out_channels, size, size], normalised. TACIT_BAD_DATA:
 * no usable picture; TACIT_USAGE: a box outside of it. Allocates nothing. */
status augment_apply(const struct augment_plan *plan, const struct augment_picture *picture,
                     const struct augment_draw *draw, float *out, void *scratch);

/* augment_draw and augment_apply in one. */
status augment_view(const struct augment_plan *plan, const struct augment_picture *picture,
                    uint64_t seed, uint64_t epoch, uint64_t sample, int view, float *out,
                    void *scratch);

/* Mean and standard deviation per channel, in units of the full range 0 … 1, over all pixels of the
 * pictures that were added; start with zeroes. One-channel pictures count for all three channels.
 */
struct augment_statistics {
    double sum[3], squares[3], count;
};
void augment_statistics_add(struct augment_statistics *statistics,
                            const struct augment_picture *picture);
void augment_statistics_get(const struct augment_statistics *statistics, double mean[3],
                            double std[3]);

#endif
