/* Archives read in place, one member after another: tar, tar.gz, tar.xz, tar.bz2, tar.zst, zip, or
 * a single compressed file (x.gz …) as an archive of one member. Nothing is ever unpacked to disk.
 */
#ifndef IO_ARCHIVE_H
#define IO_ARCHIVE_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive_walk;

/* A regular file within an archive. */
struct archive_member {
    const char *name; /* as stored; for a compressed file its own name without the ending */
    int64_t size;     /* bytes; -1 where only reading will tell */
    int64_t index;    /* 0, 1, … among the regular files */
};

/* Opens an archive; the kind is told by content, not by name. TACIT_BAD_DATA with the path when it
 * is missing, empty or no archive. One thread at a time uses a walk. */
status archive_walk_open(const char *path, struct archive_walk **walk);

/* Goes to the next regular file (folders, links and devices are passed over); *found is false
 * after the last. The member's name lives until the next call. TACIT_BAD_DATA: "PATH: the archive
 * is damaged or truncated (…)". */
status archive_walk_next(struct archive_walk *walk, struct archive_member *member, bool *found);

/* Reads up to `count` bytes of the present member; *got is less only at its end. */
status archive_walk_bytes(struct archive_walk *walk, void *bytes, size_t count, size_t *got);

/* Appends the rest of the present member to `text`; TACIT_BAD_DATA when it has more than `limit`
 * bytes (then its first `limit` are there). */
status archive_walk_read(struct archive_walk *walk, size_t limit, struct text *text);

/* Harmless on NULL. */
void archive_walk_close(struct archive_walk *walk);

/* Whether the first bytes of a file (262 or more serve best) look like one of the above. */
bool archive_is_likely(const void *bytes, size_t count);

#endif
