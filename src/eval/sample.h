/* The next token from the scores of all tokens. */
#ifndef EVAL_SAMPLE_H
#define EVAL_SAMPLE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Applied in this order; then a draw from the softmax of what is left. */
struct sampling {
    double repetition_penalty; /* of tokens seen: a positive logit is divided by it, a negative one
                                * multiplied (Keskar et al. 2019, arXiv:1909.05858); 1: none */
    double temperature; /* logits are divided by it; 0: the largest one, ties to the least id,
                         * and nothing below matters */
    int64_t top_k;      /* logits below the k-th largest go; ties keep more than k; 0: all stay */
    double top_p;       /* of the likeliest first, those stay that reach this probability
                         * together, the one that crosses it included (as Hugging Face's; Holtzman
                         * et al. 2019, arXiv:1904.09751); 1: all */
};

struct candidate {
    uint32_t id;
    float logit;
    double weight;
};

/* The token that `draw`, uniform in [0, 1), chooses. `seen` [seen_count] are the ids so far,
 * `candidate` [vocabulary] is scratch. TACIT_NUMERIC: a logit is not finite. */
status sample_token(const struct sampling *sampling, const float *logits, int64_t vocabulary,
                    const uint32_t *seen, size_t seen_count, double draw,
                    struct candidate *candidate, uint32_t *token);

#endif
