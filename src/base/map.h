/* A hash map from text to a small integer (an index into the owner's array). */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map {
    struct map_entry *entry;
    size_t capacity, count;
};

/* The value stored under `key`, or -1. */
int64_t map_get(const struct map *map, const char *key);

/* Stores `value` (>= 0) under `key`, whose text must outlive the map. False: out of memory. */
bool map_set(struct map *map, const char *key, int64_t value);

void map_free(struct map *map);

#endif
