#include "io/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 18, WRITE_BYTES = 1 << 30 };

static atomic_llong operations[3], failing[3];

void file_fail_at(enum file_operation operation, int64_t n)
{
    atomic_store(&failing[operation], n > 0 ? atomic_load(&operations[operation]) + n : 0);
}

int64_t file_operations(enum file_operation operation)
{
    return atomic_load(&operations[operation]);
}

/* Counts an operation; false, with errno set, when a test wants it to fail. */
static bool operation_begin(enum file_operation operation)
{
    if (atomic_fetch_add(&operations[operation], 1) + 1 != atomic_load(&failing[operation]))
        return true;
    errno = ENOSPC;
    return false;
}

/* Turns errno into a message that says what to do. */
static status write_failure(const char *path, const char *what)
{
    static const struct {
        int number;
        const char *advice;
    } advices[] = {
        { ENOSPC, "the disk is full: free some space or write elsewhere" },
        { EDQUOT, "the quota is used up: free some space or write elsewhere" },
        { EACCES, "no permission: choose a folder that you may write to" },
        { EPERM, "not permitted: choose a folder that you may write to" },
        { EROFS, "the file system is read-only: choose another folder" },
        { ENOENT, "the folder does not exist: make it first" },
        { ENOTDIR, "a part of the path is not a folder" },
        { EISDIR, "this is a folder: give the name of a file" },
        { ENAMETOOLONG, "the name is too long" },
        { EFBIG, "the file is too large for this file system" },
    };
    int number = errno;
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
        if (advices[i].number == number)
            return fail(TACIT_RESOURCES, "%s: cannot %s: %s", path, what, advices[i].advice);
    return fail(TACIT_RESOURCES, "%s: cannot %s: %s", path, what, strerror(number));
}

static status read_failure(const char *path)
{
    if (errno == ENOENT)
        return fail(TACIT_BAD_DATA, "%s: there is no such file", path);
    return fail(TACIT_BAD_DATA, "%s: cannot be read: %s", path, strerror(errno));
}

static char *text_join(const char *first, const char *second)
{
    size_t a = strlen(first), b = strlen(second);
    char *joined = memory_new(a + b + 1, 1);
    if (joined) {
        memcpy(joined, first, a);
        memcpy(joined + a, second, b);
    }
    return joined;
}

