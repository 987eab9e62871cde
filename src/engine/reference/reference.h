/* Runs any graph in double precision, slowly and plainly: the oracle of all tests. */
#ifndef ENGINE_REFERENCE_H
#define ENGINE_REFERENCE_H

#include "engine/graph.h"

struct reference;

/* One double array per value of the graph; parameters and states start from the store (whose
 * ranges are sealed by this), inputs and knobs at zero. Free with reference_free. */
status reference_new(struct graph *graph, uint64_t seed, struct reference **reference);
void reference_free(struct reference *reference);

/* The array of a value (row-major); the host fills inputs and knobs, may change parameters. */
double *reference_value(struct reference *reference, val v);

/* As program_rows: which rows of a batch the next runs are about. */
void reference_rows(struct reference *reference, int64_t first, int64_t count, int64_t total);

/* Computes every node in program order; reads no store. */
status reference_run(struct reference *reference, uint64_t step);

/* Gradient that the last run added for this tensor (the sum over all losses that train it), NULL
 * when the graph trains it not. */
const double *reference_gradient(const struct reference *reference, const struct tensor *tensor);

/* Latest value of a state after the last run, NULL when the graph does not use it. */
const double *reference_state(const struct reference *reference, const struct tensor *tensor);

#endif
