#include "train/feed.h"
#include "base/memory.h"

#include <string.h>

enum { TOKENS, GROUPS, SEGMENTS, POSITIONS, TEXT_INPUTS };

int feed_fields(const struct input_shape *input, struct field field[])
{
    if (input->kind == SAMPLE_PICTURE)
        return views_fields(input, 1, field);
    static const char *const names[] = { "tokens", "groups", "segments", "positions" };
    for (int i = 0; i < TEXT_INPUTS; i++)
        field[i] = method_field(names[i], input->window);
    return TEXT_INPUTS;
}

static status picture_make(void *argument, const struct turn *turn, void *const row[],
                           void *scratch)
{
    struct feed *feed = argument;
    return views_make(&feed->views, turn, row, scratch);
}

static status text_make(void *argument, const struct turn *turn, void *const row[], void *scratch)
{
    struct feed *feed = argument;
    int32_t *positions = row[POSITIONS];
    (void)scratch;
    for (int64_t i = 0; i < feed->input.window; i++)
        positions[i] = (int32_t)i;
    return texts_frame(feed->source, feed->input.tokenizer, turn->used, 0, feed->source->texts > 1,
                       feed->input.window, row[TOKENS], row[GROUPS], row[SEGMENTS], NULL);
}

status feed_new(const struct input_shape *input, struct source *source, struct feed *feed)
{
    struct augment_settings settings;
    *feed = (struct feed){ .source = source, .input = *input };
    feed->fields = feed_fields(input, feed->field);
    if (source->kind != input->kind)
        return fail(TACIT_USAGE, "%s: holds %s, the model reads %s", source->path,
                    source->kind == SAMPLE_TEXT ? "texts" : "pictures",
                    input->kind == SAMPLE_TEXT ? "texts" : "pictures");
    if (input->kind == SAMPLE_TEXT) {
        feed->make = text_make;
        feed->scratch_bytes = 64;
        return TACIT_OK;
    }
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
