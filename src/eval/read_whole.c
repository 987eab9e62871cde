#include "eval/read_whole.h"
#include "io/archive.h"
#include "io/file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 16, HEAD_BYTES = 512 };

static status standard_read(struct text *text)
{
    for (;;) {
        TRY(text_reserve(text, READ_BYTES));
        ssize_t got = read(STDIN_FILENO, text->bytes + text->length, READ_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(TACIT_BAD_DATA, "standard input cannot be read: %s", strerror(errno));
        if (got == 0)
            return TACIT_OK;
        text->length += (size_t)got;
        text->bytes[text->length] = 0;
    }
}

static status packed_read(const char *path, struct text *text)
{
    struct archive_walk *walk;
    struct archive_member member;
    bool found = false;
    TRY(archive_walk_open(path, &walk));
    status result = archive_walk_next(walk, &member, &found);
    if (result == TACIT_OK && found)
        result = archive_walk_read(walk, SIZE_MAX, text);
    if (result == TACIT_OK && found)
        result = archive_walk_next(walk, &member, &found);
    if (result == TACIT_OK && found)
        result = fail(TACIT_BAD_DATA, "%s: is an archive of several files; give one file", path);
    archive_walk_close(walk);
    return result;
}

status whole_file_read(const char *path, struct text *text)
{
    struct file_map map = { 0 };
    if (strcmp(path, "-") == 0)
        return standard_read(text);
    TRY(file_map_open(path, &map));
    bool packed = archive_is_likely(map.bytes, map.size < HEAD_BYTES ? map.size : HEAD_BYTES);
    status result = packed ? TACIT_OK : text_append_bytes(text, map.bytes, map.size);
    file_map_close(&map);
    return packed ? packed_read(path, text) : result;
}
