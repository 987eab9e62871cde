/* WordPiece with BERT's rules (Devlin et al. 2018, arXiv:1810.04805; Wu et al. 2016). */
#include "base/memory.h"
#include "io/json.h"
#include "text/parts.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ALPHABET = 1000 };

/* ---- Encoding ---- */

/* The longest piece that begins at `at`; PIECE_NONE when there is none. The bytes in front of `at`
 * are lent to the continuing prefix. */
static uint32_t longest_piece(const struct tokenizer *tokenizer, uint8_t *at, size_t left,
                              bool continues, size_t *length)
{
    size_t prefix = continues ? strlen(tokenizer->continuing) : 0;
    uint8_t lent[CONTINUING_BYTES];
    uint32_t found = PIECE_NONE;
    memcpy(lent, at - prefix, prefix);
    memcpy(at - prefix, tokenizer->continuing, prefix);
    size_t most = left < tokenizer->longest ? left : tokenizer->longest;
    for (*length = most; *length > 0; --*length) {
        if (*length < left && (at[*length] & 0xc0) == 0x80)
            continue;
        found = pieces_find(&tokenizer->pieces, at - prefix, *length + prefix);
        if (found != PIECE_NONE)
            break;
    }
    memcpy(at - prefix, lent, prefix);
    return found;
}

/* Greedy longest match from the left; a word that cannot be spelt whole is one unknown token. The
 * CONTINUING_BYTES bytes before the word may be written over. */
static status word_encode(const struct tokenizer *tokenizer, uint8_t *word, size_t count,
                          struct token_list *list)
{
    size_t characters = 0, before = list->count;
    for (size_t i = 0; i < count; i++)
        characters += (word[i] & 0xc0) != 0x80;
    TRY(token_list_reserve(list, count + 1));
    uint32_t found = characters > tokenizer->most_characters ? PIECE_NONE : 0;
    for (size_t at = 0, length; at < count && found != PIECE_NONE; at += length) {
        found = longest_piece(tokenizer, word + at, count - at, at > 0, &length);
        if (found != PIECE_NONE)
            list->id[list->count++] = found;
    }
    if (found == PIECE_NONE) {
        list->count = before;
        list->id[list->count++] = (uint32_t)tokenizer->role[ROLE_UNK];
    }
    return TACIT_OK;
}

/* A run without white space: normalised, split at punctuation, each word spelt. */
static status run_encode(const struct tokenizer *tokenizer, struct encoder *encoder,
                         const uint8_t *bytes, size_t count, struct token_list *list)
{
    struct text *words = &encoder->words;
    text_clear(words);
    TRY(text_append(words, "%*s", (int)CONTINUING_BYTES, ""));
    TRY(bert_words(tokenizer->unicode, &tokenizer->normalizer, bytes, count, words));
    uint8_t *at = (uint8_t *)words->bytes + CONTINUING_BYTES;
    const uint8_t *end = (uint8_t *)words->bytes + words->length;
    while (at < end) {
        uint8_t *blank = memchr(at, ' ', (size_t)(end - at));
        TRY(word_encode(tokenizer, at, (size_t)(blank - at), list));
        at = blank + 1;
    }
    if (words->capacity > 1 << 20)
        text_free(words);
    return TACIT_OK;
}

static status wordpiece_encode(const struct tokenizer *tokenizer, struct encoder *encoder,
                               const uint8_t *bytes, size_t count, struct token_list *list)
{
    const uint8_t *end = bytes + count;
    const struct normalizer *normalizer = &tokenizer->normalizer;
    while (bytes < end) {
        const uint8_t *next = bert_word_end(tokenizer->unicode, normalizer, bytes, end);
        size_t length = (size_t)(next - bytes);
        if (length == 0) {
            bert_space(tokenizer->unicode, normalizer, bytes, end, &length);
            bytes += length;
            continue;
        }
        TRY(cache_encode(tokenizer, encoder, bytes, length, end, run_encode, list));
        bytes = next;
    }
    return TACIT_OK;
}

/* Before white space, which always divides words. */
static size_t wordpiece_cut(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t count,
                            size_t from)
{
    (void)tokenizer;
    while (from < count && bytes[from] != ' ' && bytes[from] != '\t' && bytes[from] != '\n' &&
           bytes[from] != '\r')
        from++;
    return from;
}

