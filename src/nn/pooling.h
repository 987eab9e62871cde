/* One vector for a whole text, from the hidden states of its tokens. */
#ifndef NN_POOLING_H
#define NN_POOLING_H

#include "nn/networks.h"

enum text_pooling {
    POOL_CLS,        /* the first token */
    POOL_POOLER,     /* the first token through BERT's pooler */
    POOL_MEAN,       /* the mean of all tokens but padding */
    POOL_LAST,       /* the last token before the padding, which must be at the end */
    POOL_FIRST_LAST, /* POOL_MEAN of what the first and the last block give, averaged */
    POOL_TOP2,       /* POOL_MEAN of what the last two blocks give, averaged */
};

/* Their names in this order, ended by NULL: "cls", "pooler", "mean", "last", "first-last", "top2".
 */
extern const char *const pooling_names[];

/* Texts through the network to [B, width]. Fails the graph where the network has no pooler. */
val embed_text(net n, const struct network_type *type, const struct network_options *options,
               struct text_input in, enum text_pooling how);

/* The mean of hidden states [B, T, D] over the tokens of group not 0 (all, where `group` is
 * absent); 0 for a text without any. */
val mean_of_tokens(val hidden, val group);

/* Hidden states [B, T, D] at `place` [B, M]: [B, M, D]; zeros where the place is negative. */
val tokens_at(val hidden, val place);

#endif
