#include "data/source.h"
#include "data/source_type.h"
#include "data/corpus.h"
#include "data/labels.h"
#include "io/hash.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Looked at in this order; the surest claim wins, the first of equals. */
static const struct source_type *const types[] = {
    &source_synth, &source_idx, &source_cifar, &source_archive, &source_file,     &source_json,
    &source_trec,  &source_csv, &source_plain, &source_folder,  &source_parallel,
};
enum { TYPES = sizeof types / sizeof *types, DEEPEST = 4, LOOKS = 256, HEADER_BYTES = 64 << 10 };

enum { READABLE, BROKEN };
enum { FEW = 16, NAMED = 3 }; /* broken samples named in a message */

/* Decoded pictures and the list of broken ones: the only parts that threads write to. */
struct source_cache {
    _Atomic(struct image *) *image; /* [count], NULL until decoded; never replaced */
    atomic_size_t left;             /* bytes that may still be kept */
    atomic_uchar *health;           /* [count] */
    pthread_mutex_t lock;           /* guards what follows */
    size_t broken, limit, listed;   /* more than `limit` broken samples are an error */
    struct broken_sample *list;     /* [limit + NAMED] */
    struct arena reasons;
    bool strict;
};

struct source_row source_row(int i)
{
    if (i < 0 || i >= TYPES)
        return (struct source_row){ NULL, NULL };
    return (struct source_row){ types[i]->name, types[i]->doc };
}

status source_add(struct source *source, const char *name, int64_t number, enum split split)
{
    void *block = source->sample;
    if (source->count >= UINT32_MAX)
        return fail(TACIT_BAD_DATA, "%s holds more than %u samples", source->path, UINT32_MAX);
    if (!memory_reserve(&block, &source->state->capacity, source->count, sizeof *source->sample))
        return TACIT_RESOURCES;
    source->sample = block;
    source->sample[source->count++] =
        (struct sample){ .name = name, .number = number, .label = -1, .split = split };
    return TACIT_OK;
}

static const struct source_type *type_of(const struct probe *probe, enum claim *claim)
{
    const struct source_type *best = NULL;
    *claim = CLAIM_NONE;
    for (int i = 0; i < TYPES; i++) {
        enum claim sure = types[i]->recognise(probe);
        if (sure > *claim) {
            best = types[i];
            *claim = sure;
        }
    }
    return best;
}

/* What a folder cannot be read for, its source says. */
static status probe_census(struct arena *arena, enum wanted_kind wanted, struct probe *probe)
{
    struct arena paths = { 0 };
    struct census *census = arena_new(arena, 1, sizeof *census);
    if (!census)
        return TACIT_RESOURCES;
    status result = probe->folder ? census_take(&paths, probe->path, census) : TACIT_OK;
    arena_free(&paths);
    census->wanted = wanted;
    if (probe->folder && result == TACIT_OK)
        probe->census = census;
    return result == TACIT_RESOURCES ? result : TACIT_OK;
}

/* Finds what kind of source a path is. A folder that holds nothing but another one stands for it
 * where that is an idx or CIFAR set or an archive. */
static status source_find(struct source *source, const char *path, enum wanted_kind wanted,
                          struct probe *probe)
{
    struct arena *arena = &source->state->arena;
    enum claim claim;
    bool synthetic = path && strncmp(path, "synth:", 6) == 0;
    if (synthetic || source_is_parallel(path)) {
        *probe = (struct probe){ .path = arena_text(arena, "%s", path) };
        probe->name = probe->path;
        source->type = synthetic ? &source_synth : &source_parallel;
        return probe->path ? TACIT_OK : TACIT_RESOURCES;
    }
    TRY(probe_path(arena, path, probe));
    TRY(probe_census(arena, wanted, probe));
    source->type = type_of(probe, &claim);
    if (!source->type)
        return fail(
            TACIT_BAD_DATA,
            "%s is no kind of data that can be read (it begins with the bytes %02x %02x "
            "%02x %02x): give pictures, texts, an archive of either, idx or CIFAR files, or "
            "a folder of these",
            path, probe->head[0], probe->head[1], probe->head[2], probe->head[3]);
    struct probe inner = *probe;
    for (int depth = 0; depth < DEEPEST && inner.folder && inner.folders == 1; depth++) {
        struct probe next;
        if (source->type != &source_folder || claim == CLAIM_BY_CONTENT)
            break;
        TRY(probe_path(arena, inner.only_folder, &next));
        const struct source_type *type = type_of(&next, &claim);
        if (type && type != &source_folder) {
            source->type = type;
            *probe = next;
            break;
        }
        inner = next;
    }
    return TACIT_OK;
}

