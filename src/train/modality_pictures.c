#include "base/memory.h"
#include "train/modality.h"

#include <stdio.h>
#include <string.h>

static void pictures_tell(const struct setup *setup, const struct audience *audience)
{
    const struct source *source = setup->source;
    char sizes[64];
    if (source->width)
        snprintf(sizes, sizeof sizes, "%d x %d pixels", source->width, source->height);
    else
        snprintf(sizes, sizeof sizes, "about %d x %d pixels", source->middle_width,
                 source->middle_height);
    tell(audience, TACIT_INFO, "data: %s, %zu picture%s to learn from%s, %s, %s", source->path,
         setup->count, setup->count == 1 ? "" : "s", source->has_parts ? " (the part train)" : "",
         sizes, source->channels == 1 ? "grey" : "colour");
}

static status input_settle(struct setup *setup)
{
    const struct config *config = setup->config;
    struct input_shape *input = &setup->input;
    TRY(augment_settings_from(config, "augment", setup->method.type->augment, &setup->augment));
    setup->augment.views = setup->method.type->views;
    input->channels = setup->source->channels;
    input->size = (int)config_integer(config, "image_size");
    const struct input_shape *initial = setup->initial ? &setup->initial->input : NULL;
    if (initial && config_automatic(config, "augment.normalize")) {
        memcpy(input->mean, initial->mean, sizeof input->mean);
        memcpy(input->std, initial->std, sizeof input->std);
        return TACIT_OK;
    }
    if (config_automatic(config, "augment.normalize"))
        return views_statistics(setup->source, setup->index, setup->count, input->mean, input->std);
    memcpy(input->mean, setup->augment.mean, sizeof input->mean);
    memcpy(input->std, setup->augment.std, sizeof input->std);
    return TACIT_OK;
}

static status pictures_settle(struct setup *setup, const struct audience *audience,
                              struct text *said)
{
    struct method *method = &setup->method;
    (void)audience, (void)said;
    TRY(method_fits(method));
    TRY(method->type->configure(method, setup->config));
    TRY(input_settle(setup));
    TRY(views_new(&setup->augment, &setup->input, setup->source, &setup->views));
    setup->views.hash = setup->hash;
    setup->fields = views_fields(&setup->input, setup->views.count, setup->field);
    setup->make = views_make;
    setup->argument = &setup->views;
    setup->scratch_bytes = setup->views.scratch_bytes;
    setup->rows = setup->count;
    return TACIT_OK;
}

static void pictures_close(struct setup *setup)
{
    views_free(&setup->views);
}

static status pictures_look(struct source *source, uint32_t sample, uint64_t *hash)
{
    struct image image;
    TRY(source_read(source, sample, &image));
    *hash = views_hash(&image);
    image_free(&image);
    return TACIT_OK;
}

static const char *const foreign[] = { "tokenizer", "vocab",   "window",  "validation",
                                       "unit",      "field",   "layers",  "heads",
                                       "hidden",    "inner",   "dropout", "band",
                                       "biases",    "buckets", "start",   NULL };

const struct modality modality_pictures = {
    .kind = SAMPLE_PICTURE,
    .samples = "pictures",
    .rows = "pictures",
    .foreign = foreign,
    .tell = pictures_tell,
    .settle = pictures_settle,
    .close = pictures_close,
    .look = pictures_look,
};

static const struct modality *const modalities[] = { &modality_pictures, &modality_texts };

const struct modality *modality_of(enum sample_kind kind)
{
    for (size_t i = 0; i < sizeof modalities / sizeof *modalities; i++)
        if (modalities[i]->kind == kind)
            return modalities[i];
    return NULL;
}
