/* Reading tokenizer.json, vocab.json with merges.txt, and vocab.txt. All of it is untrusted. */
#include "base/memory.h"
#include "io/json.h"
#include "text/parts.h"

#include <stdio.h>
#include <string.h>

enum { BYTE_CHARACTERS = 0x144, MOST_SPECIALS = 1 << 14, SHOWN = 60 };

/* What reading needs at hand. */
struct reader {
    struct tokenizer *tokenizer;
    const char *name;
    bool byte_level;
    int16_t byte[BYTE_CHARACTERS]; /* of GPT-2's characters; -1: none */
    struct text raw[2];
    size_t most_ids; /* holes among the ids are allowed, but not many */
};

static void reader_begin(struct reader *reader)
{
    memset(reader->byte, -1, sizeof reader->byte);
    for (unsigned byte = 0; byte < 256; byte++)
        reader->byte[byte_character(byte)] = (int16_t)byte;
}

static void reader_end(struct reader *reader)
{
    text_free(&reader->raw[0]);
    text_free(&reader->raw[1]);
}

/* The bytes of a token as a file spells it: GPT-2's characters back to bytes; a token with other
 * characters stands for itself. */
static status raw_set(struct reader *reader, struct text *raw, const char *spelt, size_t count)
{
    const uint8_t *at = (const uint8_t *)spelt, *end = at + count;
    text_clear(raw);
    while (reader->byte_level && at < end) {
        uint32_t character;
        at += unicode_decode(at, end, &character);
        if (character >= BYTE_CHARACTERS || reader->byte[character] < 0) {
            text_clear(raw);
            return text_append_bytes(raw, spelt, count);
        }
        uint8_t byte = (uint8_t)reader->byte[character];
        TRY(text_append_bytes(raw, &byte, 1));
    }
    return reader->byte_level ? TACIT_OK : text_append_bytes(raw, spelt, count);
}

static status id_check(const struct reader *reader, const json_t *id, const char *token)
{
    if (!json_is_integer(id) || json_integer_value(id) < 0)
        return fail(TACIT_BAD_DATA, "%s: the token %.*s has no id (a whole number)", reader->name,
                    SHOWN, token);
    if (json_integer_value(id) >= MOST_IDS || (uint64_t)json_integer_value(id) >= reader->most_ids)
        return fail(TACIT_BAD_DATA,
                    "%s: the token %.*s has the id %lld, far beyond the number of "
                    "tokens",
                    reader->name, SHOWN, token, (long long)json_integer_value(id));
    return TACIT_OK;
}

static status specials_read(struct reader *reader, const json_t *added)
{
    struct tokenizer *tokenizer = reader->tokenizer;
    if (json_array_size(added) > MOST_SPECIALS)
        return fail(TACIT_BAD_DATA, "%s: more than %d added tokens", reader->name, MOST_SPECIALS);
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *item = json_array_get(added, i), *id = json_object_get(item, "id");
        const json_t *content = json_object_get(item, "content");
        const char *text = json_string_value(content);
        if (!text)
            return fail(TACIT_BAD_DATA, "%s: added_tokens[%zu] has no content", reader->name, i);
        TRY(id_check(reader, id, text));
        TRY(special_add(tokenizer, (uint32_t)json_integer_value(id), text,
                        json_string_length(content),
                        json_is_true(json_object_get(item, "special"))));
        struct special_token *special = &tokenizer->special[tokenizer->specials - 1];
        special->left = json_is_true(json_object_get(item, "lstrip"));
        special->right = json_is_true(json_object_get(item, "rstrip"));
        special->single_word = json_is_true(json_object_get(item, "single_word"));
        special->normalized = json_is_true(json_object_get(item, "normalized"));
    }
    return TACIT_OK;
}

static status vocabulary_read(struct reader *reader, const json_t *vocabulary)
{
    struct pieces *pieces = &reader->tokenizer->pieces;
    const char *token;
    json_t *id;
    json_object_foreach((json_t *)(uintptr_t)vocabulary, token, id)
    {
        size_t count = strlen(token);
        TRY(id_check(reader, id, token));
        uint32_t number = (uint32_t)json_integer_value(id);
        if (special_find(reader->tokenizer, token, count) >= 0)
            continue;
        if (number < pieces->count && pieces->piece[number].length > 0)
            return fail(TACIT_BAD_DATA, "%s: the id %u stands for two tokens, one of them %.*s",
                        reader->name, number, SHOWN, token);
        TRY(raw_set(reader, &reader->raw[0], token, count));
        TRY(pieces_place(pieces, number, text_string(&reader->raw[0]), reader->raw[0].length));
    }
    return TACIT_OK;
}

