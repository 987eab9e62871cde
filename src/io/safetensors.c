#include "io/safetensors.h"
#include "base/text.h"
#include "io/json.h"

#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, HEADER_LIMIT = 100000000 };

static const struct {
    const char *name;
    size_t size;
} dtypes[SAFETENSORS_DTYPES] = {
    [SAFETENSORS_BOOL] = { "BOOL", 1 },       [SAFETENSORS_U8] = { "U8", 1 },
    [SAFETENSORS_I8] = { "I8", 1 },           [SAFETENSORS_F8_E5M2] = { "F8_E5M2", 1 },
    [SAFETENSORS_F8_E4M3] = { "F8_E4M3", 1 }, [SAFETENSORS_I16] = { "I16", 2 },
    [SAFETENSORS_U16] = { "U16", 2 },         [SAFETENSORS_F16] = { "F16", 2 },
    [SAFETENSORS_BF16] = { "BF16", 2 },       [SAFETENSORS_I32] = { "I32", 4 },
    [SAFETENSORS_U32] = { "U32", 4 },         [SAFETENSORS_F32] = { "F32", 4 },
    [SAFETENSORS_F64] = { "F64", 8 },         [SAFETENSORS_I64] = { "I64", 8 },
    [SAFETENSORS_U64] = { "U64", 8 },
};

