#include "text/pieces.h"
#include "base/memory.h"
#include "io/hash.h"

#include <string.h>

enum { LEAST_SLOTS = 256 };

/* The slot of a string, or the free slot where it belongs (linear probing). */
static size_t slot_of(const struct pieces *pieces, const void *bytes, size_t count)
{
    size_t slot = hash_bytes(bytes, count, 0) & (pieces->slots - 1);
    for (; pieces->slot[slot]; slot = (slot + 1) & (pieces->slots - 1)) {
        const struct piece *piece = &pieces->piece[pieces->slot[slot] - 1];
        if (piece->length == count && memcmp(pieces->pool + piece->offset, bytes, count) == 0)
            break;
    }
    return slot;
}

uint32_t pieces_find(const struct pieces *pieces, const void *bytes, size_t count)
{
    if (pieces->slots == 0 || count == 0)
        return PIECE_NONE;
    uint32_t number = pieces->slot[slot_of(pieces, bytes, count)];
    return number ? number - 1 : PIECE_NONE;
}

static status slots_grow(struct pieces *pieces)
{
    size_t slots = pieces->slots ? pieces->slots * 2 : LEAST_SLOTS;
    uint32_t *slot = memory_new(slots, sizeof *slot);
    if (!slot)
        return TACIT_RESOURCES;
    uint32_t *before = pieces->slot;
    size_t before_slots = pieces->slots;
    pieces->slot = slot;
    pieces->slots = slots;
    for (size_t i = 0; i < before_slots; i++) {
        if (!before[i])
            continue;
        const struct piece *piece = &pieces->piece[before[i] - 1];
        slot[slot_of(pieces, pieces->pool + piece->offset, piece->length)] = before[i];
    }
    memory_free(before);
    return TACIT_OK;
}

/* Makes room for one more piece of `count` bytes. */
static status pieces_reserve(struct pieces *pieces, size_t count)
{
    if (count >= UINT32_MAX || pieces->count >= UINT32_MAX - 1)
        return fail(TACIT_RESOURCES, "more words, or longer ones, than a vocabulary can hold");
    if (pieces->count * 4 >= pieces->slots * 3)
        TRY(slots_grow(pieces));
    if (!memory_reserve((void **)&pieces->piece, &pieces->room, pieces->count,
                        sizeof *pieces->piece))
        return TACIT_RESOURCES;
    if (count <= pieces->pool_room - pieces->used)
        return TACIT_OK;
    size_t wanted = pieces->pool_room * 2 > 4096 ? pieces->pool_room * 2 : 4096;
    if (wanted - pieces->used < count)
        wanted = pieces->used + count;
    uint8_t *pool = memory_resize(pieces->pool, wanted, 1);
    if (!pool)
        return TACIT_RESOURCES;
    pieces->pool = pool;
    pieces->pool_room = wanted;
    return TACIT_OK;
}

static void piece_append(struct pieces *pieces, const void *bytes, size_t count)
{
    if (count)
        memcpy(pieces->pool + pieces->used, bytes, count);
    pieces->piece[pieces->count++] = (struct piece){ pieces->used, (uint32_t)count };
    pieces->used += count;
}

status pieces_add(struct pieces *pieces, const void *bytes, size_t count, uint32_t *number)
{
    TRY(pieces_reserve(pieces, count));
    size_t slot = slot_of(pieces, bytes, count);
    if (!pieces->slot[slot]) {
        piece_append(pieces, bytes, count);
        pieces->slot[slot] = (uint32_t)pieces->count;
    }
    *number = pieces->slot[slot] - 1;
    return TACIT_OK;
}

status pieces_place(struct pieces *pieces, uint32_t number, const void *bytes, size_t count)
{
    while (pieces->count <= number) {
        TRY(pieces_reserve(pieces, 0));
        piece_append(pieces, NULL, 0);
    }
    if (count == 0)
        return TACIT_OK;
    TRY(pieces_reserve(pieces, count));
    memcpy(pieces->pool + pieces->used, bytes, count);
    pieces->piece[number] = (struct piece){ pieces->used, (uint32_t)count };
    pieces->used += count;
    pieces->slot[slot_of(pieces, bytes, count)] = number + 1;
    return TACIT_OK;
}

void pieces_hide(struct pieces *pieces, uint32_t number)
{
    const struct piece piece = pieces->piece[number];
    if (piece.length == 0 || pieces->slots == 0)
        return;
    size_t mask = pieces->slots - 1;
    size_t hole = slot_of(pieces, pieces->pool + piece.offset, piece.length);
    if (pieces->slot[hole] != number + 1)
        return;
    /* Later strings of the same run may have probed past this slot: move them up. */
    for (size_t at = (hole + 1) & mask; pieces->slot[at]; at = (at + 1) & mask) {
        const struct piece *other = &pieces->piece[pieces->slot[at] - 1];
        size_t home = hash_bytes(pieces->pool + other->offset, other->length, 0) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            pieces->slot[hole] = pieces->slot[at];
            hole = at;
        }
    }
    pieces->slot[hole] = 0;
}

size_t pieces_memory(const struct pieces *pieces)
{
    return pieces->room * sizeof *pieces->piece + pieces->pool_room +
           pieces->slots * sizeof *pieces->slot;
}

void pieces_free(struct pieces *pieces)
{
    memory_free(pieces->piece);
    memory_free(pieces->pool);
    memory_free(pieces->slot);
    *pieces = (struct pieces){ 0 };
}
