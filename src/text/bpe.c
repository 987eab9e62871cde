/* Byte-level BPE (Sennrich et al. 2016, arXiv:1508.07909; Radford et al. 2019), and its degenerate
 * case without merges: bytes. */
#include "base/memory.h"
#include "io/json.h"
#include "text/parts.h"

/* GPT-2's order and characters: printable bytes of Latin-1 stand for themselves, the others, in
 * order, for U+0100 and so on. */
static bool is_printable(unsigned byte)
{
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

uint32_t byte_character(unsigned byte)
{
    uint32_t other = 0x100;
    if (is_printable(byte))
        return byte;
    for (unsigned before = 0; before < byte; before++)
        other += !is_printable(before);
    return other;
}

void byte_order(uint8_t order[256])
{
    size_t count = 0;
    for (unsigned byte = 0; byte < 256; byte++)
        if (is_printable(byte))
            order[count++] = (uint8_t)byte;
    for (unsigned byte = 0; byte < 256; byte++)
        if (!is_printable(byte))
            order[count++] = (uint8_t)byte;
}

void byte_ids_set(struct tokenizer *tokenizer)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t one = (uint8_t)byte;
        tokenizer->byte_id[byte] = pieces_find(&tokenizer->pieces, &one, 1);
    }
}

/* ---- Encoding ---- */

/* The symbols of a word before merging: its bytes, those without a token left out or unknown. */
static size_t word_symbols(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t count,
                           uint32_t *symbol)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t id = tokenizer->byte_id[bytes[i]];
        if (id == PIECE_NONE && tokenizer->role[ROLE_UNK] >= 0)
            id = (uint32_t)tokenizer->role[ROLE_UNK];
        if (id != PIECE_NONE)
            symbol[kept++] = id;
    }
    return kept;
}

static status word_encode(const struct tokenizer *tokenizer, struct encoder *encoder,
                          const uint8_t *bytes, size_t count, struct token_list *list)
{
    TRY(token_list_reserve(list, count));
    uint32_t *symbol = list->id + list->count;
    if (tokenizer->whole_first) {
        uint32_t whole = pieces_find(&tokenizer->pieces, bytes, count);
        if (whole != PIECE_NONE) {
            symbol[0] = whole;
            list->count++;
            return TACIT_OK;
        }
    }
    size_t kept = word_symbols(tokenizer, bytes, count, symbol);
    if (tokenizer->merges.count > 0)
        kept = merges_apply(&tokenizer->table, encoder, symbol, kept);
    if (kept == SIZE_MAX)
        return TACIT_RESOURCES;
    list->count += kept;
    return TACIT_OK;
}

static status bpe_encode(const struct tokenizer *tokenizer, struct encoder *encoder,
                         const uint8_t *bytes, size_t count, struct token_list *list)
{
    const uint8_t *end = bytes + count;
    const struct unicode_table *unicode = tokenizer->unicode;
    while (bytes < end) {
        const uint8_t *next = tokenizer->scanner->next(unicode, bytes, end);
        size_t length = (size_t)(next - bytes);
        TRY(cache_encode(tokenizer, encoder, bytes, length, end, word_encode, list));
        bytes = next;
    }
    return TACIT_OK;
}

static bool is_space(const struct unicode_table *unicode, const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        uint32_t character;
        size_t length = unicode_decode(at, end, &character);
        if (!(unicode_class_of(unicode, character) & UNICODE_SPACE))
            return false;
        at += length;
    }
    return true;
}

/* Behind a word; not one of white space, whose length depends on what follows. The words are found
 * from the last place before `from` where all patterns divide. */
static size_t bpe_cut(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t count,
                      size_t from)
{
    const struct unicode_table *unicode = tokenizer->unicode;
    const struct scanner *scanner = tokenizer->scanner;
    const uint8_t *at = bytes + (scanner->expressions[0] ? scan_cut(bytes, from) : 0);
    const uint8_t *end = bytes + count, *word = at;
    while (at < bytes + from || (at < end && is_space(unicode, word, at))) {
        word = at;
        at = scanner->next(unicode, at, end);
    }
    return (size_t)(at - bytes);
}

static status bytes_encode(const struct tokenizer *tokenizer, struct encoder *encoder,
                           const uint8_t *bytes, size_t count, struct token_list *list)
{
    (void)encoder;
    TRY(token_list_reserve(list, count));
    list->count += word_symbols(tokenizer, bytes, count, list->id + list->count);
    return TACIT_OK;
}

static status piece_decode(const struct tokenizer *tokenizer, uint32_t id, bool first,
                           struct text *text)
{
    (void)first;
    return text_append_bytes(text, pieces_bytes(&tokenizer->pieces, id),
                             tokenizer->pieces.piece[id].length);
}

/* ---- Learning ---- */

struct counting {
    struct tokenizer *tokenizer;
    struct word_count words;
    uint64_t total;
};

