/* Batches made ahead of the step, by threads of their own that never enter the compute team. What
 * a batch holds depends on (seed, epoch, position) only, never on the number of threads. */
#ifndef DATA_LOADER_H
#define DATA_LOADER_H

#include "data/field.h"
#include "data/source.h"

/* Which sample a row is made of: `wanted` by the order of the epoch, `used` in its place if it
 * could not be read. Random numbers are named by (seed, epoch, wanted). */
struct turn {
    uint64_t seed, epoch;
    uint32_t wanted, used;
};

/* Makes one row: every field's part of it into row[field]. `scratch` is the calling thread's own.
 * Called by several threads at once. TACIT_BAD_DATA: the sample cannot be read. */
typedef status loader_make(void *argument, const struct turn *turn, void *const row[],
                           void *scratch);

/* Values of `threads`. */
enum {
    LOADER_CALLER = 0, /* loader_next prepares the batch itself */
    LOADER_TEAM = -1   /* loader_next prepares it on the compute team (base/parallel.h) */
};

struct loader_options {
    struct source *source;
    const uint32_t *index; /* [count] the samples to draw from; copied */
    size_t count;
    const uint32_t *length; /* [count] as of struct order, or NULL; copied */
    bool sequential; /* in the order of `index`, once, the last batch short: for evaluation */
    int batch;
    const struct field *field; /* [fields] what a row holds; copied */
    int fields;
    int threads; /* > 0: that many, or one of the above */
    int depth;   /* batches prepared ahead, at least 1 (0: 2) */
    uint64_t seed;
    loader_make *make;
    void *argument;
    size_t scratch_bytes; /* a thread */
};

struct batch {
    int count;               /* samples */
    void *field[FIELDS_MAX]; /* [fields] of [count, item] */
    const uint32_t *index;   /* [count] numbers in the source */
    const int32_t *label;    /* [count], -1: unlabelled */
    uint64_t epoch, number;  /* number: within the epoch, from 0 */
    double wait_seconds;     /* how long loader_next waited for it */
};

struct loader;

/* Starts the threads at epoch 0, batch 0. An epoch is a random permutation of `index`, that of
 * order_epoch; the samples after the last whole batch are dropped. A sample found unreadable
 * is replaced by another, drawn by its number, while source_health allows; if sequential, its row
 * is left out (count is smaller). TACIT_USAGE: a batch larger than the data, wrong options;
 * TACIT_RESOURCES. The source must outlive the loader; it may be NULL where rows
 * are no samples of a source (nothing is replaced then, and no row has a label). */
status loader_new(const struct loader_options *options, struct loader **loader);

/* Stops the threads and frees everything. */
void loader_free(struct loader *loader);

/* The next batch, in order; it stays valid until loader_release. NULL after the last one of a
 * sequential loader. An error of a thread is returned here, with its message, and again by every
 * later call until loader_seek. */
status loader_next(struct loader *loader, const struct batch **batch);

/* Gives the oldest batch taken back, so that its memory is filled again. */
void loader_release(struct loader *loader);

/* Goes on at that batch of that epoch; batches taken are given back. TACIT_USAGE if an epoch has
 * no such batch. */
status loader_seek(struct loader *loader, uint64_t epoch, uint64_t number);

/* Batches in an epoch. */
uint64_t loader_batches(const struct loader *loader);

#endif
