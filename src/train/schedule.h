/* Learning rates by step: rows of a table of shapes, and two ways to warm up. */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

#include <stdint.h>

/* A shape falls from 1 at progress 0 to 0 at progress 1 (or stays). */
struct schedule_type {
    const char *name, *doc;
    double (*shape)(double progress);
};

extern const struct schedule_type all_schedules[]; /* ends with a row without a name */

/* The row of this name, NULL if there is none. */
const struct schedule_type *schedule_find(const char *name);

/* How the first steps differ. multiply: the shape runs from step 0 on, times
 * min(1, (step + 1) / warmup). sequential: base * step / warmup at first, then the shape over the
 * steps that are left; stepwise, as nanoGPT: base * (step + 1) / (warmup + 1), then the same.
 * replace, as BERT: base * step / warmup at first, then the shape as it would be without a warm-up,
 * so that it goes on from base (1 - warmup / steps) where it is linear. */
enum warmup_form { WARMUP_MULTIPLY, WARMUP_SEQUENTIAL, WARMUP_STEPWISE, WARMUP_REPLACE };

struct schedule {
    const struct schedule_type *type;
    enum warmup_form form;
    double base, end; /* rates: end + (base - end) * shape */
    int64_t steps, warmup;
};

/* The rate of `step`, from 0. */
double schedule_rate(const struct schedule *schedule, int64_t step);

/* Momentum of a moving average that goes from `first` to 1 along a cosine (Grill et al. 2020,
 * arXiv:2006.07733): 1 - (1 - first) (cos(pi progress) + 1) / 2. */
double schedule_momentum(double first, double progress);

#endif
