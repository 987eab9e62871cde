/* Checked memory: every size is computed with overflow checks, every failure leaves a message. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed memory for `count` items of `size` bytes; NULL with a message when there is none. */
void *memory_new(size_t count, size_t size);

/* Grows or shrinks a block of memory_new; new bytes are not zeroed. On failure NULL, block intact.
 */
void *memory_resize(void *block, size_t count, size_t size);

/* Zeroed memory aligned to 64 bytes (large blocks: to 2 MiB, with huge pages advised). */
void *memory_new_aligned(size_t count, size_t size);

/* Frees a block of any of the above; NULL is allowed. */
void memory_free(void *block);
void memory_free_aligned(void *block);

/* Makes room for one more item in a growing array: `*block` holds `*capacity` items of `size`
 * bytes, `count` are used. False with a message when there is no memory; nothing is lost then. */
bool memory_reserve(void **block, size_t *capacity, size_t count, size_t size);

/* a * b into *product; false on overflow. */
bool size_multiply(size_t a, size_t b, size_t *product);

/* Tests only: the n-th allocation from now fails (n = 1 is the next); 0 switches this off. */
void memory_fail_at(int64_t n);

/* Number of allocations this process has made so far (all threads). */
int64_t memory_allocations(void);

/* An arena hands out zeroed pieces of chunks and frees them all at once. */
struct arena {
    struct arena_chunk *chunk;
};

void *arena_new(struct arena *arena, size_t count, size_t size);
char *arena_text(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *arena);

#endif
