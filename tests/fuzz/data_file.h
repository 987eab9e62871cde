/* Gives the bytes of a fuzzer to what reads files: writes them to a file, opens it as a source with
 * labels from the format or folders, and reads its first samples. */
#ifndef TESTS_FUZZ_DATA_FILE_H
#define TESTS_FUZZ_DATA_FILE_H

#include "data/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char fuzz_path[64];

static void fuzz_remove(void)
{
    unlink(fuzz_path);
}

/* Leaves the bytes in a file at fuzz_path. */
static void fuzz_write(const char *ending, const uint8_t *data, size_t size)
{
    if (!fuzz_path[0])
        atexit(fuzz_remove);
    snprintf(fuzz_path, sizeof fuzz_path, "/tmp/tacit-fuzz-%ld%s", (long)getpid(), ending);
    FILE *file = fopen(fuzz_path, "wb");
    if (!file || fwrite(data, 1, size, file) != size)
        abort();
    fclose(file);
}

__attribute__((unused)) static int fuzz_source(const char *ending, const uint8_t *data, size_t size)
{
    enum { READ = 8, MOST_PIXELS = 1 << 22 };
    fuzz_write(ending, data, size);
    struct source *source;
    struct source_options options = { .cache_bytes = 1 << 16 };
    if (source_open(fuzz_path, &options, &source) != TACIT_OK)
        return 0;
    bool small = source->middle_width < MOST_PIXELS / (source->middle_height + 1);
    for (size_t i = 0; small && i < source->count && i < READ; i++) {
        struct image image;
        source_read(source, i, &image);
        image_free(&image);
    }
    source_close(source);
    return 0;
}

/* The same for texts, all of which are read, with every field that may be asked for. */
__attribute__((unused)) static int fuzz_texts(const char *ending, const uint8_t *data, size_t size)
{
    fuzz_write(ending, data, size);
    struct source *source;
    struct source_options options = { .wanted = WANT_EITHER, .labels = "field:id" };
    status result = source_open(fuzz_path, &options, &source);
    if (result == TACIT_BAD_DATA) {
        options.labels = NULL;
        result = source_open(fuzz_path, &options, &source);
    }
    if (result != TACIT_OK)
        return 0;
    volatile unsigned sum = 0; /* so that every byte is read */
    for (size_t i = 0; i < source->count; i++) {
        struct bytes text;
        bool found;
        if (source_text(source, i, &text) == TACIT_OK)
            for (size_t j = 0; j < text.size; j++)
                sum += text.bytes[j];
        bytes_free(&text);
        if (source_field(source, i, "1", &text, &found) == TACIT_OK && found)
            sum += (unsigned)text.size;
        bytes_free(&text);
    }
    source_close(source);
    (void)sum;
    return 0;
}

#endif
