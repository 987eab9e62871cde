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
    uint64_t *end;          /* [texts] */
    size_t texts, text_room, about_room, end_room, size;
    struct token_list list;
};

struct maker {
    const struct token_file_options *options;
    struct token_file *file;
    struct piece piece;
    uint64_t seen, begin, stop; /* bytes passed; the stretch to take */
};

/* Forgets the samples; their texts must be encoded. */
static void samples_clear(struct piece *piece)
{
    for (size_t i = 0; i < piece->samples; i++)
        bytes_free(&piece->bytes[i]);
    piece->samples = 0;
}

static void piece_free(struct piece *piece)
{
    samples_clear(piece);
    memory_free(piece->bytes);
    memory_free(piece->text);
    memory_free(piece->about);
    memory_free(piece->end);
    token_list_free(&piece->list);
}

static status piece_add(struct piece *piece, const uint8_t *text, size_t size, struct about about)
{
    void *texts = piece->text, *abouts = piece->about, *ends = piece->end;
    bool room = memory_reserve(&texts, &piece->text_room, piece->texts, sizeof *piece->text);
    piece->text = texts;
    room = room && memory_reserve(&abouts, &piece->about_room, piece->texts, sizeof *piece->about);
    piece->about = abouts;
    room = room && memory_reserve(&ends, &piece->end_room, piece->texts, sizeof *piece->end);
    piece->end = ends;
    if (!room)
        return TACIT_RESOURCES;
    piece->text[piece->texts] = (struct text_view){ text, size };
    piece->about[piece->texts++] = about;
    piece->size += size;
    return TACIT_OK;
}

static status ids_append(struct token_file *file, const uint32_t *id, size_t count)
{
    file->count += count;
    return spool_append(&file->ids, id, count * sizeof *id);
}

static status piece_encode(struct maker *maker)
{
    const struct token_file_options *options = maker->options;
    struct token_file *file = maker->file;
    struct piece *piece = &maker->piece;
    const uint32_t separator = (uint32_t)options->separator;
    uint64_t begin = 0;
    TRY(tokenizer_encode_many(options->tokenizer, piece->text, piece->texts, false, &piece->list,
                              piece->end));
    for (size_t i = 0; i < piece->texts; begin = piece->end[i++]) {
        TRY(ids_append(file, piece->list.id + begin, (size_t)(piece->end[i] - begin)));
        if (piece->about[i].ends && options->separator >= 0)
            TRY(ids_append(file, &separator, 1));
        TRY(spool_append(&file->ends, &file->count, sizeof file->count));
        TRY(spool_append(&file->samples, &piece->about[i].sample, sizeof(uint32_t)));
    }
    file->texts += piece->texts;
    file->bytes += piece->size;
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

size_t sentence_end(const uint8_t *text, size_t begin, size_t size)
{
    for (size_t i = begin; i < size; i++) {
        bool stop = text[i] == '.' || text[i] == '!' || text[i] == '?';
        size_t after = i + 1;
        while (stop && after < size && is_closing(text + after, size - after))
            after += text[after] < 0x80 ? 1 : 3;
        bool empty_line = text[i] == '\n' && after < size &&
                          (text[after] == '\n' ||
                           (text[after] == '\r' && after + 1 < size && text[after + 1] == '\n'));
        if (!empty_line && !(stop && after < size && is_blank(text[after])))
            continue;
        while (after < size && is_blank(text[after]))
            after++;
        return after;
    }
    return size;
}

/* Moves a cut to the beginning of a character. */
static size_t whole_character(const uint8_t *text, size_t at, size_t size)
{
    while (at < size && (text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

/* The part of a sample's text that lies in the stretch to take. */
static status sample_add(struct maker *maker, uint32_t sample, const struct bytes *bytes)
{
    uint64_t first = maker->seen, size = bytes->size;
    size_t begin = 0, stop = bytes->size;
    maker->seen += size;
    if (maker->begin > first)
        begin = maker->begin - first < size ? (size_t)(maker->begin - first) : (size_t)size;
    if (maker->stop < first + size)
        stop = maker->stop > first ? (size_t)(maker->stop - first) : 0;
    begin = whole_character(bytes->bytes, begin, bytes->size);
    stop = whole_character(bytes->bytes, stop, bytes->size);
    while (begin < stop) {
        size_t end = maker->options->sentences
                         ? sentence_end(bytes->bytes, begin, stop)
                         : begin + tokenizer_cut(maker->options->tokenizer, bytes->bytes + begin,
                                                 stop - begin, PIECE_BYTES);
        TRY(piece_add(&maker->piece, bytes->bytes + begin, end - begin,
                      (struct about){ sample, end == stop }));
        if (maker->piece.size >= PIECE_BYTES)
            TRY(piece_encode(maker));
        begin = end;
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
        void *block = piece->bytes;
        if (!memory_reserve(&block, &piece->sample_room, piece->samples, sizeof *piece->bytes))
            return TACIT_RESOURCES;
        piece->bytes = block;
        struct bytes *bytes = &piece->bytes[piece->samples];
        *bytes = (struct bytes){ 0 };
        TRY(sample_read(maker, options->index[i], bytes));
        piece->samples++;
        TRY(sample_add(maker, options->index[i], bytes));
        if (piece->size < PIECE_BYTES && i + 1 < options->count)
            continue;
        TRY(piece_encode(maker));
        samples_clear(piece);
        if (options->advance && !options->advance(options->argument, i + 1, options->count))
            return fail(TACIT_STOPPED, "stopped");
    }
    return TACIT_OK;
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