/* ---- Merges ---- */

static status merge_read(struct reader *reader, size_t index, const char *left, size_t left_count,
                         const char *right, size_t right_count)
{
    struct tokenizer *tokenizer = reader->tokenizer;
    struct text *raw = &reader->raw[0], *tail = &reader->raw[1];
    struct merge merge;
    TRY(raw_set(reader, raw, left, left_count));
    TRY(raw_set(reader, tail, right, right_count));
    merge.left = pieces_find(&tokenizer->pieces, text_string(raw), raw->length);
    merge.right = pieces_find(&tokenizer->pieces, text_string(tail), tail->length);
    TRY(text_append_bytes(raw, text_string(tail), tail->length));
    merge.id = pieces_find(&tokenizer->pieces, text_string(raw), raw->length);
    if (merge.left == PIECE_NONE || merge.right == PIECE_NONE || merge.id == PIECE_NONE)
        return fail(TACIT_BAD_DATA,
                    "%s: merge %zu (%.*s and %.*s) has a token that the vocabulary "
                    "lacks",
                    reader->name, index + 1, left_count < SHOWN ? (int)left_count : SHOWN, left,
                    right_count < SHOWN ? (int)right_count : SHOWN, right);
    return merge_append(&tokenizer->merges, merge);
}

/* "left right" */
static status merge_line_read(struct reader *reader, size_t index, const char *line, size_t count)
{
    const char *blank = memchr(line, ' ', count);
    if (!blank || blank == line || blank + 1 == line + count ||
        memchr(blank + 1, ' ', (size_t)(line + count - blank - 1)))
        return fail(TACIT_BAD_DATA, "%s: merge %zu is not two tokens with a blank between",
                    reader->name, index + 1);
    return merge_read(reader, index, line, (size_t)(blank - line), blank + 1,
                      (size_t)(line + count - blank - 1));
}

static status merges_read(struct reader *reader, const json_t *merges)
{
    for (size_t i = 0; i < json_array_size(merges); i++) {
        const json_t *merge = json_array_get(merges, i);
        const json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);
        if (json_is_string(merge))
            TRY(merge_line_read(reader, i, json_string_value(merge), json_string_length(merge)));
        else if (json_is_string(left) && json_is_string(right))
            TRY(merge_read(reader, i, json_string_value(left), json_string_length(left),
                           json_string_value(right), json_string_length(right)));
        else
            return fail(TACIT_BAD_DATA, "%s: merge %zu is not a pair of tokens", reader->name,
                        i + 1);
    }
    return TACIT_OK;
}

static status merge_file_read(struct reader *reader, struct text_view file)
{
    const char *at = file.bytes, *end = at + file.count;
    for (size_t line = 0, index = 0; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *next = stop ? stop + 1 : end;
        size_t count = (size_t)((stop ? stop : end) - at);
        while (count > 0 && (at[count - 1] == '\r' || at[count - 1] == ' '))
            count--;
        bool version = line == 0 && count >= 8 && memcmp(at, "#version", 8) == 0;
        if (count > 0 && !version)
            TRY(merge_line_read(reader, index++, at, count));
        at = next;
    }
    return TACIT_OK;
}

/* ---- tokenizer.json ---- */

static bool type_is(const json_t *object, const char *type)
{
    const char *found = json_string_value(json_object_get(object, "type"));
    return found && strcmp(found, type) == 0;
}

static status unsupported(const struct reader *reader, const char *member, const json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    return fail(TACIT_BAD_DATA,
                "%s: the %s %s is not supported; BPE over bytes, WordPiece and "
                "characters are",
                reader->name, member, type ? type : "(without a type)");
}

