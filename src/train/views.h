/* Between source, augmentation and network: how the loader makes views, in training and for
 * evaluation, and the input that a model expects. */
#ifndef TRAIN_VIEWS_H
#define TRAIN_VIEWS_H

#include "augment/augment.h"
#include "data/loader.h"
#include "train/input.h"

#include <stdatomic.h>

/* The argument of views_make. */
struct views {
    struct source *source;
    struct augment_plan *plan;
    struct input_shape input;
    int count; /* views of a picture */
    size_t scratch_bytes;
    _Atomic uint64_t *hash; /* [samples of the source] of the pixels seen, 0: not yet; or NULL */
};

/* Makes views by these settings (whose mean and std are replaced by the input's). `largest`: side
 * of the largest picture that scratch memory is made for at once; others take memory of their own.
 * TACIT_USAGE, TACIT_RESOURCES. Free with views_free. */
status views_new(const struct augment_settings *settings, const struct input_shape *input,
                 struct source *source, struct views *views);
void views_free(struct views *views);

/* The fields "view0" … [channels, size, size] of this many views. Returns how many. */
int views_fields(const struct input_shape *input, int views, struct field field[]);

/* A loader_make; `argument` is a struct views. */
loader_make views_make;

/* The content of a picture as a number that is never 0: the same for the same pixels, whatever file
 * they came from. */
uint64_t views_hash(const struct image *image);

/* Mean and standard deviation of the pictures, from at most 1,000 of them, evenly spaced. Constant
 * pictures get a deviation of 1. */
status views_statistics(struct source *source, const uint32_t *index, size_t count, double mean[3],
                        double std[3]);

#endif
