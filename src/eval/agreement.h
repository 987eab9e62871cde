/* How well predictions agree with the truth: of classes, and of numbers. */
#ifndef EVAL_AGREEMENT_H
#define EVAL_AGREEMENT_H

#include "base/status.h"

#include <stdint.h>

/* Of classes in [0, classes). Precision, recall and F1 of a class are 0 where nothing was predicted
 * or there was none; the macro mean is over the classes that are in the truth or were predicted, as
 * scikit-learn's. */
struct class_agreement {
    int64_t count, right;
    double accuracy, macro_f1;
    double balanced; /* mean recall of the classes that are in the truth */
};
status class_agreement(const int32_t *truth, const int32_t *predicted, int64_t count,
                       int32_t classes, struct class_agreement *out);

/* F1 of one class: 2 hits / (in the truth + predicted), 0 where both are 0. */
double class_f1(const int32_t *truth, const int32_t *predicted, int64_t count, int32_t class);

/* Of numbers, all finite. Pearson's correlation; Spearman's: Pearson's of the ranks, where ties
 * share their mean rank. NaN for fewer than two, or where one side is constant. */
double pearson(const double *x, const double *y, int64_t count);
status spearman(const double *x, const double *y, int64_t count, double *out);

#endif
