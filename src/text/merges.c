#include "text/merges.h"
#include "base/memory.h"

#include <string.h>

#define NO_RANK UINT32_MAX

enum { SHORT_WORD = 96 };

status merge_append(struct merge_list *list, struct merge merge)
{
    if (!memory_reserve((void **)&list->merge, &list->room, list->count, sizeof merge))
        return TACIT_RESOURCES;
    list->merge[list->count++] = merge;
    return TACIT_OK;
}

static inline uint64_t pair_of(uint32_t left, uint32_t right)
{
    return (uint64_t)left << 32 | right;
}

/* The slot of a pair, or the free one where it belongs. */
static inline const struct merge_slot *slot_of(const struct merge_table *table, uint64_t pair)
{
    size_t mask = ((size_t)1 << table->bits) - 1;
    size_t at = (pair * 0x9e3779b97f4a7c15u) >> (64 - table->bits);
    while (table->slot[at].pair != pair && table->slot[at].pair != UINT64_MAX)
        at = (at + 1) & mask;
    return &table->slot[at];
}

status merge_table_make(const struct merge_list *list, struct merge_table *table)
{
    table->bits = 4;
    while ((size_t)1 << table->bits < list->count * 2 + 1)
        table->bits++;
    size_t slots = (size_t)1 << table->bits;
    table->slot = memory_new(slots, sizeof *table->slot);
    if (!table->slot)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < slots; i++)
        table->slot[i] = (struct merge_slot){ UINT64_MAX, NO_RANK, 0 };
    for (size_t i = 0; i < list->count; i++) {
        const struct merge *merge = &list->merge[i];
        uint64_t pair = pair_of(merge->left, merge->right);
        size_t at = (size_t)(slot_of(table, pair) - table->slot);
        table->slot[at] = (struct merge_slot){ pair, (uint32_t)i, merge->id };
    }
    return TACIT_OK;
}

void merge_table_free(struct merge_table *table)
{
    memory_free(table->slot);
    *table = (struct merge_table){ 0 };
}

/* For few symbols: the ranks of all neighbours are kept, the lowest is looked for each time. */
static size_t apply_short(const struct merge_table *table, uint32_t *symbol, size_t count)
{
    uint32_t rank[SHORT_WORD], made[SHORT_WORD];
    for (size_t i = 0; i + 1 < count; i++) {
        const struct merge_slot *slot = slot_of(table, pair_of(symbol[i], symbol[i + 1]));
        rank[i] = slot->rank;
        made[i] = slot->id;
    }
    while (count > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < count; i++)
            if (rank[i] < rank[best])
                best = i;
        if (rank[best] == NO_RANK)
            break;
        symbol[best] = made[best];
        count--;
        memmove(symbol + best + 1, symbol + best + 2, (count - best - 1) * sizeof *symbol);
        memmove(rank + best + 1, rank + best + 2, (count - best - 1) * sizeof *rank);
        memmove(made + best + 1, made + best + 2, (count - best - 1) * sizeof *made);
        for (size_t i = best > 0 ? best - 1 : 0; i <= best && i + 1 < count; i++) {
            const struct merge_slot *slot = slot_of(table, pair_of(symbol[i], symbol[i + 1]));
            rank[i] = slot->rank;
            made[i] = slot->id;
        }
    }
    return count;
}

/* For many symbols: a linked list, and a heap of (rank, place) whose outdated entries are passed
 * over. `next` of a symbol that was merged away is 0. */
struct long_word {
    const struct merge_table *table;
    uint32_t *symbol, *previous, *next, *heap; /* heap: pairs of words, rank and place */
    size_t count, entries;
};

static inline bool is_before(const uint32_t *a, const uint32_t *b)
{
    return a[0] < b[0] || (a[0] == b[0] && a[1] < b[1]);
}

static void heap_push(struct long_word *word, uint32_t rank, uint32_t place)
{
    uint32_t fresh[2] = { rank, place };
    size_t at = word->entries++;
    while (at > 0 && is_before(fresh, word->heap + (at - 1) / 2 * 2)) {
        memcpy(word->heap + at * 2, word->heap + (at - 1) / 2 * 2, sizeof fresh);
        at = (at - 1) / 2;
    }
    memcpy(word->heap + at * 2, fresh, sizeof fresh);
}

static void heap_pop(struct long_word *word, uint32_t top[2])
{
    memcpy(top, word->heap, 2 * sizeof *top);
    const uint32_t *last = word->heap + --word->entries * 2;
    uint32_t moved[2] = { last[0], last[1] };
    size_t at = 0;
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= word->entries)
            break;
        if (child + 1 < word->entries &&
            is_before(word->heap + child * 2 + 2, word->heap + child * 2))
            child++;
        if (!is_before(word->heap + child * 2, moved))
            break;
        memcpy(word->heap + at * 2, word->heap + child * 2, sizeof moved);
        at = child;
    }
    memcpy(word->heap + at * 2, moved, sizeof moved);
}

/* Puts the pair that begins at a place on the heap, if it is one. */
static void pair_offer(struct long_word *word, size_t place)
{
    size_t right = word->next[place];
    if (right >= word->count)
        return;
    uint64_t pair = pair_of(word->symbol[place], word->symbol[right]);
    const struct merge_slot *slot = slot_of(word->table, pair);
    if (slot->rank != NO_RANK)
        heap_push(word, slot->rank, (uint32_t)place);
}

static size_t apply_long(struct long_word *word)
{
    for (size_t i = 0; i < word->count; i++) {
        word->previous[i] = (uint32_t)i - 1;
        word->next[i] = (uint32_t)i + 1;
    }
    for (size_t i = 0; i + 1 < word->count; i++)
        pair_offer(word, i);
    while (word->entries > 0) {
        uint32_t top[2];
        heap_pop(word, top);
        size_t left = top[1], right = word->next[left];
        if (right == 0 || right >= word->count)
            continue;
        uint64_t pair = pair_of(word->symbol[left], word->symbol[right]);
        const struct merge_slot *slot = slot_of(word->table, pair);
        if (slot->rank != top[0])
            continue; /* one of the two has been merged since */
        word->symbol[left] = slot->id;
        word->next[left] = word->next[right];
        word->next[right] = 0;
        if (word->next[left] < word->count)
            word->previous[word->next[left]] = (uint32_t)left;
        pair_offer(word, left);
        if (left > 0)
            pair_offer(word, word->previous[left]);
    }
    size_t kept = 0;
    for (size_t i = 0; i < word->count; i = word->next[i])
        word->symbol[kept++] = word->symbol[i];
    return kept;
}

size_t merges_apply(const struct merge_table *table, struct encoder *encoder, uint32_t *symbol,
                    size_t count)
{
    if (count <= SHORT_WORD)
        return apply_short(table, symbol, count);
    /* Each merge offers two pairs at most: 3 entries of the heap a symbol, of two words each. */
    size_t words;
    if (count >= UINT32_MAX || !size_multiply(count, 8, &words)) {
        fail(TACIT_RESOURCES, "a word of %zu bytes is too long to be encoded", count);
        return SIZE_MAX;
    }
    uint32_t *work = encoder_work(encoder, words);
    if (!work)
        return SIZE_MAX;
    struct long_word word = { .table = table,
                              .symbol = symbol,
                              .previous = work,
                              .next = work + count,
                              .heap = work + count * 2,
                              .count = count };
    return apply_long(&word);
}
