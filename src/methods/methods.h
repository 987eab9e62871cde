/* Self-supervised methods, one a file, as rows of a table. A method gives embed(views) -> z[],
 * rows independent but for batch norm, and a pure loss(z[]) over the whole global batch: batches
 * are split only at that seam. It never talks to the terminal, to files or to a backend. */
#ifndef METHODS_METHODS_H
#define METHODS_METHODS_H

#include "base/config.h"
#include "data/field.h"
#include "nn/pooling.h"

enum { VIEWS_MAX = 16, EMBEDDINGS_MAX = 16, METHOD_OPTION_BYTES = 256, METHOD_RANGES = 4 };

enum method_family { CONTRASTIVE, SUPERVISED, GENERATIVE };

/* What its network must be able to do. */
enum reading { READS_EITHER_WAY, READS_FORWARD, READS_BOTH_WAYS };

/* How texts become the samples of a method. */
enum text_form {
    TEXT_STREAM,         /* runs of tokens across the ends of documents */
    TEXT_SENTENCE_PAIRS, /* [CLS] A [SEP] B [SEP]: B follows A or comes from anywhere */
    TEXT_SENTENCES,      /* [CLS] as many whole sentences as fit [SEP] */
    TEXT_TUPLES,         /* texts that belong together, each by itself; one: just a text */
    TEXT_FRAMES,         /* a text, or both of a pair, in one frame: [CLS] A [SEP] B [SEP] */
};

/* Where the windows of TEXT_STREAM begin. */
enum text_windows {
    WINDOWS_SEQUENTIAL, /* where the last one ended */
    WINDOWS_RANDOM,     /* anywhere */
    WINDOWS_WHOLE,      /* with a document; as many as fit wholly, then padding (group 0) */
};

struct text_request {
    enum text_form form;
    int64_t window;            /* tokens of one text of a sample */
    int sides;                 /* texts of a sample (TEXT_TUPLES) */
    enum text_windows windows; /* TEXT_STREAM */
    bool documents;            /* TEXT_STREAM: groups and positions start anew with each document */
    const char *join; /* TEXT_STREAM: between the texts of a tuple, which are one document; lives
                       * as long as the method */
    double shorter;   /* TEXT_SENTENCE_PAIRS: share of samples cut to a random length */
    int64_t masked;   /* most tokens to be guessed; 0: none */
    double rate;      /* share of tokens to be guessed */
    double mask, replace; /* of those: become [MASK], become any token; the others stay */
    bool whole_words;     /* all pieces of a word or none */
    bool spread;          /* TEXT_FRAMES: a long text is read at any place, not at its beginning */
    bool dithered;        /* their number: floor(rate n + U), U of [0, 1), not the nearest */
    bool ordinary;        /* "any token" is no special one */
};

/* One method with its settings, as it embeds one batch. */
struct method {
    const struct method_type *type;
    const struct network_type *network;
    struct network_options network_options;
    int64_t classes;                      /* known classes, for methods that use labels; else 0 */
    double number_mean, number_deviation; /* of what methods with numbers learn from */
    int64_t window;                       /* tokens of a text; 0: the network's context */
    enum text_pooling pooling;            /* on texts: how one becomes a vector */
    bool spread;                          /* a text longer than the window is read in several,
                                             whose results are averaged (by whoever embeds it
                                             afterwards, too); false: its beginning */
    bool pooled;   /* `pooling` is that of the weights to begin with, to be kept if nobody asks */
    bool training; /* batch statistics and updates, or running statistics */
    bool frozen;   /* the backbone stays as it is: only the other networks learn */
    bool update; /* move the running statistics (only the first forward of cached micro-batches) */
    int groups;  /* batch-norm groups of this program's rows; 0: the method's own choice */
    _Alignas(16) unsigned char options[METHOD_OPTION_BYTES]; /* the method's own struct */
};

