/* The best k of a stream of scores, with one reading of each score. */
#ifndef EVAL_NEAREST_H
#define EVAL_NEAREST_H

#include <stdint.h>

/* A candidate is one integer whose order is: larger score first, then lower index. */
struct nearest {
    uint64_t *candidate; /* [nearest_capacity(k)] */
    int64_t count, capacity, k;
    float threshold; /* later scores have to be above it */
};

/* How many candidates a collector of the best k needs room for. */
int64_t nearest_capacity(int64_t k);

/* An empty collector of the best k over the caller's memory. */
struct nearest nearest_begin(uint64_t *candidate, int64_t k);

/* Offers `count` scores, score[i] * scale[i], of the indices first, first + 1, … Indices have to
 * come in ascending order, since equal scores go to the lowest index. Scores are not NaN. */
void nearest_offer(struct nearest *nearest, const float *score, const float *scale, int64_t count,
                   uint32_t first);

/* Sorts the best k (or all, if fewer were offered) to the front of `candidate`, best first. */
void nearest_finish(struct nearest *nearest);

/* Index and score of a candidate. */
uint32_t nearest_index(uint64_t candidate);
float nearest_score(uint64_t candidate);

#endif