const char *safetensors_dtype_name(enum safetensors_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t safetensors_dtype_size(enum safetensors_dtype dtype)
{
    return dtypes[dtype].size;
}

/* The header is read by a parser of its own: JSON libraries round offsets, keep the last of two
 * equal keys, or read what is not JSON. */
struct parser {
    const unsigned char *at, *end, *start;
    struct safetensors_file *file;
    size_t capacity, metadata_capacity;
    const unsigned char *data; /* where offsets count from */
    size_t data_bytes;
};

static status complain(const struct parser *parser, const char *what)
{
    return fail(TACIT_BAD_DATA, "not a good safetensors file: %s at byte %zu of its header", what,
                (size_t)(parser->at - parser->start));
}

static int peek(struct parser *parser)
{
    while (parser->at < parser->end && *parser->at && strchr(" \t\r\n", *parser->at))
        parser->at++;
    return parser->at < parser->end ? *parser->at : -1;
}

static status expect(struct parser *parser, char wanted)
{
    if (peek(parser) != wanted) {
        char what[] = "no '?'";
        what[4] = wanted;
        return complain(parser, what);
    }
    parser->at++;
    return TACIT_OK;
}

/* After an element: ',' goes on (*more true), `close` ends. */
static status separator(struct parser *parser, char close, bool *more)
{
    *more = peek(parser) == ',';
    if (*more)
        parser->at++;
    return *more ? TACIT_OK : expect(parser, close);
}

static bool hex_read(struct parser *parser, unsigned *code)
{
    static const char digits[] = "0123456789abcdef";
    *code = 0;
    for (int i = 0; i < 4; i++, parser->at++) {
        const char *digit =
            parser->at < parser->end && *parser->at ? strchr(digits, *parser->at | 0x20) : NULL;
        if (!digit || *parser->at < '0')
            return false;
        *code = *code * 16 + (unsigned)(digit - digits);
    }
    return true;
}

/* Reads what follows "\u" (a surrogate pair if need be) and writes it as UTF-8. */
static status unicode_read(struct parser *parser, char **out)
{
    unsigned code, low;
    if (!hex_read(parser, &code) || code == 0)
        return complain(parser, "a bad \\u escape");
    if (code >= 0xD800 && code < 0xE000) {
        bool pair = code < 0xDC00 && parser->end - parser->at >= 6 && parser->at[0] == '\\' &&
                    parser->at[1] == 'u';
        parser->at += pair ? 2 : 0;
        if (!pair || !hex_read(parser, &low) || low < 0xDC00 || low > 0xDFFF)
            return complain(parser, "half a surrogate pair");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (code < 0x80) {
        *(*out)++ = (char)code;
        return TACIT_OK;
    }
    int tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = { 0, 0xC0, 0xE0, 0xF0 };
    *(*out)++ = (char)(lead[tail] | (code >> (6 * tail)));
    while (tail--)
        *(*out)++ = (char)(0x80 | ((code >> (6 * tail)) & 0x3F));
    return TACIT_OK;
}

static status escape_read(struct parser *parser, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int letter = parser->at < parser->end ? *parser->at++ : 0;
    const char *found = letter ? strchr(from, letter) : NULL;
    if (letter == 'u')
        return unicode_read(parser, out);
    if (!found)
        return complain(parser, "an unknown escape");
    *(*out)++ = to[found - from];
    return TACIT_OK;
}

/* Reads a string into the arena. Escapes never grow a text, so its length bounds the result. */
static status string_read(struct parser *parser, char **string)
{
    TRY(expect(parser, '"'));
    const unsigned char *stop = parser->at;
    while (stop < parser->end && *stop != '"')
        stop += *stop == '\\' ? 2 : 1;
    if (stop >= parser->end)
        return complain(parser, "a text without end");
    char *out = *string = arena_new(&parser->file->memory, (size_t)(stop - parser->at) + 1, 1);
    if (!out)
        return TACIT_RESOURCES;
    while (parser->at < stop) {
        size_t length = text_utf8_length(parser->at, (size_t)(stop - parser->at));
        if (length == 0 || *parser->at < 0x20)
            return complain(parser, "a byte that may not stand in a text");
        if (*parser->at == '\\') {
            parser->at++;
            TRY(escape_read(parser, &out));
            continue;
        }
        for (; length; length--)
            *out++ = (char)*parser->at++;
    }
    parser->at++;
    return TACIT_OK;
}

static status number_read(struct parser *parser, int64_t *number)
{
    int first = peek(parser);
    const unsigned char *start = parser->at;
    *number = 0;
    while (parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9')
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, *parser->at++ - '0', number))
            return complain(parser, "a number that is too large");
    if (parser->at == start || (first == '0' && parser->at - start > 1))
        return complain(parser, "no whole number");
    return TACIT_OK;
}

/* Reads "[1, 2, …]" of at most `limit` numbers. */
static status numbers_read(struct parser *parser, int limit, int64_t *numbers, int *count)
{
    bool more = true;
    *count = 0;
    TRY(expect(parser, '['));
    if (peek(parser) == ']') {
        parser->at++;
        return TACIT_OK;
    }
    while (more) {
        if (*count == limit)
            return complain(parser, "too many numbers in a list");
        TRY(number_read(parser, &numbers[(*count)++]));
        TRY(separator(parser, ']', &more));
    }
    return TACIT_OK;
}

static status dtype_read(struct parser *parser, enum safetensors_dtype *dtype)
{
    char *name;
    TRY(string_read(parser, &name));
    for (int i = 0; i < SAFETENSORS_DTYPES; i++)
        if (strcmp(name, dtypes[i].name) == 0) {
            *dtype = (enum safetensors_dtype)i;
            return TACIT_OK;
        }
    return complain(parser, "an unknown dtype");
}

/* Checks b <= e <= size and e - b = product of the shape times the element's size. */
static status extent_check(struct parser *parser, struct safetensors_entry *entry,
                           const int64_t offsets[2])
{
    size_t bytes = safetensors_dtype_size(entry->dtype);
    for (int i = 0; i < entry->rank; i++)
        if (!size_multiply(bytes, (size_t)entry->shape[i], &bytes))
            return complain(parser, "a shape that is too large");
    if (offsets[0] > offsets[1] || (uint64_t)offsets[1] > parser->data_bytes)
        return complain(parser, "a tensor that ends behind the file (is the file truncated?)");
    if ((uint64_t)(offsets[1] - offsets[0]) != bytes)
        return complain(parser, "a tensor whose size does not fit its shape");
    entry->data = parser->data + offsets[0];
    entry->bytes = bytes;
    return TACIT_OK;
}

static status tensor_read(struct parser *parser, struct safetensors_entry *entry)
{
    enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4, ALL = 7 };
    int64_t offsets[2] = { 0, 0 };
    int seen = 0, count = 0;
    bool more = true;
    TRY(expect(parser, '{'));
    while (more) {
        char *key;
        int member = 0;
        TRY(string_read(parser, &key));
        TRY(expect(parser, ':'));
        if (strcmp(key, "dtype") == 0) {
            member = DTYPE;
            TRY(dtype_read(parser, &entry->dtype));
        } else if (strcmp(key, "shape") == 0) {
            member = SHAPE;
            TRY(numbers_read(parser, SAFETENSORS_RANK, entry->shape, &entry->rank));
        } else if (strcmp(key, "data_offsets") == 0) {
            member = OFFSETS;
            TRY(numbers_read(parser, 2, offsets, &count));
        }
        if (!member || (seen & member))
            return complain(parser, "an unknown or repeated key of a tensor");
        seen |= member;
        TRY(separator(parser, '}', &more));
    }
    if (seen != ALL || count != 2)
        return complain(parser, "a tensor without dtype, shape or two data_offsets");
    return extent_check(parser, entry, offsets);
}

