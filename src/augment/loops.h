/* The inner loops of the augmentations, compiled once per instruction set from loops.inc and chosen
 * at run time. All planes are float in grey levels, 0 … 255. */
#ifndef AUGMENT_LOOPS_H
#define AUGMENT_LOOPS_H

#include <stddef.h>
#include <stdint.h>

/* Pixels that a resize handles side by side. */
enum { LANES = 16 };

/* The weights of one output pixel of a resize: `count` input pixels from `first` on, in fixed point
 * with WEIGHT_BITS fractional bits (Pillow's 8-bit resampling). */
enum { WEIGHT_BITS = 22 };
struct taps {
    int32_t first, count;
    const int32_t *weight;
};

struct pixel_loops {
    const char *name;

    /* out[(c * padded + x) * LANES + i] = rounded sum over t of
     * weight[t] * in[((first + t) * channels + c) * LANES + i] for the `width` output columns x
     * (mirrored: column width - 1 - x). `padded` is width rounded up to LANES. */
    void (*resize_columns)(const uint8_t *in, int channels, const struct taps *taps, int width,
                           int padded, int mirrored, uint8_t *out);
    /* out[x] = rounded sum over t of weight[t] * in[(first + t) * padded + x]: one output row, in
     * whole LANES (out has room for `padded` values). */
    void (*resize_row)(const uint8_t *in, const struct taps *taps, int padded, float *out);

    /* x = clamp(factor * x + offset, 0, 255). */
    void (*affine)(float *plane, size_t count, float factor, float offset);
    /* x = clamp(factor * x + (1 - factor) * gray), for each of the three planes. */
    void (*saturation)(float *red, float *green, float *blue, size_t count, float factor);
    /* Turns the hue by `turn` of a full circle, -0.5 … 0.5. */
    void (*hue)(float *red, float *green, float *blue, size_t count, float turn);
    /* gray = .299 red + .587 green + .114 blue. `gray` may be one of the planes. */
    void (*gray)(const float *red, const float *green, const float *blue, size_t count,
                 float *gray);
    /* The sum over all pixels of gray, or of one plane. */
    double (*gray_sum)(const float *red, const float *green, const float *blue, size_t count);
    double (*sum)(const float *plane, size_t count);
    /* x = x >= threshold ? 255 - x : x. */
    void (*solarize)(float *plane, size_t count, float threshold);
    /* out = scale * in + offset. */
    void (*scale)(const float *in, size_t count, float scale, float offset, float *out);
    /* out[x] = sum over t of weight[t] * row[t][x]. */
    void (*weigh)(const float *const row[], const float *weight, int taps, size_t width,
                  float *out);
};

/* The best loops for this machine; the environment variable TACIT_ISA caps them (avx512, avx2,
 * baseline; other words do not). Chosen once. */
const struct pixel_loops *pixel_loops(void);

/* The loops of one instruction set ("avx512", "avx2", "baseline"), NULL if this machine or this
 * build has none such. */
const struct pixel_loops *pixel_loops_named(const char *name);

#endif