/* Writes all bytes; false with errno on failure. At the end of the file, or at `offset` if >= 0. */
static bool write_all(int descriptor, const unsigned char *bytes, size_t count, int64_t offset)
{
    while (count) {
        size_t piece = count < WRITE_BYTES ? count : WRITE_BYTES;
        if (!operation_begin(FILE_WRITE))
            return false;
        ssize_t written = offset < 0 ? write(descriptor, bytes, piece)
                                     : pwrite(descriptor, bytes, piece, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        count -= (size_t)written;
        offset += offset < 0 ? 0 : written;
    }
    return true;
}

static bool sync_all(int descriptor)
{
    return operation_begin(FILE_SYNC) && fsync(descriptor) == 0;
}

/* The name to write to: links are followed, what is not a regular file is refused. */
static status path_settle(const char *path, char **settled)
{
    struct stat facts;
    *settled = NULL;
    if (lstat(path, &facts) == 0 && S_ISLNK(facts.st_mode)) {
        char *target = realpath(path, NULL);
        *settled = target ? text_join(target, "") : NULL;
        free(target);
        if (!*settled)
            return fail(TACIT_RESOURCES, "%s: cannot be written: a link that leads nowhere", path);
        path = *settled;
    }
    if (lstat(path, &facts) == 0 && !S_ISREG(facts.st_mode)) {
        memory_free(*settled);
        *settled = NULL;
        errno = S_ISDIR(facts.st_mode) ? EISDIR : EINVAL;
        return write_failure(path, "be written over");
    }
    if (!*settled)
        *settled = text_join(path, "");
    return *settled ? TACIT_OK : TACIT_RESOURCES;
}

/* Opens the temporary file and locks it. Its name is fixed, so that killed processes leave no heap
 * of files behind; after locking, the name must still mean this file, for another writer may have
 * renamed it in between. */
static status temporary_open(struct file_writer *writer)
{
    for (;;) {
        struct stat ours, named;
        writer->descriptor =
            open(writer->temporary, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (writer->descriptor < 0)
            return write_failure(writer->path, "be written");
        if (flock(writer->descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            close(writer->descriptor);
            return fail(TACIT_RESOURCES, "%s: another process is writing it", writer->path);
        }
        if (fstat(writer->descriptor, &ours) == 0 && stat(writer->temporary, &named) == 0 &&
            ours.st_ino == named.st_ino && ours.st_dev == named.st_dev)
            break;
        close(writer->descriptor);
    }
    if (ftruncate(writer->descriptor, 0) == 0)
        return TACIT_OK;
    status result = write_failure(writer->path, "be written");
    close(writer->descriptor);
    return result;
}

static void writer_release(struct file_writer *writer)
{
    memory_free(writer->path);
    memory_free(writer->temporary);
    memory_free(writer->buffer);
    *writer = (struct file_writer){ .descriptor = -1 };
}

status file_writer_open(struct file_writer *writer, const char *path)
{
    *writer = (struct file_writer){ .descriptor = -1 };
    status result = path_settle(path, &writer->path);
    if (result == TACIT_OK) {
        writer->temporary = text_join(writer->path, ".tmp");
        writer->buffer = memory_new(BUFFER_BYTES, 1);
        result = writer->temporary && writer->buffer ? temporary_open(writer) : TACIT_RESOURCES;
    }
    if (result != TACIT_OK)
        writer_release(writer);
    return result;
}

static status writer_flush(struct file_writer *writer)
{
    size_t used = writer->used;
    writer->used = 0;
    return write_all(writer->descriptor, writer->buffer, used, -1)
               ? TACIT_OK
               : write_failure(writer->path, "be written");
}

status file_writer_append(struct file_writer *writer, const void *bytes, size_t count)
{
    if (count > BUFFER_BYTES - writer->used)
        TRY(writer_flush(writer));
    if (count > BUFFER_BYTES / 2) {
        TRY(writer_flush(writer));
        if (!write_all(writer->descriptor, bytes, count, -1))
            return write_failure(writer->path, "be written");
    } else if (count) {
        memcpy(writer->buffer + writer->used, bytes, count);
        writer->used += count;
    }
    writer->size += count;
    return TACIT_OK;
}

/* A rename is durable when its folder is. */
static status folder_sync(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s", (int)length, path);
    int descriptor = open(!slash ? "." : length ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return errno == EACCES ? TACIT_OK : write_failure(path, "be made durable");
    /* Some file systems cannot sync a folder and say EINVAL; there is nothing more to do then. */
    bool good = sync_all(descriptor) || errno == EINVAL;
    status result = good ? TACIT_OK : write_failure(path, "be made durable");
    close(descriptor);
    return result;
}

status file_writer_commit(struct file_writer *writer)
{
    status result = writer_flush(writer);
    if (result == TACIT_OK && !sync_all(writer->descriptor))
        result = write_failure(writer->path, "be written");
    if (result == TACIT_OK &&
        (!operation_begin(FILE_RENAME) || rename(writer->temporary, writer->path) != 0))
        result = write_failure(writer->path, "be replaced");
    if (result != TACIT_OK) {
        file_writer_discard(writer);
        return result;
    }
    result = folder_sync(writer->path);
    close(writer->descriptor);
    writer_release(writer);
    return result;
}

void file_writer_discard(struct file_writer *writer)
{
    if (!writer->path)
        return;
    unlink(writer->temporary);
    close(writer->descriptor);
    writer_release(writer);
}

status file_write(const char *path, const void *bytes, size_t count)
{
    struct file_writer writer;
    TRY(file_writer_open(&writer, path));
    status result = file_writer_append(&writer, bytes, count);
    if (result == TACIT_OK)
        return file_writer_commit(&writer);
    file_writer_discard(&writer);
    return result;
}

/* Opens for reading what is not a folder; *size is that of a regular file, else 0. */
static status read_open(const char *path, int *descriptor, uint64_t *size, bool *regular)
{
    struct stat facts;
    *descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (*descriptor < 0)
        return read_failure(path);
    if (fstat(*descriptor, &facts) == 0 && !S_ISDIR(facts.st_mode)) {
        *regular = S_ISREG(facts.st_mode);
        *size = *regular ? (uint64_t)facts.st_size : 0;
        return TACIT_OK;
    }
    close(*descriptor);
    return fail(TACIT_BAD_DATA, "%s: is a folder, a file is needed", path);
}

status file_read(const char *path, size_t limit, struct text *text)
{
    int descriptor;
    uint64_t size;
    bool regular;
    TRY(read_open(path, &descriptor, &size, &regular));
    status result = text_reserve(text, size < limit ? (size_t)size + 1 : 1);
    size_t start = text->length;
    while (result == TACIT_OK) {
        result = text_reserve(text, text->capacity - text->length > 1 ? 1 : BUFFER_BYTES);
        if (result != TACIT_OK)
            break;
        ssize_t got =
            read(descriptor, text->bytes + text->length, text->capacity - text->length - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            result = read_failure(path);
        if (got <= 0)
            break;
        text->length += (size_t)got;
        if (text->length - start > limit)
            result = fail(TACIT_BAD_DATA, "%s: has more than %zu bytes, the most for such a file",
                          path, limit);
    }
    if (text->bytes)
        text->bytes[text->length] = 0;
    close(descriptor);
    return result;
}

status file_map_open(const char *path, struct file_map *map)
{
    int descriptor;
    uint64_t size;
    bool regular;
    *map = (struct file_map){ 0 };
    TRY(read_open(path, &descriptor, &size, &regular));
    status result =
        regular ? TACIT_OK : fail(TACIT_BAD_DATA, "%s: is not a regular file, one is needed", path);
    if (result == TACIT_OK && size > 0) {
        void *bytes = size > SIZE_MAX / 2 ? MAP_FAILED
                                          : mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (bytes == MAP_FAILED)
            result = fail(TACIT_RESOURCES, "%s: cannot be mapped: %s", path, strerror(errno));
        else
            *map = (struct file_map){ bytes, (size_t)size };
    }
    close(descriptor);
    return result;
}

void file_map_close(struct file_map *map)
{
    if (map->bytes)
        munmap((void *)(uintptr_t)map->bytes, map->size);
    *map = (struct file_map){ 0 };
}

status folder_make(const char *path)
{
    char *partial = text_join(path, "");
    struct stat facts;
    status result = partial ? TACIT_OK : TACIT_RESOURCES;
    for (size_t at = 1; result == TACIT_OK && *path && at <= strlen(path); at++) {
        if (path[at] != '/' && path[at] != 0)
            continue;
        partial[at] = 0;
        if (mkdir(partial, 0777) != 0 && errno != EEXIST)
            result = write_failure(partial, "be made");
        else if (stat(partial, &facts) != 0 || !S_ISDIR(facts.st_mode))
            result = fail(TACIT_RESOURCES, "%s: cannot be made: a file has this name", partial);
        partial[at] = path[at];
    }
    memory_free(partial);
    return result;
}

status log_file_open(struct log_file *log, const char *path, uint64_t size)
{
    struct stat facts;
    *log = (struct log_file){ .descriptor = -1 };
    char *kept = text_join(path, "");
    if (!kept)
        return TACIT_RESOURCES;
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    status result = descriptor < 0 ? write_failure(path, "be written") : TACIT_OK;
    if (result == TACIT_OK && (fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)))
        result = fail(TACIT_RESOURCES, "%s: is not a regular file, one is needed", path);
    uint64_t found = result == TACIT_OK ? (uint64_t)facts.st_size : 0;
    if (result == TACIT_OK && size != UINT64_MAX && found < size)
        result = fail(TACIT_BAD_DATA, "%s: has %llu bytes, at least %llu were written before", path,
                      (unsigned long long)found, (unsigned long long)size);
    if (result == TACIT_OK && found > size) {
        if (ftruncate(descriptor, (off_t)size) != 0)
            result = write_failure(path, "be cut");
        found = size;
    }
    if (result == TACIT_OK) {
        *log = (struct log_file){ kept, found, descriptor };
        return TACIT_OK;
    }
    if (descriptor >= 0)
        close(descriptor);
    memory_free(kept);
    return result;
}

status log_file_append(struct log_file *log, const void *bytes, size_t count)
{
    if (write_all(log->descriptor, bytes, count, (int64_t)log->size)) {
        log->size += count;
        return TACIT_OK;
    }
    status result = write_failure(log->path, "be written");
    if (ftruncate(log->descriptor, (off_t)log->size) != 0)
        return fail_within(result, "half a record stays behind");
    return result;
}

status log_file_sync(struct log_file *log)
{
    return sync_all(log->descriptor) ? TACIT_OK : write_failure(log->path, "be written");
}

status log_file_moved(struct log_file *log, const char *path)
{
    char *kept = text_join(path, "");
    if (!kept)
        return TACIT_RESOURCES;
    memory_free(log->path);
    log->path = kept;
    return TACIT_OK;
}

void log_file_close(struct log_file *log)
{
    if (log->path)
        close(log->descriptor);
    memory_free(log->path);
    *log = (struct log_file){ .descriptor = -1 };
}