/* Whether a member is true; `otherwise` when it is absent or null. */
static bool flag_of(const json_t *object, const char *key, bool otherwise)
{
    const json_t *flag = json_object_get(object, key);
    return json_is_boolean(flag) ? json_is_true(flag) : otherwise;
}

static status byte_level_read(struct reader *reader, const json_t *step, bool *found)
{
    struct tokenizer *tokenizer = reader->tokenizer;
    *found = true;
    tokenizer->prefix_space |= flag_of(step, "add_prefix_space", true);
    tokenizer->trim_offsets = flag_of(step, "trim_offsets", true);
    if (flag_of(step, "use_regex", true))
        tokenizer->scanner = scanner_find("gpt2");
    return TACIT_OK;
}

static status split_read(struct reader *reader, const json_t *step)
{
    const json_t *pattern = json_object_get(step, "pattern");
    const char *expression = json_string_value(json_object_get(pattern, "Regex"));
    const char *behavior = json_string_value(json_object_get(step, "behavior"));
    const struct scanner *scanner = expression ? scanner_of_expression(expression) : NULL;
    if (!scanner || !behavior || strcmp(behavior, "Isolated") != 0 ||
        flag_of(step, "invert", false))
        return fail(TACIT_BAD_DATA,
                    "%s: the pattern of its pre_tokenizer is not supported; those "
                    "of GPT-2 and GPT-4 are: %.*s",
                    reader->name, 4 * SHOWN, expression ? expression : "(none)");
    reader->tokenizer->scanner = scanner;
    return TACIT_OK;
}

/* ByteLevel, Split, or a sequence of them; *bytes is whether ByteLevel is among them. */
static status pre_tokenizer_read(struct reader *reader, const json_t *step, bool *bytes)
{
    const json_t *steps = json_object_get(step, "pretokenizers");
    *bytes = false;
    reader->tokenizer->scanner = scanner_find("none");
    if (!step || json_is_null(step))
        return TACIT_OK;
    size_t count = json_is_array(steps) ? json_array_size(steps) : 1;
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_is_array(steps) ? json_array_get(steps, i) : step;
        if (type_is(one, "ByteLevel"))
            TRY(byte_level_read(reader, one, bytes));
        else if (type_is(one, "Split"))
            TRY(split_read(reader, one));
        else
            return unsupported(reader, "pre_tokenizer", one);
    }
    return TACIT_OK;
}

static status unknown_read(struct reader *reader, const json_t *model)
{
    const char *unknown = json_string_value(json_object_get(model, "unk_token"));
    if (!unknown)
        return TACIT_OK;
    reader->tokenizer->role[ROLE_UNK] = tokenizer_find(reader->tokenizer, unknown, strlen(unknown));
    if (reader->tokenizer->role[ROLE_UNK] >= 0)
        return TACIT_OK;
    return fail(TACIT_BAD_DATA, "%s: the unknown token %.*s is not in the vocabulary", reader->name,
                SHOWN, unknown);
}

static status bpe_read(struct reader *reader, const json_t *root, const json_t *model)
{
    struct tokenizer *tokenizer = reader->tokenizer;
    const json_t *normalizer = json_object_get(root, "normalizer");
    const json_t *merges = json_object_get(model, "merges");
    static const char *const refused[] = { "continuing_subword_prefix", "end_of_word_suffix" };
    bool bytes;
    if (normalizer && !json_is_null(normalizer))
        return unsupported(reader, "normalizer", normalizer);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const char *text = json_string_value(json_object_get(model, refused[i]));
        if (text && *text)
            return fail(TACIT_BAD_DATA, "%s: BPE with a %s is not supported", reader->name,
                        refused[i]);
    }
    TRY(pre_tokenizer_read(reader, json_object_get(root, "pre_tokenizer"), &bytes));
    if (!bytes && (json_array_size(merges) > 0 || tokenizer->scanner->expressions[0]))
        return fail(TACIT_BAD_DATA,
                    "%s: BPE over characters is not supported, only over bytes (the "
                    "pre_tokenizer ByteLevel)",
                    reader->name);
    reader->byte_level = bytes;
    tokenizer->kind = !bytes ? &characters_kind
                      : json_array_size(merges) == 0 && !tokenizer->scanner->expressions[0]
                          ? &bytes_kind
                          : &bpe_kind;
    tokenizer->whole_first = flag_of(model, "ignore_merges", false);
    TRY(vocabulary_read(reader, json_object_get(model, "vocab")));
    TRY(merges_read(reader, merges));
    return unknown_read(reader, model);
}