static status metadata_read(struct parser *parser)
{
    struct safetensors_file *file = parser->file;
    bool more = true;
    TRY(expect(parser, '{'));
    if (peek(parser) == '}') {
        parser->at++;
        return TACIT_OK;
    }
    while (more) {
        char *key, *value;
        void *block = file->metadata;
        TRY(string_read(parser, &key));
        TRY(expect(parser, ':'));
        TRY(string_read(parser, &value));
        if (map_get(&file->keys, key) >= 0)
            return complain(parser, "a repeated key of the metadata");
        if (!memory_reserve(&block, &parser->metadata_capacity, file->metadata_count,
                            sizeof *file->metadata))
            return TACIT_RESOURCES;
        file->metadata = block;
        file->metadata[file->metadata_count] = (struct safetensors_metadata){ key, value };
        if (!map_set(&file->keys, key, (int64_t)file->metadata_count++))
            return fail(TACIT_RESOURCES, "out of memory");
        TRY(separator(parser, '}', &more));
    }
    return TACIT_OK;
}

static status member_read(struct parser *parser, bool *metadata_seen)
{
    struct safetensors_file *file = parser->file;
    char *name;
    void *block = file->entry;
    TRY(string_read(parser, &name));
    TRY(expect(parser, ':'));
    if (strcmp(name, "__metadata__") == 0) {
        if (*metadata_seen)
            return complain(parser, "a second __metadata__");
        *metadata_seen = true;
        return metadata_read(parser);
    }
    if (map_get(&file->names, name) >= 0)
        return complain(parser, "a repeated name of a tensor");
    if (!memory_reserve(&block, &parser->capacity, file->count, sizeof *file->entry))
        return TACIT_RESOURCES;
    file->entry = block;
    file->entry[file->count] = (struct safetensors_entry){ .name = name };
    TRY(tensor_read(parser, &file->entry[file->count]));
    /* The value is set again once the entries are in the order of their data. */
    if (!map_set(&file->names, name, (int64_t)file->count++))
        return fail(TACIT_RESOURCES, "out of memory");
    return TACIT_OK;
}

static int data_order(const void *left, const void *right)
{
    const struct safetensors_entry *a = left, *b = right;
    if (a->data != b->data)
        return a->data < b->data ? -1 : 1;
    return a->bytes != b->bytes ? (a->bytes < b->bytes ? -1 : 1) : strcmp(a->name, b->name);
}

/* Tensors must cover the data without holes or overlaps. */
static status coverage_check(struct parser *parser)
{
    struct safetensors_file *file = parser->file;
    const unsigned char *covered = parser->data;
    if (file->count)
        qsort(file->entry, file->count, sizeof *file->entry, data_order);
    for (size_t i = 0; i < file->count; i++) {
        const struct safetensors_entry *entry = &file->entry[i];
        if (entry->data != covered)
            return fail(TACIT_BAD_DATA, "not a good safetensors file: %s before tensor %.100s",
                        (const unsigned char *)entry->data < covered ? "an overlap" : "a hole",
                        entry->name);
        covered += entry->bytes;
        if (!map_set(&file->names, entry->name, (int64_t)i))
            return fail(TACIT_RESOURCES, "out of memory");
    }
    if (covered != parser->data + parser->data_bytes)
        return fail(TACIT_BAD_DATA,
                    "not a good safetensors file: %zu bytes of data belong to no tensor",
                    (size_t)(parser->data + parser->data_bytes - covered));
    return TACIT_OK;
}

static status header_read(struct parser *parser)
{
    bool more = true, metadata_seen = false;
    if (parser->at == parser->end || *parser->at != '{')
        return complain(parser, "no '{'");
    parser->at++;
    if (peek(parser) == '}') {
        parser->at++;
        more = false;
    }
    while (more) {
        TRY(member_read(parser, &metadata_seen));
        TRY(separator(parser, '}', &more));
    }
    while (parser->at < parser->end && *parser->at == ' ')
        parser->at++;
    return parser->at == parser->end ? coverage_check(parser)
                                     : complain(parser, "something after the last '}'");
}

