/* Reverse-mode differentiation as a transformation of the graph. */
#ifndef ENGINE_DIFFERENTIATE_H
#define ENGINE_DIFFERENTIATE_H

#include "engine/graph.h"

/* Emits the gradient of the scalar `loss` with respect to every parameter of the ranges, added into
 * their gradient arenas when the program runs. Only paths that reach such a parameter are built. */
void differentiate(val loss, int ranges, struct range *const trained[]);

/* The gradients of `loss` (or, with a weight, of sum(loss * weight)) with respect to any values;
 * none where the loss does not depend on it. */
void gradients_of(val loss, val weight, int count, const val with_respect_to[], val gradient[]);

#endif
