/* BM25 (Robertson et al. 1994) as Lucene computes it: a document d scores, summed over the words t
 * of a query,
 *   ln(1 + (N - df + 0.5) / (df + 0.5)) * tf / (tf + k1 (1 - b + b |d| / mean |d|)),
 * N documents, df of them with t, tf times t in d, |d| words in d. (The constant factor k1 + 1 of
 * the paper, which changes no ranking, is left out, as by Lucene since version 8.) */
#ifndef EVAL_BM25_H
#define EVAL_BM25_H

#include "eval/words.h"

struct bm25_settings {
    double k1, b;
    enum word_rule rule;
};

struct bm25;

/* An empty index. Free it with bm25_free. TACIT_RESOURCES. */
status bm25_new(const struct bm25_settings *settings, struct bm25 **index);
void bm25_free(struct bm25 *index);

/* Announces a query: only words of announced queries are kept of documents added later, so that the
 * index of a large collection stays small. Without any announcement all words are kept. */
status bm25_expect(struct bm25 *index, struct text_view query);

/* Adds the next document, whose number is how many there were before. TACIT_RESOURCES. */
status bm25_add(struct bm25 *index, struct text_view document);
uint32_t bm25_count(const struct bm25 *index);

/* The best k documents that share a word with the query, best first; of equal scores the lower
 * number first. document, score: [k]; *found of them are filled. Any number of threads may search.
 * TACIT_RESOURCES. */
status bm25_search(const struct bm25 *index, struct text_view query, int64_t k, uint32_t *document,
                   float *score, int64_t *found);

#endif
