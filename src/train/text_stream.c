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

/* The first token of every window of whole documents, and the end of all. */
static const uint64_t *window_starts(const struct texts *texts)
{
    return (const void *)texts->starts.map;
}

/* Whether document and text `text` end together. */
static bool ends_document(const struct token_file *file, uint64_t text)
{
    return text + 1 == file->texts || file->sample[text + 1] != file->sample[text];
}

/* Packs whole documents, in their order; one that is longer than a window is cut. */
static status windows_pack(struct texts *texts, uint64_t window)
{
    const struct token_file *file = &texts->file;
    uint64_t begin = 0, end = 0; /* of the window so far */
    for (uint64_t text = 0; text < file->texts; text++) {
        if (!ends_document(file, text))
            continue;
        bool fits = file->end[text] - begin <= window;
        while (!fits) {
            TRY(spool_append(&texts->starts, &begin, sizeof begin));
            texts->samples++;
            begin = end > begin ? end : begin + window;
            fits = file->end[text] - begin <= window;
        }
        end = file->end[text];
    }
    if (begin < file->count) {
        TRY(spool_append(&texts->starts, &begin, sizeof begin));
        texts->samples++;
    }
    TRY(spool_append(&texts->starts, &file->count, sizeof file->count));
    return spool_map(&texts->starts);
}

static status stream_open(struct texts *texts, const struct texts_options *options)
{
    (void)options;
    uint64_t window = (uint64_t)texts->request.window;
    if (texts->request.windows == WINDOWS_WHOLE)
        return windows_pack(texts, window);
    texts->samples = texts->file.count ? (int64_t)((texts->file.count - 1) / window) : 0;
    return TACIT_OK;
}

/* Groups and positions of `length` tokens that start anew with every document; its last token has
 * no successor. */
static void documents_mark(const struct texts *texts, uint64_t begin, int64_t length,
                           void *const row[])
{
    const struct token_file *file = &texts->file;
    int32_t *targets = texts_field(texts, row, TEXT_TARGETS);
    int32_t *groups = texts_field(texts, row, TEXT_GROUPS);
    int32_t *positions = texts_field(texts, row, TEXT_POSITIONS);
    uint64_t text = text_of(file, begin);
    int32_t group = 1, position = 0;
    for (int64_t i = 0; i < length; i++) {
        uint64_t at = begin + (uint64_t)i;
        bool ends = text < file->texts && at + 1 == file->end[text];
        bool document = ends && ends_document(file, text);
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

/* What stands behind the last document of a window. */
static void padding_mark(const struct texts *texts, int64_t length, void *const row[])
{
    int32_t *groups = texts_field(texts, row, TEXT_GROUPS);
    int32_t *positions = texts_field(texts, row, TEXT_POSITIONS);
    for (int64_t i = length; i < texts->request.window; i++) {
        texts_field(texts, row, TEXT_TOKENS)[i] = texts->pad < 0 ? 0 : texts->pad;
        texts_field(texts, row, TEXT_TARGETS)[i] = -1;
        if (!groups)
            continue;
        groups[i] = 0;
        positions[i] = 0;
    }
}

/* Where the window of a turn begins, and how many tokens it has. */
static uint64_t window_find(const struct texts *texts, const struct turn *turn, int64_t *length)
{
    uint64_t window = (uint64_t)texts->request.window;
    *length = texts->request.window;
    if (texts->request.windows == WINDOWS_WHOLE) {
        const uint64_t *start = window_starts(texts) + turn->used;
        *length = (int64_t)(start[1] - start[0]);
        return start[0];
    }
    if (texts->request.windows == WINDOWS_SEQUENTIAL)
        return (uint64_t)turn->used * window;
    struct random_stream stream = random_stream(turn->seed, "window", turn->epoch, turn->wanted);
    return random_below(&stream, texts->file.count - window);
}

static status stream_make(struct texts *texts, const struct turn *turn, void *const row[],
                          void *scratch)
{
    const struct token_file *file = &texts->file;
    int64_t length;
    uint64_t begin = window_find(texts, turn, &length);
    (void)scratch;
    int32_t *tokens = texts_field(texts, row, TEXT_TOKENS);
    int32_t *targets = texts_field(texts, row, TEXT_TARGETS);
    for (int64_t i = 0; i < length; i++) {
        uint64_t next = begin + (uint64_t)i + 1;
        tokens[i] = (int32_t)file->id[next - 1];
        targets[i] = next < file->count ? (int32_t)file->id[next] : -1;
    }
    if (texts->request.windows == WINDOWS_WHOLE)
        targets[length - 1] = -1; /* its successor begins another window */
    if (texts->request.documents)
        documents_mark(texts, begin, length, row);
    padding_mark(texts, length, row);
    return TACIT_OK;
}

const struct text_form_type text_form_stream = { .open = stream_open,
                                                 .make = stream_make,
                                                 .file = true };
