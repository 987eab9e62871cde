/* How samples of either kind become rows of a batch for evaluation: pictures as the pipeline "eval"
 * shows them, texts in their frames. */
#ifndef TRAIN_FEED_H
#define TRAIN_FEED_H

#include "train/texts.h"
#include "train/views.h"

struct feed {
    struct field field[FIELDS_MAX];
    int fields;
    loader_make *make; /* its argument is the feed; samples are those of the source */
    size_t scratch_bytes;
    struct source *source;
    struct input_shape input;
    struct views views; /* of pictures */
};

/* The fields that a network reads of such an input: "view0", or "tokens", "groups", "segments" and
 * "positions". Returns how many. */
int feed_fields(const struct input_shape *input, struct field field[]);

/* TACIT_USAGE: the source holds samples of another kind; TACIT_RESOURCES. Free with feed_free, also
 * on failure. */
status feed_new(const struct input_shape *input, struct source *source, struct feed *feed);
void feed_free(struct feed *feed);

#endif
