/* The method's loss on samples that are kept out of training, with running statistics and without
 * dropout: what it has learned beyond what it has seen. */
#ifndef TRAIN_VALIDATION_H
#define TRAIN_VALIDATION_H

#include "train/session.h"

struct validation;

struct validation_options {
    struct method method;
    const struct field *field; /* [fields] of a batch */
    int fields;
    loader_make *make; /* makes rows 0 … rows - 1 */
    void *argument;
    size_t scratch_bytes;
    size_t rows, most; /* that there are; of them so many are looked at, evenly spaced */
    int64_t batch;
    uint64_t seed;
    struct target target;
};

/* Compiles the network and makes the rows. Free with validation_free. */
status validation_new(const struct validation_options *options, struct store *store,
                      struct validation **validation);
void validation_free(struct validation *validation);

/* The loss of all the rows as one batch: batch size and order do not matter. */
status validation_take(struct validation *validation, double *loss);

#endif
