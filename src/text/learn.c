/* Learning merges. The order of events, and what happens when two merges make the same token, are
 * those of Hugging Face's BpeTrainer (tokenizers, models/bpe/trainer.rs), so that the same words
 * give the same merges. */
#include "base/memory.h"
#include "text/merges.h"

#include <string.h>

/* A pair: how often it occurs now, and the words that got it in the present merge. */
struct pair_entry {
    uint64_t pair; /* UINT64_MAX: free */
    int64_t count;
    uint32_t fresh; /* index + 1 into the fresh lists */
};

/* A pair on the heap with the words it was seen in; its count may be out of date. */
struct candidate {
    int64_t count;
    uint64_t pair;
    uint32_t *word;
    size_t words, room;
};

struct learner {
    struct merge_words *words;
    struct pair_entry *entry;
    size_t entries, slots;
    struct candidate *heap, *fresh;
    size_t heap_count, heap_room, fresh_count, fresh_room;
};

static size_t entry_slot(const struct learner *learner, uint64_t pair)
{
    size_t mask = learner->slots - 1;
    uint64_t mixed = pair * 0x9e3779b97f4a7c15u;
    size_t at = (mixed ^ mixed >> 32) & mask;
    while (learner->entry[at].pair != pair && learner->entry[at].pair != UINT64_MAX)
        at = (at + 1) & mask;
    return at;
}

static status entries_grow(struct learner *learner)
{
    struct learner grown = { .slots = learner->slots ? learner->slots * 2 : 4096 };
    grown.entry = memory_new(grown.slots, sizeof *grown.entry);
    if (!grown.entry)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < grown.slots; i++)
        grown.entry[i].pair = UINT64_MAX;
    for (size_t i = 0; i < learner->slots; i++)
        if (learner->entry[i].pair != UINT64_MAX)
            grown.entry[entry_slot(&grown, learner->entry[i].pair)] = learner->entry[i];
    memory_free(learner->entry);
    learner->entry = grown.entry;
    learner->slots = grown.slots;
    return TACIT_OK;
}

/* The entry of a pair, made with count 0 if it is new; NULL: out of memory. */
static struct pair_entry *entry_of(struct learner *learner, uint64_t pair)
{
    if (learner->entries * 2 >= learner->slots && entries_grow(learner) != TACIT_OK)
        return NULL;
    struct pair_entry *entry = &learner->entry[entry_slot(learner, pair)];
    if (entry->pair == UINT64_MAX) {
        *entry = (struct pair_entry){ .pair = pair };
        learner->entries++;
    }
    return entry;
}

/* Counts a pair up or down in a word; a word that gains it is kept for the heap. */
static status pair_change(struct learner *learner, uint32_t left, uint32_t right, int64_t change,
                          uint32_t word)
{
    struct pair_entry *entry = entry_of(learner, (uint64_t)left << 32 | right);
    if (!entry)
        return TACIT_RESOURCES;
    entry->count += change * (int64_t)learner->words->count[word];
    if (change < 0)
        return TACIT_OK;
    if (!entry->fresh) {
        if (!memory_reserve((void **)&learner->fresh, &learner->fresh_room, learner->fresh_count,
                            sizeof *learner->fresh))
            return TACIT_RESOURCES;
        learner->fresh[learner->fresh_count++] = (struct candidate){ .pair = entry->pair };
        entry->fresh = (uint32_t)learner->fresh_count;
    }
    struct candidate *fresh = &learner->fresh[entry->fresh - 1];
    if (fresh->words > 0 && fresh->word[fresh->words - 1] == word)
        return TACIT_OK;
    if (!memory_reserve((void **)&fresh->word, &fresh->room, fresh->words, sizeof *fresh->word))
        return TACIT_RESOURCES;
    fresh->word[fresh->words++] = word;
    return TACIT_OK;
}

/* More frequent first, then the smaller left id, then the smaller right id. */
static bool is_before(const struct candidate *a, const struct candidate *b)
{
    return a->count > b->count || (a->count == b->count && a->pair < b->pair);
}

static void heap_sink(struct learner *learner, size_t at)
{
    struct candidate moved = learner->heap[at];
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= learner->heap_count)
            break;
        if (child + 1 < learner->heap_count &&
            is_before(&learner->heap[child + 1], &learner->heap[child]))
            child++;
        if (!is_before(&learner->heap[child], &moved))
            break;
        learner->heap[at] = learner->heap[child];
        at = child;
    }
    learner->heap[at] = moved;
}