/* As Hugging Face's decoder with cleanup: a blank before each word but the first, none before
 * . ? ! , nor before the short forms n't 'm 's 've 're. */
static status wordpiece_decode(const struct tokenizer *tokenizer, uint32_t id, bool first,
                               struct text *text)
{
    static const char *const attached[] = { ".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re" };
    const char *bytes = (const char *)pieces_bytes(&tokenizer->pieces, id);
    size_t length = tokenizer->pieces.piece[id].length, prefix = strlen(tokenizer->continuing);
    if (!first && length >= prefix && memcmp(bytes, tokenizer->continuing, prefix) == 0)
        return text_append_bytes(text, bytes + prefix, length - prefix);
    bool blank = !first;
    for (size_t i = 0; i < sizeof attached / sizeof *attached && blank; i++) {
        size_t start = strlen(attached[i]);
        blank = length < start || memcmp(bytes, attached[i], start) != 0;
    }
    if (blank)
        TRY(text_append_bytes(text, " ", 1));
    return text_append_bytes(text, bytes, length);
}

/* ---- Learning ---- */

struct counting {
    struct tokenizer *tokenizer;
    struct word_count runs, words;
    uint64_t *characters; /* occurrences of each character */
    uint64_t total;
};

static status part_count(void *argument, const uint8_t *bytes, size_t count)
{
    struct counting *counting = argument;
    const struct tokenizer *tokenizer = counting->tokenizer;
    const uint8_t *end = bytes + count;
    while (bytes < end) {
        size_t length;
        const uint8_t *next = bert_word_end(tokenizer->unicode, &tokenizer->normalizer, bytes, end);
        if (next > bytes) {
            TRY(word_count_add(&counting->runs, bytes, (size_t)(next - bytes), 1));
            counting->total++;
        } else {
            bert_space(tokenizer->unicode, &tokenizer->normalizer, bytes, end, &length);
            next = bytes + length;
        }
        bytes = next;
    }
    return TACIT_OK;
}

/* From runs without white space to normalised words. */
static status runs_normalize(struct counting *counting)
{
    const struct tokenizer *tokenizer = counting->tokenizer;
    const struct pieces *runs = &counting->runs.words;
    struct text words = { 0 };
    status result = TACIT_OK;
    counting->words.limit = SIZE_MAX;
    for (uint32_t i = 0; i < runs->count && result == TACIT_OK; i++) {
        text_clear(&words);
        result = bert_words(tokenizer->unicode, &tokenizer->normalizer, pieces_bytes(runs, i),
                            runs->piece[i].length, &words);
        for (size_t at = 0; at < words.length && result == TACIT_OK;) {
            size_t length = (size_t)((char *)memchr(words.bytes + at, ' ', words.length - at) -
                                     (words.bytes + at));
            result =
                word_count_add(&counting->words, words.bytes + at, length, counting->runs.count[i]);
            at += length + 1;
        }
    }
    text_free(&words);
    word_count_free(&counting->runs);
    return result;
}

struct letter {
    uint32_t character;
    uint64_t count;
};

static int letter_frequent(const void *a, const void *b)
{
    const struct letter *one = a, *two = b;
    if (one->count != two->count)
        return one->count > two->count ? -1 : 1;
    return one->character < two->character ? -1 : 1;
}

static int letter_order(const void *a, const void *b)
{
    const struct letter *one = a, *two = b;
    return one->character < two->character ? -1 : 1;
}

/* Counts characters: characters[c] for all, characters[UNICODE_BAD + c] for those within words. */
static void letters_count(struct counting *counting)
{
    const struct pieces *words = &counting->words.words;
    for (uint32_t w = 0; w < words->count; w++) {
        const uint8_t *at = pieces_bytes(words, w), *end = at + words->piece[w].length;
        for (bool inside = false; at < end; inside = true) {
            uint32_t character;
            at += unicode_decode(at, end, &character);
            counting->characters[character] += counting->words.count[w];
            if (inside)
                counting->characters[UNICODE_BAD + character] += counting->words.count[w];
        }
    }
}

