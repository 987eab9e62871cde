#include "eval/collection.h"
#include "base/memory.h"
#include "io/hash.h"
#include "io/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ABOUT_VERSION = 1, ABOUT_BYTES = 1 << 28, PATH_BYTES = 4352 };

/* Whether all there is is one plain text. */
static bool is_lone_text(const char *path, const struct source *source)
{
    struct stat about;
    return source->kind == SAMPLE_TEXT && source->count == 1 && source->texts == 1 &&
           source->sample[0].number < 0 && stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

status collection_open(const struct collection_options *options, struct source **source)
{
    const char *unit = options->unit && *options->unit ? options->unit : "auto";
    struct source_options how = { .labels = options->labels,
                                  .channels = options->channels,
                                  .strict = options->strict,
                                  .wanted = options->wanted,
                                  .unit = unit,
                                  .field =
                                      options->field && *options->field ? options->field : NULL };
    TRY(source_open(options->data, &how, source));
    if (strcmp(unit, "auto") != 0 || !is_lone_text(options->data, *source))
        return TACIT_OK;
    source_close(*source);
    *source = NULL;
    how.unit = "lines";
    return source_open(options->data, &how, source);
}

void model_fingerprint(const struct store *store, char fingerprint[17])
{
    uint64_t hash = 0;
    for (int64_t r = 0; r < store_ranges(store); r++) {
        const struct range *range = store_range_at(store, r);
        for (int64_t t = 0; range->sealed && t < range->tensors; t++)
            hash = hash_bytes(tensor_value(range->tensor[t]),
                              (size_t)shape_size(range->tensor[t]->shape) * sizeof(float), hash);
    }
    snprintf(fingerprint, 17, "%016" PRIx64, hash);
}

const char *path_absolute(struct arena *memory, const char *path)
{
    char *whole = realpath(path, NULL);
    const char *copy = arena_text(memory, "%s", whole ? whole : path);
    free(whole);
    return copy;
}

status collection_content(struct source *source, char content[17])
{
    enum { MOST = 1024 };
    size_t looks = source->count < MOST ? source->count : MOST;
    uint64_t hash = source->count, own;
    for (size_t i = 0; i < looks; i++) {
        size_t index = (size_t)((uint64_t)i * source->count / looks); /* both are 32 bits */
        status result = source_hash(source, index, &own);
        if (result == TACIT_RESOURCES)
            return result;
        own = result == TACIT_OK ? own : 0;
        hash = hash_bytes(&own, sizeof own, hash);
    }
    snprintf(content, 17, "%016" PRIx64, hash);
    return TACIT_OK;
}

static const char *about_path(const char *path, char text[PATH_BYTES])
{
    snprintf(text, PATH_BYTES, "%s.json", path);
    return text;
}

void collection_forget(const char *path)
{
    char beside[PATH_BYTES];
    unlink(about_path(path, beside));
}

/* What does not apply, such as the pooling of pictures, is left out. */
static void member_write(struct json_writer *json, const char *key, const char *value)
{
    if (!value || !*value)
        return;
    json_write_key(json, key);
    json_write_text(json, value);
}

status collection_write(const char *path, const struct collection *collection)
{
    char beside[PATH_BYTES];
    struct text text = { 0 };
    struct json_writer json = { .text = &text, .indent = 2 };
    json_write_object(&json);
    json_write_key(&json, "version");
    json_write_integer(&json, ABOUT_VERSION);
    member_write(&json, "model", collection->model);
    member_write(&json, "fingerprint", collection->fingerprint);
    member_write(&json, "content", collection->content);
    member_write(&json, "pooling", collection->pooling);
    member_write(&json, "data", collection->data);
    member_write(&json, "unit", collection->unit);
    member_write(&json, "field", collection->field);
    json_write_key(&json, "samples");
    json_write_integer(&json, collection->samples);
    json_write_key(&json, "dimensions");
    json_write_integer(&json, collection->dimensions);
    json_write_key(&json, "left_out");
    json_write_array(&json);
    for (size_t i = 0; i < collection->left_out_count; i++)
        json_write_integer(&json, collection->left_out[i]);
    json_write_end(&json);
    json_write_end(&json);
    text_append(&text, "\n");
    status result = text_status(&text);
    if (result == TACIT_OK)
        result = file_write(about_path(path, beside), text_string(&text), text.length);
    text_free(&text);
    return result;
}

static bool left_out_read(const json_t *root, struct collection *collection)
{
    const json_t *list = json_object_get(root, "left_out");
    collection->left_out_count = json_array_size(list);
    collection->left_out = memory_new(collection->left_out_count + 1, sizeof(uint32_t));
    for (size_t i = 0; collection->left_out && i < collection->left_out_count; i++) {
        json_int_t number = json_integer_value(json_array_get(list, i));
        if (number < 0 || number > UINT32_MAX ||
            (i && number <= (json_int_t)collection->left_out[i - 1]))
            return false;
        collection->left_out[i] = (uint32_t)number;
    }
    return collection->left_out != NULL;
}

static status collection_fill(const char *beside, const json_t *root, struct collection *collection)
{
    const char **const member[] = { &collection->model, &collection->pooling, &collection->data,
                                    &collection->unit, &collection->field };
    static const char *const key[] = { "model", "pooling", "data", "unit", "field" };
    for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
        const char *value = json_string_value(json_object_get(root, key[i]));
        *member[i] = arena_text(&collection->memory, "%s", value ? value : "");
        if (!*member[i])
            return TACIT_RESOURCES;
    }
    const char *mark = json_string_value(json_object_get(root, "fingerprint"));
    snprintf(collection->fingerprint, sizeof collection->fingerprint, "%s", mark ? mark : "");
    mark = json_string_value(json_object_get(root, "content"));
    snprintf(collection->content, sizeof collection->content, "%s", mark ? mark : "");
    collection->samples = json_integer_value(json_object_get(root, "samples"));
    collection->dimensions = json_integer_value(json_object_get(root, "dimensions"));
    if (json_integer_value(json_object_get(root, "version")) != ABOUT_VERSION ||
        strlen(collection->fingerprint) != 16 || !left_out_read(root, collection))
        return fail(TACIT_BAD_DATA,
                    "%s: does not describe embeddings as `tacit embed` does; embed them again",
                    beside);
    return TACIT_OK;
}

status collection_read(const char *path, struct collection *collection, bool *found)
{
    char beside[PATH_BYTES];
    json_t *root = NULL;
    *collection = (struct collection){ 0 };
    *found = access(about_path(path, beside), F_OK) == 0;
    if (!*found)
        return TACIT_OK;
    TRY(json_document_read(beside, ABOUT_BYTES, &root));
    status result = collection_fill(beside, root, collection);
    json_decref(root);
    return result;
}

void collection_free(struct collection *collection)
{
    arena_free(&collection->memory);
    memory_free(collection->left_out);
    *collection = (struct collection){ 0 };
}
