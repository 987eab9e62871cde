#include "engine/store.h"
#include "base/map.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

enum { PADDING_ITEMS = 16 }; /* tensors start on cache lines */

struct store {
    struct arena arena;
    uint64_t seed;
    struct range **range;
    size_t ranges, range_capacity;
};

struct init init_constant(double value)
{
    return (struct init){ INIT_CONSTANT, value, NULL };
}

struct init init_normal(double deviation)
{
    return (struct init){ INIT_NORMAL, deviation, NULL };
}

struct init init_uniform(double bound)
{
    return (struct init){ INIT_UNIFORM, bound, NULL };
}

struct init init_waves(double deviation)
{
    return (struct init){ INIT_WAVES, deviation, NULL };
}

struct store *store_new(uint64_t seed)
{
    struct store *store = memory_new(1, sizeof *store);
    if (store)
        store->seed = seed;
    return store;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < store->ranges; i++) {
        struct range *range = store->range[i];
        memory_free_aligned(range->value);
        memory_free_aligned(range->gradient);
        memory_free_aligned(range->state);
        for (int s = 0; s < SLOTS_MAX; s++)
            memory_free_aligned(range->slot[s]);
        memory_free(range->tensor);
    }
    memory_free(store->range);
    arena_free(&store->arena);
    memory_free(store);
}

struct range *store_range(struct store *store, const char *name)
{
    for (size_t i = 0; i < store->ranges; i++)
        if (strcmp(store->range[i]->name, name) == 0)
            return store->range[i];
    if (!memory_reserve((void **)&store->range, &store->range_capacity, store->ranges,
                        sizeof(struct range *)))
        return NULL;
    struct range *range = arena_new(&store->arena, 1, sizeof *range);
    char *kept = arena_text(&store->arena, "%s", name);
    if (!range || !kept)
        return NULL;
    range->name = kept;
    range->store = store;
    return store->range[store->ranges++] = range;
}

struct range *store_follower(struct store *store, const char *name, struct range *leader,
                             enum buffers buffers)
{
    struct range *follower = store_range(store, name);
    if (follower) {
        follower->leader = leader;
        follower->buffers = buffers;
    }
    return follower;
}

int64_t store_ranges(const struct store *store)
{
    return (int64_t)store->ranges;
}

struct range *store_range_at(const struct store *store, int64_t index)
{
    return store->range[index];
}

struct tensor *range_find(const struct range *range, const char *name)
{
    for (int64_t i = 0; i < range->tensors; i++)
        if (strcmp(range->tensor[i]->name, name) == 0)
            return range->tensor[i];
    return NULL;
}

status range_declare(struct range *range, const char *name, enum tensor_kind kind,
                     struct shape shape, struct init init, struct tensor **tensor)
{
    *tensor = range_find(range, name);
    if (*tensor) {
        if ((*tensor)->kind != kind || !shape_equal((*tensor)->shape, shape))
            return fail(TACIT_FAILED, "tensor %s.%s is %s, and was asked for as %s", range->name,
                        name, shape_text((*tensor)->shape), shape_text(shape));
        return TACIT_OK;
    }
    if (range->sealed)
        return fail(TACIT_FAILED, "network %s is complete: it has no tensor %s", range->name, name);
    if (shape_size(shape) < 0)
        return fail(TACIT_FAILED, "tensor %s.%s of shape %s is too large", range->name, name,
                    shape_text(shape));
    struct arena *arena = &range->store->arena;
    struct tensor *made = arena_new(arena, 1, sizeof *made);
    char *kept = arena_text(arena, "%s", name);
    if (init.twin)
        init.twin = arena_text(arena, "%s", init.twin);
    struct tensor **grown =
        memory_resize(range->tensor, (size_t)range->tensors + 1, sizeof(struct tensor *));
    if (grown)
        range->tensor = grown;
    if (!made || !kept || !grown)
        return TACIT_RESOURCES;
    *made =
        (struct tensor){ .name = kept, .range = range, .kind = kind, .shape = shape, .init = init };
    int64_t *size = kind == TENSOR_PARAMETER ? &range->size : &range->state_size;
    made->offset = *size;
    *size += (shape_size(shape) + PADDING_ITEMS - 1) / PADDING_ITEMS * PADDING_ITEMS;
    range->tensor[range->tensors++] = *tensor = made;
    return TACIT_OK;
}

static double wave(const struct tensor *tensor, int64_t item)
{
    static const double shortest = 3.14159265358979323846, ratio = 256;
    int64_t width = tensor->shape.dim[tensor->shape.rank - 1], column = item % width;
    double position = (double)(item / width);
    double angle = position * shortest * pow(ratio, -(double)(column / 2 * 2) / (double)width);
    return sqrt(2) * (column % 2 ? cos(angle) : sin(angle));
}