/* The pieces of one character: the 1,000 most frequent ones, in order, then those with ## that
 * occur within words. */
static status letters_add(struct counting *counting, size_t room, size_t behind)
{
    struct tokenizer *tokenizer = counting->tokenizer;
    size_t count = 0;
    for (uint32_t c = 0; c < UNICODE_BAD; c++)
        count += counting->characters[c] > 0;
    struct letter *letter = memory_new(count, sizeof *letter);
    if (!letter)
        return TACIT_RESOURCES;
    count = 0;
    for (uint32_t c = 0; c < UNICODE_BAD; c++)
        if (counting->characters[c] > 0)
            letter[count++] = (struct letter){ c, counting->characters[c] };
    qsort(letter, count, sizeof *letter, letter_frequent);
    count = count < MOST_ALPHABET ? count : MOST_ALPHABET;
    qsort(letter, count, sizeof *letter, letter_order);
    status result = TACIT_OK;
    for (int inside = 0; inside < 2; inside++)
        for (size_t i = 0; i < count && result == TACIT_OK; i++) {
            uint8_t spelt[CONTINUING_BYTES + 4];
            size_t prefix = inside ? strlen(tokenizer->continuing) : 0;
            uint32_t number;
            if (inside && counting->characters[UNICODE_BAD + letter[i].character] == 0)
                continue;
            memcpy(spelt, tokenizer->continuing, prefix);
            size_t length = prefix + unicode_encode(letter[i].character, spelt + prefix);
            result = pieces_add(&tokenizer->pieces, spelt, length, &number);
        }
    memory_free(letter);
    if (result == TACIT_OK && tokenizer->pieces.count > room)
        return fail(TACIT_USAGE,
                    "vocab is too small: the characters of the text and the special "
                    "tokens need %zu",
                    tokenizer->pieces.count + behind);
    return result;
}

/* The symbols of a word: characters without a piece are left out. */
static uint32_t word_symbols(const struct tokenizer *tokenizer, const uint8_t *at, size_t count,
                             uint32_t *symbol)
{
    const uint8_t *end = at + count;
    uint8_t spelt[CONTINUING_BYTES + 4];
    size_t prefix = strlen(tokenizer->continuing);
    uint32_t kept = 0;
    memcpy(spelt, tokenizer->continuing, prefix);
    for (bool inside = false; at < end; inside = true) {
        uint32_t character;
        size_t length = unicode_decode(at, end, &character);
        memcpy(spelt + prefix, at, length);
        uint32_t number = inside ? pieces_find(&tokenizer->pieces, spelt, prefix + length)
                                 : pieces_find(&tokenizer->pieces, at, length);
        if (number != PIECE_NONE)
            symbol[kept++] = number;
        at += length;
    }
    return kept;
}

static status words_learn(struct counting *counting, const struct tokenizer_options *options,
                          size_t room)
{
    struct tokenizer *tokenizer = counting->tokenizer;
    const struct pieces *pieces = &counting->words.words;
    struct merge_list list = { 0 };
    struct merge_words words = { .symbol = memory_new(pieces->used, sizeof *words.symbol),
                                 .length = memory_new(pieces->count, sizeof *words.length),
                                 .begin = memory_new(pieces->count, sizeof *words.begin),
                                 .count = counting->words.count,
                                 .words = pieces->count };
    status result = words.symbol && words.length && words.begin ? TACIT_OK : TACIT_RESOURCES;
    for (uint32_t w = 0; w < pieces->count && result == TACIT_OK; w++) {
        words.begin[w] = pieces->piece[w].offset;
        words.length[w] = word_symbols(tokenizer, pieces_bytes(pieces, w), pieces->piece[w].length,
                                       words.symbol + words.begin[w]);
    }
    if (result == TACIT_OK)
        result = merges_learn(&words, &tokenizer->pieces, tokenizer->continuing, room,
                              options->least ? options->least : 1, &list);
    memory_free(list.merge);
    memory_free(words.symbol);
    memory_free(words.length);
    memory_free(words.begin);
    return result;
}

