/* Samples that are texts of the source by themselves: one, or both of a pair, in one frame. */
#include "train/texts.h"

static status frames_open(struct texts *texts, const struct texts_options *options)
{
    enum { MOST = 2 };
    if (options->source->texts > MOST)
        return fail(TACIT_USAGE,
                    "%s: has %d texts a sample, the method reads one or a pair: name them, such as "
                    "field=first,second",
                    options->source->path, options->source->texts);
    texts->samples = (int64_t)options->count;
    return TACIT_OK;
}

static status frames_make(struct texts *texts, const struct turn *turn, void *const row[],
                          void *scratch)
{
    (void)scratch;
    struct random_stream stream = random_stream(turn->seed, "stretch", turn->epoch, turn->wanted);
    return texts_frame(texts->source, texts->tokenizer, turn->used, 0, texts->source->texts > 1,
                       texts->request.spread ? &stream : NULL, texts->request.window,
                       texts_field(texts, row, TEXT_TOKENS), texts_field(texts, row, TEXT_GROUPS),
                       texts_field(texts, row, TEXT_SEGMENTS), NULL);
}

const struct text_form_type text_form_frames = { .open = frames_open, .make = frames_make };