static status heap_push(struct learner *learner, struct candidate candidate)
{
    if (!memory_reserve((void **)&learner->heap, &learner->heap_room, learner->heap_count,
                        sizeof candidate))
        return TACIT_RESOURCES;
    size_t at = learner->heap_count++;
    while (at > 0 && is_before(&candidate, &learner->heap[(at - 1) / 2])) {
        learner->heap[at] = learner->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    learner->heap[at] = candidate;
    return TACIT_OK;
}

/* Puts the fresh pairs that still occur on the heap. */
static status fresh_release(struct learner *learner)
{
    status result = TACIT_OK;
    for (size_t i = 0; i < learner->fresh_count; i++) {
        struct candidate *fresh = &learner->fresh[i];
        struct pair_entry *entry = &learner->entry[entry_slot(learner, fresh->pair)];
        entry->fresh = 0;
        fresh->count = entry->count;
        bool pushed = false;
        if (result == TACIT_OK && fresh->count > 0) {
            result = heap_push(learner, *fresh);
            pushed = result == TACIT_OK;
        }
        if (!pushed)
            memory_free(fresh->word);
    }
    learner->fresh_count = 0;
    return result;
}

static status pairs_count(struct learner *learner)
{
    const struct merge_words *words = learner->words;
    status result = TACIT_OK;
    for (size_t w = 0; w < words->words && result == TACIT_OK; w++) {
        const uint32_t *symbol = words->symbol + words->begin[w];
        for (uint32_t i = 0; i + 1 < words->length[w] && result == TACIT_OK; i++)
            result = pair_change(learner, symbol[i], symbol[i + 1], 1, (uint32_t)w);
    }
    status released = fresh_release(learner);
    return result == TACIT_OK ? released : result;
}

/* Merges a pair in one word and counts what goes and comes. */
static status word_merge(struct learner *learner, uint32_t word, struct merge merge)
{
    uint32_t *symbol = learner->words->symbol + learner->words->begin[word];
    uint32_t length = learner->words->length[word], kept = 0;
    for (uint32_t i = 0; i < length; i++) {
        if (symbol[i] != merge.left || i + 1 >= length || symbol[i + 1] != merge.right) {
            symbol[kept++] = symbol[i];
            continue;
        }
        if (kept > 0) {
            TRY(pair_change(learner, symbol[kept - 1], merge.left, -1, word));
            TRY(pair_change(learner, symbol[kept - 1], merge.id, 1, word));
        }
        if (i + 2 < length) {
            TRY(pair_change(learner, merge.right, symbol[i + 2], -1, word));
            TRY(pair_change(learner, merge.id, symbol[i + 2], 1, word));
        }
        symbol[kept++] = merge.id;
        i++;
    }
    learner->words->length[word] = kept;
    return TACIT_OK;
}

/* The token that a pair makes, added if there is none of its bytes yet. */
static status token_make(struct pieces *pieces, uint64_t pair, const char *continuing,
                         struct merge *merge)
{
    uint32_t left = (uint32_t)(pair >> 32), right = (uint32_t)pair;
    size_t front = pieces->piece[left].length, back = pieces->piece[right].length;
    size_t skipped = strlen(continuing);
    const uint8_t *tail = pieces_bytes(pieces, right);
    if (skipped > back || memcmp(tail, continuing, skipped) != 0)
        skipped = 0;
    uint8_t *joined = memory_new(front + back, 1);
    if (!joined)
        return TACIT_RESOURCES;
    memcpy(joined, pieces_bytes(pieces, left), front);
    memcpy(joined + front, tail + skipped, back - skipped);
    *merge = (struct merge){ .left = left, .right = right };
    status result = pieces_add(pieces, joined, front + back - skipped, &merge->id);
    memory_free(joined);
    return result;
}

/* Takes the best pair off the heap; false when none occurs often enough. */
static bool best_take(struct learner *learner, uint64_t least, struct candidate *best)
{
    while (learner->heap_count > 0) {
        struct candidate *top = &learner->heap[0];
        int64_t count = learner->entry[entry_slot(learner, top->pair)].count;
        if (top->count != count) {
            top->count = count;
            heap_sink(learner, 0);
            continue;
        }
        if (count < 1 || (uint64_t)count < least)
            return false;
        *best = *top;
        learner->heap[0] = learner->heap[--learner->heap_count];
        if (learner->heap_count > 0)
            heap_sink(learner, 0);
        return true;
    }
    return false;
}

static status merges_make(struct learner *learner, struct pieces *pieces, const char *continuing,
                          size_t most, uint64_t least, struct merge_list *list)
{
    struct candidate best;
    TRY(pairs_count(learner));
    while (pieces->count < most && best_take(learner, least, &best)) {
        struct merge merge;
        status result = token_make(pieces, best.pair, continuing, &merge);
        if (result == TACIT_OK)
            result = merge_append(list, merge);
        for (size_t i = 0; i < best.words && result == TACIT_OK; i++)
            result = word_merge(learner, best.word[i], merge);
        status released = fresh_release(learner);
        memory_free(best.word);
        TRY(result);
        TRY(released);
    }
    return TACIT_OK;
}

status merges_learn(struct merge_words *words, struct pieces *pieces, const char *continuing,
                    size_t most, uint64_t least, struct merge_list *list)
{
    struct learner learner = { .words = words };
    status result = merges_make(&learner, pieces, continuing, most, least, list);
    for (size_t i = 0; i < learner.heap_count; i++)
        memory_free(learner.heap[i].word);
    memory_free(learner.heap);
    memory_free(learner.fresh);
    memory_free(learner.entry);
    return result;
}
