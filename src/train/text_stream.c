/* Windows of the row of all tokens, for methods that guess the next one. */
#include "train/texts.h"
#include "base/random.h"

/* The number of the text that token `at` lies in. */
static uint64_t text_of(const struct token_file *file, uint64_t at)
{
    uint64_t low = 0, high = file->texts;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (file->end[middle] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static status stream_open(struct texts *texts, const struct texts_options *options)
{
    (void)options;
    uint64_t window = (uint64_t)texts->request.window;
    texts->samples = texts->file.count ? (int64_t)((texts->file.count - 1) / window) : 0;
    return TACIT_OK;
}

/* Groups and positions that start anew with every document; its last token has no successor. */
static void documents_mark(const struct texts *texts, uint64_t begin, void *const row[])
{
    const struct token_file *file = &texts->file;
    int32_t *targets = texts_field(texts, row, TEXT_TARGETS);
    int32_t *groups = texts_field(texts, row, TEXT_GROUPS);
    int32_t *positions = texts_field(texts, row, TEXT_POSITIONS);
    uint64_t text = text_of(file, begin);
    int32_t group = 1, position = 0;
    for (int64_t i = 0; i < texts->request.window; i++) {
        uint64_t at = begin + (uint64_t)i;
        bool ends = text < file->texts && at + 1 == file->end[text];
        bool document =
            ends && (text + 1 == file->texts || file->sample[text + 1] != file->sample[text]);
        groups[i] = group;
        positions[i] = position++;
        text += ends;
        if (!document)
            continue;
        targets[i] = -1;
        group++;
        position = 0;
    }
}

static status stream_make(struct texts *texts, const struct turn *turn, void *const row[],
                          void *scratch)
{
    const struct token_file *file = &texts->file;
    int64_t window = texts->request.window;
    uint64_t begin = (uint64_t)turn->used * (uint64_t)window;
    (void)scratch;
    if (texts->request.random) {
        struct random_stream stream =
            random_stream(turn->seed, "window", turn->epoch, turn->wanted);
        begin = random_below(&stream, file->count - (uint64_t)window);
    }
    int32_t *tokens = texts_field(texts, row, TEXT_TOKENS);
    int32_t *targets = texts_field(texts, row, TEXT_TARGETS);
    for (int64_t i = 0; i < window; i++) {
        tokens[i] = (int32_t)file->id[begin + (uint64_t)i];
        targets[i] = (int32_t)file->id[begin + (uint64_t)i + 1];
    }
    if (texts->request.documents)
        documents_mark(texts, begin, row);
    return TACIT_OK;
}

const struct text_form_type text_form_stream = { .open = stream_open,
                                                 .make = stream_make,
                                                 .file = true };
