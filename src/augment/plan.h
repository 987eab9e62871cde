/* Inside the room: the plan, the canvas on which operators work, and the operators as functions
 * with explicit parameters. */
#ifndef AUGMENT_PLAN_H
#define AUGMENT_PLAN_H

#include "augment/augment.h"
#include "augment/loops.h"

struct augment_plan {
    struct augment_settings settings;
    int channels, size, padded; /* padded: size in whole LANES */
    size_t stride;              /* floats from plane to plane */
    int blur_taps;
    const struct pixel_loops *loops;
    const struct augment_type *order[16]; /* of application, NULL-terminated */
};

/* The views' pixels: `channels` planes of size x size floats in grey levels 0 … 255. `spare` is one
 * more plane, `row` has room for a row and the blur's borders. */
struct canvas {
    const struct augment_plan *plan;
    float *plane[3];
    int channels, size;
    size_t count; /* pixels of a plane */
    float *spare, *row;
    float *out;
};

/* Scratch memory of a view, carved out of one block. */
struct workspace {
    float *planes, *spare, *row;
    uint8_t *columns; /* [channels, height in whole LANES, padded]: after the horizontal pass */
    uint8_t *lanes;   /* [width * channels, LANES]: LANES rows of the box, side by side */
    uint8_t *band;    /* [channels, padded, LANES] */
    struct taps *taps;
    int32_t *weights;
    double *filter;
};

/* Splits `block` for pictures up to this size and returns the bytes needed; with block NULL it only
 * counts. */
size_t workspace_carve(const struct augment_plan *plan, int width, int height, void *block,
                       struct workspace *workspace);

/* The most weights that one output pixel can need when `from` pixels become at least `to`. */
int resize_most_taps(enum augment_interpolation interpolation, int from, int to);

/* Pillow's 8-bit antialiased resize of the box in *draw (crop, resize, window, mirror) to
 * `channels` planes, bit for bit: fixed-point weights, horizontal pass first, rounded to 8 bits in
 * between. */
void resize_picture(const struct augment_plan *plan, const struct augment_picture *picture,
                    const struct augment_draw *draw, const struct workspace *workspace);

/* x = clamp(factor * x). */
void canvas_brightness(struct canvas *canvas, double factor);
/* x = clamp(factor * x + (1 - factor) * mean gray of the whole canvas). */
void canvas_contrast(struct canvas *canvas, double factor);
/* x = clamp(factor * x + (1 - factor) * gray of the pixel); one channel: unchanged. */
void canvas_saturation(struct canvas *canvas, double factor);
/* Turns the hue by a fraction of the circle, -0.5 … 0.5; one channel: unchanged. */
void canvas_hue(struct canvas *canvas, double turn);
/* All channels become .299 R + .587 G + .114 B. */
void canvas_gray(struct canvas *canvas);
/* Separable Gaussian with an odd number of taps, borders reflected without repeating the edge. */
void canvas_blur(struct canvas *canvas, double sigma, int taps);
/* x >= threshold becomes 255 - x. */
void canvas_solarize(struct canvas *canvas, double threshold);
/* Moves by (x, y) pixels, zeros come in. */
void canvas_shift(struct canvas *canvas, int x, int y);
/* out = (x / 255 - mean) / std for each output channel; one plane serves three channels. */
void canvas_normalize(struct canvas *canvas);

extern const struct augment_type augment_resized_crop, augment_padded_crop, augment_centre_crop;
extern const struct augment_type augment_flip, augment_jitter, augment_grayscale, augment_blur;
extern const struct augment_type augment_solarize, augment_normalize_pixels;

#endif
