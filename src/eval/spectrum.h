/* The spectrum of a representation: eigenvalues of its centred covariance and what they say. The
 * other label-free measures are in train/measures.h. */
#ifndef EVAL_SPECTRUM_H
#define EVAL_SPECTRUM_H

#include "eval/features.h"

#include <stdint.h>

/* Eigenvalues of the covariance (divisor count - 1) of at least two samples, descending, into
 * value [width]. Labels are not read. TACIT_BAD_DATA: fewer than two samples; TACIT_NUMERIC: a
 * value that is not finite; TACIT_RESOURCES: no memory. */
status spectrum_of(const struct features *features, double *value);

/* alpha-ReQ (Agrawal et al. 2022): minus the slope of ln value[i] on ln i over the ranks first …
 * last (from 1, inclusive), weighted by 1 / i. About 1 is good, above it decays fast (towards
 * collapse), below it is flat. TACIT_USAGE: fewer than two ranks, or beyond count; TACIT_NUMERIC:
 * an eigenvalue that is not positive. */
status spectrum_decay(const double *value, int64_t count, int64_t first, int64_t last,
                      double *alpha);

/* (sum value)^2 / sum value^2: from 1 to count; 1 when all are zero. */
double spectrum_participation(const double *value, int64_t count);

#endif
