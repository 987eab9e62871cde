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

/* What prompt= or prompt_file= say. */
status prompt_read(const struct generation *generation, struct text *prompt);

/* The texts of prompts=, with out= and reference=. TACIT_USAGE: samples= too, more than two texts a
 * sample; errors of source_open and sink_open. Close it with prompts_close, also on failure. */
struct prompts;
status prompts_open(const struct generation *generation, struct prompts **prompts);
int64_t prompts_count(const struct prompts *prompts);

/* Whether the texts that come are rows of the report: they are neither written nor judged. */
bool prompts_listed(const struct prompts *prompts);

/* The ids of prompt `number`, as prompt_encode. */
status prompts_encode(struct prompts *prompts, const struct generation *generation, int64_t number,
                      struct token_list *list);

/* Takes what came of prompt `number`; to be called in order. */
status prompts_take(struct prompts *prompts, int64_t number, const char *text, size_t size);
void prompts_report(const struct prompts *prompts, tacit_report *report);

/* Keeps what was written if `result` is good; returns that, or what went wrong in keeping it. NULL
 * is allowed. */
status prompts_close(struct prompts *prompts, status result);

/* Goes on with the prompt, or with those of prompts=. */
status generation_continue(struct generation *generation, tacit_report *report);

/* Scores given completions: choices= behind the prompt, or the lines of score=. */
status generation_score(struct generation *generation, tacit_report *report);

/* The texts of an option that | parts, its escapes resolved: the next one from *at on into `text`;
 * false behind the last. */
bool words_next(const char *option, size_t *at, struct text *text);

#endif