static status wordpiece_read(struct reader *reader, const json_t *root, const json_t *model)
{
    struct tokenizer *tokenizer = reader->tokenizer;
    const json_t *normalizer = json_object_get(root, "normalizer");
    const json_t *pre_tokenizer = json_object_get(root, "pre_tokenizer");
    const char *prefix = json_string_value(json_object_get(model, "continuing_subword_prefix"));
    const json_t *most = json_object_get(model, "max_input_chars_per_word");
    tokenizer->kind = &wordpiece_kind;
    if (!type_is(normalizer, "BertNormalizer"))
        return unsupported(reader, "normalizer", normalizer);
    if (!type_is(pre_tokenizer, "BertPreTokenizer"))
        return unsupported(reader, "pre_tokenizer", pre_tokenizer);
    bool lower = flag_of(normalizer, "lowercase", true);
    tokenizer->normalizer = (struct normalizer){
        .clean = flag_of(normalizer, "clean_text", true),
        .ideographs = flag_of(normalizer, "handle_chinese_chars", true),
        .strip = flag_of(normalizer, "strip_accents", lower),
        .lower = lower,
    };
    prefix = prefix ? prefix : "##";
    if (strlen(prefix) >= CONTINUING_BYTES)
        return fail(TACIT_BAD_DATA, "%s: the continuing_subword_prefix is longer than %d bytes",
                    reader->name, CONTINUING_BYTES - 1);
    snprintf(tokenizer->continuing, sizeof tokenizer->continuing, "%s", prefix);
    if (json_is_integer(most) && json_integer_value(most) > 0)
        tokenizer->most_characters = (size_t)json_integer_value(most);
    TRY(vocabulary_read(reader, json_object_get(model, "vocab")));
    return unknown_read(reader, model);
}

static status root_read(struct reader *reader, const json_t *root)
{
    struct tokenizer *tokenizer = reader->tokenizer;
    const json_t *model = json_object_get(root, "model");
    const json_t *added = json_object_get(root, "added_tokens");
    const json_t *vocabulary = json_object_get(model, "vocab");
    if (!json_is_object(vocabulary))
        return fail(TACIT_BAD_DATA,
                    "%s: no tokenizer.json of BPE or WordPiece: it has no "
                    "model.vocab",
                    reader->name);
    bool merges = json_is_array(json_object_get(model, "merges"));
    bool typed = json_is_string(json_object_get(model, "type"));
    reader->most_ids = 2 * (json_object_size(vocabulary) + json_array_size(added)) + 1024;
    TRY(specials_read(reader, added));
    if (typed ? type_is(model, "BPE") : merges)
        TRY(bpe_read(reader, root, model));
    else if (typed ? type_is(model, "WordPiece") : true)
        TRY(wordpiece_read(reader, root, model));
    else
        return unsupported(reader, "model", model);
    json_int_t limit =
        json_integer_value(json_object_get(json_object_get(root, "truncation"), "max_length"));
    tokenizer->limit = limit > 0 && limit < MOST_IDS ? (size_t)limit : 0;
    TRY(frames_read(tokenizer, reader->name, json_object_get(root, "post_processor")));
    return tokenizer_settle(tokenizer, reader->name);
}

/* Hands over what was made, or frees it. */
static status made(struct tokenizer *tokenizer, status result, struct tokenizer **out)
{
    if (result == TACIT_OK)
        *out = tokenizer;
    else
        tokenizer_free(tokenizer);
    return result;
}

status tokenizer_read(const char *name, struct text_view json, struct tokenizer **tokenizer)
{
    json_t *root;
    *tokenizer = NULL;
    TRY(json_document_parse(name, json.bytes, json.count, &root));
    struct reader reader = { .tokenizer = tokenizer_new(&bpe_kind), .name = name };
    status result = reader.tokenizer ? TACIT_OK : TACIT_RESOURCES;
    reader_begin(&reader);
    if (result == TACIT_OK)
        result = root_read(&reader, root);
    reader_end(&reader);
    json_decref(root);
    return made(reader.tokenizer, result, tokenizer);
}

