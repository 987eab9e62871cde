#include "base/map.h"
#include "base/memory.h"
#include "base/random.h"

#include <string.h>

struct map_entry {
    const char *key;
    int64_t value;
};

/* The slot of `key`, or the free slot where it belongs (linear probing). */
static size_t slot_of(const struct map *map, const char *key)
{
    size_t slot = random_hash(key) & (map->capacity - 1);
    while (map->entry[slot].key && strcmp(map->entry[slot].key, key) != 0)
        slot = (slot + 1) & (map->capacity - 1);
    return slot;
}

int64_t map_get(const struct map *map, const char *key)
{
    if (map->count == 0)
        return -1;
    const struct map_entry *entry = &map->entry[slot_of(map, key)];
    return entry->key ? entry->value : -1;
}

static bool map_grow(struct map *map)
{
    struct map grown = { .capacity = map->capacity ? map->capacity * 2 : 32 };
    grown.entry = memory_new(grown.capacity, sizeof *grown.entry);
    if (!grown.entry)
        return false;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->entry[i].key)
            grown.entry[slot_of(&grown, map->entry[i].key)] = map->entry[i];
    grown.count = map->count;
    memory_free(map->entry);
    *map = grown;
    return true;
}

bool map_set(struct map *map, const char *key, int64_t value)
{
    if (map->count * 4 >= map->capacity * 3 && !map_grow(map))
        return false;
    struct map_entry *entry = &map->entry[slot_of(map, key)];
    map->count += !entry->key;
    *entry = (struct map_entry){ key, value };
    return true;
}

void map_free(struct map *map)
{
    memory_free(map->entry);
    *map = (struct map){ 0 };
}
