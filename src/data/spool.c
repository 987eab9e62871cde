#include "data/spool.h"
#include "base/memory.h"
#include "io/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

enum { BUFFER_BYTES = 1 << 18, MAGIC_BYTES = 6 };

static int file_make(const char *folder)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/tacit-XXXXXX", folder);
    if (length < 0 || (size_t)length >= sizeof path)
        return -1;
    int file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        unlink(path);
    return file;
}

static status spool_open(struct spool *spool)
{
    const char *chosen = getenv("TMPDIR");
    const char *const folders[] = { chosen && chosen[0] ? chosen : "/var/tmp", "/tmp" };
    int file = file_make(folders[0]);
    if (file < 0 && folders[0] != chosen)
        file = file_make(folders[1]);
    if (file < 0)
        return fail(TACIT_RESOURCES,
                    "no file for unpacked texts can be made in %s: %s; let TMPDIR name a folder "
                    "with room",
                    folders[0], strerror(errno));
    spool->file = file + 1;
    spool->buffer = memory_new(BUFFER_BYTES, 1);
    return spool->buffer ? TACIT_OK : TACIT_RESOURCES;
}

static status spool_flush(struct spool *spool)
{
    uint64_t place = spool->size - spool->used;
    for (size_t done = 0; done < spool->used;) {
        ssize_t wrote = pwrite(spool->file - 1, spool->buffer + done, spool->used - done,
                               (off_t)(place + done));
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return fail(TACIT_RESOURCES,
                        "unpacked texts cannot be written (%s) after %llu bytes: let TMPDIR name a "
                        "folder with more room",
                        strerror(errno), (unsigned long long)place);
        done += (size_t)wrote;
    }
    spool->used = 0;
    return TACIT_OK;
}

status spool_append(struct spool *spool, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    if (!spool->buffer)
        TRY(spool_open(spool));
    while (size) {
        size_t room = BUFFER_BYTES - spool->used, piece = size < room ? size : room;
        memcpy(spool->buffer + spool->used, from, piece);
        spool->used += piece;
        spool->size += piece;
        from += piece;
        size -= piece;
        if (spool->used == BUFFER_BYTES)
            TRY(spool_flush(spool));
    }
    return TACIT_OK;
}

void spool_cut(struct spool *spool, uint64_t size)
{
    uint64_t flushed = spool->size - spool->used;
    if (size >= spool->size)
        return;
    spool->used = size > flushed ? (size_t)(size - flushed) : 0;
    spool->size = size;
}

bool spool_packed(const void *bytes, size_t size)
{
    static const struct {
        size_t length;
        const char *bytes;
    } marks[] = { { 2, "\x1F\x8B" },
                  { 6, "\xFD"
                       "7zXZ\0" },
                  { 3, "BZh" },
                  { 4, "\x28\xB5\x2F\xFD" } };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (size >= marks[i].length && memcmp(bytes, marks[i].bytes, marks[i].length) == 0)
            return true;
    return false;
}

/* zlib reads gzip and what is not packed at all; the other packers are libarchive's. */
struct unpacker {
    const char *path;
    gzFile plain;
    struct archive_walk *walk;
};

static status unpacker_open(struct unpacker *unpacker, const char *path)
{
    unsigned char magic[MAGIC_BYTES] = { 0 };
    struct archive_member member;
    bool found = true;
    *unpacker = (struct unpacker){ .path = path };
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, magic, sizeof magic);
    int error = errno;
    if (file >= 0)
        close(file);
    if (got < 0)
        return fail(TACIT_BAD_DATA, "%s cannot be read: %s", path, strerror(error));
    if (!spool_packed(magic, (size_t)got) || magic[0] == 0x1F) {
        unpacker->plain = gzopen(path, "rbe");
        return unpacker->plain
                   ? TACIT_OK
                   : fail(TACIT_BAD_DATA, "%s cannot be opened: %s", path, strerror(errno));
    }
    TRY(archive_walk_open(path, &unpacker->walk));
    status result = archive_walk_next(unpacker->walk, &member, &found);
    if (result == TACIT_OK && !found)
        result = fail(TACIT_BAD_DATA, "%s holds nothing", path);
    if (result != TACIT_OK)
        archive_walk_close(unpacker->walk);
    return result;
}

static status unpacker_read(struct unpacker *unpacker, void *bytes, size_t most, size_t *got)
{
    if (unpacker->walk)
        return archive_walk_bytes(unpacker->walk, bytes, most, got);
    *got = 0;
    while (*got < most) {
        int piece = gzread(unpacker->plain, (char *)bytes + *got, (unsigned)(most - *got));
        if (piece > 0) {
            *got += (size_t)piece;
            continue;
        }
        int code = Z_OK;
        const char *why = gzerror(unpacker->plain, &code);
        if (code == Z_OK || code == Z_STREAM_END)
            break;
        return fail(TACIT_BAD_DATA, "%s is truncated or damaged (%s): fetch it again",
                    unpacker->path, code == Z_BUF_ERROR ? "its gzip data end early" : why);
    }
    return TACIT_OK;
}

static void unpacker_close(struct unpacker *unpacker)
{
    if (unpacker->plain)
        gzclose_r(unpacker->plain);
    archive_walk_close(unpacker->walk);
}

status spool_unpack(struct spool *spool, const char *path)
{
    struct unpacker unpacker;
    uint64_t before = spool->size;
    size_t got = 1;
    uint8_t *block = memory_new(BUFFER_BYTES, 1);
    if (!block)
        return TACIT_RESOURCES;
    status result = unpacker_open(&unpacker, path);
    if (result == TACIT_OK) {
        while (result == TACIT_OK && got) {
            result = unpacker_read(&unpacker, block, BUFFER_BYTES, &got);
            if (result == TACIT_OK)
                result = spool_append(spool, block, got);
        }
        unpacker_close(&unpacker);
    }
    memory_free(block);
    if (result != TACIT_OK)
        spool_cut(spool, before);
    return result;
}

status spool_peek(const char *path, void *bytes, size_t most, size_t *size)
{
    struct unpacker unpacker;
    *size = 0;
    TRY(unpacker_open(&unpacker, path));
    status result = unpacker_read(&unpacker, bytes, most, size);
    unpacker_close(&unpacker);
    return result;
}

status spool_map(struct spool *spool)
{
    if (spool->size == 0)
        return TACIT_OK;
    TRY(spool_flush(spool));
    void *map = mmap(NULL, (size_t)spool->size, PROT_READ, MAP_SHARED, spool->file - 1, 0);
    if (map == MAP_FAILED)
        return fail(TACIT_RESOURCES, "%llu bytes of unpacked texts cannot be mapped: %s",
                    (unsigned long long)spool->size, strerror(errno));
    spool->map = map;
    spool->mapped = spool->size;
    memory_free(spool->buffer);
    spool->buffer = NULL;
    return TACIT_OK;
}

void spool_close(struct spool *spool)
{
    if (spool->map)
        munmap((void *)(uintptr_t)spool->map, (size_t)spool->mapped);
    if (spool->file)
        close(spool->file - 1);
    memory_free(spool->buffer);
    *spool = (struct spool){ 0 };
}
