#include "augment/settings.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Every pipeline: smallest crop, mirroring, number of views, resize filter. The means are
 * ImageNet's until a caller knows the data. */
#define COMMON(scale, mirror, count, filter)                                                 \
    .crop_scale_min = scale, .crop_scale_max = 1, .crop_ratio_min = 3. / 4,                  \
    .crop_ratio_max = 4. / 3, .flip = mirror, .views = count, .interpolation = filter,       \
    .blur_sigma_min = .1, .blur_sigma_max = 2, .solarize_threshold = 128, .crop_padding = 4, \
    .mean = { .485, .456, .406 }, .std = { .229, .224, .225 }
#define BILINEAR INTERPOLATION_BILINEAR
#define BICUBIC INTERPOLATION_BICUBIC

#define COLOUR(b, c, s, h, p) \
    .brightness = b, .contrast = c, .saturation = s, .hue = h, .jitter = p, .gray = .2

/* Blur and solarisation: first view, other views. */
#define FILTERS(blur_1, blur_2, solarize_1, solarize_2) \
    .blur = blur_1, .blur_second = blur_2, .solarize = solarize_1, .solarize_second = solarize_2

/* Chen et al. 2020 (appendix A), He et al. 2020, Chen et al. 2020b, Grill et al. 2020 (table 6),
 * and solo-learn's scripts for CIFAR. */
static const struct augment_pipeline pipelines[] = {
    { "simclr",
      "SimCLR at ImageNet strength: crops from 8 %, strong colours, blur",
      { COMMON(.08, .5, 2, BICUBIC), COLOUR(.8, .8, .8, .2, .8), FILTERS(.5, .5, 0, 0) } },
    { "simclr-cifar",
      "SimCLR for small pictures: weaker colours, no blur",
      { COMMON(.08, .5, 2, BILINEAR), COLOUR(.4, .4, .4, .1, .8) } },
    { "moco-v1",
      "MoCo v1: crops from 20 %, colours taken away before they change",
      { COMMON(.2, .5, 2, BILINEAR), COLOUR(.4, .4, .4, .4, 1), .gray_first = 1 } },
    { "moco-v2",
      "MoCo v2 and SimSiam: crops from 20 %, moderate colours, blur",
      { COMMON(.2, .5, 2, BILINEAR), COLOUR(.4, .4, .4, .1, .8), FILTERS(.5, .5, 0, 0) } },
    { "byol",
      "BYOL, Barlow Twins, VICReg, MoCo v3: views differ in blur and solarisation",
      { COMMON(.08, .5, 2, BICUBIC), COLOUR(.4, .4, .2, .1, .8), FILTERS(1, .1, 0, .2) } },
    { "solo-symmetric",
      "solo-learn for CIFAR: SimCLR, SwAV, DeepCluster v2",
      { COMMON(.08, .5, 2, BICUBIC), COLOUR(.8, .8, .8, .2, .8), FILTERS(.5, .5, 0, 0) } },
    { "solo-weak",
      "solo-learn for CIFAR: SimSiam, MoCo v2+",
      { COMMON(.08, .5, 2, BICUBIC), COLOUR(.4, .4, .4, .1, .8), FILTERS(.5, .5, 0, 0) } },
    { "solo-asymmetric",
      "solo-learn for CIFAR: BYOL, Barlow Twins, MoCo v3, NNCLR, DINO",
      { COMMON(.08, .5, 2, BICUBIC), COLOUR(.4, .4, .2, .1, .8), FILTERS(0, 0, 0, .2) } },
    { "solo-vicreg",
      "solo-learn for CIFAR: VICReg",
      { COMMON(.2, .5, 2, BICUBIC), COLOUR(.4, .4, .2, .1, .8), FILTERS(0, 0, .1, .1) } },
    { "crop-flip",
      "Crops from 20 % and mirroring only, as for masked autoencoders",
      { COMMON(.2, .5, 2, BICUBIC) } },
    { "supervised",
      "A border of zeros, cut at random, and mirroring",
      { COMMON(.08, .5, 1, BILINEAR), .crop = CROP_PADDED } },
    { "eval",
      "Resized by the shorter side, cut in the middle",
      { COMMON(.08, 0, 1, BILINEAR), .crop = CROP_CENTRE } },
    { "none",
      "No augmentation: as eval, for any number of views",
      { COMMON(.08, 0, 2, BILINEAR), .crop = CROP_CENTRE } },
};
enum { PIPELINES = sizeof pipelines / sizeof pipelines[0] };

