#include "text/encoder.h"
#include "base/memory.h"

#include <stdatomic.h>

enum { POOLED = 64 };

struct encoder_pool {
    _Atomic(struct encoder *) idle[POOLED];
};

struct encoder_pool *encoder_pool_new(void)
{
    return memory_new(1, sizeof(struct encoder_pool));
}

static void encoder_free(struct encoder *encoder)
{
    if (!encoder)
        return;
    memory_free_aligned(encoder->entry);
    memory_free(encoder->work);
    text_free(&encoder->words);
    memory_free(encoder);
}

void encoder_pool_free(struct encoder_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < POOLED; i++)
        encoder_free(atomic_load(&pool->idle[i]));
    memory_free(pool);
}

struct encoder *encoder_take(struct encoder_pool *pool)
{
    for (size_t i = 0; i < POOLED; i++) {
        if (!atomic_load_explicit(&pool->idle[i], memory_order_relaxed))
            continue;
        struct encoder *encoder = atomic_exchange(&pool->idle[i], NULL);
        if (encoder)
            return encoder;
    }
    struct encoder *encoder = memory_new(1, sizeof *encoder);
    if (encoder)
        encoder->entry = memory_new_aligned((size_t)1 << CACHE_BITS, sizeof *encoder->entry);
    if (encoder && encoder->entry)
        return encoder;
    encoder_free(encoder);
    return NULL;
}

void encoder_give(struct encoder_pool *pool, struct encoder *encoder)
{
    for (size_t i = 0; i < POOLED; i++) {
        struct encoder *none = NULL;
        if (atomic_compare_exchange_strong(&pool->idle[i], &none, encoder))
            return;
    }
    encoder_free(encoder);
}

uint32_t *encoder_work(struct encoder *encoder, size_t count)
{
    if (count <= encoder->work_room)
        return encoder->work;
    uint32_t *work = memory_resize(encoder->work, count, sizeof *work);
    if (!work)
        return NULL;
    encoder->work = work;
    encoder->work_room = count;
    return work;
}