status safetensors_parse(const void *bytes, size_t size, struct safetensors_file *file)
{
    const unsigned char *at = bytes;
    uint64_t length = 0;
    *file = (struct safetensors_file){ 0 };
    if (size < LENGTH_BYTES)
        return fail(TACIT_BAD_DATA, "not a safetensors file: only %zu bytes long", size);
    for (int i = LENGTH_BYTES; i--;)
        length = length << 8 | at[i];
    if (length > HEADER_LIMIT || length > size - LENGTH_BYTES)
        return fail(TACIT_BAD_DATA,
                    "not a good safetensors file: its header should have %llu bytes, but the file "
                    "has %zu (is it truncated?)",
                    (unsigned long long)length, size);
    at += LENGTH_BYTES;
    struct parser parser = { .at = at,
                             .start = at,
                             .end = at + length,
                             .file = file,
                             .data = at + length,
                             .data_bytes = size - LENGTH_BYTES - (size_t)length };
    status result = header_read(&parser);
    if (result != TACIT_OK)
        safetensors_close(file);
    return result;
}

status safetensors_open(const char *path, struct safetensors_file *file)
{
    struct file_map map;
    *file = (struct safetensors_file){ 0 };
    TRY(file_map_open(path, &map));
    status result = safetensors_parse(map.bytes, map.size, file);
    if (result == TACIT_OK) {
        file->map = map;
        return TACIT_OK;
    }
    file_map_close(&map);
    return fail_within(result, "%s", path);
}

void safetensors_close(struct safetensors_file *file)
{
    file_map_close(&file->map);
    arena_free(&file->memory);
    memory_free(file->entry);
    memory_free(file->metadata);
    map_free(&file->names);
    map_free(&file->keys);
    *file = (struct safetensors_file){ 0 };
}

const struct safetensors_entry *safetensors_find(const struct safetensors_file *file,
                                                 const char *name)
{
    int64_t at = map_get(&file->names, name);
    return at < 0 ? NULL : &file->entry[at];
}

const char *safetensors_metadata(const struct safetensors_file *file, const char *key)
{
    int64_t at = map_get(&file->keys, key);
    return at < 0 ? NULL : file->metadata[at].value;
}

static int writing_order(const void *left, const void *right)
{
    const struct safetensors_entry *a = *(const struct safetensors_entry *const *)left;
    const struct safetensors_entry *b = *(const struct safetensors_entry *const *)right;
    return a->dtype != b->dtype ? (int)b->dtype - (int)a->dtype : strcmp(a->name, b->name);
}

static int key_order(const void *left, const void *right)
{
    const struct safetensors_metadata *a = *(const struct safetensors_metadata *const *)left;
    const struct safetensors_metadata *b = *(const struct safetensors_metadata *const *)right;
    return strcmp(a->key, b->key);
}

static status entry_check(const struct safetensors_entry *entry)
{
    size_t bytes = safetensors_dtype_size(entry->dtype);
    bool good = entry->rank >= 0 && entry->rank <= SAFETENSORS_RANK;
    for (int i = 0; good && i < entry->rank; i++)
        good = entry->shape[i] >= 0 && size_multiply(bytes, (size_t)entry->shape[i], &bytes);
    if (!good || bytes != entry->bytes)
        return fail(TACIT_FAILED, "tensor %s: its %zu bytes do not fit its shape", entry->name,
                    entry->bytes);
    if (!text_is_utf8(entry->name, strlen(entry->name)) || strcmp(entry->name, "__metadata__") == 0)
        return fail(TACIT_FAILED, "tensor %s: cannot be stored under this name", entry->name);
    return TACIT_OK;
}

/* Sorted pointers to the items of an array; freed by the caller. NULL: out of memory. */
static const void **items_sort(const void *items, size_t count, size_t size,
                               int (*order)(const void *, const void *))
{
    const void **sorted = memory_new(count, sizeof *sorted);
    for (size_t i = 0; sorted && i < count; i++)
        sorted[i] = (const char *)items + i * size;
    if (sorted && count)
        qsort(sorted, count, sizeof *sorted, order);
    return sorted;
}

