#include "io/npy.h"
#include "base/memory.h"

#include <string.h>

enum { PREFIX_BYTES = 10, ALIGNMENT = 64 };

static const char magic[6] = "\x93NUMPY";

static const struct {
    const char *description;
    size_t size;
} dtypes[NPY_DTYPES] = {
    [NPY_F32] = { "<f4", 4 }, [NPY_F64] = { "<f8", 8 }, [NPY_I32] = { "<i4", 4 },
    [NPY_I64] = { "<i8", 8 }, [NPY_U8] = { "|u1", 1 },
};

size_t npy_dtype_size(enum npy_dtype dtype)
{
    return dtypes[dtype].size;
}

/* The header is a Python dictionary; only the form that NumPy writes is read, with any spacing and
 * order of its three keys. */
struct parser {
    const char *at, *end;
};

static bool take(struct parser *parser, char wanted)
{
    while (parser->at < parser->end && (*parser->at == ' ' || *parser->at == '\n'))
        parser->at++;
    if (parser->at == parser->end || *parser->at != wanted)
        return false;
    parser->at++;
    return true;
}

static bool word_take(struct parser *parser, const char *word)
{
    size_t length = strlen(word);
    while (parser->at < parser->end && *parser->at == ' ')
        parser->at++;
    if ((size_t)(parser->end - parser->at) < length || memcmp(parser->at, word, length) != 0)
        return false;
    parser->at += length;
    return true;
}

/* A quoted text without escapes, at most 31 bytes. */
static bool quoted_take(struct parser *parser, char text[32])
{
    char quote = take(parser, '\'') ? '\'' : take(parser, '"') ? '"' : 0;
    size_t length = 0;
    while (quote && parser->at < parser->end && *parser->at != quote && length < 31)
        text[length++] = *parser->at++;
    text[length] = 0;
    return quote && parser->at < parser->end && *parser->at++ == quote;
}

