/* Features as the measures take them: plain arrays that belong to the caller. */
#ifndef EVAL_FEATURES_H
#define EVAL_FEATURES_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* value: [count, width] f32, row-major; label: [count], classes from 0 (NULL where none is needed).
 */
struct features {
    const float *value;
    const int32_t *label;
    int64_t count, width;
};

/* Checks that `features` is not empty and, if `classes` > 0, that every label is in [0, classes).
 * `what` names it in messages ("bank", "queries"). TACIT_BAD_DATA. */
status features_check(const struct features *features, const char *what, int32_t classes);

/* Number of classes that occur among the labels; count_of [classes], zeroed before, gets how often.
 * The labels have passed features_check. */
int32_t features_classes(const struct features *features, int32_t classes, int64_t *count_of);

/* Whether all labels are the same. */
bool features_one_class(const struct features *features);

/* inverse [count] = 1 / max(||row||, 1e-12), as PyTorch's normalize. TACIT_BAD_DATA, naming the
 * row, when a value is not finite or a row is longer than 1e30. */
status features_inverse_norms(const struct features *features, const char *what, float *inverse);

#endif
