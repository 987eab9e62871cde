/* Which samples are labelled, which are held out: index lists that depend on the labels, a seed and
 * a number only, so that every subject is judged on the same ones. A label of -1 is none; such
 * samples are in no list. */
#ifndef TRAIN_DRAWS_H
#define TRAIN_DRAWS_H

#include "base/status.h"

#include <stdint.h>

/* The labels of some samples. */
struct labelled {
    const int32_t *label; /* [count], in [0, classes) or -1 */
    int64_t count;        /* below 2^32 */
    int32_t classes;
    const char *const *class_name; /* [classes] for messages, or NULL */
};

/* A list of sample numbers, ascending; draw_free frees it. */
struct draw {
    int64_t *index;
    int64_t count;
};

/* Draw number `draw` (0, 1, …) of `per_class` samples of every class, all labelled samples when
 * per_class is 0. With the same seed and draw, the samples of a smaller per_class are among those
 * of a larger. TACIT_BAD_DATA: no labels, a label out of range, a class with fewer samples (named);
 * TACIT_USAGE: a negative number; TACIT_RESOURCES. */
status draw_labels(const struct labelled *samples, int64_t per_class, uint32_t draw, uint64_t seed,
                   struct draw *out);

void draw_free(struct draw *draw);

/* Splits for cross-validation: fold_of [count] gets 0 … folds - 1, or -1 for unlabelled samples.
 * Stratified: the folds hold equal shares of every class. With `group` [count] (ids of any value;
 * NULL: none) samples of one group stay together and the shares are as equal as whole groups allow
 * (largest groups first, each to the fold where it does least harm). TACIT_BAD_DATA: no labels, a
 * label out of range, a class with fewer samples than folds, fewer groups than folds; TACIT_USAGE:
 * fewer than two folds; TACIT_RESOURCES. */
status split_folds(const struct labelled *samples, const int64_t *group, int32_t folds,
                   uint64_t seed, int32_t *fold_of);

/* The samples of fold `fold`, or all labelled samples of the other folds when `others`. */
status split_list(const int32_t *fold_of, int64_t count, int32_t fold, int others,
                  struct draw *out);

#endif
