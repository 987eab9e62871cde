/* What generating and scoring share. */
#ifndef EVAL_GENERATE_PARTS_H
#define EVAL_GENERATE_PARTS_H

#include "base/config.h"
#include "eval/decode_open.h"
#include "eval/thing.h"
#include "train/observe.h"

struct generation {
    const struct config *config;
    struct audience audience;
    double start;
    struct thing thing;
    const struct tokenizer *tokenizer;
    int64_t limit; /* tokens that the network sees at once */
    int64_t end;   /* the token that ends texts, or -1 */
    struct token_list prompt;
    tacit_text text; /* or NULL */
    void *user;
};

/* The ids of a prompt, at most `limit` of them; an empty one becomes the token that ends texts.
 * TACIT_USAGE: it is too long and crop= is not set, or empty where there is no such token. */
status prompt_encode(const struct generation *generation, const void *bytes, size_t count,
                     int64_t limit, struct token_list *list);

/* Goes on with the prompt. */
status generation_continue(struct generation *generation, tacit_report *report);

/* Scores given completions: choices= behind the prompt, or the lines of score=. */
status generation_score(struct generation *generation, tacit_report *report);

/* The texts of an option that | parts, its escapes resolved: the next one from *at on into `text`;
 * false behind the last. */
bool words_next(const char *option, size_t *at, struct text *text);

#endif