static status part_count(void *argument, const uint8_t *bytes, size_t count)
{
    struct counting *counting = argument;
    const struct tokenizer *tokenizer = counting->tokenizer;
    const uint8_t *end = bytes + count;
    while (bytes < end) {
        const uint8_t *next = tokenizer->scanner->next(tokenizer->unicode, bytes, end);
        TRY(word_count_add(&counting->words, bytes, (size_t)(next - bytes), 1));
        counting->total++;
        bytes = next;
    }
    return TACIT_OK;
}

static void words_free(struct merge_words *words)
{
    memory_free(words->symbol);
    memory_free(words->length);
    memory_free(words->begin);
}

/* Learns the merges of counted words, whose symbols are their bytes. */
static status counted_learn(struct counting *counting, const struct tokenizer_options *options,
                            size_t room)
{
    struct tokenizer *tokenizer = counting->tokenizer;
    const struct pieces *pieces = &counting->words.words;
    size_t most = pieces->count;
    struct merge_words words = { .symbol = memory_new(pieces->used, sizeof *words.symbol),
                                 .length = memory_new(most, sizeof *words.length),
                                 .begin = memory_new(most, sizeof *words.begin),
                                 .count = counting->words.count,
                                 .words = most };
    status result = words.symbol && words.length && words.begin ? TACIT_OK : TACIT_RESOURCES;
    for (size_t w = 0; w < most && result == TACIT_OK; w++) {
        words.begin[w] = pieces->piece[w].offset;
        words.length[w] =
            (uint32_t)word_symbols(tokenizer, pieces_bytes(pieces, (uint32_t)w),
                                   pieces->piece[w].length, words.symbol + words.begin[w]);
    }
    if (result == TACIT_OK)
        result = merges_learn(&words, &tokenizer->pieces, "", room,
                              options->least ? options->least : 1, &tokenizer->merges);
    words_free(&words);
    return result;
}

/* `behind`: special tokens that come after all others. */
static status bytes_add(struct tokenizer *tokenizer, size_t room, size_t behind)
{
    uint8_t order[256];
    uint32_t number;
    if (room < tokenizer->pieces.count + 256)
        return fail(TACIT_USAGE,
                    "vocab is too small: the 256 bytes and the special tokens need "
                    "%zu",
                    tokenizer->pieces.count + 256 + behind);
    byte_order(order);
    for (size_t i = 0; i < 256; i++)
        TRY(pieces_add(&tokenizer->pieces, &order[i], 1, &number));
    byte_ids_set(tokenizer);
    return TACIT_OK;
}

static status bpe_train(struct tokenizer *tokenizer, const struct tokenizer_options *options,
                        const struct text_stream *stream, size_t room,
                        struct tokenizer_facts *facts)
{
    struct counting counting = { .tokenizer = tokenizer };
    counting.words.limit = options->memory / 8;
    counting.words.keep = options->memory / 4;
    counting.words.scratch = options->scratch;
    status result = bytes_add(tokenizer, room, options->vocabulary - room);
    if (result == TACIT_OK)
        result = stream_parts(stream, facts, part_count, &counting);
    facts->spills = counting.words.spills;
    if (result == TACIT_OK)
        result = word_count_finish(&counting.words);
    facts->words = counting.total;
    facts->distinct = counting.words.words.count;
    facts->left_out = counting.words.left_out;
    if (result == TACIT_OK)
        result = counted_learn(&counting, options, room);
    word_count_free(&counting.words);
    return result;
}

static status part_ignore(void *argument, const uint8_t *bytes, size_t count)
{
    (void)argument;
    (void)bytes;
    (void)count;
    return TACIT_OK;
}

static status bytes_train(struct tokenizer *tokenizer, const struct tokenizer_options *options,
                          const struct text_stream *stream, size_t room,
                          struct tokenizer_facts *facts)
{
    (void)options;
    TRY(bytes_add(tokenizer, room, options->vocabulary ? options->vocabulary - room : 0));
    return stream_parts(stream, facts, part_ignore, NULL);
}

/* ---- tokenizer.json ---- */

/* A piece as GPT-2 writes it: one character a byte. */
static void piece_spell(const struct pieces *pieces, uint32_t id, struct text *text)
{
    uint8_t bytes[4];
    for (uint32_t i = 0; i < pieces->piece[id].length; i++) {
        uint32_t character = byte_character(pieces_bytes(pieces, id)[i]);
        text_append_bytes(text, bytes, unicode_encode(character, bytes));
    }
}

