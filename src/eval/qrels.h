/* Judging rankings by relevance judgements in TREC's formats. */
#ifndef EVAL_QRELS_H
#define EVAL_QRELS_H

#include "base/map.h"
#include "base/memory.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Judgements of one query. */
struct qrels_query {
    const char *id;
    struct map grade; /* of a document's id; negative grades are 0 */
    int64_t *best;    /* [count] grades, descending */
    size_t count, capacity;
    int64_t relevant; /* with a grade above 0 */
};

struct qrels {
    struct qrels_query *query; /* [count] in the order of the file */
    size_t count, capacity;
    struct map number;   /* of a query's id */
    struct map document; /* numbers of all judged documents, in order of appearance */
    struct arena memory;
};

/* Reads "query 0 document grade" lines, packed or not. A document that is judged twice keeps its
 * first grade. TACIT_BAD_DATA names the line. Free with qrels_free, also on failure. */
status qrels_read(const char *path, struct qrels *qrels);
void qrels_free(struct qrels *qrels);

/* The judgements of a query, NULL if there are none. */
const struct qrels_query *qrels_find(const struct qrels *qrels, const char *query);

/* What a ranking, best first, comes to at a depth, as trec_eval: reciprocal rank, 1 / rank of the
 * first relevant document, 0 if it lies deeper; recall, the share of all relevant ones found; NDCG
 * (gain: the grade itself; discount: log2(rank + 1); ideal: all judged documents); mean precision
 * (of the ranks of relevant ones, over the number of relevant ones). A query without relevant
 * documents scores 0. */
struct rank_scores {
    double reciprocal, ndcg, recall, precision;
};
struct rank_scores qrels_score(const struct qrels_query *query, const char *const *document,
                               size_t count, size_t depth);

/* Rankings of queries, as `tacit search out=` and others write them. */
struct trec_query {
    const char *id;
    const char **document; /* [count] best first */
    double *score;
    size_t count, capacity;
};

struct trec_run {
    struct trec_query *query; /* [count] */
    size_t count, capacity;
    struct map number;
    struct arena memory;
};

/* Reads "query Q0 document rank score name" lines, packed or not, and sorts each query's by score,
 * descending, then by document id, descending, as trec_eval does (the rank is not read).
 * TACIT_BAD_DATA names the line. Free with trec_run_free, also on failure. */
status trec_run_read(const char *path, struct trec_run *run);
void trec_run_free(struct trec_run *run);

/* The ranking of a query, NULL if there is none. */
const struct trec_query *trec_run_find(const struct trec_run *run, const char *query);

#endif
