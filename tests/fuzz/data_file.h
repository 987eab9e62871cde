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

static int fuzz_source(const char *ending, const uint8_t *data, size_t size)
{
    enum { READ = 8, MOST_PIXELS = 1 << 22 };
    if (!fuzz_path[0]) {
        snprintf(fuzz_path, sizeof fuzz_path, "/tmp/tacit-fuzz-%ld%s", (long)getpid(), ending);
        atexit(fuzz_remove);
    }
    FILE *file = fopen(fuzz_path, "wb");
    if (!file || fwrite(data, 1, size, file) != size)
        abort();
    fclose(file);
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

#endif
