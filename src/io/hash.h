/* A 64-bit hash of content, for recognising samples and caches; not against attackers. */
#ifndef IO_HASH_H
#define IO_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH64 of `count` bytes (github.com/Cyan4973/xxHash, doc/xxhash_spec.md), the same everywhere. */
uint64_t hash_bytes(const void *bytes, size_t count, uint64_t seed);

#endif
