/* How long single texts are, so that short ones are trained on together and cost little. */
#include "base/memory.h"
#include "train/texts.h"

#include <string.h>

enum { SAMPLES_AT_ONCE = 4096 };

bool texts_single(const struct texts *texts)
{
    return texts->request.form == TEXT_TUPLES || texts->request.form == TEXT_FRAMES;
}

int64_t window_next(int64_t window)
{
    bool power = (window & (window - 1)) == 0;
    return window < 16 ? 16 : power ? window + window / 2 : window / 3 * 4;
}

/* Texts of some samples, side by side. */
struct read {
    struct bytes *bytes; /* [samples, sides] */
    struct text_view *view;
    uint64_t *end;
    struct token_list ids;
};

/* One that cannot be read is empty here: it is met again, and told of, in the training. */
static status samples_read(struct texts *texts, const uint32_t *index, size_t count, int sides,
                           struct read *read)
{
    for (size_t i = 0; i < count * (size_t)sides; i++) {
        uint32_t sample = index[i / (size_t)sides];
        status result =
            source_texts(texts->source, sample, (int)(i % (size_t)sides), &read->bytes[i]);
        if (result == TACIT_BAD_DATA)
            result = source_health(texts->source);
        TRY(result);
        read->view[i] = (struct text_view){ read->bytes[i].bytes, read->bytes[i].size };
    }
    return TACIT_OK;
}

/* Tuples have a frame around each text, the others one around all. */
static void lengths_find(const struct texts *texts, const struct read *read, size_t count,
                         int sides, uint32_t *length)
{
    bool tuples = texts->request.form == TEXT_TUPLES;
    uint64_t extra = tokenizer_frame_extra(texts->tokenizer, !tuples && sides > 1), begin = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t whole = extra;
        for (int side = 0; side < sides; side++) {
            uint64_t end = read->end[i * (size_t)sides + (size_t)side], tokens = end - begin;
            begin = end;
            whole = !tuples ? whole + tokens : tokens + extra > whole ? tokens + extra : whole;
        }
        uint64_t window = (uint64_t)texts->request.window;
        length[i] = (uint32_t)(whole < window ? whole : window);
    }
}

static void read_clear(struct read *read, size_t texts)
{
    for (size_t i = 0; i < texts; i++)
        bytes_free(&read->bytes[i]);
    memset(read->bytes, 0, texts * sizeof *read->bytes);
    memset(read->view, 0, texts * sizeof *read->view);
    read->ids.count = 0;
}

status texts_lengths(struct texts *texts, const uint32_t *index, size_t count, uint32_t *length)
{
    int sides = texts->request.form == TEXT_TUPLES ? texts->request.sides
                : texts->source->texts > 1         ? 2
                                                   : 1;
    size_t room = (count < SAMPLES_AT_ONCE ? count : SAMPLES_AT_ONCE) * (size_t)sides;
    struct read read = { .bytes = memory_new(room, sizeof *read.bytes),
                         .view = memory_new(room, sizeof *read.view),
                         .end = memory_new(room, sizeof *read.end) };
    status result = read.bytes && read.view && read.end ? TACIT_OK : TACIT_RESOURCES;
    for (size_t first = 0; first < count && result == TACIT_OK; first += SAMPLES_AT_ONCE) {
        size_t part = count - first < SAMPLES_AT_ONCE ? count - first : SAMPLES_AT_ONCE;
        result = samples_read(texts, index + first, part, sides, &read);
        if (result == TACIT_OK)
            result = tokenizer_encode_many(texts->tokenizer, read.view, part * (size_t)sides, false,
                                           &read.ids, read.end);
        if (result == TACIT_OK)
            lengths_find(texts, &read, part, sides, length + first);
        read_clear(&read, part * (size_t)sides);
    }
    memory_free(read.bytes);
    memory_free(read.view);
    memory_free(read.end);
    token_list_free(&read.ids);
    return result;
}

int64_t texts_longest(const void *argument, const struct batch *batch)
{
    static const enum text_field groups[] = { TEXT_GROUPS, TEXT_GROUPS_1, TEXT_GROUPS_2 };
    const struct texts *texts = argument;
    int64_t window = texts->request.window, longest = 1;
    for (size_t k = 0; k < sizeof groups / sizeof *groups; k++) {
        int field = texts->field[groups[k]];
        const int32_t *group = field < 0 ? NULL : batch->field[field];
        for (int64_t row = 0; group && row < batch->count; row++, group += window)
            for (int64_t length = window; length > longest; length--)
                if (group[length - 1])
                    longest = length;
    }
    return longest;
}