static const char *const pipeline_names[PIPELINES + 1] = {
    "simclr",    "simclr-cifar",    "moco-v1",     "moco-v2",   "byol",       "solo-symmetric",
    "solo-weak", "solo-asymmetric", "solo-vicreg", "crop-flip", "supervised", "eval",
    "none",
};
static const char *const crops[] = { "resized", "padded", "centre", NULL };
static const char *const interpolations[] = { "bilinear", "bicubic", NULL };
static const char *const normalizations[] = { "none",     "half",  "imagenet", "cifar10",
                                              "cifar100", "stl10", "clip",     NULL };

const struct augment_pipeline *augment_pipeline(int n)
{
    return n >= 0 && n < PIPELINES ? &pipelines[n] : NULL;
}

status augment_preset(const char *name, struct augment_settings *settings)
{
    for (int i = 0; i < PIPELINES; i++)
        if (strcmp(pipelines[i].name, name) == 0) {
            *settings = pipelines[i].settings;
            return TACIT_OK;
        }
    return fail(TACIT_USAGE, "there is no augmentation named '%s'; try simclr, byol or none", name);
}

#define CHOICE(key, list, text) \
    { .name = key,              \
      .kind = OPTION_CHOICE,    \
      .fallback = "auto",       \
      .automatic = true,        \
      .choices = list,          \
      .help = text },
#define NUMBER(type, key, low, high, of, text) \
    { .name = key,                             \
      .kind = type,                            \
      .fallback = "auto",                      \
      .minimum = low,                          \
      .maximum = high,                         \
      .automatic = true,                       \
      .unit = of,                              \
      .help = text },
#define REAL(field, low, high, unit, help) NUMBER(OPTION_REAL, #field, low, high, unit, help)
#define INTEGER(field, low, high, unit, help) NUMBER(OPTION_INTEGER, #field, low, high, unit, help)

const struct option augment_options[] = {
    CHOICE("pipeline", pipeline_names, "named pipeline; auto: the method's")
        CHOICE("crop", crops, "how a view is cut from the picture")
            CHOICE("interpolation", interpolations, "filter of the resize") CHOICE(
                "normalize", normalizations, "mean and deviation per channel; auto: the data's")
                AUGMENT_REALS(REAL) AUGMENT_INTEGERS(INTEGER){ .name = NULL },
};

static const struct {
    const char *name;
    size_t offset;
    bool real;
} fields[] = {
#define AUGMENT_ROW(field, low, high, unit, help) \
    { #field, offsetof(struct augment_settings, field), true },
    AUGMENT_REALS(AUGMENT_ROW)
#undef AUGMENT_ROW
#define AUGMENT_ROW(field, low, high, unit, help) \
    { #field, offsetof(struct augment_settings, field), false },
        AUGMENT_INTEGERS(AUGMENT_ROW)
#undef AUGMENT_ROW
};

struct reader {
    const struct config *config;
    const char *prefix;
    char key[OPTION_KEY_BYTES];
};

/* Whether PREFIX.name has a value that is not auto; leaves the whole key in reader->key. */
static bool reader_has(struct reader *reader, const char *name)
{
    snprintf(reader->key, sizeof reader->key, "%s%s%s", reader->prefix, *reader->prefix ? "." : "",
             name);
    return config_value(reader->config, reader->key) &&
           !config_automatic(reader->config, reader->key);
}

static void read_fields(struct reader *reader, struct augment_settings *settings)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char *place = (char *)settings + fields[i].offset;
        if (!reader_has(reader, fields[i].name))
            continue;
        if (fields[i].real) {
            double value = config_real(reader->config, reader->key);
            memcpy(place, &value, sizeof value);
        } else {
            int value = (int)config_integer(reader->config, reader->key);
            memcpy(place, &value, sizeof value);
        }
    }
}

status augment_settings_from(const struct config *config, const char *prefix, const char *pipeline,
                             struct augment_settings *settings)
{
    struct reader reader = { .config = config, .prefix = prefix };
    if (reader_has(&reader, "pipeline"))
        pipeline = config_text(config, reader.key);
    TRY(augment_preset(pipeline, settings));
    if (reader_has(&reader, "crop"))
        settings->crop = (enum augment_crop)config_choice(config, reader.key);
    if (reader_has(&reader, "interpolation"))
        settings->interpolation = (enum augment_interpolation)config_choice(config, reader.key);
    if (reader_has(&reader, "normalize"))
        TRY(augment_normalize(config_text(config, reader.key), settings->mean, settings->std));
    read_fields(&reader, settings);
    return TACIT_OK;
}
