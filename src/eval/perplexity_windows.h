/* The surprise of a language model at texts longer than its context: windows that overlap, every
 * token counted once. */
#ifndef EVAL_PERPLEXITY_WINDOWS_H
#define EVAL_PERPLEXITY_WINDOWS_H

#include "eval/decode.h"

struct windows_options {
    int64_t window; /* tokens that the network sees at once */
    int64_t stride; /* from window to window: a token has at least window - stride before it, or all
                     * that its text has */
    /* Called now and then with the number of tokens counted; what it returns ends the work. Or
     * NULL.
     */
    status (*advance)(void *argument, uint64_t tokens);
    void *argument;
    int64_t start; /* the token put before every text, or -1: the first token of a text then has no
                    * context and costs ln(vocabulary) */
};

struct windows;

/* How many texts side by side, and tokens at a time, a decoder needs for it. */
void windows_need(const struct windows_options *options, struct decoder_options *need);

/* Borrows the decoder. TACIT_USAGE: a window longer than its context, a stretch of 0 or longer than
 * the window; TACIT_RESOURCES. Free it with windows_free. */
status windows_new(struct decoder *decoder, const struct windows_options *options,
                   struct windows **windows);
void windows_free(struct windows *windows);

/* Counts a text; its ids must live until windows_total. */
status windows_text(struct windows *windows, const uint32_t *id, uint64_t count);

/* Nats of all texts so far, and their tokens. */
status windows_total(struct windows *windows, double *nats, uint64_t *tokens);

#endif