static status metadata_write(struct json_writer *json, const struct safetensors_metadata *metadata,
                             size_t count)
{
    const void **sorted = items_sort(metadata, count, sizeof *metadata, key_order);
    status result = sorted ? TACIT_OK : TACIT_RESOURCES;
    const char *last = NULL;
    json_write_key(json, "__metadata__");
    json_write_object(json);
    for (size_t i = 0; i < count && result == TACIT_OK; i++) {
        const struct safetensors_metadata *item = sorted[i];
        if ((last && strcmp(last, item->key) == 0) || !text_is_utf8(item->key, strlen(item->key)) ||
            !text_is_utf8(item->value, strlen(item->value)))
            result = fail(TACIT_FAILED, "metadata key %s: is there twice or not UTF-8", item->key);
        last = item->key;
        json_write_key(json, item->key);
        json_write_text(json, item->value);
    }
    json_write_end(json);
    memory_free(sorted);
    return result;
}

static status header_write(struct json_writer *json, const void **sorted, size_t count)
{
    size_t begin = 0;
    for (size_t i = 0; i < count; i++) {
        const struct safetensors_entry *entry = sorted[i];
        json_write_key(json, entry->name);
        json_write_object(json);
        json_write_key(json, "dtype");
        json_write_text(json, safetensors_dtype_name(entry->dtype));
        json_write_key(json, "shape");
        json_write_array(json);
        for (int axis = 0; axis < entry->rank; axis++)
            json_write_integer(json, entry->shape[axis]);
        json_write_end(json);
        json_write_key(json, "data_offsets");
        json_write_array(json);
        json_write_integer(json, (int64_t)begin);
        begin += entry->bytes;
        json_write_integer(json, (int64_t)begin);
        json_write_end(json);
        json_write_end(json);
    }
    return text_status(json->text);
}

/* Header and data into an open writer. */
static status content_write(struct file_writer *writer, struct text *header, const void **sorted,
                            size_t count)
{
    unsigned char length[LENGTH_BYTES];
    while (header->length % LENGTH_BYTES)
        TRY(text_append_bytes(header, " ", 1));
    if (header->length > HEADER_LIMIT)
        return fail(TACIT_FAILED, "%s: too many tensors for one file", writer->path);
    for (int i = 0; i < LENGTH_BYTES; i++)
        length[i] = (unsigned char)((uint64_t)header->length >> (8 * i));
    TRY(file_writer_append(writer, length, sizeof length));
    TRY(file_writer_append(writer, header->bytes, header->length));
    for (size_t i = 0; i < count; i++) {
        const struct safetensors_entry *entry = sorted[i];
        TRY(file_writer_append(writer, entry->data, entry->bytes));
    }
    return TACIT_OK;
}

static status header_build(struct text *header, const void **sorted, size_t count,
                           const struct safetensors_metadata *metadata, size_t metadata_count)
{
    struct json_writer json = { .text = header };
    for (size_t i = 0; i < count; i++)
        TRY(entry_check(sorted[i]));
    json_write_object(&json);
    if (metadata_count)
        TRY(metadata_write(&json, metadata, metadata_count));
    TRY(header_write(&json, sorted, count));
    json_write_end(&json);
    return text_status(header);
}

/* Equal names may differ in dtype, so that sorting does not bring them together. */
static status names_check(const struct safetensors_entry *entry, size_t count)
{
    struct map names = { 0 };
    status result = TACIT_OK;
    for (size_t i = 0; i < count && result == TACIT_OK; i++) {
        if (map_get(&names, entry[i].name) >= 0)
            result = fail(TACIT_FAILED, "tensor %s: is there twice", entry[i].name);
        else if (!map_set(&names, entry[i].name, (int64_t)i))
            result = fail(TACIT_RESOURCES, "out of memory");
    }
    map_free(&names);
    return result;
}

status safetensors_write(const char *path, const struct safetensors_entry *entry, size_t count,
                         const struct safetensors_metadata *metadata, size_t metadata_count)
{
    struct text header = { 0 };
    struct file_writer writer;
    TRY(names_check(entry, count));
    const void **sorted = items_sort(entry, count, sizeof *entry, writing_order);
    if (!sorted)
        return TACIT_RESOURCES;
    status result = header_build(&header, sorted, count, metadata, metadata_count);
    if (result == TACIT_OK)
        result = file_writer_open(&writer, path);
    if (result == TACIT_OK) {
        result = content_write(&writer, &header, sorted, count);
        if (result == TACIT_OK)
            result = file_writer_commit(&writer);
        else
            file_writer_discard(&writer);
    }
    memory_free(sorted);
    text_free(&header);
    return result;
}
