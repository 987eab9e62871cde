/* Words of a text as search knows them: small letters, no stop words, stems. */
#ifndef EVAL_WORDS_H
#define EVAL_WORDS_H

#include "base/status.h"
#include "text/tokenizer.h"

#include <stdbool.h>

enum word_rule {
    WORDS_ENGLISH, /* without Lucene's 33 English stop words, stemmed by Porter's rules (Porter
                    * 1980, "An algorithm for suffix stripping"; Snowball's library) */
    WORDS_PLAIN    /* as they are, in small letters: for any language */
};

enum { LONGEST_WORD = 255 };

/* Calls `take` with every word, in order: runs of letters, digits and marks, with apostrophes
 * within (a closing 's is dropped by WORDS_ENGLISH) and points and commas between digits; every
 * ideograph is a word. Longer words than LONGEST_WORD are cut. Ends early with what `take` returns
 * if that is not TACIT_OK; else TACIT_OK, or TACIT_RESOURCES. */
typedef status word_take(void *argument, const char *word, size_t length);
status words_each(struct text_view text, enum word_rule rule, word_take *take, void *argument);

#endif
