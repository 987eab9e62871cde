/* What labels decide about a training: which of few labelled samples, and numbers as targets. */
#ifndef TRAIN_LABELLED_H
#define TRAIN_LABELLED_H

#include "train/setup.h"

/* Leaves labels_per_class= samples of every class in index[]. TACIT_USAGE: a method without
 * classes; TACIT_BAD_DATA: a class has fewer (named). */
status labelled_draw(struct setup *setup);

/* Of methods with numbers: rows get a last field "number", in standard deviations from the mean of
 * the training samples, which the method keeps. TACIT_BAD_DATA: all are the same. */
status labelled_number(struct setup *setup, const struct audience *audience);

#endif
