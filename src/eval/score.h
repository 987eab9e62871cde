/* From predictions to a figure with its uncertainty. */
#ifndef EVAL_SCORE_H
#define EVAL_SCORE_H

#include <stdint.h>

/* One figure of the table of results. */
struct score {
    const char *subject;      /* run, pixels, untrained, labels-only … */
    const char *protocol;     /* knn, linear … */
    int64_t labels_per_class; /* 0: all */
    int draws;                /* of the labelled samples; the figures below are over them */
    double accuracy;          /* mean, from 0 to 1 */
    double sd;                /* with draws - 1; NaN for one draw */
    double low, high;         /* 95 % interval of the mean: see score_of */
};

/* Fills the figures of *score from the accuracies of `draws` >= 1 draws, each on `tested` samples.
 * The interval: of one draw Wilson's for a share of `tested` samples, of several Student's for the
 * mean over draws (the test samples taken as given). Subject, protocol, labels stay as they are. */
void score_of(const double *accuracy, int draws, int64_t tested, struct score *score);

/* The 97.5 % point of Student's distribution, within 0.2 %. */
double score_student(int degrees_of_freedom);

#endif
