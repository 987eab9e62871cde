/* Rankings against judgements: of a search that is made now, or of a run in TREC's format. */
#include "eval/qrels.h"
#include "eval/search.h"
#include "train/report.h"
#include "train/session.h"
#include "train/tasks.h"

#include <stdio.h>
#include <string.h>

enum { SHALLOW = 10, DEEP = 100, DEPTH = 1000 };

/* Means over all queries of the judgements; one that was not asked counts as 0. */
struct judged {
    double reciprocal, ndcg, recall, deep_recall, precision;
    size_t asked;
};

static void judge_one(const struct qrels_query *query, const char *const *document, size_t count,
                      struct judged *judged)
{
    struct rank_scores shallow = qrels_score(query, document, count, SHALLOW);
    judged->reciprocal += shallow.reciprocal;
    judged->ndcg += shallow.ndcg;
    judged->recall += shallow.recall;
    judged->deep_recall += qrels_score(query, document, count, DEEP).recall;
    judged->precision += qrels_score(query, document, count, DEPTH).precision;
    judged->asked++;
}

static void report_judged(const char *name, const struct judged *judged, size_t queries,
                          tacit_report *report)
{
    const double value[] = { judged->reciprocal, judged->ndcg, judged->recall, judged->deep_recall,
                             judged->precision };
    report_cell_text(report, "%s", name);
    for (size_t i = 0; i < sizeof value / sizeof *value; i++)
        report_cell_number(report, value[i] / (double)queries, "%.4f", value[i] / (double)queries);
}

static void report_head(const struct qrels *qrels, tacit_report *report)
{
    static const char *const columns[] = { "by",        "mrr@10",     "ndcg@10",
                                           "recall@10", "recall@100", "map" };
    report_number(report, "queries", (double)qrels->count, "%zu", qrels->count);
    report_columns(report, 6, columns);
}

static void report_tail(const struct qrels *qrels, const struct judged *judged,
                        tacit_report *report)
{
    report_note(report,
                "means over all %zu queries of the judgements; relevant: grade above 0; "
                "ndcg: the grade is the gain, ideal of all judged; map to depth %d",
                qrels->count, DEPTH);
    if (judged->asked < qrels->count)
        report_note(report, "%zu queries of the judgements were not asked and count as 0",
                    qrels->count - judged->asked);
}

/* ---- a search ---- */

/* The judgements of every query: by id where all ids of the judgements are among the queries', else
 * by order where the judgements number the queries 1, 2, 3 … */
static status queries_match(const struct search *search, const struct qrels *qrels,
                            const struct qrels_query **match, tacit_report *report)
{
    char number[32];
    size_t by_id = 0, by_order = 0;
    for (size_t i = 0; i < search->queries; i++) {
        snprintf(number, sizeof number, "%zu", i + 1);
        by_id += (match[i] = qrels_find(qrels, search->query_id[i])) != NULL;
        by_order += qrels_find(qrels, number) != NULL;
    }
    if (by_id == qrels->count)
        return TACIT_OK;
    if (by_order == qrels->count) {
        for (size_t i = 0; i < search->queries; i++) {
            snprintf(number, sizeof number, "%zu", i + 1);
            match[i] = qrels_find(qrels, number);
        }
        report_note(report, "the judgements number the queries in the order of their file: their "
                            "own ids do not fit");
        return TACIT_OK;
    }
    if (by_id)
        return TACIT_OK;
    return fail(TACIT_BAD_DATA,
                "no query has an id of the judgements (such as %s); query_id= names "
                "the field of the queries' ids",
                qrels->query[0].id);
}

/* Judgements of texts that are not in the collection cannot be met by any ranking. */
static status documents_check(const struct search *search, const struct qrels *qrels,
                              tacit_report *report)
{
    size_t judged = qrels->document.count, count = search_count(search), met = 0;
    bool *there = memory_new(judged, sizeof *there);
    struct text id = { 0 };
    status result = there ? TACIT_OK : TACIT_RESOURCES;
    for (size_t i = 0; i < count && met < judged && result == TACIT_OK; i++) {
        text_clear(&id);
        result = search_id(search, search->row_sample ? search->row_sample[i] : (uint32_t)i, &id);
        int64_t number = result == TACIT_OK ? map_get(&qrels->document, text_string(&id)) : -1;
        if (number >= 0 && !there[number]) {
            there[number] = true;
            met++;
        }
    }
    if (result == TACIT_OK && !met)
        result = fail(TACIT_BAD_DATA,
                      "none of the %zu judged documents is among the texts, whose ids are such as "
                      "%s: id= names the field of their ids",
                      judged, count ? text_string(&id) : "none");
    if (result == TACIT_OK && met < judged)
        report_note(report, "%zu of %zu judged documents are not among the texts", judged - met,
                    judged);
    text_free(&id);
    memory_free(there);
    return result;
}

