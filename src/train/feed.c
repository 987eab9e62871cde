#include "train/feed.h"
#include "train/modality.h"
#include "base/memory.h"

#include <string.h>

int feed_fields(const struct input_shape *input, struct field field[])
{
    if (input->kind == SAMPLE_PICTURE)
        return views_fields(input, 1, field);
    static const char *const names[] = {
        [FEED_TOKENS] = "tokens", [FEED_GROUPS] = "groups", [FEED_SEGMENTS] = "segments"
    };
    for (int i = 0; i < FEED_TEXT_FIELDS; i++)
        field[i] = method_field(names[i], input->window);
    return FEED_TEXT_FIELDS;
}

static status picture_make(void *argument, const struct turn *turn, void *const row[],
                           void *scratch)
{
    struct feed *feed = argument;
    return views_make(&feed->views, turn, row, scratch);
}

status feed_new(const struct input_shape *input, struct source *source, struct feed *feed)
{
    struct augment_settings settings;
    *feed = (struct feed){ .source = source, .input = *input };
    feed->fields = feed_fields(input, feed->field);
    if (source->kind != input->kind)
        return fail(TACIT_USAGE, "%s: holds %s, the model reads %s", source->path,
                    modality_of(source->kind)->samples, modality_of(input->kind)->samples);
    TRY(augment_preset("eval", &settings));
    settings.views = 1;
    TRY(views_new(&settings, input, source, &feed->views));
    feed->make = picture_make;
    feed->scratch_bytes = feed->views.scratch_bytes;
    return TACIT_OK;
}

void feed_free(struct feed *feed)
{
    views_free(&feed->views);
    *feed = (struct feed){ 0 };
}
