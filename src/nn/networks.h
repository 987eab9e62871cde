/* Networks: graph builders with the names and shapes of torchvision and Hugging Face, as rows of a
 * table. */
#ifndef NN_NETWORKS_H
#define NN_NETWORKS_H

#include "nn/layers.h"
#include "nn/transformer.h"

enum network_input { INPUT_PICTURES, INPUT_TOKENS };

/* What a user may choose about a network. Each kind reads its own part. */
struct network_options {
    enum { STEM_AUTO, STEM_CIFAR, STEM_IMAGENET } stem; /* auto: cifar below 64 pixels */
    double width; /* factor on all channel counts, rounded to multiples of 8; 1 is the published */
    int64_t classes;          /* of the head "fc"; 0: features */
    struct text_options text; /* of networks on tokens; a member that is 0 is the row's own */
};

/* What a network on tokens is given. Members left zero are absent. */
struct text_input {
    val tokens;   /* [B, T] integers below the vocabulary */
    val segment;  /* [B, T] integers below `segments`; absent: segment 0 */
    val group;    /* [B, T] tokens meet only those of their own group; group 0 is padding. Absent:
                   * all are of one group */
    val position; /* [B, T] integers below the context; absent: 0, 1, 2, … */
    val *layer;   /* NULL, or room for [layers + 1] values: what goes into the first block and what
                   * every block gives, each [B, T, width] */
};

struct network_type {
    const char *name, *doc, *source;
    enum network_input input;
    /* Pictures [N, C, H, W] to features [N, D]. A network on tokens fails the graph instead. */
    val (*encode)(net n, const struct network_type *type, const struct network_options *options,
                  val pictures);
    int64_t blocks[4]; /* residual networks: blocks per stage */
    bool bottleneck;

    /* Networks on tokens; NULL in the others. Hidden states [B, T, width]. */
    val (*encode_text)(net n, const struct network_type *type,
                       const struct network_options *options, struct text_input in);
    /* Scores of all tokens of the vocabulary, [N, vocabulary], from hidden states [N, width].
     * `head` is a call of the network named by `head` below (unused where that is NULL), n of the
     * backbone, whose table of tokens serves once more. */
    val (*logits)(net n, net head, const struct network_type *type,
                  const struct network_options *options, val hidden);
    /* BERT's pooler, a part of the backbone: first hidden states [N, width] to [N, width]; NULL
     * where the published network has none. */
    val (*pool)(net n, const struct network_type *type, const struct network_options *options,
                val first);
    const char *prefix; /* of the backbone's tensors: "transformer", "bert", "roberta" */
    const char *head;   /* the network of `logits` beside the backbone: "cls", "lm_head", or NULL */
    bool causal;        /* tokens see those before them only */
    bool positions_after_padding; /* positions count from padding_id + 1 in their table (RoBERTa) */
    struct text_options text;     /* the published size */
};

extern const struct network_type *const all_networks[]; /* ended by NULL */

/* The row of this name, NULL if there is none. */
const struct network_type *network_find(const char *name);

/* The size that a network on tokens has with these options: no member is 0 but `segments` of a
 * causal network, `dropout` and `band`, where 0 now means none. */
struct text_options network_text(const struct network_type *type,
                                 const struct network_options *options);

/* `encode` of networks on tokens: fails the graph. */
val refuse_pictures(net n, const struct network_type *type, const struct network_options *options,
                    val pictures);

/* Checks sizes and shapes before tokens are encoded; false, with the graph failed, when they do not
 * fit. */
bool text_fits(net n, const struct network_type *type, const struct text_options *options,
               const struct text_input *in);

#endif
