/* The labelled samples that an evaluation works on, and the trials made of them: each trial learns
 * from some and is judged on others. All subjects get the same trials. */
#ifndef EVAL_POOL_H
#define EVAL_POOL_H

#include "data/source.h"
#include "train/draws.h"

/* Row i of all features belongs to sample index[i]. Where the source has a part test (with labels,
 * as its part train), rows first_test … count - 1 are it; otherwise the rows are cut into folds. */
struct pool {
    uint32_t *index; /* [count] sample numbers of the source */
    int32_t *label;  /* [count] */
    int64_t *group;  /* [count] ids of groups, or NULL */
    int32_t *fold;   /* [count], or NULL: there is a part test */
    int64_t count, first_test;
    int32_t folds, classes;
    const char *const *class_name; /* the source's */
};

/* The labelled samples of a source: part train, then part test; or all of them, in order.
 * TACIT_USAGE: it has no labels, with what to say to give some; TACIT_BAD_DATA: labels of one class
 * only; TACIT_RESOURCES. Free with pool_free, also on failure. */
status pool_new(const struct source *source, struct pool *pool);
void pool_free(struct pool *pool);

/* Whether every trial finds so many labels of every class to learn from (0: all there are), before
 * any picture is read. TACIT_USAGE: no, with the classes that have fewer; TACIT_BAD_DATA: the
 * samples cannot be cut into folds; TACIT_RESOURCES. */
status pool_offers(const struct pool *pool, int64_t per_class, int32_t folds, uint64_t seed);

/* Leaves only the samples kept[0 … count - 1], a part of index[] in its order, and cuts them into
 * folds where there is no part test. TACIT_BAD_DATA: too few are left. */
status pool_settle(struct pool *pool, const uint32_t *kept, size_t count, int32_t folds,
                   uint64_t seed);

/* How many trials there are with so many labels a class (0: all). */
int pool_trials(const struct pool *pool, int64_t per_class, int draws);

/* Rows to learn from and to be judged on in trial number `trial`; draw_free frees both. With folds,
 * trial t is judged on fold t modulo folds. TACIT_BAD_DATA: a class has too few samples, named;
 * TACIT_RESOURCES. */
status pool_trial(const struct pool *pool, int64_t per_class, int trial, uint64_t seed,
                  struct draw *learn, struct draw *judge);

/* All rows that trial `trial` may learn from; draw_free frees them. TACIT_RESOURCES. */
status pool_side(const struct pool *pool, int trial, struct draw *side);

#endif
