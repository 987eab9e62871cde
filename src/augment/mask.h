/* Hides tokens that a method has to guess: the procedure of BERT (Devlin et al. 2019,
 * arXiv:1810.04805, and its create_pretraining_data), or that of RoBERTa (Liu et al. 2019,
 * arXiv:1907.11692, and fairseq's masking). */
#ifndef AUGMENT_MASK_H
#define AUGMENT_MASK_H

#include "base/random.h"

#include <stdbool.h>
#include <stdint.h>

struct mask_settings {
    double rate;          /* share of the tokens, special ones counted, that are guessed */
    double mask, replace; /* of those: shown as the mask, shown as any token of the vocabulary */
    int most;             /* guesses at most */
    bool whole_words;     /* all pieces of a word or none */
    bool dithered;        /* how many: floor(rate count + U), U of [0, 1), not the nearest */
    int32_t mask_id, vocabulary;
    const int32_t *never; /* [nevers] rising: what is shown for a token is none of these */
    int nevers;
};

enum mask_token { MASK_NEVER, MASK_WORD, MASK_WORD_GOES_ON }; /* special, first piece, later ones */

/* Hides min(most, max(1, round(rate count))) of the tokens id[0 … count-1] (dithered: see there),
 * drawn without replacement; kind[i] says what each is. places and targets [most] get where, in
 * rising order, and what was there, then -1. `scratch` has room for 2 count numbers. Returns how
 * many are hidden. */
int mask_tokens(const struct mask_settings *settings, struct random_stream *stream, int32_t *id,
                const uint8_t *kind, int count, int32_t *places, int32_t *targets,
                uint32_t *scratch);

#endif
