/* What a step leaves in metrics.jsonl and the event file, and a batch that broke one. */
#ifndef TRAIN_METRICS_H
#define TRAIN_METRICS_H

#include "train/fit.h"

/* A step in numbers; times in seconds. */
struct step_times {
    double wait, step; /* for data; forward to update */
    double samples_per_second, loss, rate, norm;
};

/* Adds the line of the step that was just done, with the watch values when `watched` and what it
 * came to on held-out samples, unless now->step is negative. */
status metrics_line(struct fit *fit, const struct step_times *times, bool watched,
                    const struct selected *now);

/* Saves the views, numbers and labels of a batch. TACIT_RESOURCES. */
status metrics_save_batch(const char *path, const struct batch *batch, const struct setup *setup);

#endif
