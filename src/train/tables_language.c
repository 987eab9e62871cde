/* Options of the tasks "perplexity" and "generate", which live above this room. */
#include "train/table_rows.h"
#include "train/tasks.h"

static const char *const parts[] = { "validation", "train", "holdout", "test", "all", NULL };
static const char *const units[] = { "auto", "documents", "paragraphs", "lines", NULL };
static const char *const storages[] = { "f32", "bf16", "int8", NULL };
static const char *const fulls[] = { "slide", "exact", "stop", NULL };

#define WEIGHTS                        \
    CHOICE("weights", "f32", storages, \
           "how matrices are kept in memory; int8: with a scale a column")
#define TOKENS(key, initial, text) WHOLE_AUTO(key, initial, 1, 1 << 20, "tokens", text)

const struct option perplexity_options[] = {
    PATH("data", "auto", "texts; auto: those of the run"),
    CHOICE_AUTO("part", parts, "of the data; auto: what the run kept for validation, else all"),
    CHOICE_AUTO("unit", units + 1,
                "of plain text: a file, a paragraph or a line is a text; auto: as in the run"),
    TEXT("field", "", "member, column or tag that holds the text; default: as in the run"),
    TOKENS("window", "auto", "that the network sees at once; auto: as in training"),
    TOKENS("stride", "auto", "from one window to the next; auto: half the window"),
    WEIGHTS,
    SWITCH("strict", "false", "stop at the first text that cannot be read"),
    { 0 },
};

const struct option generate_options[] = {
    TEXT("prompt", "", "the text to go on with"),
    PATH("prompt_file", "", "a file with that text; a line end that closes it is left out"),
    PATH("prompts", "",
         "texts, a line each: every one goes on, in the place of {} in prompt=, or behind it"),
    PATH("reference", "", "lines that ought to come of prompts=: BLEU tells how near they come"),
    TEXT("field", "", "of prompts=: member or column with the text; of pairs: text,reference"),
    PATH("out", "", "a file for what comes of prompts=, a line each; -: standard output"),
    OVERWRITE,
    WHOLE("tokens", "200", 1, 1e9, "tokens", "to generate, unless the text ends before"),
    REAL("temperature", "1", 0, 1000, NULL,
         "below 1 prefers what is likely; 0: always the likeliest"),
    WHOLE("top_k", "0", 0, 1 << 24, "tokens", "draw from the likeliest only; 0: all"),
    REAL("top_p", "1", 0, 1, NULL,
         "draw from the fewest likeliest tokens that reach this probability"),
    POSITIVE("repetition_penalty", "1", NULL,
             "above 1: tokens that were there before become less likely"),
    TEXT("stop", "", "ends before one of these texts, which | parts; \\n is a line end, \\| a bar"),
    WHOLE("samples", "1", 1, 4096, "texts", "side by side, from the same prompt"),
    WHOLE("seed", "0", 0, 9007199254740992., NULL, "of the draws"),
    SWITCH("echo", "false", "the prompt comes first"),
    SWITCH("crop", "false", "of a prompt longer than the context, keep the end"),
    CHOICE("full", "slide", fulls,
           "context full: forget its first half, or one token at a time (exact), or stop"),
    TEXT("choices", "", "score these instead, which | parts: how likely each follows the prompt"),
    PATH("score", "", "score the \"choices\" of each line of a FILE.jsonl behind its \"prompt\""),
    TEXT("baseline", "", "scores also relative to what follows this text, such as Answer:"),
    WEIGHTS,
    { 0 },
};