/* ---- vocab.json and merges.txt ---- */

/* The special tokens that files without a list of them usually have. */
static status usual_add(struct reader *reader, const json_t *vocabulary)
{
    static const char *const usual[] = {
        "<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>"
    };
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        const json_t *id = json_object_get(vocabulary, usual[i]);
        if (!id)
            continue;
        TRY(id_check(reader, id, usual[i]));
        TRY(special_add(reader->tokenizer, (uint32_t)json_integer_value(id), usual[i],
                        strlen(usual[i]), true));
        reader->tokenizer->special[reader->tokenizer->specials - 1].left =
            strcmp(usual[i], "<mask>") == 0;
    }
    return TACIT_OK;
}

static status pair_of_files_read(struct reader *reader, const json_t *vocabulary,
                                 struct text_view merges)
{
    struct tokenizer *tokenizer = reader->tokenizer;
    if (!json_is_object(vocabulary))
        return fail(TACIT_BAD_DATA, "%s: a vocab.json is an object of tokens and ids",
                    reader->name);
    reader->most_ids = 2 * json_object_size(vocabulary) + 1024;
    reader->byte_level = true;
    TRY(usual_add(reader, vocabulary));
    TRY(vocabulary_read(reader, vocabulary));
    TRY(merge_file_read(reader, merges));
    const struct special_set *set = special_set_find("roberta");
    if (!frame_parse(tokenizer, set->single, &tokenizer->single) ||
        !frame_parse(tokenizer, set->pair, &tokenizer->pair))
        frames_read(tokenizer, reader->name, NULL);
    return tokenizer_settle(tokenizer, reader->name);
}

status tokenizer_read_merges(const char *name, struct text_view vocabulary, struct text_view merges,
                             struct tokenizer **tokenizer)
{
    json_t *root;
    *tokenizer = NULL;
    TRY(json_document_parse(name, vocabulary.bytes, vocabulary.count, &root));
    struct reader reader = { .tokenizer = tokenizer_new(&bpe_kind), .name = name };
    status result = reader.tokenizer ? TACIT_OK : TACIT_RESOURCES;
    reader_begin(&reader);
    if (result == TACIT_OK)
        result = pair_of_files_read(&reader, root, merges);
    reader_end(&reader);
    json_decref(root);
    return made(reader.tokenizer, result, tokenizer);
}

/* ---- vocab.txt ---- */

static status lines_read(struct tokenizer *tokenizer, const char *name, struct text_view file)
{
    const char *at = file.bytes, *end = at + file.count;
    for (uint32_t line = 0; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *next = stop ? stop + 1 : end;
        size_t count = (size_t)((stop ? stop : end) - at);
        while (count > 0 &&
               (at[count - 1] == '\r' || at[count - 1] == ' ' || at[count - 1] == '\t'))
            count--;
        if (line >= MOST_IDS)
            return fail(TACIT_BAD_DATA, "%s: more than %d tokens", name, (int)MOST_IDS);
        TRY(pieces_place(&tokenizer->pieces, line, at, count));
        at = next;
    }
    const struct special_set *set = special_set_find("bert");
    for (size_t i = 0; set->first[i]; i++) {
        uint32_t id = pieces_find(&tokenizer->pieces, set->first[i], strlen(set->first[i]));
        if (id != PIECE_NONE)
            TRY(special_add(tokenizer, id, set->first[i], strlen(set->first[i]), true));
    }
    if (!frame_parse(tokenizer, set->single, &tokenizer->single) ||
        !frame_parse(tokenizer, set->pair, &tokenizer->pair))
        TRY(frames_read(tokenizer, name, NULL));
    return tokenizer_settle(tokenizer, name);
}

status tokenizer_read_words(const char *name, struct text_view vocabulary, bool cased,
                            struct tokenizer **tokenizer)
{
    *tokenizer = NULL;
    struct tokenizer *fresh = tokenizer_new(&wordpiece_kind);
    if (!fresh)
        return TACIT_RESOURCES;
    fresh->normalizer.lower = fresh->normalizer.strip = !cased;
    return made(fresh, lines_read(fresh, name, vocabulary), tokenizer);
}
