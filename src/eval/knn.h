/* Weighted nearest neighbours (Wu et al. 2018, arXiv:1805.01978): among the k training samples with
 * the largest cosine s to a query, class c collects sum exp(s / T) over its members. Exact, in f32.
 */
#ifndef EVAL_KNN_H
#define EVAL_KNN_H

#include "eval/features.h"

#include <stdint.h>

struct knn_settings {
    int64_t k;          /* neighbours; at most the size of the bank */
    double temperature; /* > 0; towards 0: the nearest neighbour; infinity: majority */
};

/* k 200 and T .1, as MoCo's demonstration and lightly. */
extern const struct knn_settings knn_defaults;

/* The k rows of `bank` with the largest cosines to each query, best first; of equal ones the lowest
 * index. index, cosine: [queries, k], written (cosine may be NULL). Labels are not read.
 * TACIT_USAGE: k out of range; TACIT_BAD_DATA: empty or not finite, widths differ. */
status knn_search(const struct features *bank, const struct features *queries, int64_t k,
                  uint32_t *index, float *cosine);

/* The same by the products of the vectors as they are, however long. */
status knn_products(const struct features *bank, const struct features *queries, int64_t k,
                    uint32_t *index, float *product);

/* predicted: [queries], the class with the largest vote; of equal ones the lowest. Labels of the
 * bank are in [0, classes); those of the queries are not read. Errors as knn_search, and
 * TACIT_BAD_DATA when the bank has fewer than two classes. */
status knn_classify(const struct features *bank, const struct features *queries, int32_t classes,
                    const struct knn_settings *settings, int32_t *predicted);

#endif
