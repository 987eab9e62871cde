#include "train/views.h"
#include "base/memory.h"
#include "io/hash.h"

#include <stdio.h>
#include <string.h>

enum { STATISTICS_PICTURES = 1000, USUAL_SIDE = 640 };

status views_new(const struct augment_settings *settings, const struct input_shape *input,
                 struct source *source, struct views *views)
{
    struct augment_settings own = *settings;
    memcpy(own.mean, input->mean, sizeof own.mean);
    memcpy(own.std, input->std, sizeof own.std);
    *views = (struct views){ .source = source, .input = *input, .count = settings->views };
    TRY(augment_plan_new(&own, input->channels, input->size, &views->plan));
    int width = source->width, height = source->height;
    if (!width) {
        width = source->middle_width > USUAL_SIDE ? source->middle_width : USUAL_SIDE;
        height = source->middle_height > USUAL_SIDE ? source->middle_height : USUAL_SIDE;
    }
    views->scratch_bytes = augment_scratch_bytes(views->plan, width, height);
    return TACIT_OK;
}

void views_free(struct views *views)
{
    augment_plan_free(views->plan);
    *views = (struct views){ 0 };
}

uint64_t views_hash(const struct image *image)
{
    size_t bytes = (size_t)image->width * (size_t)image->height * (size_t)image->channels;
    uint64_t shape =
        ((uint64_t)image->width << 34) ^ ((uint64_t)image->height << 4) ^ (uint64_t)image->channels;
    uint64_t hash = hash_bytes(image->pixels, bytes, shape);
    return hash ? hash : 1;
}

int views_fields(const struct input_shape *input, int views, struct field field[])
{
    for (int i = 0; i < views; i++) {
        field[i].item = (struct type){ F32, SHAPE(input->channels, input->size, input->size) };
        snprintf(field[i].name, sizeof field[i].name, "view%d", i);
    }
    return views;
}

static status picture_views(struct views *views, const struct image *image, const struct turn *turn,
                            void *const row[], void *scratch)
{
    const struct augment_picture picture = { image->width, image->height, image->channels,
                                             image->pixels };
    void *own = NULL;
    status result = TACIT_OK;
    if (views->hash && !views->hash[turn->used])
        views->hash[turn->used] = views_hash(image);
    size_t needed = augment_scratch_bytes(views->plan, image->width, image->height);
    if (needed > views->scratch_bytes) {
        scratch = own = memory_new_aligned(needed, 1);
        result = own ? TACIT_OK : TACIT_RESOURCES;
    }
    for (int i = 0; i < views->count && result == TACIT_OK; i++)
        result = augment_view(views->plan, &picture, turn->seed, turn->epoch, turn->wanted, i,
                              row[i], scratch);
    memory_free_aligned(own);
    return result;
}

status views_make(void *argument, const struct turn *turn, void *const row[], void *scratch)
{
    struct views *views = argument;
    struct image image;
    TRY(source_read(views->source, turn->used, &image));
    status result = picture_views(views, &image, turn, row, scratch);
    image_free(&image);
    return result;
}

status views_statistics(struct source *source, const uint32_t *index, size_t count, double mean[3],
                        double std[3])
{
    struct augment_statistics statistics = { 0 };
    size_t looked = count < STATISTICS_PICTURES ? count : STATISTICS_PICTURES;
    for (size_t i = 0; i < looked; i++) {
        struct image image;
        status result = source_read(source, index[i * count / looked], &image);
        if (result == TACIT_BAD_DATA && source_health(source) == TACIT_OK)
            continue;
        TRY(result);
        augment_statistics_add(
            &statistics,
            &(struct augment_picture){ image.width, image.height, image.channels, image.pixels });
        image_free(&image);
    }
    if (!statistics.count)
        return fail(TACIT_BAD_DATA, "%s: none of the pictures looked at can be read", source->path);
    augment_statistics_get(&statistics, mean, std);
    return TACIT_OK;
}
