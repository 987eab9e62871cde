/* Searching a collection of texts, or of vectors that were made of them: by words, by the cosine of
 * vectors, or by both. */
#ifndef EVAL_SEARCH_H
#define EVAL_SEARCH_H

#include "base/config.h"
#include "eval/bm25.h"
#include "eval/collection.h"
#include "io/npy.h"
#include "train/observe.h"

enum search_by { BY_VECTORS, BY_BM25, BY_HYBRID };

/* Their names, and those of the rules for words, each ended by NULL. */
extern const char *const search_by_names[], *const word_rule_names[];

/* The best texts of every query, best first; equal scores in the order of the collection. */
struct ranking {
    uint32_t *sample; /* [queries, depth] */
    float *score;     /* [queries, depth] */
    int64_t *found;   /* [queries] how many of depth there are */
    int64_t depth;
};

struct search {
    const struct config *config; /* of the task "search" or "eval" */
    struct audience audience;
    double start;
    const char *thing;
    struct npy_file vectors; /* of a thing that ends in .npy */
    struct collection about; /* what is said beside it */
    bool is_vectors, described;
    struct source *source; /* the texts; NULL: there are only vectors */
    uint32_t *row_sample;  /* [vectors] the sample of a row; NULL: the same number */
    const char *id_field;  /* of a text's id, or NULL */
    struct bytes *query;   /* [queries] */
    const char **query_id; /* [queries] */
    size_t queries;
    struct arena memory;
    struct bm25 *words;         /* made when first needed */
    float *value, *query_value; /* likewise: of texts that came without vectors; of queries */
    uint32_t *kept;             /* rows of `value` */
    int64_t rows, width;
    bool products; /* the model compares vectors by their products, not by their cosines */
};

/* Opens what is searched and reads the queries: keys thing, data, unit, field, id, query, queries,
 * query_field, strict. The config must outlive it. TACIT_USAGE, TACIT_BAD_DATA: with what to do.
 * Close it with search_close, also on failure. */
status search_open(const struct config *config, const struct audience *audience, const char *thing,
                   struct search *search);
void search_close(struct search *search);

/* How many texts, or vectors, there are. */
size_t search_count(const struct search *search);

/* What by=auto means: vectors where there are some or model= is given, else bm25. */
enum search_by search_usual(const struct search *search);

/* Ranks the best `depth` texts for every query: keys model, pooling, words, k1, b, batch_size,
 * tune. TACIT_USAGE: no model, or another than made the vectors. The caller frees the ranking with
 * ranking_free, also on failure. */
status search_rank(struct search *search, enum search_by by, int64_t depth,
                   struct ranking *ranking);
void ranking_free(struct ranking *ranking);

/* Reciprocal rank fusion (Cormack et al. 2009): sum of 1 / (60 + rank) over the rankings; equal
 * sums in the order of the collection. `fused` has its depth set; TACIT_RESOURCES. */
status ranking_fuse(const struct ranking *a, const struct ranking *b, size_t queries,
                    struct ranking *fused);

/* Id of a text: its own, or its name, without white space; the number of a vector. */
status search_id(const struct search *search, uint32_t sample, struct text *id);

/* The beginning of a text on one line, at most `most` bytes of UTF-8; nothing of a vector. */
status search_snippet(const struct search *search, uint32_t sample, size_t most, struct text *text);

/* Evaluates rankings: see tacit_evaluate. */
status search_judge(const char *thing, const struct config *config, const tacit_observer *observer,
                    tacit_report **report);

#endif
