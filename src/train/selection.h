/* The best of a training with labels: judged on the samples that holdout= keeps out, whenever a
 * checkpoint is due; the model that is kept is the best one. */
#ifndef TRAIN_SELECTION_H
#define TRAIN_SELECTION_H

#include "train/run.h"
#include "train/setup.h"

/* How good it was at a step. */
struct selected {
    int64_t step;    /* -1: never judged */
    double loss;     /* mean: cross-entropy, or squared error in the units of the numbers */
    double accuracy; /* share of right classes; NaN: of numbers there is none */
};

struct selection;

/* Compiles the network for evaluation and finds the best so far in the run's folder. *selection is
 * NULL where there is nothing to judge on: no labels, or nothing held out. */
status selection_new(struct setup *setup, struct store *store, const struct run *run,
                     struct selection **selection);
void selection_free(struct selection *selection);

/* Judges; a new best is stored in checkpoints/best.safetensors. *now tells what it came to. */
status selection_take(struct selection *selection, int64_t step, struct selected *now);

/* The best so far. */
const struct selected *selection_best(const struct selection *selection);

/* Makes the best one the run's model.safetensors. */
status selection_export(const struct selection *selection, const char *path);

#endif