static int by_number(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

void source_note_broken(struct source *source, size_t index, const char *why)
{
    struct source_cache *cache = source->state->cache;
    if (atomic_exchange(&cache->health[index], BROKEN) == BROKEN)
        return;
    pthread_mutex_lock(&cache->lock);
    cache->broken++;
    if (cache->listed < cache->limit + NAMED) {
        const char *text = arena_text(&cache->reasons, "%s", why);
        cache->list[cache->listed++] = (struct broken_sample){ index, text ? text : "unreadable" };
    }
    pthread_mutex_unlock(&cache->lock);
}

/* Sets channels and sizes from the headers of all pictures, or of some evenly spread ones where
 * looking costs a file access. Broken headers are noted. */
static status source_look(struct source *source)
{
    size_t looks = source->type->quick || source->count < LOOKS ? source->count : LOOKS;
    int *size = memory_new(2 * looks, sizeof *size), channels = 1;
    if (!size)
        return TACIT_RESOURCES;
    size_t seen = 0;
    for (size_t i = 0; i < looks; i++) {
        size_t index = (size_t)((uint64_t)i * source->count / looks); /* both are 32 bits */
        struct bytes bytes = { 0 };
        struct image shape = { 0 };
        status result = source->type->encoded(source, index, HEADER_BYTES, &bytes);
        if (result == TACIT_OK)
            result = image_size(bytes.bytes, bytes.size, &shape);
        bool whole = bytes.size < HEADER_BYTES || source->type->quick;
        memory_free(bytes.storage);
        if (result == TACIT_RESOURCES) {
            memory_free(size);
            return result;
        }
        if (result != TACIT_OK && whole)
            source_note_broken(source, index, status_message());
        if (result != TACIT_OK)
            continue;
        size[seen] = shape.width;
        size[looks + seen++] = shape.height;
        channels = shape.channels == 3 ? 3 : channels;
    }
    if (seen) {
        qsort(size, seen, sizeof *size, by_number);
        qsort(size + looks, seen, sizeof *size, by_number);
        bool same = size[0] == size[seen - 1] && size[looks] == size[looks + seen - 1];
        source->middle_width = size[seen / 2];
        source->middle_height = size[looks + seen / 2];
        source->width = same ? source->middle_width : 0;
        source->height = same ? source->middle_height : 0;
    }
    source->channels = channels;
    memory_free(size);
    return TACIT_OK;
}

size_t source_few(size_t count, bool strict)
{
    size_t few = count / 2 < FEW ? count / 2 : FEW, share = count / 100;
    return strict ? 0 : share > few ? share : few;
}

static status cache_new(struct source *source, const struct source_options *options)
{
    struct source_cache *cache = memory_new(1, sizeof *cache);
    if (!cache)
        return TACIT_RESOURCES;
    pthread_mutex_init(&cache->lock, NULL);
    source->state->cache = cache;
    cache->strict = options->strict;
    cache->limit = source_few(source->count, options->strict);
    atomic_init(&cache->left, options->cache_bytes);
    cache->list = memory_new(cache->limit + NAMED, sizeof *cache->list);
    cache->health = memory_new(source->count, sizeof *cache->health);
    bool decodes = source->kind == SAMPLE_PICTURE && !source->type->pixels;
    if (decodes)
        cache->image = memory_new(source->count, sizeof *cache->image);
    return cache->list && cache->health && (cache->image || !decodes) ? TACIT_OK : TACIT_RESOURCES;
}

static status source_fill(struct source *source, const char *path,
                          const struct source_options *options)
{
    struct probe probe;
    if (options->channels != 0 && options->channels != 1 && options->channels != 3)
        return fail(TACIT_USAGE, "channels=%d: 1 (grey) and 3 (RGB) are allowed",
                    options->channels);
    TRY(source_find(source, path, options->wanted, &probe));
    source->path = probe.path;
    source->state->options = options;
    TRY(source->type->open(source, &probe));
    if (source->kind == SAMPLE_TEXT && options->wanted == WANT_PICTURES)
        return fail(TACIT_BAD_DATA, "%s holds texts (%zu of them), but pictures are needed",
                    source->path, source->count);
    if (source->count == 0)
        return fail(TACIT_BAD_DATA,
                    "%s holds no pictures: give a folder, an archive or a file "
                    "that does",
                    source->path);
    TRY(cache_new(source, options));
    if (source->kind == SAMPLE_PICTURE && !source->type->pixels)
        TRY(source_look(source));
    if (options->channels && source->kind == SAMPLE_PICTURE)
        source->channels = options->channels;
    TRY(labels_apply(source, options->labels));
    source->state->options = NULL;
    return source_health(source);
}

status source_open(const char *path, const struct source_options *options, struct source **source)
{
    static const struct source_options usual = { .cache_bytes = (size_t)1 << 30,
                                                 .wanted = WANT_EITHER };
    *source = memory_new(1, sizeof **source);
    if (!*source)
        return TACIT_RESOURCES;
    (*source)->state = memory_new(1, sizeof *(*source)->state);
    status result =
        (*source)->state ? source_fill(*source, path, options ? options : &usual) : TACIT_RESOURCES;
    if (result != TACIT_OK) {
        source_close(*source);
        *source = NULL;
    }
    return result;
}

static void cache_free(struct source_cache *cache, size_t count)
{
    if (!cache)
        return;
    for (size_t i = 0; cache->image && i < count; i++) {
        struct image *image = atomic_load(&cache->image[i]);
        if (image)
            image_free(image);
        memory_free(image);
    }
    memory_free(cache->image);
    memory_free(cache->health);
    memory_free(cache->list);
    arena_free(&cache->reasons);
    pthread_mutex_destroy(&cache->lock);
    memory_free(cache);
}

void source_close(struct source *source)
{
    if (!source)
        return;
    if (source->state) {
        if (source->type)
            source->type->close(source);
        corpus_close(source->state->corpus);
        cache_free(source->state->cache, source->count);
        arena_free(&source->state->arena);
    }
    memory_free(source->state);
    memory_free(source->sample);
    memory_free(source->target);
    memory_free(source);
}

/* Keeps a decoded picture if the budget allows. On return the image is borrowed if it was kept. */
static void cache_keep(struct source_cache *cache, size_t index, struct image *image)
{
    size_t bytes =
        (size_t)image->width * (size_t)image->height * (size_t)image->channels + sizeof *image;
    size_t left = atomic_load(&cache->left);
    do {
        if (left < bytes)
            return;
    } while (!atomic_compare_exchange_weak(&cache->left, &left, left - bytes));
    struct image *kept = memory_new(1, sizeof *kept), *expected = NULL;
    if (kept) {
        *kept = *image;
        if (atomic_compare_exchange_strong(&cache->image[index], &expected, kept)) {
            image->storage = NULL;
            return;
        }
        memory_free(kept); /* another thread was faster */
    }
    atomic_fetch_add(&cache->left, bytes);
}

static status source_decode(struct source *source, size_t index, struct image *image)
{
    struct bytes bytes = { 0 };
    TRY(source->type->encoded(source, index, SIZE_MAX, &bytes));
    status result = image_decode(bytes.bytes, bytes.size, source->channels, image);
    memory_free(bytes.storage);
    return result;
}

status source_read(struct source *source, size_t index, struct image *image)
{
    struct source_cache *cache = source->state->cache;
    *image = (struct image){ 0 };
    if (source->kind != SAMPLE_PICTURE)
        return fail(TACIT_USAGE, "%s holds texts, but pictures are needed", source->path);
    if (source->type->pixels) {
        TRY(source->type->pixels(source, index, image));
        return image_convert(image, source->channels);
    }
    struct image *kept = atomic_load(&cache->image[index]);
    if (kept) {
        *image = *kept;
        image->storage = NULL;
        return TACIT_OK;
    }
    char name[SAMPLE_NAME_BYTES];
    if (source_is_broken(source, index))
        return fail(TACIT_BAD_DATA, "%s cannot be read", source_name(source, index, name));
    status result = source_decode(source, index, image);
    if (result == TACIT_BAD_DATA) {
        source_note_broken(source, index, status_message());
        return fail_within(result, "%s", source_name(source, index, name));
    }
    if (result == TACIT_OK)
        cache_keep(cache, index, image);
    return result;
}

bool source_is_broken(struct source *source, size_t index)
{
    return atomic_load(&source->state->cache->health[index]) == BROKEN;
}

size_t source_broken(struct source *source, const struct broken_sample **list, size_t *listed)
{
    struct source_cache *cache = source->state->cache;
    pthread_mutex_lock(&cache->lock);
    size_t broken = cache->broken;
    *list = cache->list;
    *listed = cache->listed;
    pthread_mutex_unlock(&cache->lock);
    return broken;
}

status source_health(struct source *source)
{
    struct source_cache *cache = source->state->cache;
    const struct broken_sample *list;
    size_t listed, broken = source_broken(source, &list, &listed);
    if (broken <= cache->limit)
        return TACIT_OK;
    char text[2048], name[SAMPLE_NAME_BYTES];
    size_t used = 0;
    for (size_t i = 0; i < listed && i < NAMED; i++) {
        int more = snprintf(text + used, sizeof text - used, "%s%s (%s)", i ? "; " : "",
                            source_name(source, list[i].index, name), list[i].why);
        used =
            more < 0 || (size_t)more >= sizeof text - used ? sizeof text - 1 : used + (size_t)more;
    }
    return fail(TACIT_BAD_DATA, "%s: %s%zu of %zu %s cannot be read%s: %s%s. Repair or remove %s",
                source->path, cache->strict ? "at least " : "", broken, source->count,
                source->kind == SAMPLE_TEXT ? "texts" : "pictures",
                cache->strict ? ", and strict=true allows none" : ", more than 1 %", text,
                broken > NAMED ? "; …" : "", broken > 1 ? "them" : "it");
}
