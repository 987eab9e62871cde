/* Characters: every character of the training text is a token, in the order of code points. */
#include "base/memory.h"
#include "io/json.h"
#include "text/parts.h"

#include <stdlib.h>

static uint32_t character_id(const struct tokenizer *tokenizer, uint32_t character)
{
    uint8_t bytes[4];
    if (character == UNICODE_BAD || character == 0)
        character = 0xfffd;
    return pieces_find(&tokenizer->pieces, bytes, unicode_encode(character, bytes));
}

size_t character_cut(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t count,
                     size_t from)
{
    (void)tokenizer;
    /* A character has at most 3 bytes behind its first; more of them are no UTF-8. */
    size_t back = 0;
    while (back < 4 && back < from && (bytes[from - back] & 0xc0) == 0x80)
        back++;
    for (; back > 0 && back < 4 && from < count && (bytes[from] & 0xc0) == 0x80; back++)
        from++;
    return from;
}

static status characters_encode(const struct tokenizer *tokenizer, struct encoder *encoder,
                                const uint8_t *bytes, size_t count, struct token_list *list)
{
    (void)encoder;
    const uint8_t *end = bytes + count;
    TRY(token_list_reserve(list, count));
    while (bytes < end) {
        uint32_t character, id;
        size_t length = unicode_decode(bytes, end, &character);
        id = *bytes && *bytes < 0x80 ? tokenizer->byte_id[*bytes]
                                     : character_id(tokenizer, character);
        bytes += length;
        if (id == PIECE_NONE && tokenizer->role[ROLE_UNK] < 0)
            return fail(TACIT_BAD_DATA,
                        "the character U+%04X is not in the vocabulary, and there is "
                        "no unknown token: train the tokenizer with specials=text, or on this text "
                        "too",
                        character == UNICODE_BAD ? 0xfffd : character);
        list->id[list->count++] = id == PIECE_NONE ? (uint32_t)tokenizer->role[ROLE_UNK] : id;
    }
    return TACIT_OK;
}

static status characters_decode(const struct tokenizer *tokenizer, uint32_t id, bool first,
                                struct text *text)
{
    (void)first;
    return text_append_bytes(text, pieces_bytes(&tokenizer->pieces, id),
                             tokenizer->pieces.piece[id].length);
}

struct counting {
    uint64_t *count; /* by character */
    uint64_t total;
};

static status part_count(void *argument, const uint8_t *bytes, size_t count)
{
    struct counting *counting = argument;
    const uint8_t *end = bytes + count;
    while (bytes < end) {
        uint32_t character;
        bytes += unicode_decode(bytes, end, &character);
        counting->count[character == UNICODE_BAD || character == 0 ? 0xfffd : character]++;
        counting->total++;
    }
    return TACIT_OK;
}

static int count_descending(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, two = *(const uint64_t *)b;
    return one < two ? 1 : one > two ? -1 : 0;
}

/* The smallest count at which no more than `room` characters remain. */
static status least_count(const struct counting *counting, size_t room, uint64_t *least)
{
    uint64_t *sorted = memory_new(UNICODE_BAD, sizeof *sorted);
    size_t found = 0;
    if (!sorted)
        return TACIT_RESOURCES;
    for (uint32_t c = 0; c < UNICODE_BAD; c++)
        if (counting->count[c] > 0)
            sorted[found++] = counting->count[c];
    qsort(sorted, found, sizeof *sorted, count_descending);
    if (found > room && sorted[room] >= *least)
        *least = sorted[room] + 1;
    memory_free(sorted);
    return TACIT_OK;
}

static status characters_train(struct tokenizer *tokenizer, const struct tokenizer_options *options,
                               const struct text_stream *stream, size_t room,
                               struct tokenizer_facts *facts)
{
    struct counting counting = { memory_new(UNICODE_BAD, sizeof *counting.count), 0 };
    uint64_t least = options->least ? options->least : 1;
    status result = counting.count ? TACIT_OK : TACIT_RESOURCES;
    if (result == TACIT_OK)
        result = stream_parts(stream, facts, part_count, &counting);
    if (result == TACIT_OK && room > tokenizer->pieces.count)
        result = least_count(&counting, room - tokenizer->pieces.count, &least);
    for (uint32_t c = 0; c < UNICODE_BAD && result == TACIT_OK; c++) {
        uint8_t bytes[4];
        uint32_t number;
        facts->distinct += counting.count[c] > 0;
        if (counting.count[c] >= least)
            result = pieces_add(&tokenizer->pieces, bytes, unicode_encode(c, bytes), &number);
        else
            facts->left_out += counting.count[c];
    }
    facts->words = counting.total;
    memory_free(counting.count);
    return result;
}

static void member_write(struct json_writer *json, const char *key, const char *value)
{
    json_write_key(json, key);
    if (value)
        json_write_text(json, value);
    else
        json_write_null(json);
}

/* To Hugging Face: BPE over characters, without merges. */
static void characters_write(const struct tokenizer *tokenizer, struct json_writer *json)
{
    struct text spelt = { 0 };
    const struct pieces *pieces = &tokenizer->pieces;
    member_write(json, "normalizer", NULL);
    member_write(json, "pre_tokenizer", NULL);
    frames_write(tokenizer, json);
    json_write_key(json, "decoder");
    json_write_object(json);
    member_write(json, "type", "Fuse");
    json_write_end(json);
    json_write_key(json, "model");
    json_write_object(json);
    member_write(json, "type", "BPE");
    member_write(json, "dropout", NULL);
    if (tokenizer->role[ROLE_UNK] >= 0) {
        struct text_view unknown = tokenizer_piece(tokenizer, (uint32_t)tokenizer->role[ROLE_UNK]);
        text_append_bytes(&spelt, unknown.bytes, unknown.count);
    }
    member_write(json, "unk_token", spelt.length ? text_string(&spelt) : NULL);
    member_write(json, "continuing_subword_prefix", NULL);
    member_write(json, "end_of_word_suffix", NULL);
    json_write_key(json, "fuse_unk");
    json_write_boolean(json, false);
    json_write_key(json, "vocab");
    json_write_object(json);
    for (uint32_t id = 0; id < pieces->count; id++) {
        if (pieces->piece[id].length == 0)
            continue;
        text_clear(&spelt);
        text_append_bytes(&spelt, pieces_bytes(pieces, id), pieces->piece[id].length);
        json_write_key(json, text_string(&spelt));
        json_write_integer(json, id);
    }
    json_write_end(json);
    json_write_key(json, "merges");
    json_write_array(json);
    json_write_end(json);
    json_write_end(json);
    json->text->failed |= spelt.failed;
    text_free(&spelt);
}

const struct tokenizer_kind characters_kind = {
    .name = "characters",
    .help = "every character of the training text is a token, in the order of code points",
    .specials = "none",
    .cut = character_cut,
    .train = characters_train,
    .encode = characters_encode,
    .decode = characters_decode,
    .write = characters_write,
};
