#include "eval/qrels.h"
#include "eval/read_whole.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MOST = 6, QREL_COLUMNS = 4, RUN_COLUMNS = 6 };

/* Calls `take` with the columns of every line that is not empty. */
typedef status line_take(void *argument, char *column[]);

static status lines_each(const char *path, int columns, const char *form, line_take *take,
                         void *argument)
{
    struct text text = { 0 };
    status result = whole_file_read(path, &text);
    char *line = text.bytes, *stop = line ? line + text.length : NULL;
    for (int64_t number = 1; result == TACIT_OK && line < stop; number++) {
        char *end = memchr(line, '\n', (size_t)(stop - line)), *column[COLUMNS_MOST + 1], *rest;
        int found = 0;
        if (end)
            *end = 0;
        for (char *word = strtok_r(line, " \t\r", &rest); word && found <= COLUMNS_MOST;
             word = strtok_r(NULL, " \t\r", &rest))
            column[found++] = word;
        if (found == columns)
            result = take(argument, column);
        else if (found)
            result = fail(TACIT_BAD_DATA, "expected \"%s\"", form);
        if (result == TACIT_BAD_DATA)
            result = fail_within(result, "%s, line %lld", path, (long long)number);
        line = end ? end + 1 : stop;
    }
    text_free(&text);
    return result;
}

/* ---- judgements ---- */

static status query_add(struct qrels *qrels, const char *id, struct qrels_query **query)
{
    int64_t number = map_get(&qrels->number, id);
    if (number < 0) {
        void *block = qrels->query;
        if (!memory_reserve(&block, &qrels->capacity, qrels->count, sizeof *qrels->query))
            return TACIT_RESOURCES;
        qrels->query = block;
        qrels->query[qrels->count] =
            (struct qrels_query){ .id = arena_text(&qrels->memory, "%s", id) };
        number = (int64_t)qrels->count;
        if (!qrels->query[number].id || !map_set(&qrels->number, qrels->query[number].id, number))
            return fail(TACIT_RESOURCES, "no memory for judgements");
        qrels->count++;
    }
    *query = &qrels->query[number];
    return TACIT_OK;
}

static status judgement_take(void *argument, char *column[])
{
    struct qrels *qrels = argument;
    struct qrels_query *query = NULL;
    int64_t grade;
    if (!text_read_integer(column[3], &grade) || grade > 1000000)
        return fail(TACIT_BAD_DATA, "\"%.40s\" is not the grade of a judgement", column[3]);
    TRY(query_add(qrels, column[0], &query));
    if (map_get(&query->grade, column[2]) >= 0)
        return TACIT_OK;
    grade = grade > 0 ? grade : 0;
    const char *document = arena_text(&qrels->memory, "%s", column[2]);
    void *block = query->best;
    bool known = map_get(&qrels->document, column[2]) >= 0;
    if (!document || !map_set(&query->grade, document, grade) ||
        (!known && !map_set(&qrels->document, document, (int64_t)qrels->document.count)) ||
        !memory_reserve(&block, &query->capacity, query->count, sizeof *query->best))
        return fail(TACIT_RESOURCES, "no memory for judgements");
    query->best = block;
    query->best[query->count++] = grade;
    query->relevant += grade > 0;
    return TACIT_OK;
}

static int grade_order(const void *a, const void *b)
{
    int64_t first, second;
    memcpy(&first, a, sizeof first);
    memcpy(&second, b, sizeof second);
    return first < second ? 1 : first > second ? -1 : 0;
}

status qrels_read(const char *path, struct qrels *qrels)
{
    *qrels = (struct qrels){ 0 };
    TRY(lines_each(path, QREL_COLUMNS, "query 0 document grade", judgement_take, qrels));
    if (!qrels->count)
        return fail(TACIT_BAD_DATA, "%s: holds no judgement", path);
    for (size_t i = 0; i < qrels->count; i++)
        qsort(qrels->query[i].best, qrels->query[i].count, sizeof(int64_t), grade_order);
    return TACIT_OK;
}

void qrels_free(struct qrels *qrels)
{
    for (size_t i = 0; i < qrels->count; i++) {
        map_free(&qrels->query[i].grade);
        memory_free(qrels->query[i].best);
    }
    memory_free(qrels->query);
    map_free(&qrels->number);
    map_free(&qrels->document);
    arena_free(&qrels->memory);
    *qrels = (struct qrels){ 0 };
}

