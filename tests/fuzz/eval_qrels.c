/* Relevance judgements, and rankings, of any bytes; every ranking that both have is judged. */
#include "data_file.h"
#include "eval/qrels.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct qrels qrels;
    struct trec_run run;
    const uint8_t *zero = size ? memchr(bytes, 0, size) : NULL;
    size_t first = zero ? (size_t)(zero - bytes) : size;
    fuzz_write(".txt", bytes, first);
    status judged = qrels_read(fuzz_path, &qrels);
    fuzz_write(".txt", zero ? zero + 1 : bytes, zero ? size - first - 1 : size);
    status ranked = trec_run_read(fuzz_path, &run);
    for (size_t i = 0; judged == TACIT_OK && ranked == TACIT_OK && i < run.count; i++) {
        const struct trec_query *query = &run.query[i];
        const struct qrels_query *found = qrels_find(&qrels, query->id);
        if (!found)
            continue;
        struct rank_scores scores = qrels_score(found, query->document, query->count, 10);
        if (!(scores.ndcg >= 0 && scores.reciprocal >= 0 && scores.reciprocal <= 1))
            abort();
    }
    qrels_free(&qrels);
    trec_run_free(&run);
    return 0;
}