struct method_type {
    const char *name, *title, *paper;
    const char *next; /* what one does with its runs: commands, a line each; RUN stands for one */
    enum method_family family;
    enum sample_kind kind;
    bool either;         /* learns from samples of either kind, whatever `kind` says */
    const char *augment; /* name of its usual pipeline (pictures) */
    const char *model;   /* name of its usual network; NULL: by the size of the pictures */
    const char *tokenizer, *specials; /* its usual kind, and set of special tokens (texts) */
    int views, embeddings;
    bool labels;    /* the loss reads an input "labels", [N] integers */
    bool numbers;   /* the last field, f32, is a number that every sample has */
    bool collapses; /* embeddings that all become alike can please the loss, or end learning */
    const struct option *options;
    /* Fills the method's own struct from the checked keys "method.…". */
    status (*configure)(struct method *method, const struct config *config);
    /* Names of the networks it trains, NULL-ended. The first is the backbone. */
    const char *const *networks;
    /* On texts: what a sample consists of, in the order of view[]; returns how many, at most
     * FIELDS_MAX. NULL: `views` pictures. */
    int (*fields)(const struct method *m, struct field field[]);
    /* On texts: how samples are made of them. */
    void (*request)(const struct method *m, struct text_request *request);
    enum reading reading; /* on texts: which networks can serve */
    const char *head;     /* on texts: the head beside the backbone that it needs, or NULL */
    /* view[i] [N, C, H, W], or field i of N texts -> z[k] [N, D]. */
    void (*embed)(const struct method *m, struct graph *g, const val view[], val z[]);
    /* A scalar from the global batch. Knobs it names are set by its schedules. */
    val (*loss)(const struct method *m, struct graph *g, const val z[]);
    /* The loss for collapsed or random embeddings, and its least possible value, for a global
     * batch of `batch` pictures. */
    double (*chance)(const struct method *m, int64_t batch);
    double (*floor)(const struct method *m, int64_t batch);
    /* Whether its vectors are compared by their products; NULL: by cosines. */
    bool (*products)(const struct method *m);
    /* Value of a knob of this method at `progress` (0 … 1). */
    double (*knob)(const struct method *m, const char *name, double progress);
};

extern const struct method_type *const all_methods[]; /* ended by NULL */

/* The row of this name, NULL if there is none. */
const struct method_type *method_find(const char *name);

/* Whether network and method fit together: TACIT_USAGE says what does not. To be asked once both
 * are chosen, before configure. */
status method_fits(const struct method *m);

/* TACIT_USAGE: the network cannot make one vector of a text in the method's way. */
status method_pools(const struct method *m);

/* A network call of the method in its mode; `views` stacked views lie in the rows. */
net method_network(const struct method *m, struct graph *g, const char *name, int views);

/* Pictures through the backbone: [N, C, H, W] -> [N, D]. */
val method_encode(const struct method *m, struct graph *g, val pictures, int views);

/* One vector a sample, [N, D], by the backbone alone: method_encode of the first view, or the first
 * text in the method's pooling. */
val method_features(const struct method *m, struct graph *g, const val view[]);

/* Size of the network on tokens; tokens of a text of its samples. */
struct text_options method_text(const struct method *m);
int64_t method_window(const struct method *m);

/* Texts through the backbone: hidden states [N, T, D]; pooled [N, D]. */
val method_hidden(const struct method *m, struct graph *g, struct text_input in);
val method_embed_text(const struct method *m, struct graph *g, struct text_input in,
                      enum text_pooling how);

/* The network's scores of all tokens, [N K, vocabulary], for hidden states [N, K, D]. */
val method_logits(const struct method *m, struct graph *g, val hidden);

/* Cross-entropy of logits [N K, V] against targets [N, K], of which negative ones do not count:
 * z[0] [N, 1] the sum over a sample's counted targets, z[1] [N, 1] their number. The loss of such
 * a pair over a whole batch is sum z[0] / sum z[1]; 0 where nothing counts. */
void method_guess(val logits, val targets, val z[2]);
val method_guess_loss(const val z[2]);

/* `chance` and `floor` of guesses among all tokens: ln of the vocabulary, and 0. */
double method_guess_chance(const struct method *m, int64_t batch);
double method_guess_floor(const struct method *m, int64_t batch);

/* Each row of `query` [N, D] finds its partner, row i of `found` [N + more, D], by the largest
 * product: the mean of -ln softmax(query found^T)[i]. */
val method_match_loss(val query, val found);

/* A field of integers by this name, [length] a sample; length 0: one number. */
struct field method_field(const char *name, int64_t length);

/* The labels of the batch: input "labels" [batch]. */
val method_labels(struct graph *g, int64_t batch);

#endif