const struct qrels_query *qrels_find(const struct qrels *qrels, const char *query)
{
    int64_t number = map_get(&qrels->number, query);
    return number < 0 ? NULL : &qrels->query[number];
}

struct rank_scores qrels_score(const struct qrels_query *query, const char *const *document,
                               size_t count, size_t depth)
{
    struct rank_scores scores = { 0 };
    double gain = 0, ideal = 0, found = 0;
    for (size_t i = 0; i < count && i < depth; i++) {
        int64_t grade = map_get(&query->grade, document[i]);
        if (grade <= 0)
            continue;
        found++;
        gain += (double)grade / log2((double)i + 2);
        scores.precision += found / (double)(i + 1);
        if (scores.reciprocal == 0)
            scores.reciprocal = 1 / (double)(i + 1);
    }
    for (size_t i = 0; i < query->count && i < depth; i++)
        ideal += (double)query->best[i] / log2((double)i + 2);
    if (!query->relevant)
        return (struct rank_scores){ 0 };
    scores.ndcg = gain / ideal;
    scores.recall = found / (double)query->relevant;
    scores.precision /= (double)query->relevant;
    return scores;
}

/* ---- runs ---- */

static status ranked_take(void *argument, char *column[])
{
    struct trec_run *run = argument;
    int64_t number = map_get(&run->number, column[0]);
    double score;
    if (!text_read_real(column[4], &score))
        return fail(TACIT_BAD_DATA, "\"%.40s\" is not a score", column[4]);
    if (number < 0) {
        void *block = run->query;
        if (!memory_reserve(&block, &run->capacity, run->count, sizeof *run->query))
            return TACIT_RESOURCES;
        run->query = block;
        run->query[run->count] =
            (struct trec_query){ .id = arena_text(&run->memory, "%s", column[0]) };
        number = (int64_t)run->count;
        if (!run->query[number].id || !map_set(&run->number, run->query[number].id, number))
            return fail(TACIT_RESOURCES, "no memory for a run");
        run->count++;
    }
    struct trec_query *query = &run->query[number];
    if (query->count == query->capacity) {
        size_t room = query->capacity ? 2 * query->capacity : 64;
        const char **document = memory_resize(query->document, room, sizeof *document);
        query->document = document ? document : query->document;
        double *value = document ? memory_resize(query->score, room, sizeof *value) : NULL;
        if (!value)
            return TACIT_RESOURCES;
        query->score = value;
        query->capacity = room;
    }
    query->score[query->count] = score;
    query->document[query->count] = arena_text(&run->memory, "%s", column[2]);
    return query->document[query->count++] ? TACIT_OK : TACIT_RESOURCES;
}

struct ranked {
    const char *document;
    double score;
};

static int ranked_order(const void *a, const void *b)
{
    const struct ranked *first = a, *second = b;
    if (first->score != second->score)
        return first->score < second->score ? 1 : -1;
    return -strcmp(first->document, second->document);
}

static status ranking_sort(struct trec_query *query)
{
    struct ranked *ranked = memory_new(query->count, sizeof *ranked);
    if (!ranked)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < query->count; i++)
        ranked[i] = (struct ranked){ query->document[i], query->score[i] };
    qsort(ranked, query->count, sizeof *ranked, ranked_order);
    for (size_t i = 0; i < query->count; i++) {
        query->document[i] = ranked[i].document;
        query->score[i] = ranked[i].score;
    }
    memory_free(ranked);
    return TACIT_OK;
}

status trec_run_read(const char *path, struct trec_run *run)
{
    *run = (struct trec_run){ 0 };
    TRY(lines_each(path, RUN_COLUMNS, "query Q0 document rank score name", ranked_take, run));
    if (!run->count)
        return fail(TACIT_BAD_DATA, "%s: holds no ranking", path);
    for (size_t i = 0; i < run->count; i++)
        TRY(ranking_sort(&run->query[i]));
    return TACIT_OK;
}

void trec_run_free(struct trec_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        memory_free(run->query[i].document);
        memory_free(run->query[i].score);
    }
    memory_free(run->query);
    map_free(&run->number);
    arena_free(&run->memory);
    *run = (struct trec_run){ 0 };
}

const struct trec_query *trec_run_find(const struct trec_run *run, const char *query)
{
    int64_t number = map_get(&run->number, query);
    return number < 0 ? NULL : &run->query[number];
}
