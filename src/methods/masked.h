/* What BERT and RoBERTa share: tokens are hidden and guessed from both sides. */
#ifndef METHODS_MASKED_H
#define METHODS_MASKED_H

#include "methods/methods.h"

struct masked {
    double rate, mask, replace;
    int64_t most; /* tokens guessed in a sample; 0: as many as the rate gives */
    bool whole_words;
};

/* The rows of a method's options. */
#define MASKED_OPTIONS                                                                            \
    { .name = "mask_rate",                                                                        \
      .kind = OPTION_REAL,                                                                        \
      .fallback = "0.15",                                                                         \
      .minimum = 0,                                                                               \
      .above = true,                                                                              \
      .maximum = 0.9,                                                                             \
      .help = "share of the tokens that are guessed" },                                           \
        { .name = "mask_share",                                                                   \
          .kind = OPTION_REAL,                                                                    \
          .fallback = "0.8",                                                                      \
          .minimum = 0,                                                                           \
          .maximum = 1,                                                                           \
          .help = "share of the guessed tokens that are shown as a mask" },                       \
        { .name = "random_share",                                                                 \
          .kind = OPTION_REAL,                                                                    \
          .fallback = "0.1",                                                                      \
          .minimum = 0,                                                                           \
          .maximum = 1,                                                                           \
          .help = "share of the guessed tokens that are shown as any other; the rest stay" },     \
        { .name = "predictions",                                                                  \
          .kind = OPTION_INTEGER,                                                                 \
          .fallback = "auto",                                                                     \
          .minimum = 1,                                                                           \
          .maximum = 1 << 20,                                                                     \
          .automatic = true,                                                                      \
          .unit = "tokens",                                                                       \
          .help = "most guessed tokens in a sample; auto: mask_rate of the window, rounded up" }, \
    {                                                                                             \
        .name = "whole_words", .kind = OPTION_BOOLEAN, .fallback = "false",                       \
        .help = "mask all pieces of a word or none"                                               \
    }

/* Reads them. TACIT_USAGE when the shares exceed 1 together. */
status masked_configure(struct masked *o, const struct config *config);

/* How many tokens of a sample are guessed at most: the length of those two fields. */
int64_t masked_most(const struct masked *o, int64_t window);

void masked_request(const struct masked *o, struct text_request *request);

/* Guesses at the places [N, K] of hidden states [N, T, D] (negative: none) as method_guess does. */
void masked_guess(const struct method *m, struct graph *g, val hidden, val places, val targets,
                  val z[2]);

#endif
