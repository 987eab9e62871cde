/* Inside tacit_predict: what was predicted, and how it is written. */
#ifndef EVAL_PREDICT_H
#define EVAL_PREDICT_H

#include "base/text.h"
#include "data/source.h"

struct predictions {
    const struct source *source;
    const uint32_t *kept; /* [count] sample numbers */
    size_t count;
    int32_t classes;               /* of the model; 0: numbers */
    const char *const *class_name; /* [classes] */
    const float *value;            /* [count, classes] probabilities, or [count] numbers */
    const int32_t *best;           /* [count] the most probable class */
    const int32_t *truth; /* [count] of the model's classes, -1: unknown; NULL: no labels */
    const double *target; /* of the source's samples, as source->target; NULL: none */
};

/* A form in which rows are written; `row` counts up to predictions->count. */
struct prediction_form {
    const char *ending;                                           /* of file names */
    void (*head)(const struct predictions *p, struct text *text); /* NULL: no head */
    void (*row)(const struct predictions *p, size_t row, struct text *text);
};

/* The form for a path: by its ending; "-": .csv, or .jsonl if `json`. NULL: none has this ending.
 */
const struct prediction_form *prediction_form(const char *out, bool json);

/* Writes a head and all rows to a file, or to standard output ("-"). TACIT_RESOURCES. */
status predictions_write(const struct predictions *p, const struct prediction_form *form,
                         const char *out);

#endif
