/* A set of byte strings with small numbers: vocabularies, and tables of counted words. */
#ifndef TEXT_PIECES_H
#define TEXT_PIECES_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIECE_NONE UINT32_MAX /* the number of no piece */

struct piece {
    uint64_t offset; /* of its bytes within the pool */
    uint32_t length;
};

/* Starts as { 0 }. A number without a string has length 0 and is never found. */
struct pieces {
    struct piece *piece;
    size_t count, room;
    uint8_t *pool;
    size_t used, pool_room;
    uint32_t *slot; /* number + 1, or 0 for a free one */
    size_t slots;   /* a power of two */
};

/* The number of a string, or PIECE_NONE. */
uint32_t pieces_find(const struct pieces *pieces, const void *bytes, size_t count);

/* The number of a string, which is added at the end if it is new. TACIT_RESOURCES. */
status pieces_add(struct pieces *pieces, const void *bytes, size_t count, uint32_t *number);

/* Gives a string the number `number`, leaving holes below it where there are none yet. If the
 * string has a number already, it is found under the new one from now on. An empty string only
 * makes a hole. TACIT_RESOURCES. */
status pieces_place(struct pieces *pieces, uint32_t number, const void *bytes, size_t count);

/* Takes a string out of what is found; its number and bytes stay. */
void pieces_hide(struct pieces *pieces, uint32_t number);

static inline const uint8_t *pieces_bytes(const struct pieces *pieces, uint32_t number)
{
    return pieces->pool + pieces->piece[number].offset;
}

/* Bytes of memory that the set takes. */
size_t pieces_memory(const struct pieces *pieces);

/* Frees the set. */
void pieces_free(struct pieces *pieces);

#endif
