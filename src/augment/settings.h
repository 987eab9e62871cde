/* The settings of an augmentation pipeline, the named pipelines, and the options that change them.
 * One list gives the struct, the options and the way between them. */
#ifndef AUGMENT_SETTINGS_H
#define AUGMENT_SETTINGS_H

#include "base/config.h"
#include "base/options.h"
#include "base/status.h"

enum augment_crop { CROP_RESIZED, CROP_PADDED, CROP_CENTRE };
enum augment_interpolation { INTERPOLATION_BILINEAR, INTERPOLATION_BICUBIC };

/* X(field, smallest, largest, unit, help): reals. */
#define AUGMENT_REALS(X)                                                                \
    X(crop_scale_min, 0.0001, 1, "of the picture", "smallest area of a resized crop")   \
    X(crop_scale_max, 0.0001, 1, "of the picture", "largest area of a resized crop")    \
    X(crop_ratio_min, 0.01, 100, "width / height", "narrowest shape of a resized crop") \
    X(crop_ratio_max, 0.01, 100, "width / height", "widest shape of a resized crop")    \
    X(flip, 0, 1, "probability", "mirror left and right")                               \
    X(jitter, 0, 1, "probability", "change the colours")                                \
    X(brightness, 0, 10, "strength", "factor from max(0, 1 - this) to 1 + this")        \
    X(contrast, 0, 10, "strength", "factor from max(0, 1 - this) to 1 + this")          \
    X(saturation, 0, 10, "strength", "factor from max(0, 1 - this) to 1 + this")        \
    X(hue, 0, .5, "turns", "hue changes by at most this much of the colour circle")     \
    X(gray, 0, 1, "probability", "take the colour away")                                \
    X(blur, 0, 1, "probability", "blur, first view")                                    \
    X(blur_second, -1, 1, "probability", "blur, other views; -1: as the first")         \
    X(blur_sigma_min, 0.01, 100, "pixels", "smallest standard deviation of the blur")   \
    X(blur_sigma_max, 0.01, 100, "pixels", "largest standard deviation of the blur")    \
    X(solarize, 0, 1, "probability", "invert bright pixels, first view")                \
    X(solarize_second, -1, 1, "probability",                                            \
      "invert bright pixels, other views; -1: as the first")                            \
    X(solarize_threshold, 0, 256, "grey levels", "pixels at or above are inverted")

/* X(field, smallest, largest, unit, help): whole numbers. */
#define AUGMENT_INTEGERS(X)                                                                     \
    X(views, 1, 64, "views", "views of every picture")                                          \
    X(crop_padding, 0, 1024, "pixels", "border of zeros for padded crops")                      \
    X(resize, 0, 65536, "pixels", "shorter side before a centre crop; 0: as large as the view") \
    X(blur_kernel, 0, 255, "pixels", "width of the blur's window, odd; 0: a tenth of the view") \
    X(gray_first, 0, 1, NULL, "1: take the colour away before changing colours")

/* Probabilities of blur and solarisation may differ between the first view and the others. */
struct augment_settings {
#define AUGMENT_FIELD(field, smallest, largest, unit, help) double field;
    AUGMENT_REALS(AUGMENT_FIELD)
#undef AUGMENT_FIELD
#define AUGMENT_FIELD(field, smallest, largest, unit, help) int field;
    AUGMENT_INTEGERS(AUGMENT_FIELD)
#undef AUGMENT_FIELD
    enum augment_crop crop;
    enum augment_interpolation interpolation;
    /* In units of the full range, 0 … 1: out = (pixel / 255 - mean) / std. */
    double mean[3], std[3];
};

/* A named pipeline. */
struct augment_pipeline {
    const char *name, *doc;
    struct augment_settings settings;
};

/* The n-th named pipeline; NULL behind the last. */
const struct augment_pipeline *augment_pipeline(int n);

/* Copies the settings of a named pipeline. TACIT_USAGE: there is none of this name. */
status augment_preset(const char *name, struct augment_settings *settings);

/* Sets mean and std to those of a named data set (none, half, imagenet, cifar10, cifar100, stl10,
 * clip; none is mean 0, std 1). TACIT_USAGE: unknown name. */
status augment_normalize(const char *name, double mean[3], double std[3]);

/* The options: add them under a prefix such as "augment". All default to auto, which means: as in
 * the named pipeline. `pipeline` auto is the caller's choice (the method's); `normalize` auto too.
 */
extern const struct option augment_options[];

/* Settings from a checked configuration: the pipeline that PREFIX.pipeline names (`pipeline` if
 * that is auto) changed by every option that is not auto. TACIT_USAGE. */
status augment_settings_from(const struct config *config, const char *prefix, const char *pipeline,
                             struct augment_settings *settings);

#endif
