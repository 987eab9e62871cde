/* What one thread needs while it encodes: a cache of words and room to work. */
#ifndef TEXT_ENCODER_H
#define TEXT_ENCODER_H

#include "base/text.h"
#include "text/tokenizer.h"

#include <string.h>

/* One cache line: a word of up to 24 bytes and its ids, up to 9. A new word takes the place of
 * whatever was there: the memory is bounded. */
enum { CACHE_BYTES = 24, CACHE_IDS = 9, CACHE_BITS = 15 };
struct cache_entry {
    uint64_t key[CACHE_BYTES / 8];
    uint8_t length, count; /* length 0: free */
    uint32_t id[CACHE_IDS];
};

struct encoder {
    struct cache_entry *entry;
    uint32_t *work; /* symbols, neighbours and the heap of long words */
    size_t work_room;
    struct text words; /* normalised words */
};

/* The encoders of a tokenizer that are not in use. */
struct encoder_pool;
struct encoder_pool *encoder_pool_new(void);
void encoder_pool_free(struct encoder_pool *pool);

/* Takes an encoder, a new one if all are in use; gives it back. NULL with a message. */
struct encoder *encoder_take(struct encoder_pool *pool);
void encoder_give(struct encoder_pool *pool, struct encoder *encoder);

/* At least `count` words of work; NULL with a message. */
uint32_t *encoder_work(struct encoder *encoder, size_t count);

/* The key of a word of at most CACHE_BYTES bytes, zeroes behind it; `end`: of what may be read. */
static inline void cache_key(const uint8_t *bytes, size_t count, const uint8_t *end,
                             uint64_t key[3])
{
    static const uint64_t mask[9] = { 0,          0xff,         0xffff,         0xffffff,
                                      0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff,
                                      UINT64_MAX };
    if (end - bytes < CACHE_BYTES) {
        memset(key, 0, CACHE_BYTES);
        memcpy(key, bytes, count);
        return;
    }
    memcpy(key, bytes, CACHE_BYTES);
    size_t second = count > 8 ? count - 8 : 0, third = count > 16 ? count - 16 : 0;
    key[0] &= mask[count > 8 ? 8 : count];
    key[1] &= mask[second > 8 ? 8 : second];
    key[2] &= mask[third];
}

static inline struct cache_entry *cache_slot(const struct encoder *encoder, const uint64_t key[3])
{
    uint64_t mixed = key[0] * 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 29 ^ key[1]) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 32 ^ key[2]) * 0x94d049bb133111ebu;
    return &encoder->entry[(mixed ^ mixed << 23) >> (64 - CACHE_BITS)];
}

static inline bool cache_holds(const struct cache_entry *entry, const uint64_t key[3], size_t count)
{
    return entry->length == count && entry->key[0] == key[0] && entry->key[1] == key[1] &&
           entry->key[2] == key[2];
}

/* Keeps the ids of a word, those of the list from `start`, if they fit. */
static inline void cache_keep(struct cache_entry *entry, const uint64_t key[3], size_t length,
                              const struct token_list *list, size_t start)
{
    size_t count = list->count - start;
    if (count > CACHE_IDS)
        return;
    memcpy(entry->key, key, CACHE_BYTES);
    entry->length = (uint8_t)length;
    entry->count = (uint8_t)count;
    if (count)
        memcpy(entry->id, list->id + start, count * sizeof *entry->id);
}

/* Appends the ids of an entry; TACIT_RESOURCES. */
static inline status cache_append(const struct cache_entry *entry, struct token_list *list)
{
    if (list->room - list->count < CACHE_IDS)
        TRY(token_list_reserve(list, CACHE_IDS));
    memcpy(list->id + list->count, entry->id, 4 * sizeof *entry->id);
    if (entry->count > 4)
        memcpy(list->id + list->count + 4, entry->id + 4, 5 * sizeof *entry->id);
    list->count += entry->count;
    return TACIT_OK;
}

/* Encodes a word that the cache may not hold. */
typedef status word_encoder(const struct tokenizer *tokenizer, struct encoder *encoder,
                            const uint8_t *bytes, size_t count, struct token_list *list);

/* Appends the ids of a word, those of the cache if it has them; `end`: of what may be read. */
static inline status cache_encode(const struct tokenizer *tokenizer, struct encoder *encoder,
                                  const uint8_t *bytes, size_t length, const uint8_t *end,
                                  word_encoder *encode, struct token_list *list)
{
    uint64_t key[3];
    if (length > CACHE_BYTES)
        return encode(tokenizer, encoder, bytes, length, list);
    cache_key(bytes, length, end, key);
    struct cache_entry *entry = cache_slot(encoder, key);
    if (cache_holds(entry, key, length))
        return cache_append(entry, list);
    size_t before = list->count;
    TRY(encode(tokenizer, encoder, bytes, length, list));
    cache_keep(entry, key, length, list, before);
    return TACIT_OK;
}

#endif
