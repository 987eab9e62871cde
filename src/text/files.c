/* Tokenizers as files and folders. */
#include "base/memory.h"
#include "base/text.h"
#include "io/file.h"
#include "io/json.h"
#include "text/parts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 28, MOST_LIMIT = 1000000000 };

static const struct {
    const char *key;
    enum tokenizer_role role;
} role_keys[] = {
    { "cls_token", ROLE_CLS }, { "sep_token", ROLE_SEP }, { "mask_token", ROLE_MASK },
    { "pad_token", ROLE_PAD }, { "bos_token", ROLE_BOS }, { "eos_token", ROLE_EOS },
    { "unk_token", ROLE_UNK },
};

static bool is_file(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISREG(facts.st_mode);
}

/* FOLDER/NAME, where the folder is `path` or, for a file, the one that it is in. */
static status path_beside(const char *path, bool folder, const char *name, char out[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    int length = folder ? (int)strlen(path) : slash ? (int)(slash - path) : 0;
    const char *between = length ? "/" : slash && !folder ? "/" : "";
    if (snprintf(out, PATH_MAX, "%.*s%s%s", length, path, between, name) >= PATH_MAX)
        return fail(TACIT_BAD_DATA, "%s: the name is too long", path);
    return TACIT_OK;
}

/* ---- Loading ---- */

/* A token of a configuration: its text, or an object with its content. */
static const char *token_text(const json_t *value)
{
    return json_string_value(json_is_object(value) ? json_object_get(value, "content") : value);
}

static void roles_read(struct tokenizer *tokenizer, const json_t *config)
{
    for (size_t i = 0; i < sizeof role_keys / sizeof *role_keys; i++) {
        const char *text = token_text(json_object_get(config, role_keys[i].key));
        int64_t id = text ? special_find(tokenizer, text, strlen(text)) : -1;
        if (id >= 0)
            tokenizer->role[role_keys[i].role] = id;
    }
}

/* A JSON file that need not be there; *root stays NULL then. */
static status config_open(const char *path, bool folder, const char *name, json_t **root)
{
    char beside[PATH_MAX];
    *root = NULL;
    TRY(path_beside(path, folder, name, beside));
    return is_file(beside) ? json_document_read(beside, MOST_BYTES, root) : TACIT_OK;
}

/* What the configuration beside the tokenizer says: roles and limit; for vocab.txt and merges.txt
 * also how text is normalised. */
static status configs_read(struct tokenizer *tokenizer, const char *path, bool folder, bool plain)
{
    json_t *config, *map;
    TRY(config_open(path, folder, "special_tokens_map.json", &map));
    if (map)
        roles_read(tokenizer, map);
    json_decref(map);
    TRY(config_open(path, folder, "tokenizer_config.json", &config));
    roles_read(tokenizer, config);
    json_int_t limit = json_integer_value(json_object_get(config, "model_max_length"));
    if (limit > 0 && limit < MOST_LIMIT && !tokenizer->limit)
        tokenizer->limit = (size_t)limit;
    const json_t *lower = json_object_get(config, "do_lower_case");
    const json_t *strip = json_object_get(config, "strip_accents");
    const json_t *ideographs = json_object_get(config, "tokenize_chinese_chars");
    if (plain && json_is_boolean(lower))
        tokenizer->normalizer.lower = tokenizer->normalizer.strip = json_is_true(lower);
    if (plain && json_is_boolean(strip))
        tokenizer->normalizer.strip = json_is_true(strip);
    if (plain && json_is_boolean(ideographs))
        tokenizer->normalizer.ideographs = json_is_true(ideographs);
    if (plain && json_is_true(json_object_get(config, "add_prefix_space")))
        tokenizer->prefix_space = true;
    json_decref(config);
    return TACIT_OK;
}

static status json_load(const char *path, struct text_view bytes, struct tokenizer **tokenizer)
{
    return tokenizer_read(path, bytes, tokenizer);
}

static status words_load(const char *path, struct text_view bytes, struct tokenizer **tokenizer)
{
    return tokenizer_read_words(path, bytes, false, tokenizer);
}

static status merges_load(const char *path, struct text_view bytes, struct tokenizer **tokenizer)
{
    char beside[PATH_MAX];
    struct text merges = { 0 };
    TRY(path_beside(path, false, "merges.txt", beside));
    status result = file_read(beside, MOST_BYTES, &merges);
    if (result == TACIT_OK)
        result = tokenizer_read_merges(
            path, bytes, (struct text_view){ text_string(&merges), merges.length }, tokenizer);
    text_free(&merges);
    return result;
}

/* The files that a folder is searched for, in this order, and the endings of a file's own name. */
static const struct {
    const char *name, *ending;
    bool plain;
    status (*load)(const char *path, struct text_view bytes, struct tokenizer **tokenizer);
} formats[] = {
    { "tokenizer.json", ".json", false, json_load },
    { "vocab.json", "vocab.json", true, merges_load },
    { "vocab.txt", ".txt", true, words_load },
};
enum { FORMATS = sizeof formats / sizeof *formats };

/* The format of a path, and the file to read; FORMATS when there is none. */
static status format_find(const char *path, bool folder, size_t *format, char file[PATH_MAX])
{
    if (!folder) {
        TRY(path_beside(path, false, strrchr(path, '/') ? strrchr(path, '/') + 1 : path, file));
        size_t best = FORMATS;
        for (size_t i = 0; i < FORMATS; i++)
            if (text_ends(path, formats[i].ending) &&
                (best == FORMATS || strlen(formats[i].ending) > strlen(formats[best].ending)))
                best = i;
        *format = best;
        return TACIT_OK;
    }
    for (*format = 0; *format < FORMATS; ++*format) {
        TRY(path_beside(path, true, formats[*format].name, file));
        if (is_file(file))
            break;
    }
    return TACIT_OK;
}

status tokenizer_load(const char *path, struct tokenizer **tokenizer)
{
    struct stat facts;
    char file[PATH_MAX];
    size_t format;
    struct text bytes = { 0 };
    *tokenizer = NULL;
    if (stat(path, &facts) != 0)
        return fail(TACIT_BAD_DATA, "%s: there is no such tokenizer", path);
    bool folder = S_ISDIR(facts.st_mode);
    TRY(format_find(path, folder, &format, file));
    if (format == FORMATS)
        return fail(TACIT_BAD_DATA,
                    "%s: no tokenizer: needed is a tokenizer.json, a vocab.txt, or "
                    "a vocab.json with merges.txt",
                    path);
    status result = file_read(file, MOST_BYTES, &bytes);
    if (result == TACIT_OK)
        result = formats[format].load(file, (struct text_view){ text_string(&bytes), bytes.length },
                                      tokenizer);
    text_free(&bytes);
    if (result == TACIT_OK)
        result = configs_read(*tokenizer, path, folder, formats[format].plain);
    if (result != TACIT_OK) {
        tokenizer_free(*tokenizer);
        *tokenizer = NULL;
    }
    return result;
}

/* ---- Writing ---- */

static void added_write(const struct tokenizer *tokenizer, struct json_writer *json)
{
    json_write_key(json, "added_tokens");
    json_write_array(json);
    for (size_t i = 0; i < tokenizer->specials; i++) {
        const struct special_token *special = &tokenizer->special[i];
        const struct {
            const char *key;
            bool value;
        } flags[] = { { "single_word", special->single_word },
                      { "lstrip", special->left },
                      { "rstrip", special->right },
                      { "normalized", special->normalized },
                      { "special", special->special } };
        json_write_object(json);
        json_write_key(json, "id");
        json_write_integer(json, special->id);
        json_write_key(json, "content");
        json_write_text(json, special->text);
        for (size_t k = 0; k < sizeof flags / sizeof *flags; k++) {
            json_write_key(json, flags[k].key);
            json_write_boolean(json, flags[k].value);
        }
        json_write_end(json);
    }
    json_write_end(json);
}

status tokenizer_write(const struct tokenizer *tokenizer, struct text *text)
{
    struct json_writer json = { .text = text };
    json_write_object(&json);
    json_write_key(&json, "version");
    json_write_text(&json, "1.0");
    json_write_key(&json, "truncation");
    json_write_null(&json);
    json_write_key(&json, "padding");
    json_write_null(&json);
    added_write(tokenizer, &json);
    tokenizer->kind->write(tokenizer, &json);
    json_write_end(&json);
    return text_status(text);
}

static void roles_write(const struct tokenizer *tokenizer, struct json_writer *json)
{
    for (size_t i = 0; i < sizeof role_keys / sizeof *role_keys; i++)
        for (size_t k = 0; k < tokenizer->specials; k++)
            if (tokenizer->role[role_keys[i].role] == tokenizer->special[k].id) {
                json_write_key(json, role_keys[i].key);
                json_write_text(json, tokenizer->special[k].text);
            }
}

static status config_write(const struct tokenizer *tokenizer, size_t limit, bool map,
                           struct text *text)
{
    struct json_writer json = { .text = text, .indent = 2 };
    json_write_object(&json);
    if (!map) {
        json_write_key(&json, "tokenizer_class");
        json_write_text(&json, "PreTrainedTokenizerFast");
        json_write_key(&json, "clean_up_tokenization_spaces");
        json_write_boolean(&json, false);
        if (limit) {
            json_write_key(&json, "model_max_length");
            json_write_integer(&json, (int64_t)limit);
        }
    }
    roles_write(tokenizer, &json);
    json_write_end(&json);
    TRY(text_append(text, "\n"));
    return text_status(text);
}

static status text_save(const char *folder, const char *name, const struct text *text)
{
    char path[PATH_MAX];
    TRY(path_beside(folder, true, name, path));
    return file_write(path, text_string(text), text->length);
}

status tokenizer_save_for(const struct tokenizer *tokenizer, size_t limit, const char *folder)
{
    struct text text = { 0 };
    status result = tokenizer_write(tokenizer, &text);
    if (result == TACIT_OK)
        result = folder_make(folder);
    if (result == TACIT_OK)
        result = text_save(folder, "tokenizer.json", &text);
    for (int map = 0; map < 2 && result == TACIT_OK; map++) {
        text_clear(&text);
        result = config_write(tokenizer, limit ? limit : tokenizer->limit, map, &text);
        if (result == TACIT_OK)
            result =
                text_save(folder, map ? "special_tokens_map.json" : "tokenizer_config.json", &text);
    }
    text_free(&text);
    return result;
}

status tokenizer_save(const struct tokenizer *tokenizer, const char *path)
{
    struct text text = { 0 };
    if (!text_ends(path, ".json"))
        return tokenizer_save_for(tokenizer, 0, path);
    status result = tokenizer_write(tokenizer, &text);
    if (result == TACIT_OK)
        result = file_write(path, text_string(&text), text.length);
    text_free(&text);
    return result;
}
