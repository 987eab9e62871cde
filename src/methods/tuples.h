/* What methods on texts that belong together share: fields, embeddings, rows of options. */
#ifndef METHODS_TUPLES_H
#define METHODS_TUPLES_H

#include "methods/methods.h"

enum { SIDES_MAX = 3 };

/* The fields tokens, groups of the first text, tokens1, groups1 of the second, … */
int tuple_fields(const struct method *m, int sides, struct field field[]);

void tuple_request(const struct method *m, int sides, struct text_request *request);

/* All sides one after another as one batch of texts, [sides N, T]. */
struct text_input tuple_stack(const val view[], int sides);

/* Stacked embeddings [sides N, D] to z[0] [N, D], the first side, and z[1] [N, (sides - 1) D], the
 * others beside one another: rows of a sample stay together. tuple_candidates stacks those of z[1]
 * again: [(sides - 1) N, D], all second sides first. */
void tuple_split(val stacked, int sides, val z[2]);
val tuple_candidates(const val z[2]);

#endif
