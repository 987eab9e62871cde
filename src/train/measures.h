/* How good embeddings look without any label: the training watch and the evaluation share these.
 * Everything is computed in double. */
#ifndef TRAIN_MEASURES_H
#define TRAIN_MEASURES_H

#include "base/status.h"

#include <stdint.h>

/* What a batch of embeddings comes to. */
struct measures {
    double deviation; /* mean over dimensions of the standard deviation of z / ||z||; collapse: 0 */
    double ideal;     /* 1 / sqrt(width), what isotropic embeddings come to */
    double rank;      /* RankMe: effective number of dimensions, from 1 to the width */
    double alignment; /* mean ||x - y||^2 of positive pairs; collapse: 0, independent: 2 */
    double uniformity; /* ln of the mean of exp(-2 ||x - y||^2); collapse: 0, uniform: to -4 */
    double cosine;     /* mean cosine of distinct samples; collapse: 1 */
    double validation; /* the method's loss on what is kept out of training; NaN: nothing is */
};

/* Fills *out from the embeddings of `count` >= 2 samples, [count, width] f32; `other` is a second
 * view of the same samples, or NULL, and then alignment is NaN. Rows need not be unit vectors: all
 * but RankMe look at z / max(||z||, 1e-12). TACIT_BAD_DATA: fewer than two samples; TACIT_NUMERIC:
 * a value that is not finite; TACIT_RESOURCES: no memory. */
status measures_take(const float *embedding, const float *other, int64_t count, int64_t width,
                     struct measures *out);

/* The single measures, with the same arguments and errors. */

/* Standard deviation with count - 1, as lightly's std_of_l2_normalized. */
status measure_deviation(const float *embedding, int64_t count, int64_t width, double *out);

/* RankMe (Garrido et al. 2023, arXiv:2210.02885): exp of the entropy of p_k = s_k / sum s + 1e-7,
 * s the singular values of Z, not centred, not normalised. 1 for Z = 0. */
status measure_rank(const float *embedding, int64_t count, int64_t width, double *out);

/* Alignment and uniformity (Wang & Isola 2020, arXiv:2005.10242), exponent 2 and scale 2;
 * uniformity over distinct unordered pairs. */
status measure_alignment(const float *embedding, const float *other, int64_t count, int64_t width,
                         double *out);
status measure_uniformity(const float *embedding, int64_t count, int64_t width, double *out);

/* Mean cosine over ordered pairs of distinct samples. */
status measure_cosine(const float *embedding, int64_t count, int64_t width, double *out);

/* Eigenvalues of the symmetric `matrix` [size, size], ascending, into value [size]; the matrix is
 * destroyed. TACIT_NUMERIC: not finite, or no convergence. */
status measure_eigenvalues(double *matrix, int64_t size, double *value);

#endif
