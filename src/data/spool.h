/* A file without a name that takes unpacked data, one after the other, and is then mapped: random
 * access to packed texts in bounded memory. It vanishes with the process. */
#ifndef DATA_SPOOL_H
#define DATA_SPOOL_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spool {
    int file;      /* descriptor + 1; 0: none yet, so that { 0 } is an empty spool */
    uint64_t size; /* bytes appended */
    uint8_t *buffer;
    size_t used; /* of the buffer */
    const uint8_t *map;
    uint64_t mapped;
};

/* Appends bytes. TACIT_RESOURCES: no memory or no room on the disk. */
status spool_append(struct spool *spool, const void *bytes, size_t size);

/* Appends the content of a file, unpacked if it is gzip, xz, bzip2 or zstd. When it is damaged
 * (TACIT_BAD_DATA, a message with the path) nothing is appended. */
status spool_unpack(struct spool *spool, const char *path);

/* Forgets all bytes from `size` on. */
void spool_cut(struct spool *spool, uint64_t size);

/* Maps all that was appended, at spool->map (NULL if that is nothing). */
status spool_map(struct spool *spool);

/* Harmless on { 0 }. */
void spool_close(struct spool *spool);

/* Whether a file that begins so is packed by gzip, xz, bzip2 or zstd. */
bool spool_packed(const void *bytes, size_t size);

/* Reads the first bytes of a file, unpacked; *size is how many there are. */
status spool_peek(const char *path, void *bytes, size_t most, size_t *size);

#endif