static void vocabulary_write(const struct tokenizer *tokenizer, struct json_writer *json)
{
    struct text spelt = { 0 };
    json_write_key(json, "vocab");
    json_write_object(json);
    for (uint32_t id = 0; id < tokenizer->pieces.count; id++) {
        const struct piece *piece = &tokenizer->pieces.piece[id];
        if (piece->length == 0)
            continue;
        text_clear(&spelt);
        if (tokenizer->is_special[id])
            text_append_bytes(&spelt, pieces_bytes(&tokenizer->pieces, id), piece->length);
        else
            piece_spell(&tokenizer->pieces, id, &spelt);
        json_write_key(json, text_string(&spelt));
        json_write_integer(json, id);
    }
    json_write_end(json);
    json->text->failed |= spelt.failed;
    text_free(&spelt);
}

static void merges_write(const struct tokenizer *tokenizer, struct json_writer *json)
{
    struct text spelt = { 0 };
    json_write_key(json, "merges");
    json_write_array(json);
    for (size_t i = 0; i < tokenizer->merges.count; i++) {
        text_clear(&spelt);
        piece_spell(&tokenizer->pieces, tokenizer->merges.merge[i].left, &spelt);
        text_append(&spelt, " ");
        piece_spell(&tokenizer->pieces, tokenizer->merges.merge[i].right, &spelt);
        json_write_text(json, text_string(&spelt));
    }
    json_write_end(json);
    json->text->failed |= spelt.failed;
    text_free(&spelt);
}

static void byte_level_write(const struct tokenizer *tokenizer, struct json_writer *json,
                             bool expression)
{
    json_write_object(json);
    json_write_key(json, "type");
    json_write_text(json, "ByteLevel");
    json_write_key(json, "add_prefix_space");
    json_write_boolean(json, tokenizer->prefix_space);
    json_write_key(json, "trim_offsets");
    json_write_boolean(json, tokenizer->trim_offsets);
    json_write_key(json, "use_regex");
    json_write_boolean(json, expression);
    json_write_end(json);
}

static void pre_tokenizer_write(const struct tokenizer *tokenizer, struct json_writer *json)
{
    const struct scanner *scanner = tokenizer->scanner;
    json_write_key(json, "pre_tokenizer");
    if (scanner->byte_level || !scanner->expressions[0]) {
        byte_level_write(tokenizer, json, scanner->byte_level);
        return;
    }
    json_write_object(json);
    json_write_key(json, "type");
    json_write_text(json, "Sequence");
    json_write_key(json, "pretokenizers");
    json_write_array(json);
    json_write_object(json);
    json_write_key(json, "type");
    json_write_text(json, "Split");
    json_write_key(json, "pattern");
    json_write_object(json);
    json_write_key(json, "Regex");
    json_write_text(json, scanner->expressions[0]);
    json_write_end(json);
    json_write_key(json, "behavior");
    json_write_text(json, "Isolated");
    json_write_key(json, "invert");
    json_write_boolean(json, false);
    json_write_end(json);
    byte_level_write(tokenizer, json, false);
    json_write_end(json);
    json_write_end(json);
}

static void bpe_write(const struct tokenizer *tokenizer, struct json_writer *json)
{
    json_write_key(json, "normalizer");
    json_write_null(json);
    pre_tokenizer_write(tokenizer, json);
    frames_write(tokenizer, json);
    json_write_key(json, "decoder");
    byte_level_write(tokenizer, json, true);
    json_write_key(json, "model");
    json_write_object(json);
    json_write_key(json, "type");
    json_write_text(json, "BPE");
    static const char *const absent[] = { "dropout", "unk_token", "continuing_subword_prefix",
                                          "end_of_word_suffix" };
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        json_write_key(json, absent[i]);
        json_write_null(json);
    }
    json_write_key(json, "fuse_unk");
    json_write_boolean(json, false);
    json_write_key(json, "byte_fallback");
    json_write_boolean(json, false);
    json_write_key(json, "ignore_merges");
    json_write_boolean(json, tokenizer->whole_first);
    vocabulary_write(tokenizer, json);
    merges_write(tokenizer, json);
    json_write_end(json);
}

/* Without a blank in front. */
static bool piece_continues(const struct tokenizer *tokenizer, struct text_view piece)
{
    (void)tokenizer;
    return *(const uint8_t *)piece.bytes > ' ';
}

const struct tokenizer_kind bpe_kind = {
    .name = "bpe",
    .help = "byte-level BPE, as GPT-2 and RoBERTa have it: any bytes come back as they were",
    .specials = "gpt",
    .vocabulary = 8192,
    .patterned = true,
    .continues = piece_continues,
    .train = bpe_train,
    .encode = bpe_encode,
    .cut = bpe_cut,
    .decode = piece_decode,
    .write = bpe_write,
};

const struct tokenizer_kind bytes_kind = {
    .name = "bytes",
    .help = "every byte is a token: nothing to learn, any bytes come back as they were",
    .specials = "gpt",
    .cut = character_cut,
    .train = bytes_train,
    .encode = bytes_encode,
    .decode = piece_decode,
    .write = bpe_write,
};
