#include "train/checkpoint.h"
#include "base/text.h"
#include "io/hash.h"
#include "io/safetensors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, ENTRIES = 64, NAME_BYTES = 128, FIELDS = 20 };

/* The numbers of a position, as metadata. Reals are kept as their bits, in hexadecimal. */
static const struct {
    const char *key;
    size_t offset;
} integers[] = {
    { "step", offsetof(struct position, step) },
    { "data", offsetof(struct position, data) },
    { "metrics", offsetof(struct position, metrics) },
    { "events", offsetof(struct position, events) },
    { "watched_step", offsetof(struct position, watched_step) },
}, reals[] = {
    { "loss", offsetof(struct position, loss) },
    { "last_loss", offsetof(struct position, last_loss) },
    { "seconds", offsetof(struct position, seconds) },
    { "deviation", offsetof(struct position, watched.deviation) },
    { "ideal", offsetof(struct position, watched.ideal) },
    { "rank", offsetof(struct position, watched.rank) },
    { "alignment", offsetof(struct position, watched.alignment) },
    { "uniformity", offsetof(struct position, watched.uniformity) },
    { "cosine", offsetof(struct position, watched.cosine) },
    { "validation", offsetof(struct position, watched.validation) },
};
enum { INTEGERS = sizeof integers / sizeof *integers, REALS = sizeof reals / sizeof *reals };

struct arenas {
    char name[ENTRIES][NAME_BYTES];
    float *data[ENTRIES];
    int64_t items[ENTRIES];
    int count;
};

static status arenas_add(struct arenas *arenas, const struct range *range, const char *what,
                         float *data, int64_t items)
{
    if (items == 0)
        return TACIT_OK;
    if (arenas->count == ENTRIES)
        return fail(TACIT_FAILED, "a checkpoint has at most %d arenas", ENTRIES);
    snprintf(arenas->name[arenas->count], NAME_BYTES, "%s.%s", range->name, what);
    arenas->data[arenas->count] = data;
    arenas->items[arenas->count++] = items;
    return TACIT_OK;
}

static status arenas_list(struct arenas *arenas, const struct store *store, int slots)
{
    char slot_name[16];
    for (int64_t r = 0; r < store_ranges(store); r++) {
        struct range *range = store_range_at(store, r);
        if (!range->sealed)
            continue;
        TRY(arenas_add(arenas, range, "value", range->value, range->size));
        TRY(arenas_add(arenas, range, "state", range->state, range->state_size));
        for (int s = 0; s < slots && !range->leader; s++) {
            float *slot;
            TRY(range_slot(range, s, &slot));
            snprintf(slot_name, sizeof slot_name, "slot%d", s);
            TRY(arenas_add(arenas, range, slot_name, slot, range->size));
        }
    }
    return TACIT_OK;
}

/* A hash of the tensors' names, places and shapes: another network has another one. */
static uint64_t layout_hash(const struct store *store)
{
    uint64_t hash = 0;
    for (int64_t r = 0; r < store_ranges(store); r++) {
        const struct range *range = store_range_at(store, r);
        for (int64_t t = 0; range->sealed && t < range->tensors; t++) {
            const struct tensor *tensor = range->tensor[t];
            hash = hash_bytes(tensor->name, strlen(tensor->name), hash);
            hash = hash_bytes(&tensor->offset, sizeof tensor->offset, hash);
            for (int i = 0; i < tensor->shape.rank; i++)
                hash = hash_bytes(&tensor->shape.dim[i], sizeof tensor->shape.dim[i], hash);
        }
    }
    return hash;
}

/* safetensors knows its structure but not its content: this tells bits that have changed. */
static uint64_t content_hash(uint64_t hash, const char *name, const void *data, size_t bytes)
{
    return hash_bytes(data, bytes, hash_bytes(name, strlen(name), hash));
}

struct fields {
    struct safetensors_metadata item[FIELDS];
    char text[FIELDS][24];
    size_t count;
};

static void field_add(struct fields *fields, const char *key, uint64_t value)
{
    snprintf(fields->text[fields->count], sizeof fields->text[0], "%016llx",
             (unsigned long long)value);
    fields->item[fields->count] = (struct safetensors_metadata){ key, fields->text[fields->count] };
    fields->count++;
}

static uint64_t bits_at(const struct position *position, size_t offset)
{
    uint64_t bits;
    memcpy(&bits, (const char *)position + offset, sizeof bits);
    return bits;
}

static uint64_t position_fields(const struct position *position, struct fields *fields)
{
    for (int i = 0; i < INTEGERS; i++)
        field_add(fields, integers[i].key, bits_at(position, integers[i].offset));
    for (int i = 0; i < REALS; i++)
        field_add(fields, reals[i].key, bits_at(position, reals[i].offset));
    field_add(fields, "warned", position->warned);
    uint64_t hash = 0;
    for (size_t i = 0; i < fields->count; i++)
        hash = content_hash(hash, fields->item[i].key, fields->item[i].value, 16);
    return hash;
}

static status move(const char *from, const char *to)
{
    if (rename(from, to) != 0 && errno != ENOENT)
        return fail(TACIT_RESOURCES, "%s: cannot be renamed to %s: %s", from, to, strerror(errno));
    return TACIT_OK;
}

static const char *file_in(char path[PATH_BYTES], const char *folder, const char *name)
{
    snprintf(path, PATH_BYTES, "%s/%s.safetensors", folder, name);
    return path;
}

