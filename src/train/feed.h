/* How samples of either kind become rows of a batch for evaluation. */
#ifndef TRAIN_FEED_H
#define TRAIN_FEED_H

#include "train/texts.h"
#include "train/views.h"

/* Fields of texts. */
enum { FEED_TOKENS, FEED_GROUPS, FEED_SEGMENTS, FEED_TEXT_FIELDS };

/* Pictures, as the pipeline "eval" shows them. */
struct feed {
    struct field field[FIELDS_MAX];
    int fields;
    loader_make *make; /* its argument is the feed; samples are those of the source */
    size_t scratch_bytes;
    struct source *source;
    struct input_shape input;
    struct views views;
};

/* The fields that a network reads of such an input: "view0", or "tokens", "groups" (0:
 * padding) and "segments". Returns how many. */
int feed_fields(const struct input_shape *input, struct field field[]);

/* TACIT_USAGE: the source holds no pictures; TACIT_RESOURCES. Free with feed_free, also
 * on failure. */
status feed_new(const struct input_shape *input, struct source *source, struct feed *feed);
void feed_free(struct feed *feed);

#endif
