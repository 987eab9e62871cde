/* BLEU (Papineni et al. 2002) of a corpus, one reference a text, as sacrebleu gives it by default
 * (Post 2018, arXiv:1804.08771): nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp. */
#ifndef EVAL_BLEU_H
#define EVAL_BLEU_H

#include "base/text.h"

enum { BLEU_ORDER = 4 };

/* Sums over the texts so far; begin with zeroes. */
struct bleu {
    int64_t matched[BLEU_ORDER], total[BLEU_ORDER]; /* n-grams of n = 1 … 4 words */
    int64_t length, reference_length;               /* words */
};

struct bleu_score {
    double bleu;                  /* 0 … 100 */
    double precision[BLEU_ORDER]; /* 0 … 100 */
    double penalty;               /* for brevity, 0 … 1 */
};

/* Counts a text against its reference. TACIT_RESOURCES. */
status bleu_add(struct bleu *sums, const void *text, size_t size, const void *reference,
                size_t reference_size);

struct bleu_score bleu_score(const struct bleu *sums);

/* A text with one space between its words by the rule 13a (mteval-v13a.pl: punctuation but that
 * within numbers is a word by itself). TACIT_RESOURCES. */
status bleu_words(const void *text, size_t size, struct text *words);

#endif