/* The ids of a ranking's texts. */
static status ids_of(const struct search *search, const struct ranking *ranking, size_t query,
                     struct arena *memory, const char **id)
{
    struct text text = { 0 };
    status result = TACIT_OK;
    for (int64_t j = 0; j < ranking->found[query] && result == TACIT_OK; j++) {
        text_clear(&text);
        result =
            search_id(search, ranking->sample[query * (size_t)ranking->depth + (size_t)j], &text);
        id[j] = arena_text(memory, "%s", text_string(&text));
        if (!id[j])
            result = TACIT_RESOURCES;
    }
    text_free(&text);
    return result;
}

static status ranking_judge(const struct search *search, const struct ranking *ranking,
                            const struct qrels_query *const *match, struct judged *judged)
{
    const char **id = memory_new((size_t)ranking->depth + 1, sizeof *id);
    status result = id ? TACIT_OK : TACIT_RESOURCES;
    for (size_t i = 0; i < search->queries && result == TACIT_OK; i++) {
        struct arena memory = { 0 };
        if (match[i])
            result = ids_of(search, ranking, i, &memory, id);
        if (match[i] && result == TACIT_OK)
            judge_one(match[i], id, (size_t)ranking->found[i], judged);
        arena_free(&memory);
    }
    memory_free(id);
    return result;
}

static status way_judge(struct search *search, const struct qrels *qrels,
                        const struct qrels_query *const *match, enum search_by by,
                        struct judged *judged, tacit_report *report)
{
    struct ranking ranking = { 0 };
    *judged = (struct judged){ 0 };
    status result = search_rank(search, by, DEPTH, &ranking);
    if (result == TACIT_OK)
        result = ranking_judge(search, &ranking, match, judged);
    ranking_free(&ranking);
    if (result == TACIT_OK)
        report_judged(search_by_names[by], judged, qrels->count, report);
    return result;
}

static status ways_judge(struct search *search, const struct qrels *qrels, tacit_report *report)
{
    char word[32];
    struct judged judged = { 0 };
    const struct qrels_query **match = memory_new(search->queries, sizeof *match);
    status result = match ? queries_match(search, qrels, match, report) : TACIT_RESOURCES;
    size_t ways = 0;
    if (result == TACIT_OK)
        result = documents_check(search, qrels, report);
    for (; result == TACIT_OK && config_list(search->config, "by", ways, word, sizeof word);
         ways++) {
        int by = 0;
        while (strcmp(search_by_names[by], word) != 0)
            by++;
        result = way_judge(search, qrels, match, (enum search_by)by, &judged, report);
    }
    if (result == TACIT_OK && !ways)
        result = way_judge(search, qrels, match, search_usual(search), &judged, report);
    if (result == TACIT_OK)
        report_tail(qrels, &judged, report);
    memory_free(match);
    return result;
}

static status search_made(const char *thing, const struct config *config,
                          const struct audience *audience, const struct qrels *qrels,
                          tacit_report *report)
{
    struct search search;
    team_settle((int)config_integer(config, "threads"));
    status result = search_open(config, audience, thing, &search);
    if (result == TACIT_OK)
        result = ways_judge(&search, qrels, report);
    search_close(&search);
    return result;
}

/* ---- a run ---- */

static status run_judge(const char *path, const struct qrels *qrels, tacit_report *report)
{
    struct trec_run run;
    struct judged judged = { 0 };
    status result = trec_run_read(path, &run);
    for (size_t i = 0; i < qrels->count && result == TACIT_OK; i++) {
        const struct trec_query *query = trec_run_find(&run, qrels->query[i].id);
        if (query)
            judge_one(&qrels->query[i], query->document, query->count, &judged);
    }
    if (result == TACIT_OK && !judged.asked)
        result = fail(TACIT_BAD_DATA, "%s: has no query of the judgements (such as %s)", path,
                      qrels->query[0].id);
    if (result == TACIT_OK) {
        report_judged("run", &judged, qrels->count, report);
        report_tail(qrels, &judged, report);
    }
    trec_run_free(&run);
    return result;
}

status search_judge(const char *thing, const struct config *config, const tacit_observer *observer,
                    tacit_report **report)
{
    struct audience audience = { observer, NULL };
    struct qrels qrels;
    const char *queries = config_value(config, "queries");
    if (!thing || !*thing)
        return fail(TACIT_USAGE, "qrels= judges a search: tacit eval VECTORS|TEXTS queries=FILE "
                                 "qrels=FILE, or a run: tacit eval RUN.trec qrels=FILE");
    tacit_report *made = report_new();
    if (!made)
        return TACIT_RESOURCES;
    status result = qrels_read(config_value(config, "qrels"), &qrels);
    if (result == TACIT_OK) {
        report_head(&qrels, made);
        result = queries && *queries ? search_made(thing, config, &audience, &qrels, made)
                                     : run_judge(thing, &qrels, made);
    }
    qrels_free(&qrels);
    if (result == TACIT_OK)
        result = report_status(made);
    if (report && result == TACIT_OK)
        *report = made;
    else
        tacit_report_free(made);
    return result;
}
