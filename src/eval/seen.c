/* Whether pretraining has looked at the samples that an evaluation judges. */
#include "eval/evaluation.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The hash of a line "HASH\tPATH\tSPLIT\tused"; false for other lines. */
static bool line_hash(const char *line, size_t length, uint64_t *hash)
{
    static const char ending[] = "\tused";
    size_t tail = sizeof ending - 1;
    *hash = 0;
    if (length < 17 + tail || line[16] != '\t' || memcmp(line + length - tail, ending, tail) != 0)
        return false;
    for (int i = 0; i < 16; i++) {
        const char *digits = "0123456789abcdef", *digit = strchr(digits, line[i]);
        if (!line[i] || !digit)
            return false;
        *hash = *hash << 4 | (uint64_t)(digit - digits);
    }
    return true;
}

static int compare_hash(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return (first > second) - (first < second);
}

/* The hashes of all used samples, ascending. */
static status hashes_read(const char *path, uint64_t **hash, size_t *count)
{
    struct file_map map;
    size_t capacity = 0;
    void *block = NULL;
    status result = TACIT_OK;
    *count = 0;
    TRY(file_map_open(path, &map));
    const char *at = (const char *)map.bytes, *end = at ? at + map.size : at;
    while (at < end && result == TACIT_OK) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        uint64_t found;
        stop = stop ? stop : end;
        if (line_hash(at, (size_t)(stop - at), &found)) {
            if (memory_reserve(&block, &capacity, *count, sizeof found))
                ((uint64_t *)block)[(*count)++] = found;
            else
                result = TACIT_RESOURCES;
        }
        at = stop < end ? stop + 1 : end;
    }
    file_map_close(&map);
    *hash = block;
    if (*count)
        qsort(*hash, *count, sizeof **hash, compare_hash);
    return result;
}

status seen_count(const struct evaluation *e, int64_t *seen)
{
    char path[THING_PATH_BYTES + 16];
    uint64_t *known = NULL;
    size_t count;
    *seen = -1;
    snprintf(path, sizeof path, "%s/samples.tsv", e->thing.run);
    if (!e->thing.run[0] || access(path, F_OK) != 0)
        return TACIT_OK;
    status result = hashes_read(path, &known, &count);
    int64_t met = 0;
    for (int64_t i = e->pool.fold ? 0 : e->pool.first_test;
         i < e->pool.count && result == TACIT_OK && count; i++) {
        struct image image;
        result = source_read(e->source, e->pool.index[i], &image);
        if (result != TACIT_OK)
            break;
        uint64_t hash = views_hash(&image);
        met += bsearch(&hash, known, count, sizeof hash, compare_hash) != NULL;
        image_free(&image);
    }
    memory_free(known);
    if (result == TACIT_OK)
        *seen = met;
    return result;
}
