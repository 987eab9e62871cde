/* Layers that transformers share. Rows of values [N, D] are the tokens of all texts one after
 * another: N = B T for B texts of T tokens. */
#ifndef NN_TRANSFORMER_H
#define NN_TRANSFORMER_H

#include "engine/build.h"

enum activation {
    ACTIVATION_OF_ROW,    /* the published network's own */
    ACTIVATION_GELU,      /* exact: "gelu" in Hugging Face's files */
    ACTIVATION_GELU_TANH, /* "gelu_new", "gelu_pytorch_tanh" */
    ACTIVATION_RELU,
    ACTIVATION_SILU,
};

enum biases { BIASES_OF_ROW, BIASES, NO_BIASES };

/* The weights that a network on tokens starts with. Published: N(0, .02), which suits a width of
 * 768. A narrow network that reads both ways then attends to all positions alike for thousands of
 * steps and learns how frequent tokens are, no more. Local: positions are waves of twice the size,
 * keys start as queries and matrices with deviation 1 / sqrt(inputs), so that a token meets its
 * neighbours from the first step. */
enum start { START_OF_WIDTH, START_PUBLISHED, START_LOCAL };

/* Size and details of a network on tokens. In the options of a user 0 means the row's own value. */
struct text_options {
    int64_t vocabulary; /* tokens */
    int64_t context;    /* positions that a text may have */
    int64_t layers, heads, width;
    int64_t inner;    /* units between the two layers of a block's MLP; 0: 4 width */
    int64_t segments; /* kinds of segments */
    int64_t band;     /* odd layers look back over so many tokens, themselves included; negative, or
                       * 0 as the row's own: all the way */
    double dropout;   /* rate everywhere; negative, or 0 as the row's own: none */
    double epsilon;   /* of layer normalisation */
    enum activation activation;
    enum biases biases; /* of linear layers and norms */
    enum start start;   /* 0: local below a width of 768 where tokens meet both ways */
    int64_t padding_id; /* RoBERTa: positions count from the next number; negative: 0 */
};

/* Names as in Hugging Face's config.json ("gelu", "gelu_new", …); ACTIVATION_OF_ROW: unknown. */
enum activation activation_find(const char *name);
const char *activation_name(enum activation activation);

val activate(enum activation activation, val x);

/* y = x W^T + b; x [N, in], weight [out, in], started N(0, .02), bias 0. */
val dense(net n, const char *name, val x, int64_t out, bool bias);

/* The same, started as `start` says. */
val dense_from(net n, const char *name, val x, int64_t out, enum start start, bool bias);

/* `count` such layers (at most 4) of one x, side by side: [N, count out]. With START_LOCAL the
 * second begins with the weights of the first. */
val dense_together(net n, int count, const char *const name[], val x, int64_t out, enum start start,
                   bool bias);

/* y = x W + b; weight [in, out] as GPT-2's Conv1D, started N(0, deviation), bias 0. */
val dense_columns(net n, const char *name, val x, int64_t out, double deviation, bool bias);

/* Over the last axis; weight 1 and bias 0 at first. */
val layer_norm(net n, const char *name, val x, double epsilon, bool bias);

/* The table [count, width] of a network's part: tokens, positions, segments. Starts N(0, .02). */
val embedding_table(net n, const char *name, int64_t count, int64_t width);

/* Such a table of positions, started as `start` says. */
val position_table(net n, const char *name, int64_t count, int64_t width, enum start start);

/* Vectors of positions for [B, T] tokens: the first T rows of the table from row `first` on as
 * [1, T, width], or those that `position` names as [B, T, width]. */
val embed_positions(val table, val position, int64_t length, int64_t first);

/* Dropout of x [N, D], whose rows are the tokens of `texts` texts: draws go with the text. */
val dropout_tokens(net n, const char *call, val x, int64_t texts, double rate);

struct attention {
    int64_t heads;
    val group;      /* [B, T] or absent: as in struct text_input */
    bool causal;    /* position i sees 0 … i */
    int64_t band;   /* and of those only i-band+1 … i; 0: all */
    double dropout; /* of the weights */
};

/* softmax(q k^T / sqrt(D / heads)) v over the positions that a token may see, head by head, of q,
 * k, v side by side, [B, T, 3 D]: head h owns columns h D/heads … of each. Result [B, T, D]; of
 * padding (group 0) it is meaningless but finite. Vaswani et al. 2017, arXiv:1706.03762. */
val self_attention(net n, val qkv, const struct attention *how);

#endif
