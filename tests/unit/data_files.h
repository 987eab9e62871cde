/* Files that the tests of the data room write for themselves, in a folder of their own. */
#ifndef TESTS_DATA_FILES_H
#define TESTS_DATA_FILES_H

#include "base/memory.h"
#include "base/status.h"
#include "data/image.h"
#include "data/source.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/temporary.h"

/* A path within the test's folder; four may be in use at once. */
UNUSED static const char *path_of(const char *name)
{
    static char path[4][4096];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

UNUSED static int files_begin(void **state)
{
    return folder_begin(state);
}

UNUSED static int files_end(void **state)
{
    return folder_end(state);
}

/* Writes a file and the folders it lies in. */
UNUSED static void file_put(const char *name, const void *bytes, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

UNUSED static void file_put_packed(const char *name, const void *bytes, size_t size)
{
    gzFile file = gzopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
    gzclose(file);
}

/* A PNG of one colour, which tells pictures apart. */
UNUSED static void png_make(int value, int channels, uint8_t **bytes, size_t *size)
{
    struct image image;
    assert_int_equal(image_new(&image, 6, 5, channels), TACIT_OK);
    memset(image.pixels, value, (size_t)(6 * 5 * channels));
    assert_int_equal(image_encode_png(&image, bytes, size), TACIT_OK);
    image_free(&image);
}

UNUSED static void png_put(const char *name, int value, int channels)
{
    uint8_t *bytes;
    size_t size;
    png_make(value, channels, &bytes, &size);
    file_put(name, bytes, size);
    memory_free(bytes);
}

/* An archive of PNGs named names[i] with value i; of text if the name ends in .txt, of nothing if
 * it begins with "empty". */
UNUSED static void archive_put(const char *path, const char *const names[], int count)
{
    struct archive *archive = archive_write_new();
    if (strstr(path, ".zip"))
        archive_write_set_format_zip(archive);
    else
        archive_write_set_format_ustar(archive);
    if (strstr(path, ".gz"))
        archive_write_add_filter_gzip(archive);
    if (strstr(path, ".xz"))
        archive_write_add_filter_xz(archive);
    assert_int_equal(archive_write_open_filename(archive, path_of(path)), ARCHIVE_OK);
    for (int i = 0; i < count; i++) {
        uint8_t *bytes;
        size_t size;
        png_make(i, 3, &bytes, &size);
        if (strstr(names[i], ".txt"))
            size = (size_t)snprintf((char *)bytes, size, "some words");
        if (strncmp(names[i], "empty", 5) == 0)
            size = 0;
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, names[i]);
        archive_entry_set_size(entry, (la_int64_t)size);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        assert_int_equal(archive_write_data(archive, bytes, size), size);
        archive_entry_free(entry);
        memory_free(bytes);
    }
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
}

/* Cuts a file to a share of its size. */
UNUSED static void file_cut(const char *name, double share)
{
    struct stat about;
    assert_int_equal(stat(path_of(name), &about), 0);
    assert_int_equal(truncate(path_of(name), (off_t)((double)about.st_size * share)), 0);
}

/* An idx file: magic, sizes, then bytes 0, 1, 2 … (labels: modulo `modulo`). */
UNUSED static size_t idx_make(uint8_t *to, int rank, const int sizes[], int modulo)
{
    size_t at = 4, data = 1;
    memcpy(to, (uint8_t[]){ 0, 0, 8, (uint8_t)rank }, 4);
    for (int i = 0; i < rank; i++, at += 4) {
        memcpy(to + at, (uint8_t[]){ 0, 0, (uint8_t)(sizes[i] >> 8), (uint8_t)sizes[i] }, 4);
        data *= (size_t)sizes[i];
    }
    for (size_t i = 0; i < data; i++)
        to[at + i] = (uint8_t)(modulo ? (int)i % modulo : (int)i);
    return at + data;
}

/* Opens what must open, and what must not, with words that the message must hold. */
UNUSED static struct source *opened(const char *path, const char *labels)
{
    struct source *source;
    struct source_options options = { .labels = labels, .cache_bytes = 1 << 20 };
    status result = source_open(path, &options, &source);
    if (result != TACIT_OK)
        fail_msg("%s: %s", path, status_message());
    return source;
}

UNUSED static void refused(const char *path, const char *labels, status code, const char *words)
{
    struct source *source;
    struct source_options options = { .labels = labels, .cache_bytes = 1 << 20 };
    assert_int_equal(source_open(path, &options, &source), code);
    assert_null(source);
    if (!strstr(status_message(), words))
        fail_msg("\"%s\" is not in: %s", words, status_message());
}

#endif
