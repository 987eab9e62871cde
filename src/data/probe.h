/* What a path is, found by looking at its content. */
#ifndef DATA_PROBE_H
#define DATA_PROBE_H

#include "base/status.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROBE_BYTES = 1024, PROBE_MOST_CHILDREN = 64 };

struct probe {
    const char *path;
    const char *name; /* the last component of the path */
    bool folder;
    uint64_t size;               /* of the file, packed */
    size_t head_size;            /* how many bytes of `head` are set */
    uint8_t head[PROBE_BYTES];   /* the first bytes, unpacked if the file is gzip */
    struct probe *child;         /* the files directly in a folder, in the order of names … */
    size_t children;             /* … unless there are more than PROBE_MOST_CHILDREN: then 0 */
    size_t folders;              /* number of folders in the folder */
    const char *only_folder;     /* path of the first of them */
    const struct census *census; /* of a folder: what its first files hold; or NULL */
};

/* Looks at a file or a folder (and the files directly in it). Texts and children live in `arena`.
 * TACIT_BAD_DATA if it does not exist or cannot be read. */
status probe_path(struct arena *arena, const char *path, struct probe *probe);

/* Whether a name ends so, without regard to case. */
bool name_ends(const char *name, const char *ending);

/* Whether a name contains this, without regard to case. */
bool name_contains(const char *name, const char *part);

/* Reads at most `most` bytes of a file, in new memory (memory_free). TACIT_BAD_DATA if it cannot be
 * read, TACIT_RESOURCES. */
status bytes_read(const char *path, size_t most, uint8_t **bytes, size_t *size);

/* The same, unpacked if the file is gzip. A damaged or truncated one is TACIT_BAD_DATA, and so is
 * one of more than `most` bytes unpacked. */
status bytes_read_unpacked(const char *path, size_t most, uint8_t **bytes, size_t *size);

#endif