status checkpoint_save(const char *folder, const struct store *store, int slots,
                       const struct position *position)
{
    struct arenas arenas = { .count = 0 };
    struct safetensors_entry entry[ENTRIES] = { 0 };
    struct fields fields = { .count = 0 };
    char next[PATH_BYTES], last[PATH_BYTES], previous[PATH_BYTES];
    TRY(arenas_list(&arenas, store, slots));
    uint64_t hash = position_fields(position, &fields);
    for (int i = 0; i < arenas.count; i++) {
        entry[i] = (struct safetensors_entry){ .name = arenas.name[i],
                                               .dtype = SAFETENSORS_F32,
                                               .rank = 1,
                                               .shape = { arenas.items[i] },
                                               .data = arenas.data[i],
                                               .bytes = (size_t)arenas.items[i] * sizeof(float) };
        hash = content_hash(hash, entry[i].name, entry[i].data, entry[i].bytes);
    }
    field_add(&fields, "layout", layout_hash(store));
    field_add(&fields, "content", hash);
    TRY(safetensors_write(file_in(next, folder, "next"), entry, (size_t)arenas.count, fields.item,
                          fields.count));
    TRY(move(file_in(last, folder, "last"), file_in(previous, folder, "previous")));
    return move(next, last);
}

static bool field_read(const struct safetensors_file *file, const char *key, uint64_t *value)
{
    const char *text = safetensors_metadata(file, key);
    if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        return false;
    unsigned long long number;
    if (sscanf(text, "%llx", &number) != 1)
        return false;
    *value = number;
    return true;
}

static status damaged(const char *path, const char *what)
{
    return fail(TACIT_BAD_DATA, "%s: is damaged: %s", path, what);
}

static status position_read(const struct safetensors_file *file, const char *path,
                            struct position *position)
{
    uint64_t bits;
    for (int i = 0; i < INTEGERS + REALS; i++) {
        bool whole = i < INTEGERS;
        const char *key = whole ? integers[i].key : reals[i - INTEGERS].key;
        size_t offset = whole ? integers[i].offset : reals[i - INTEGERS].offset;
        if (!field_read(file, key, &bits))
            return damaged(path, key);
        memcpy((char *)position + offset, &bits, sizeof bits);
    }
    if (!field_read(file, "warned", &bits))
        return damaged(path, "warned");
    position->warned = bits != 0;
    return TACIT_OK;
}

/* How many optimiser slots the file has. */
static int slots_count(const struct safetensors_file *file)
{
    int slots = 0;
    for (size_t i = 0; i < file->count; i++) {
        const char *at = strstr(file->entry[i].name, ".slot");
        if (at && at[5] >= '0' && at[5] - '0' < SLOTS_MAX && at[5] - '0' >= slots)
            slots = at[5] - '0' + 1;
    }
    return slots;
}

/* Checks everything before anything is copied. */
static status file_check(const struct safetensors_file *file, const char *path,
                         const struct store *store, const struct arenas *arenas,
                         struct position *position)
{
    struct fields fields = { .count = 0 };
    uint64_t layout, content;
    *position = (struct position){ 0 };
    TRY(position_read(file, path, position));
    if (!field_read(file, "layout", &layout) || !field_read(file, "content", &content))
        return damaged(path, "content");
    if (layout != layout_hash(store))
        return fail(TACIT_BAD_DATA, "%s: belongs to another network", path);
    uint64_t hash = position_fields(position, &fields);
    for (int i = 0; i < arenas->count; i++) {
        const struct safetensors_entry *entry = safetensors_find(file, arenas->name[i]);
        if (!entry || entry->bytes != (size_t)arenas->items[i] * sizeof(float))
            return damaged(path, arenas->name[i]);
        hash = content_hash(hash, entry->name, entry->data, entry->bytes);
    }
    return hash == content ? TACIT_OK : damaged(path, "its checksum differs");
}

static status file_load(const char *path, struct store *store, struct position *position)
{
    struct safetensors_file file;
    struct arenas arenas = { .count = 0 };
    TRY(safetensors_open(path, &file));
    status result = arenas_list(&arenas, store, slots_count(&file));
    if (result == TACIT_OK)
        result = file_check(&file, path, store, &arenas, position);
    for (int i = 0; i < arenas.count && result == TACIT_OK; i++)
        memcpy(arenas.data[i], safetensors_find(&file, arenas.name[i])->data,
               (size_t)arenas.items[i] * sizeof(float));
    for (int64_t r = 0; r < store_ranges(store); r++)
        store_range_at(store, r)->version++;
    safetensors_close(&file);
    return result;
}

status checkpoint_load(const char *folder, struct store *store, struct position *position,
                       bool *found, char *why, size_t size)
{
    /* A process that was killed may have left its newest checkpoint under the name "next". */
    static const char *const names[] = { "next", "last", "previous" };
    char path[PATH_BYTES];
    status result = TACIT_OK;
    *found = false;
    why[0] = 0;
    for (int i = 0; i < 3; i++) {
        if (access(file_in(path, folder, names[i]), F_OK) != 0)
            continue;
        result = file_load(path, store, position);
        *found = result == TACIT_OK;
        if (result != TACIT_BAD_DATA)
            return result;
        if (!why[0])
            snprintf(why, size, "%s", status_message());
    }
    return result == TACIT_OK ? TACIT_OK
                              : fail(result,
                                     "%s, and no other checkpoint in %s is whole; remove that "
                                     "folder to start again "
                                     "at step 0",
                                     why, folder);
}