static bool shape_take(struct parser *parser, struct npy_file *file)
{
    bool comma = true;
    if (!take(parser, '('))
        return false;
    while (!take(parser, ')')) {
        if (!comma || file->rank == NPY_RANK)
            return false;
        const char *start = parser->at;
        int64_t size = 0;
        while (parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9')
            if (__builtin_mul_overflow(size, 10, &size) ||
                __builtin_add_overflow(size, *parser->at++ - '0', &size))
                return false;
        if (parser->at == start)
            return false;
        file->shape[file->rank++] = size;
        comma = take(parser, ',');
    }
    return file->rank != 1 || comma; /* "(3)" is a number, not a tuple */
}

static status malformed(void)
{
    return fail(TACIT_BAD_DATA, "not a good .npy file: its header cannot be understood");
}

static status dtype_find(const char *description, enum npy_dtype *dtype)
{
    for (int i = 0; i < NPY_DTYPES; i++) {
        bool bytes = dtypes[i].size == 1 && strchr("|<>=", description[0]) &&
                     strcmp(description + 1, dtypes[i].description + 1) == 0;
        if (bytes || strcmp(description, dtypes[i].description) == 0) {
            *dtype = (enum npy_dtype)i;
            return TACIT_OK;
        }
    }
    return fail(TACIT_BAD_DATA,
                "holds elements of type '%s'; f4, f8, i4, i8 (little-endian) and u1 are read: "
                "convert it with astype()",
                description);
}

static status header_parse(struct parser *parser, struct npy_file *file)
{
    enum { DESCRIPTION = 1, ORDER = 2, SHAPE = 4, ALL = 7 };
    int seen = 0;
    bool fortran = false;
    char key[32], description[32];
    if (!take(parser, '{'))
        return malformed();
    while (!take(parser, '}')) {
        int member = 0;
        if (!quoted_take(parser, key) || !take(parser, ':'))
            return malformed();
        if (strcmp(key, "descr") == 0 && quoted_take(parser, description))
            member = DESCRIPTION;
        else if (strcmp(key, "fortran_order") == 0) {
            fortran = word_take(parser, "True");
            member = fortran || word_take(parser, "False") ? ORDER : 0;
        } else if (strcmp(key, "shape") == 0 && !(seen & SHAPE) && shape_take(parser, file))
            member = SHAPE;
        if (!member || (seen & member))
            return malformed();
        seen |= member;
        if (!take(parser, ',') && (parser->at == parser->end || *parser->at != '}'))
            return malformed();
    }
    take(parser, '\n');
    if (seen != ALL || parser->at != parser->end)
        return malformed();
    if (fortran && file->rank > 1)
        return fail(TACIT_BAD_DATA, "is in Fortran order: save numpy.ascontiguousarray() of it");
    return dtype_find(description, &file->dtype);
}

/* Finds the data behind the header and checks its size. */
static status data_find(const unsigned char *data, size_t size, struct npy_file *file)
{
    size_t wanted = npy_dtype_size(file->dtype);
    for (int i = 0; i < file->rank; i++)
        if (!size_multiply(wanted, (size_t)file->shape[i], &wanted))
            return fail(TACIT_BAD_DATA, "has a shape that is too large");
    if (wanted != size)
        return fail(TACIT_BAD_DATA, "has %zu bytes of data, its shape needs %zu (is it truncated?)",
                    size, wanted);
    file->bytes = wanted;
    file->data = data;
    if ((uintptr_t)data % npy_dtype_size(file->dtype) == 0)
        return TACIT_OK;
    file->copy = memory_new_aligned(wanted, 1);
    if (!file->copy)
        return TACIT_RESOURCES;
    if (wanted)
        memcpy(file->copy, data, wanted);
    file->data = file->copy;
    return TACIT_OK;
}

status npy_parse(const void *bytes, size_t size, struct npy_file *file)
{
    const unsigned char *b = bytes;
    *file = (struct npy_file){ 0 };
    if (size < PREFIX_BYTES || memcmp(b, magic, sizeof magic) != 0)
        return fail(TACIT_BAD_DATA, "is not a .npy file");
    bool wide = b[6] > 1;
    if (b[6] < 1 || b[6] > 3 || b[7] != 0 || (wide && size < PREFIX_BYTES + 2))
        return fail(TACIT_BAD_DATA, "has version %d.%d of the format; 1 to 3 are read", b[6], b[7]);
    size_t length = b[8] | (size_t)b[9] << 8, prefix = PREFIX_BYTES;
    if (wide) {
        length |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
        prefix += 2;
    }
    if (length > size - prefix)
        return fail(TACIT_BAD_DATA, "ends within its header (is it truncated?)");
    struct parser parser = { (const char *)b + prefix, (const char *)b + prefix + length };
    TRY(header_parse(&parser, file));
    return data_find(b + prefix + length, size - prefix - length, file);
}

status npy_open(const char *path, struct npy_file *file)
{
    struct file_map map;
    TRY(file_map_open(path, &map));
    status result = npy_parse(map.bytes, map.size, file);
    if (result == TACIT_OK) {
        file->map = map;
        return TACIT_OK;
    }
    file_map_close(&map);
    return fail_within(result, "%s", path);
}

void npy_close(struct npy_file *file)
{
    file_map_close(&file->map);
    memory_free_aligned(file->copy);
    *file = (struct npy_file){ 0 };
}

status npy_header(struct text *header, enum npy_dtype dtype, int rank, const int64_t *shape)
{
    size_t start = header->length;
    char prefix[PREFIX_BYTES] = "\x93NUMPY\1\0";
    text_append_bytes(header, prefix, sizeof prefix);
    text_append(header, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                dtypes[dtype].description);
    for (int i = 0; i < rank; i++)
        text_append(header, "%s%lld", i ? ", " : "", (long long)shape[i]);
    text_append(header, rank == 1 ? ",), }" : "), }");
    size_t used = header->length - start + 1; /* the closing new line */
    TRY(text_append(header, "%*s\n", (int)((ALIGNMENT - used % ALIGNMENT) % ALIGNMENT), ""));
    size_t length = header->length - start - PREFIX_BYTES;
    header->bytes[start + 8] = (char)(length & 0xFF);
    header->bytes[start + 9] = (char)(length >> 8);
    return TACIT_OK;
}

status npy_write(const char *path, enum npy_dtype dtype, int rank, const int64_t *shape,
                 const void *data)
{
    struct text header = { 0 };
    struct file_writer writer;
    size_t bytes = npy_dtype_size(dtype);
    bool good = rank >= 0 && rank <= NPY_RANK;
    for (int i = 0; good && i < rank; i++)
        good = shape[i] >= 0 && size_multiply(bytes, (size_t)shape[i], &bytes);
    if (!good)
        return fail(TACIT_FAILED, "%s: no array has such a shape", path);
    status result = npy_header(&header, dtype, rank, shape);
    if (result == TACIT_OK)
        result = file_writer_open(&writer, path);
    if (result == TACIT_OK) {
        result = file_writer_append(&writer, header.bytes, header.length);
        if (result == TACIT_OK)
            result = file_writer_append(&writer, data, bytes);
        if (result == TACIT_OK)
            result = file_writer_commit(&writer);
        else
            file_writer_discard(&writer);
    }
    text_free(&header);
    return result;
}
