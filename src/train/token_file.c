#include "train/token_file.h"
#include "base/memory.h"

#include <string.h>

enum { PIECE_BYTES = 32 << 20 }; /* so many are encoded at a time */

struct about {
    uint32_t sample;
    bool ends; /* the document ends with this text */
};

/* What is encoded at once: texts, and the samples that they lie in. */
struct piece {
    struct bytes *bytes; /* [samples] */
    size_t samples, sample_room;
    struct text_view *text; /* [texts] */
    struct about *about;    /* [texts] */
    bool *goes_on;          /* [texts] the document has begun before */
    uint64_t *end;          /* [texts] */
    size_t texts, text_room, about_room, goes_on_room, end_room, size;
    struct token_list list;
};

struct maker {
    const struct token_file_options *options;
    struct token_file *file;
    struct piece piece;
    uint64_t seen, begin, stop; /* bytes passed; the stretch to take */
    uint64_t document;          /* tokens of this one that are written */
    size_t done;                /* samples */
};

/* Forgets all samples but the last `kept`; the texts of the others must be encoded. */
static void samples_forget(struct piece *piece, size_t kept)
{
    size_t gone = piece->samples - kept;
    for (size_t i = 0; i < gone; i++)
        bytes_free(&piece->bytes[i]);
    if (kept)
        memmove(piece->bytes, piece->bytes + gone, kept * sizeof *piece->bytes);
    piece->samples = kept;
}

static void piece_free(struct piece *piece)
{
    samples_forget(piece, 0);
    memory_free(piece->bytes);
    memory_free(piece->text);
    memory_free(piece->about);
    memory_free(piece->goes_on);
    memory_free(piece->end);
    token_list_free(&piece->list);
}

/* Makes room for one more in the array that the pointer at `array` points to. */
static bool array_grow(void *array, size_t *room, size_t count, size_t size)
{
    void *block;
    memcpy(&block, array, sizeof block);
    bool done = memory_reserve(&block, room, count, size);
    memcpy(array, &block, sizeof block);
    return done;
}

static status piece_add(struct piece *piece, struct text_view text, bool goes_on,
                        struct about about)
{
    size_t i = piece->texts;
    if (!array_grow(&piece->text, &piece->text_room, i, sizeof *piece->text) ||
        !array_grow(&piece->about, &piece->about_room, i, sizeof *piece->about) ||
        !array_grow(&piece->goes_on, &piece->goes_on_room, i, sizeof *piece->goes_on) ||
        !array_grow(&piece->end, &piece->end_room, i, sizeof *piece->end))
        return TACIT_RESOURCES;
    piece->text[i] = text;
    piece->about[i] = about;
    piece->goes_on[i] = goes_on;
    piece->texts++;
    piece->size += text.count;
    return TACIT_OK;
}

static status ids_append(struct maker *maker, const uint32_t *id, size_t count)
{
    maker->file->count += count;
    maker->document += count;
    return spool_append(&maker->file->ids, id, count * sizeof *id);
}

/* Writes one text. Those without tokens, such as white space to WordPiece, are none. */
static status text_write(struct maker *maker, const uint32_t *id, size_t count, struct about about)
{
    struct token_file *file = maker->file;
    uint64_t before = file->count;
    const uint32_t separator = (uint32_t)maker->options->separator;
    TRY(ids_append(maker, id, count));
    if (about.ends && maker->options->separator >= 0 && maker->document)
        TRY(ids_append(maker, &separator, 1));
    if (about.ends)
        maker->document = 0;
    if (file->count == before)
        return TACIT_OK;
    file->texts++;
    TRY(spool_append(&file->ends, &file->count, sizeof file->count));
    return spool_append(&file->samples, &about.sample, sizeof about.sample);
}

static status piece_encode(struct maker *maker)
{
    struct piece *piece = &maker->piece;
    uint64_t begin = 0;
    TRY(tokenizer_encode_parts(maker->options->tokenizer, piece->text, piece->goes_on, piece->texts,
                               &piece->list, piece->end));
    for (size_t i = 0; i < piece->texts; begin = piece->end[i++])
        TRY(text_write(maker, piece->list.id + begin, (size_t)(piece->end[i] - begin),
                       piece->about[i]));
    maker->file->bytes += piece->size;
    piece->texts = piece->size = piece->list.count = 0;
    return TACIT_OK;
}