static status wordpiece_train(struct tokenizer *tokenizer, const struct tokenizer_options *options,
                              const struct text_stream *stream, size_t room,
                              struct tokenizer_facts *facts)
{
    struct counting counting = { .tokenizer = tokenizer };
    tokenizer->normalizer = (struct normalizer){ true, true, !options->cased, !options->cased };
    counting.runs.limit = options->memory / 8;
    counting.runs.keep = options->memory / 4;
    counting.runs.scratch = options->scratch;
    counting.characters = memory_new(2 * (size_t)UNICODE_BAD + 1, sizeof *counting.characters);
    status result = counting.characters ? TACIT_OK : TACIT_RESOURCES;
    if (result == TACIT_OK)
        result = stream_parts(stream, facts, part_count, &counting);
    facts->spills = counting.runs.spills;
    if (result == TACIT_OK)
        result = word_count_finish(&counting.runs);
    facts->left_out = counting.runs.left_out;
    facts->words = counting.total;
    if (result == TACIT_OK)
        result = runs_normalize(&counting);
    facts->distinct = counting.words.words.count;
    if (result == TACIT_OK) {
        letters_count(&counting);
        result = letters_add(&counting, room, options->vocabulary - room);
    }
    if (result == TACIT_OK)
        result = words_learn(&counting, options, room);
    memory_free(counting.characters);
    word_count_free(&counting.runs);
    word_count_free(&counting.words);
    return result;
}

/* ---- tokenizer.json ---- */

static void typed_open(struct json_writer *json, const char *key, const char *type)
{
    json_write_key(json, key);
    json_write_object(json);
    json_write_key(json, "type");
    json_write_text(json, type);
}

static void model_write(const struct tokenizer *tokenizer, struct json_writer *json)
{
    struct text spelt = { 0 };
    const struct pieces *pieces = &tokenizer->pieces;
    typed_open(json, "model", "WordPiece");
    json_write_key(json, "unk_token");
    struct text_view unknown = tokenizer_piece(tokenizer, (uint32_t)tokenizer->role[ROLE_UNK]);
    text_append_bytes(&spelt, unknown.bytes, unknown.count);
    json_write_text(json, text_string(&spelt));
    json_write_key(json, "continuing_subword_prefix");
    json_write_text(json, tokenizer->continuing);
    json_write_key(json, "max_input_chars_per_word");
    json_write_integer(json, (int64_t)tokenizer->most_characters);
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
    json_write_end(json);
    json->text->failed |= spelt.failed;
    text_free(&spelt);
}

static void wordpiece_write(const struct tokenizer *tokenizer, struct json_writer *json)
{
    const struct normalizer *normalizer = &tokenizer->normalizer;
    typed_open(json, "normalizer", "BertNormalizer");
    json_write_key(json, "clean_text");
    json_write_boolean(json, normalizer->clean);
    json_write_key(json, "handle_chinese_chars");
    json_write_boolean(json, normalizer->ideographs);
    json_write_key(json, "strip_accents");
    json_write_boolean(json, normalizer->strip);
    json_write_key(json, "lowercase");
    json_write_boolean(json, normalizer->lower);
    json_write_end(json);
    typed_open(json, "pre_tokenizer", "BertPreTokenizer");
    json_write_end(json);
    frames_write(tokenizer, json);
    typed_open(json, "decoder", "WordPiece");
    json_write_key(json, "prefix");
    json_write_text(json, tokenizer->continuing);
    json_write_key(json, "cleanup");
    json_write_boolean(json, true);
    json_write_end(json);
    model_write(tokenizer, json);
}

static bool piece_continues(const struct tokenizer *tokenizer, struct text_view piece)
{
    size_t prefix = strlen(tokenizer->continuing);
    return piece.count > prefix && memcmp(piece.bytes, tokenizer->continuing, prefix) == 0;
}

const struct tokenizer_kind wordpiece_kind = {
    .name = "wordpiece",
    .help = "WordPiece with BERT's rules: small letters without accents, longest match",
    .specials = "bert",
    .vocabulary = 8192,
    .needs_unknown = true,
    .joined = true,
    .continues = piece_continues,
    .train = wordpiece_train,
    .encode = wordpiece_encode,
    .cut = wordpiece_cut,
    .decode = wordpiece_decode,
    .write = wordpiece_write,
};
