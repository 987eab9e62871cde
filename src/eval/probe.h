/* The linear probe: multinomial logistic regression on (unless `plain`) standardised features,
 * (x - mean) / (sd + 1e-6) with mean and sd of the bank or, since these need no labels, of more
 * rows. It minimises P(W, b) = sum_i loss_i / n + p ||W||^2 / (2 C n), the objective of
 * scikit-learn's LogisticRegression(C) divided by C n: loss is the cross-entropy of softmax(W x +
 * b), the intercept b is not penalised, p is 1, and 2 for two classes, where scikit-learn fits one
 * vector w = W_1 - W_0 with ||w||^2 = 2 ||W||^2. Solved by L-BFGS from W = 0; done when no element
 * of the gradient exceeds the tolerance. */
#ifndef EVAL_PROBE_H
#define EVAL_PROBE_H

#include "eval/features.h"

#include <stdbool.h>
#include <stdint.h>

struct probe_settings {
    double c;         /* C, the inverse strength of the penalty; > 0 */
    double tolerance; /* of the largest element of the gradient; >= 0 */
    int iterations;   /* at most, >= 1 */
    /* Rows, of the bank's width, whose mean and deviation standardise: with few labels those of all
     * training features, labelled or not, are surer. NULL: the bank. Labels are not read. */
    const struct features *reference;
    bool plain; /* features are taken as they are, not standardised: `reference` says nothing */
    /* Called after every iteration with its number from 1, the objective and the largest element of
     * the gradient; may be NULL. False stops the training (TACIT_STOPPED). */
    bool (*progress)(void *argument, int iteration, double objective, double gradient);
    void *argument;
};

/* C 1, tolerance 1e-4, 300 iterations. */
extern const struct probe_settings probe_defaults;

/* A trained probe. */
struct probe;

/* What the training came to. */
struct probe_outcome {
    int iterations;
    double objective, gradient; /* P and its largest element of the gradient, at the end */
    bool converged;             /* false: stopped by `iterations` or by rounding */
};

/* Trains on `bank`, labels in [0, classes); classes that do not occur are never predicted. The
 * caller frees *probe; `outcome` may be NULL. TACIT_BAD_DATA: empty, labels out of range, fewer
 * than two classes, not finite; TACIT_USAGE: settings; TACIT_RESOURCES; TACIT_STOPPED. */
status probe_train(const struct features *bank, int32_t classes,
                   const struct probe_settings *settings, struct probe **probe,
                   struct probe_outcome *outcome);

/* predicted: [queries], of equally likely classes the lowest. TACIT_BAD_DATA: empty, another width.
 */
status probe_predict(const struct probe *probe, const struct features *queries, int32_t *predicted);

/* NULL is allowed. */
void probe_free(struct probe *probe);

/* P and its gradient [classes, width + 1] at the parameters of the same layout, W row by row, each
 * followed by its b. `standard` is taken as it is, all labels are in [0, classes). For the tests;
 * errors: TACIT_RESOURCES. */
status probe_objective(const struct features *standard, int32_t classes, double c,
                       const double *parameters, double *objective, double *gradient);

#endif