static bool is_closing(const uint8_t *text, size_t left)
{
    static const char *const closing[] = { "\"", "'", ")", "]", "\xe2\x80\x9d", "\xe2\x80\x99" };
    for (size_t i = 0; i < sizeof closing / sizeof *closing; i++) {
        size_t size = strlen(closing[i]);
        if (size <= left && memcmp(text, closing[i], size) == 0)
            return true;
    }
    return false;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static size_t blanks_end(const uint8_t *text, size_t at, size_t size)
{
    while (at < size && is_blank(text[at]))
        at++;
    return at;
}

/* Whether the line that ends at the line feed `at` is followed by an empty one. */
static bool is_last_line(const uint8_t *text, size_t at, size_t size)
{
    size_t next = at + 1;
    next += next < size && text[next] == '\r';
    return text[at] == '\n' && next < size && text[next] == '\n';
}

size_t sentence_end(const uint8_t *text, size_t begin, size_t size)
{
    size_t first = blanks_end(text, begin, size), end = size;
    for (size_t i = first; i < size && end == size; i++) {
        bool stop = text[i] == '.' || text[i] == '!' || text[i] == '?';
        size_t after = i + 1;
        while (stop && after < size && is_closing(text + after, size - after))
            after += text[after] < 0x80 ? 1 : 3;
        if (stop && after < size && is_blank(text[after]))
            end = after;
        else if (is_last_line(text, i, size))
            end = i;
    }
    while (end > first && is_blank(text[end - 1]))
        end--;
    return blanks_end(text, end, size) < size ? end : size;
}

/* Moves a cut to the beginning of a character. */
static size_t whole_character(const uint8_t *text, size_t at, size_t size)
{
    while (at < size && (text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

/* Tells how far the work is; the current sample is done up to this share. */
static status progress_tell(const struct maker *maker, double share)
{
    const struct token_file_options *options = maker->options;
    double done = ((double)maker->done + share) / (double)options->count;
    if (options->advance && !options->advance(options->argument, done))
        return fail(TACIT_STOPPED, "stopped");
    return TACIT_OK;
}

static size_t piece_bytes(const struct token_file_options *options)
{
    return options->piece ? options->piece : PIECE_BYTES;
}

/* The size of the next text of a document: a sentence, or as much as is encoded at a time. */
static size_t text_size(const struct token_file_options *options, const uint8_t *text, size_t size)
{
    size_t most = piece_bytes(options);
    size_t wanted = options->sentences ? sentence_end(text, 0, size) : size < most ? size : most;
    return tokenizer_cut(options->tokenizer, text, size, wanted);
}

/* The part of a sample's text that lies in the stretch to take. */
static status sample_add(struct maker *maker, uint32_t sample, const uint8_t *text, size_t size)
{
    uint64_t first = maker->seen;
    size_t begin = 0, stop = size;
    maker->seen += size;
    if (maker->begin > first)
        begin = maker->begin - first < size ? (size_t)(maker->begin - first) : size;
    if (maker->stop < first + size)
        stop = maker->stop > first ? (size_t)(maker->stop - first) : 0;
    begin = whole_character(text, begin, size);
    stop = whole_character(text, stop, size);
    for (bool goes_on = false; begin < stop; goes_on = true) {
        size_t end = begin + text_size(maker->options, text + begin, stop - begin);
        TRY(piece_add(&maker->piece, (struct text_view){ text + begin, end - begin }, goes_on,
                      (struct about){ sample, end == stop }));
        begin = end;
        if (maker->piece.size < piece_bytes(maker->options))
            continue;
        TRY(piece_encode(maker));
        samples_forget(&maker->piece, 1);
        TRY(progress_tell(maker, (double)end / (double)size));
    }
    return TACIT_OK;
}

static status sample_read(struct maker *maker, uint32_t sample, struct bytes *bytes)
{
    status result = source_joined(maker->options->source, sample, maker->options->join, bytes);
    if (result == TACIT_BAD_DATA)
        result = source_health(maker->options->source);
    return result;
}

static status texts_encode(struct maker *maker)
{
    const struct token_file_options *options = maker->options;
    struct piece *piece = &maker->piece;
    for (size_t i = 0; i < options->count; i++) {
        if (!array_grow(&piece->bytes, &piece->sample_room, piece->samples, sizeof *piece->bytes))
            return TACIT_RESOURCES;
        struct bytes bytes = { 0 };
        TRY(sample_read(maker, options->index[i], &bytes));
        piece->bytes[piece->samples++] = bytes;
        TRY(sample_add(maker, options->index[i], bytes.bytes, bytes.size));
        if (piece->texts == 0)
            samples_forget(piece, 0);
        maker->done++;
        TRY(progress_tell(maker, 0));
    }
    return piece_encode(maker);
}

/* Where the stretch lies in bytes. */
static status stretch_find(struct maker *maker)
{
    const struct token_file_options *options = maker->options;
    double total = 0;
    maker->stop = UINT64_MAX;
    if (options->stop <= 0)
        return TACIT_OK;
    for (size_t i = 0; i < options->count; i++) {
        struct bytes bytes = { 0 };
        TRY(progress_tell(maker, 0));
        TRY(sample_read(maker, options->index[i], &bytes));
        total += (double)bytes.size;
        bytes_free(&bytes);
    }
    maker->begin = (uint64_t)(total * options->begin);
    maker->stop = (uint64_t)(total * options->stop);
    return TACIT_OK;
}

status token_file_make(const struct token_file_options *options, struct token_file *file)
{
    struct maker maker = { .options = options, .file = file };
    *file = (struct token_file){ 0 };
    status result = stretch_find(&maker);
    if (result == TACIT_OK)
        result = texts_encode(&maker);
    piece_free(&maker.piece);
    TRY(result);
    if (!file->count)
        return fail(TACIT_BAD_DATA, "%s: has no text", options->source->path);
    TRY(spool_map(&file->ids));
    TRY(spool_map(&file->ends));
    TRY(spool_map(&file->samples));
    file->id = (const void *)file->ids.map;
    file->end = (const void *)file->ends.map;
    file->sample = (const void *)file->samples.map;
    return TACIT_OK;
}

void token_file_close(struct token_file *file)
{
    spool_close(&file->ids);
    spool_close(&file->ends);
    spool_close(&file->samples);
    *file = (struct token_file){ 0 };
}
