/* safetensors: named tensors in one file. Format: 8 bytes little-endian header length N, N bytes
 * JSON, data (https://github.com/huggingface/safetensors, README "Format"). The reader believes
 * nothing; the writer's bytes are those of the reference writer, a function of the content only. */
#ifndef IO_SAFETENSORS_H
#define IO_SAFETENSORS_H

#include "base/map.h"
#include "base/memory.h"
#include "base/status.h"
#include "io/file.h"

#include <stddef.h>
#include <stdint.h>

/* In the reference's order, by alignment; its writer sorts by it, descending. */
enum safetensors_dtype {
    SAFETENSORS_BOOL,
    SAFETENSORS_U8,
    SAFETENSORS_I8,
    SAFETENSORS_F8_E5M2,
    SAFETENSORS_F8_E4M3,
    SAFETENSORS_I16,
    SAFETENSORS_U16,
    SAFETENSORS_F16,
    SAFETENSORS_BF16,
    SAFETENSORS_I32,
    SAFETENSORS_U32,
    SAFETENSORS_F32,
    SAFETENSORS_F64,
    SAFETENSORS_I64,
    SAFETENSORS_U64,
    SAFETENSORS_DTYPES
};

enum { SAFETENSORS_RANK = 8 };

/* A tensor in a file (read) or in memory (to be written): row-major, little-endian. `data` of a
 * file written by others may be unaligned: copy it with memcpy. */
struct safetensors_entry {
    const char *name;
    enum safetensors_dtype dtype;
    int rank; /* 0: a scalar */
    int64_t shape[SAFETENSORS_RANK];
    const void *data;
    size_t bytes;
};

struct safetensors_metadata {
    const char *key, *value;
};

struct safetensors_file {
    struct file_map map;
    struct arena memory;
    struct safetensors_entry *entry;
    struct safetensors_metadata *metadata;
    size_t count, metadata_count;
    struct map names, keys;
};

/* "F32" …, and the size of an element in bytes. */
const char *safetensors_dtype_name(enum safetensors_dtype dtype);
size_t safetensors_dtype_size(enum safetensors_dtype dtype);

/* Maps and checks a file. TACIT_BAD_DATA with "PATH: what is wrong" if anything is amiss: lengths,
 * JSON, UTF-8, duplicate names, sizes, overlaps, holes. On failure there is nothing to close. */
status safetensors_open(const char *path, struct safetensors_file *file);

/* The same from memory that outlives `file`. */
status safetensors_parse(const void *bytes, size_t size, struct safetensors_file *file);

/* Harmless on { 0 }. All entries, names and texts of the file end here. */
void safetensors_close(struct safetensors_file *file);

/* A tensor by name, or NULL; the value of a metadata key, or NULL. The arrays `entry` and
 * `metadata` may be walked directly: entries are in the order of their data. */
const struct safetensors_entry *safetensors_find(const struct safetensors_file *file,
                                                 const char *name);
const char *safetensors_metadata(const struct safetensors_file *file, const char *key);

/* Writes a file atomically: tensors by dtype (descending) then name, metadata by key, data aligned
 * to 8 bytes. TACIT_FAILED for duplicate or malformed names, or bytes that do not fit the shape;
 * TACIT_RESOURCES when it cannot be written. */
status safetensors_write(const char *path, const struct safetensors_entry *entry, size_t count,
                         const struct safetensors_metadata *metadata, size_t metadata_count);

#endif
