/* tacit_search: the best texts for some words, as a table or as a TREC run. */
#include "eval/search.h"
#include "eval/sink.h"
#include "train/report.h"
#include "train/session.h"
#include "train/tasks.h"

#include <string.h>

enum { SNIPPET_BYTES = 160 };

static uint32_t sample_at(const struct ranking *ranking, size_t query, int64_t place)
{
    return ranking->sample[query * (size_t)ranking->depth + (size_t)place];
}

static double score_at(const struct ranking *ranking, size_t query, int64_t place)
{
    return (double)ranking->score[query * (size_t)ranking->depth + (size_t)place];
}

/* "query Q0 id rank score tacit" lines. */
static status run_write(const struct search *search, const struct ranking *ranking,
                        struct sink *sink)
{
    struct text text = { 0 };
    status result = TACIT_OK;
    for (size_t i = 0; i < search->queries && result == TACIT_OK; i++)
        for (int64_t j = 0; j < ranking->found[i] && result == TACIT_OK; j++) {
            text_append(&text, "%s Q0 ", search->query_id[i]);
            result = search_id(search, sample_at(ranking, i, j), &text);
            text_append(&text, " %lld %.9g tacit\n", (long long)j + 1, score_at(ranking, i, j));
            if (result == TACIT_OK)
                result = sink_flow(sink, &text);
        }
    if (result == TACIT_OK)
        result = sink_append(sink, &text);
    text_free(&text);
    return result;
}

static status row_report(const struct search *search, const struct ranking *ranking, size_t query,
                         int64_t place, tacit_report *report)
{
    struct text id = { 0 }, snippet = { 0 };
    uint32_t sample = sample_at(ranking, query, place);
    status result = search_id(search, sample, &id);
    if (result == TACIT_OK)
        result = search_snippet(search, sample, SNIPPET_BYTES, &snippet);
    if (search->queries > 1)
        report_cell_text(report, "%s", search->query_id[query]);
    report_cell_number(report, (double)place + 1, "%lld", (long long)place + 1);
    report_cell_number(report, score_at(ranking, query, place), "%.4f",
                       score_at(ranking, query, place));
    report_cell_text(report, "%s", text_string(&id));
    report_cell_text(report, "%s", text_string(&snippet));
    text_free(&id);
    text_free(&snippet);
    return result;
}

static status table_report(const struct search *search, enum search_by by,
                           const struct ranking *ranking, tacit_report *report)
{
    static const char *const columns[] = { "query", "rank", "score", "id", "text" };
    bool many = search->queries > 1;
    int64_t rows = 0;
    report_text(report, "by", "%s", search_by_names[by]);
    report_number(report, "texts", (double)search_count(search), "%zu", search_count(search));
    report_columns(report, many ? 5 : 4, columns + !many);
    for (size_t i = 0; i < search->queries; i++)
        for (int64_t j = 0; j < ranking->found[i]; j++, rows++)
            TRY(row_report(search, ranking, i, j, report));
    if (!rows)
        report_note(report, "no text has a word of the query");
    return TACIT_OK;
}

static status results_give(const struct search *search, enum search_by by,
                           const struct ranking *ranking, tacit_report *report)
{
    const char *out = config_value(search->config, "out");
    struct sink sink;
    if (!out || !*out)
        return table_report(search, by, ranking, report);
    TRY(sink_open(out, &sink));
    TRY(sink_close(&sink, run_write(search, ranking, &sink)));
    report_text(report, "out", "%s", out);
    report_text(report, "by", "%s", search_by_names[by]);
    report_number(report, "queries", (double)search->queries, "%zu", search->queries);
    report_note(report, "next: tacit eval %s qrels=FILE", out);
    return TACIT_OK;
}

tacit_status tacit_search(const char *thing, tacit_config *config, const tacit_observer *observer,
                          tacit_report **report)
{
    if (report)
        *report = NULL;
    TRY(tacit_config_check(config));
    TRY(sink_check(&config->config));
    if (!thing || !*thing)
        return fail(TACIT_USAGE, "VECTORS or TEXTS are missing: tacit search docs.npy query=\"…\"");
    const struct config *settings = &config->config;
    struct audience audience = { observer, NULL };
    struct search search = { 0 };
    struct ranking ranking = { 0 };
    tacit_report *made = report_new();
    if (!made)
        return TACIT_RESOURCES;
    team_settle((int)config_integer(settings, "threads"));
    status result = search_open(settings, &audience, thing, &search);
    enum search_by by = BY_BM25;
    if (result == TACIT_OK) {
        by = config_automatic(settings, "by") ? search_usual(&search)
                                              : (enum search_by)config_choice(settings, "by");
        result = search_rank(&search, by, config_integer(settings, "k"), &ranking);
    }
    if (result == TACIT_OK)
        result = results_give(&search, by, &ranking, made);
    if (result == TACIT_OK)
        result = report_status(made);
    ranking_free(&ranking);
    if (search.config)
        search_close(&search);
    const char *out = config_value(settings, "out");
    /* On standard output the run is the result, and nothing may come after it. */
    if (report && result == TACIT_OK && !(out && strcmp(out, "-") == 0))
        *report = made;
    else
        tacit_report_free(made);
    return result;
}
