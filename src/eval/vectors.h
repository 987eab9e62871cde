/* Nearest neighbours of a few queries: one pass over the bank, divided among all cores, in which
 * norms and products are taken together, so that a mapped bank is read from memory once. */
#ifndef EVAL_VECTORS_H
#define EVAL_VECTORS_H

#include "eval/features.h"

/* As knn_search, which calls it for up to VECTORS_FEW queries; the arguments have been checked.
 * `products`: as knn_products. */
enum { VECTORS_FEW = 256 };
status vectors_search(const struct features *bank, const struct features *queries, int64_t k,
                      bool products, uint32_t *index, float *cosine);

#endif
