/* What samples.tsv of a run tells: which samples it held out, and which it has looked at. */
#include "eval/evaluation.h"
#include "base/map.h"
#include "base/memory.h"
#include "train/modality.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A line "HASH\tPATH\tSPLIT\tFATE" of samples.tsv. */
struct line {
    const char *text, *path, *fate;
    size_t path_length, fate_length;
};

/* Cuts the line that begins at *at, and moves *at behind it. False at the end of the file. */
static bool line_next(const char **at, const char *end, struct line *line)
{
    if (*at >= end)
        return false;
    const char *stop = memchr(*at, '\n', (size_t)(end - *at)), *tab[3] = { NULL };
    stop = stop ? stop : end;
    int tabs = 0;
    for (const char *next = *at; tabs < 3 && (next = memchr(next, '\t', (size_t)(stop - next)));)
        tab[tabs++] = next++;
    *line = (struct line){ .text = *at, .path = *at, .fate = *at };
    if (tabs == 3)
        *line = (struct line){ *at, tab[0] + 1, tab[2] + 1, (size_t)(tab[1] - tab[0] - 1),
                               (size_t)(stop - tab[2] - 1) };
    *at = stop < end ? stop + 1 : end;
    return true;
}

static bool fate_is(const struct line *line, const char *word)
{
    return line->fate_length == strlen(word) && memcmp(line->fate, word, line->fate_length) == 0;
}

/* The hash that a line begins with; false if it has none. */
static bool line_hash(const struct line *line, uint64_t *hash)
{
    *hash = 0;
    if (line->path != line->text + 17)
        return false;
    for (int i = 0; i < 16; i++) {
        const char *digits = "0123456789abcdef", *digit = strchr(digits, line->text[i]);
        if (!line->text[i] || !digit)
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
    struct line line;
    size_t capacity = 0;
    void *block = NULL;
    status result = TACIT_OK;
    *count = 0;
    TRY(file_map_open(path, &map));
    const char *at = (const char *)map.bytes, *end = at ? at + map.size : at;
    while (result == TACIT_OK && line_next(&at, end, &line)) {
        uint64_t found;
        if (!fate_is(&line, "used") || !line_hash(&line, &found))
            continue;
        if (memory_reserve(&block, &capacity, *count, sizeof found))
            ((uint64_t *)block)[(*count)++] = found;
        else
            result = TACIT_RESOURCES;
    }
    file_map_close(&map);
    *hash = block;
    if (*count)
        qsort(*hash, *count, sizeof **hash, compare_hash);
    return result;
}

/* ---- held out ---- */

/* Names as samples.tsv has them: tabs and line ends became spaces there. */
static status names_new(const struct source *source, struct arena *arena, struct map *names)
{
    char name[SAMPLE_NAME_BYTES];
    for (size_t i = 0; i < source->count; i++) {
        char *key = arena_text(arena, "%s", source_name(source, i, name));
        for (char *at = key; at && *at; at++)
            *at = strchr("\t\n\r", *at) ? ' ' : *at;
        if (!key || !map_set(names, key, (int64_t)i))
            return TACIT_RESOURCES;
    }
    return TACIT_OK;
}

/* Marks the held-out samples; *unknown counts those that these data do not have. */
static status held_mark(const char *path, const struct map *names, bool *held, size_t *count,
                        size_t *unknown)
{
    struct file_map map;
    struct line line;
    char name[SAMPLE_NAME_BYTES];
    TRY(file_map_open(path, &map));
    const char *at = (const char *)map.bytes, *end = at ? at + map.size : at;
    while (line_next(&at, end, &line)) {
        if (!fate_is(&line, "held out"))
            continue;
        snprintf(name, sizeof name, "%.*s",
                 (int)(line.path_length < sizeof name ? line.path_length : 0), line.path);
        int64_t sample = map_get(names, name);
        *count += sample >= 0;
        *unknown += sample < 0;
        if (sample >= 0)
            held[sample] = true;
    }
    file_map_close(&map);
    return TACIT_OK;
}

static void parts_make(struct evaluation *e, const bool *held)
{
    struct source *source = e->source;
    source->has_parts = true;
    for (size_t i = 0; i < source->count; i++)
        source->sample[i].split = held[i] ? SPLIT_TEST : SPLIT_TRAIN;
}

status held_apply(struct evaluation *e)
{
    char path[THING_PATH_BYTES + 16];
    const char *asked = config_value(&e->thing.config, "holdout");
    struct arena arena = { 0 };
    struct map names = { 0 };
    size_t unknown = 0;
    if (e->source->has_parts || !asked || !*asked)
        return TACIT_OK;
    snprintf(path, sizeof path, "%s/samples.tsv", e->thing.run);
    if (access(path, F_OK) != 0)
        return fail(TACIT_BAD_DATA, "%s: is missing, so that nobody knows what the run held out",
                    path);
    bool *held = memory_new(e->source->count, sizeof *held);
    status result = held ? names_new(e->source, &arena, &names) : TACIT_RESOURCES;
    if (result == TACIT_OK)
        result = held_mark(path, &names, held, &e->held, &unknown);
    if (result == TACIT_OK && unknown)
        result = fail(TACIT_BAD_DATA,
                      "%s: %zu of the samples that the run held out are not in %s any more", path,
                      unknown, e->source->path);
    if (result == TACIT_OK && e->held)
        parts_make(e, held);
    memory_free(held);
    map_free(&names);
    arena_free(&arena);
    return result;
}

/* ---- seen ---- */

status seen_among(const struct thing *thing, struct source *source, const uint32_t *index,
                  size_t samples, int64_t *seen)
{
    char path[THING_PATH_BYTES + 16];
    uint64_t *known = NULL;
    size_t count;
    *seen = -1;
    snprintf(path, sizeof path, "%s/samples.tsv", thing->run);
    if (!thing->run[0] || access(path, F_OK) != 0)
        return TACIT_OK;
    status result = hashes_read(path, &known, &count);
    int64_t met = 0;
    for (size_t i = 0; i < samples && result == TACIT_OK && count; i++) {
        uint64_t hash = 0;
        result = modality_of(source->kind)->look(source, index[i], &hash);
        met +=
            result == TACIT_OK && bsearch(&hash, known, count, sizeof hash, compare_hash) != NULL;
    }
    memory_free(known);
    if (result == TACIT_OK)
        *seen = met;
    return result;
}

status seen_count(const struct evaluation *e, int64_t *seen)
{
    int64_t first = e->pool.fold ? 0 : e->pool.first_test;
    return seen_among(&e->thing, e->source, e->pool.index + first, (size_t)(e->pool.count - first),
                      seen);
}
