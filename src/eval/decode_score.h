/* How probable a decoder finds given tokens. */
#ifndef EVAL_DECODE_SCORE_H
#define EVAL_DECODE_SCORE_H

#include "eval/decode.h"

/* nats[i] = -ln p(target[i] | what row first + i of the last feed has seen), count of them. */
void decoder_nats(struct decoder *decoder, int64_t first, int64_t count, const uint32_t *target,
                  double *nats);

#endif
