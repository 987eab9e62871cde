/* What a model takes: pictures of one size, or texts in the ids of one tokenizer. */
#ifndef TRAIN_INPUT_H
#define TRAIN_INPUT_H

#include "data/field.h"
#include "text/tokenizer.h"

struct input_shape {
    enum sample_kind kind;
    /* Pictures [channels, size, size], (pixel / 255 - mean) / std. */
    int channels, size;
    double mean[3], std[3];
    /* Texts of up to `window` tokens; the tokenizer is borrowed. */
    const struct tokenizer *tokenizer;
    int64_t window;
    int texts; /* of a sample that a head has learned from: 1, or more of pairs; 0: unknown */
};

#endif
