/* Judging rankings: the golden values of the literature, TREC's files, ties. */
#include "unit/data_files.h"
#include "eval/qrels.h"

#include <math.h>

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 5e-8))
        fail_msg("%.10g, expected %.10g", got, want);
}

static void put(const char *name, const char *text)
{
    file_put(name, text, strlen(text));
}

/* Grades 3 2 3 0 1 2 in the order of the ranking: DCG 6.861127, NDCG with linear gain .9608082. */
static void linear_gains(void **state)
{
    (void)state;
    struct qrels qrels;
    static const char *const ranking[] = { "a", "b", "c", "d", "e", "f" };
    put("golden", "q 0 a 3\nq 0 b 2\nq 0 c 3\nq 0 d 0\nq 0 e 1\nq 0 f 2\n");
    assert_int_equal(qrels_read(path_of("golden"), &qrels), TACIT_OK);
    const struct qrels_query *query = qrels_find(&qrels, "q");
    assert_non_null(query);
    struct rank_scores scores = qrels_score(query, ranking, 6, 10);
    near(scores.ndcg, 0.960808192);
    near(scores.reciprocal, 1);
    near(scores.recall, 1);
    /* Precision at the relevant ranks 1 2 3 5 6. */
    near(scores.precision, (1 + 1 + 1 + 4.0 / 5 + 5.0 / 6) / 5);
    near(qrels_score(query, ranking, 6, 3).recall, 3.0 / 5);
    near(qrels_score(query, ranking + 3, 3, 10).reciprocal, 1.0 / 2);
    near(qrels_score(query, ranking + 3, 1, 10).reciprocal, 0);
    assert_null(qrels_find(&qrels, "p"));
    qrels_free(&qrels);
}

static void damaged_judgements_are_named(void **state)
{
    (void)state;
    struct qrels qrels;
    put("short", "q 0 a 1\nq 0 b\n");
    assert_int_equal(qrels_read(path_of("short"), &qrels), TACIT_BAD_DATA);
    assert_non_null(strstr(tacit_message(), "line 2"));
    qrels_free(&qrels);
    put("words", "q 0 a good\n");
    assert_int_equal(qrels_read(path_of("words"), &qrels), TACIT_BAD_DATA);
    qrels_free(&qrels);
    put("nothing", "\n\n");
    assert_int_equal(qrels_read(path_of("nothing"), &qrels), TACIT_BAD_DATA);
    qrels_free(&qrels);
    put("odd", "q 0 a -2\nq 0 a 3\n\nq 0 b 1\r\n");
    assert_int_equal(qrels_read(path_of("odd"), &qrels), TACIT_OK);
    assert_int_equal(qrels_find(&qrels, "q")->relevant, 1);
    qrels_free(&qrels);
}

/* By score, ties by the larger document id, whatever the rank says. */
static void runs_are_sorted_as_by_trec_eval(void **state)
{
    (void)state;
    struct trec_run run;
    put("run", "1 Q0 a 1 0.5 x\n1 Q0 c 2 0.5 x\n1 Q0 b 3 0.75 x\n2 Q0 z 1 -1 x\n");
    assert_int_equal(trec_run_read(path_of("run"), &run), TACIT_OK);
    const struct trec_query *query = trec_run_find(&run, "1");
    assert_int_equal(query->count, 3);
    assert_string_equal(query->document[0], "b");
    assert_string_equal(query->document[1], "c");
    assert_string_equal(query->document[2], "a");
    assert_int_equal(trec_run_find(&run, "2")->count, 1);
    trec_run_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_gains),
        cmocka_unit_test(damaged_judgements_are_named),
        cmocka_unit_test(runs_are_sorted_as_by_trec_eval),
    };
    return cmocka_run_group_tests(tests, files_begin, files_end);
}