static void tensor_initialise(const struct tensor *tensor)
{
    struct range *range = tensor->range;
    /* A follower starts as its leader: the draw is named by the leader's range. */
    const char *owner = range->leader ? range->leader->name : range->name;
    const char *name = tensor->init.twin ? tensor->init.twin : tensor->name;
    struct random_stream stream =
        random_stream(range->store->seed, "initialise", random_hash(owner), random_hash(name));
    float *value = tensor_value(tensor);
    double scale = tensor->init.value;
    int64_t size = shape_size(tensor->shape);
    for (int64_t i = 0; i < size; i++) {
        switch (tensor->init.kind) {
        case INIT_CONSTANT:
            value[i] = (float)scale;
            break;
        case INIT_NORMAL:
            value[i] = (float)(scale * random_normal(&stream));
            break;
        case INIT_UNIFORM:
            value[i] = (float)(scale * (2 * random_double(&stream) - 1));
            break;
        case INIT_WAVES:
            value[i] = (float)(scale * wave(tensor, i));
            break;
        }
    }
}

status range_seal(struct range *range)
{
    if (range->sealed)
        return TACIT_OK;
    size_t items = (size_t)range->size, states = (size_t)range->state_size;
    range->value = memory_new_aligned(items, sizeof(float));
    range->gradient = memory_new_aligned(range->leader ? 0 : items, sizeof(float));
    range->state = memory_new_aligned(states, sizeof(float));
    if (!range->value || !range->gradient || !range->state) {
        memory_free_aligned(range->value);
        memory_free_aligned(range->gradient);
        memory_free_aligned(range->state);
        range->value = range->gradient = range->state = NULL;
        return TACIT_RESOURCES;
    }
    range->sealed = true;
    range->version = 1;
    for (int64_t i = 0; i < range->tensors; i++)
        tensor_initialise(range->tensor[i]);
    return TACIT_OK;
}

status range_slot(struct range *range, int index, float **slot)
{
    if (!range->slot[index])
        range->slot[index] = memory_new_aligned((size_t)range->size, sizeof(float));
    *slot = range->slot[index];
    return *slot ? TACIT_OK : TACIT_RESOURCES;
}

float *tensor_value(const struct tensor *tensor)
{
    float *base = tensor->kind == TENSOR_PARAMETER ? tensor->range->value : tensor->range->state;
    return base + tensor->offset;
}

float *tensor_gradient(const struct tensor *tensor)
{
    return tensor->range->gradient + tensor->offset;
}

/* A follower moves item by item: its tensors must be the leader's, in order and size. */
static status check_leader(struct range *follower)
{
    const struct range *leader = follower->leader;
    if (follower->matches)
        return TACIT_OK;
    if (!leader)
        return fail(TACIT_FAILED, "network %s follows no other", follower->name);
    if (!leader->sealed || !follower->sealed)
        return fail(TACIT_FAILED, "network %s cannot follow %s before both are in a program",
                    follower->name, leader->name);
    for (int64_t i = 0; i < leader->tensors && i < follower->tensors; i++) {
        const struct tensor *theirs = leader->tensor[i], *own = follower->tensor[i];
        if (strcmp(theirs->name, own->name) != 0 || theirs->kind != own->kind ||
            !shape_equal(theirs->shape, own->shape))
            return fail(TACIT_FAILED,
                        "network %s cannot follow %s: tensor %lld is %s %s in one, %s %s in the "
                        "other; build both alike",
                        follower->name, leader->name, (long long)i, own->name,
                        shape_text(own->shape), theirs->name, shape_text(theirs->shape));
    }
    if (leader->tensors != follower->tensors)
        return fail(
            TACIT_FAILED, "network %s has %lld tensors and cannot follow %s, which has %lld",
            follower->name, (long long)follower->tensors, leader->name, (long long)leader->tensors);
    follower->matches = true;
    return TACIT_OK;
}

status range_copy_leader(struct range *follower)
{
    TRY(check_leader(follower));
    const struct range *leader = follower->leader;
    memcpy(follower->value, leader->value, (size_t)follower->size * sizeof(float));
    if (follower->buffers != BUFFERS_OWN)
        memcpy(follower->state, leader->state, (size_t)follower->state_size * sizeof(float));
    follower->version++;
    return TACIT_OK;
}

static void average(float *follower, const float *leader, int64_t size, double momentum)
{
    float keep = (float)momentum, take = (float)(1 - momentum);
    for (int64_t i = 0; i < size; i++)
        follower[i] = keep * follower[i] + take * leader[i];
}

status range_follow(struct range *follower, double momentum)
{
    TRY(check_leader(follower));
    const struct range *leader = follower->leader;
    average(follower->value, leader->value, follower->size, momentum);
    if (follower->buffers == BUFFERS_AVERAGE)
        average(follower->state, leader->state, follower->state_size, momentum);
    else if (follower->buffers == BUFFERS_COPY)
        memcpy(follower->state, leader->state, (size_t)follower->state_size * sizeof(float));
    follower->version++;
    return TACIT_OK;
}

int64_t range_parameters(const struct range *range)
{
    int64_t count = 0;
    for (int64_t i = 0; i < range->tensors; i++)
        if (range->tensor[i]->kind == TENSOR_PARAMETER)
            count += shape_size(range->tensor[i]->shape);
    return count;
}
