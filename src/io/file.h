/* Files: written aside, synced and renamed, so that a reader sees the old file or the whole new
 * one; read whole or mapped; logs that grow at the end. Where a file cannot be written the status
 * is TACIT_RESOURCES; where one cannot be read, TACIT_BAD_DATA. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes a file aside, under PATH.tmp in the same folder. A second writer of the same path is
 * refused; a PATH.tmp that a killed process left behind is written over. */
struct file_writer {
    char *path, *temporary;
    unsigned char *buffer;
    size_t used;
    uint64_t size; /* bytes appended so far */
    int descriptor;
};

/* Opens a writer. A symbolic link at `path` is followed; anything else that is not a regular file
 * is refused. On failure there is nothing to discard. */
status file_writer_open(struct file_writer *writer, const char *path);

/* Appends bytes. On failure the caller discards the writer. */
status file_writer_append(struct file_writer *writer, const void *bytes, size_t count);

/* Makes the file durable and visible under its name. On failure all is discarded: the file that
 * had the name before is still there. The writer is closed in both cases. */
status file_writer_commit(struct file_writer *writer);

/* Closes the writer and removes what was written; harmless on a closed one. */
void file_writer_discard(struct file_writer *writer);

/* Writes a whole file in the same careful way. */
status file_write(const char *path, const void *bytes, size_t count);

/* Appends the bytes of a whole file to `text`. TACIT_BAD_DATA when it is missing, a folder or of
 * more than `limit` bytes. */
status file_read(const char *path, size_t limit, struct text *text);

/* A file mapped for reading. An empty file has size 0 and bytes NULL. */
struct file_map {
    const unsigned char *bytes;
    size_t size;
};

/* Maps a regular file; the mapping lives until file_map_close, which is harmless on { 0 }. */
status file_map_open(const char *path, struct file_map *map);
void file_map_close(struct file_map *map);

/* Makes a folder and those above it, where they are missing. */
status folder_make(const char *path);

/* A file that grows at the end, for metrics and events. */
struct log_file {
    char *path;
    uint64_t size;
    int descriptor;
};

/* Opens a log, made if missing, and cuts it to `size` bytes if it is longer (UINT64_MAX: never).
 * TACIT_BAD_DATA when it is shorter than a `size` that is asked for. */
status log_file_open(struct log_file *log, const char *path, uint64_t size);

/* Appends all bytes or, on failure, none: what a full disk left of them is cut off again. */
status log_file_append(struct log_file *log, const void *bytes, size_t count);

/* Makes the log durable. log_file_close: harmless on { .descriptor = -1 } and on a closed log. */
status log_file_sync(struct log_file *log);
void log_file_close(struct log_file *log);

/* Tells an open log that its file has been renamed. TACIT_RESOURCES. */
status log_file_moved(struct log_file *log, const char *path);

/* Tests only: the n-th operation of this kind from now fails as on a full disk (n = 1 is the
 * next); 0 switches this off. file_operations: how many there were so far. */
enum file_operation { FILE_WRITE, FILE_SYNC, FILE_RENAME };
void file_fail_at(enum file_operation operation, int64_t n);
int64_t file_operations(enum file_operation operation);

#endif
