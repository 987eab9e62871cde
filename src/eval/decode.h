/* A decoder runs a causal network (the family of GPT-2) token by token: what earlier tokens gave is
 * kept, so that the next one costs O(tokens so far), and several texts go on side by side. */
#ifndef EVAL_DECODE_H
#define EVAL_DECODE_H

#include "engine/cpu/kernels/panel.h"
#include "nn/networks.h"

struct decoder_options {
    enum panel_kind weights; /* how matrices are stored: f32, bf16, int8 with a scale a column */
    int64_t sequences;       /* texts side by side */
    int64_t rows;            /* tokens fed at a time, at most */
};

struct decoder;

/* Declares the tensors that a decoder reads, zero at first, in the store's range "backbone", and
 * seals it. TACIT_USAGE: the network is not causal. */
status decoder_declare(const struct network_type *type, const struct network_options *options,
                       struct store *store);

/* Packs the tensors of a sealed range, which is not needed any longer then. TACIT_USAGE: the
 * network is not causal; TACIT_FAILED: a tensor is missing; TACIT_RESOURCES. */
status decoder_new(const struct network_type *type, const struct network_options *options,
                   const struct range *backbone, const struct decoder_options *how,
                   struct decoder **decoder);
void decoder_free(struct decoder *decoder);

/* Appends token[r] to text sequence[r]; tokens of one text follow each other. Their positions count
 * from the text's length. TACIT_USAGE: too many rows, a text longer than the context, or a token
 * outside the vocabulary; nothing is appended then. */
status decoder_feed(struct decoder *decoder, int64_t rows, const int32_t *sequence,
                    const uint32_t *token);

/* The scores of what comes after row first, …, first + count - 1 of the last feed, [count,
 * vocabulary] with rows *step apart, until the next call; count at most DECODER_SCORES. */
enum { DECODER_SCORES = 64 };
const float *decoder_logits(struct decoder *decoder, int64_t first, int64_t count, int64_t *step);

/* Tokens of a text; forgets all but the first `length`; makes a text a copy of another. */
int64_t decoder_length(const struct decoder *decoder, int64_t sequence);
void decoder_cut(struct decoder *decoder, int64_t sequence, int64_t length);
void decoder_copy(struct decoder *decoder, int64_t from, int64_t to);

/* Positions that a text can have; the vocabulary; bytes of the matrices that one token reads. */
int64_t decoder_context(const struct decoder *decoder);
int64_t decoder_vocabulary(const struct decoder *decoder);
double decoder_bytes(const struct decoder *decoder);

#endif
