#include "base/memory.h"
#include "base/status.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE_BYTES = 64, HUGE_BYTES = 2 << 20, CHUNK_BYTES = 64 << 10 };

static atomic_llong allocations, failing_allocation;

bool size_multiply(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

void memory_fail_at(int64_t n)
{
    atomic_store(&failing_allocation, n > 0 ? atomic_load(&allocations) + n : 0);
}

int64_t memory_allocations(void)
{
    return atomic_load(&allocations);
}

/* Counts an allocation of count * size bytes; false (with a message) if it must not happen. */
static bool allocation_begin(size_t count, size_t size, size_t *bytes)
{
    if (!size_multiply(count, size, bytes) || *bytes > SIZE_MAX / 2) {
        fail(TACIT_RESOURCES, "a size of %zu items of %zu bytes is too large", count, size);
        return false;
    }
    if (atomic_fetch_add(&allocations, 1) + 1 == atomic_load(&failing_allocation)) {
        fail(TACIT_RESOURCES, "out of memory: %zu bytes are not to be had", *bytes);
        return false;
    }
    return true;
}

static void *allocation_end(void *block, size_t bytes)
{
    if (!block)
        fail(TACIT_RESOURCES, "out of memory: %zu bytes are not to be had", bytes);
    return block;
}

void *memory_new(size_t count, size_t size)
{
    size_t bytes;
    if (!allocation_begin(count, size, &bytes))
        return NULL;
    return allocation_end(calloc(1, bytes ? bytes : 1), bytes);
}

void *memory_resize(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (!allocation_begin(count, size, &bytes))
        return NULL;
    return allocation_end(realloc(block, bytes ? bytes : 1), bytes);
}

void *memory_new_aligned(size_t count, size_t size)
{
    size_t bytes;
    if (!allocation_begin(count, size, &bytes))
        return NULL;
    size_t alignment = bytes >= HUGE_BYTES ? HUGE_BYTES : LINE_BYTES;
    size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void *block = aligned_alloc(alignment, rounded ? rounded : alignment);
    if (!allocation_end(block, bytes))
        return NULL;
    if (alignment != HUGE_BYTES) {
        memset(block, 0, rounded ? rounded : alignment);
        return block;
    }
    madvise(block, rounded, MADV_HUGEPAGE); /* a hint: failing is harmless */
    /* Whole anonymous pages that are given back read as zero, and cost nothing until used. */
    if (madvise(block, rounded, MADV_DONTNEED) != 0)
        memset(block, 0, rounded);
    return block;
}

void memory_free(void *block)
{
    free(block);
}

void memory_free_aligned(void *block)
{
    free(block);
}

bool memory_reserve(void **block, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return true;
    size_t wanted = *capacity ? *capacity * 2 : 16;
    void *grown = memory_resize(*block, wanted, size);
    if (!grown)
        return false;
    *block = grown;
    *capacity = wanted;
    return true;
}

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    _Alignas(LINE_BYTES) unsigned char bytes[];
};

void *arena_new(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (!size_multiply(count, size, &bytes) || bytes > SIZE_MAX / 4)
        return memory_new(count, size); /* fails, with the message */
    bytes = (bytes + 15) & ~(size_t)15;
    if (!arena->chunk || arena->chunk->size - arena->chunk->used < bytes) {
        size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        struct arena_chunk *chunk = memory_new_aligned(1, sizeof *chunk + room);
        if (!chunk)
            return NULL;
        chunk->size = room;
        chunk->next = arena->chunk;
        arena->chunk = chunk;
    }
    void *piece = arena->chunk->bytes + arena->chunk->used;
    arena->chunk->used += bytes;
    return piece;
}

char *arena_text(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : arena_new(arena, (size_t)length + 1, 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void arena_free(struct arena *arena)
{
    while (arena->chunk) {
        struct arena_chunk *next = arena->chunk->next;
        memory_free_aligned(arena->chunk);
        arena->chunk = next;
    }
}
