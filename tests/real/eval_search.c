/* BM25 on the Cranfield collection: the figures of bm25s 0.3.16 (method lucene, Snowball's porter
 * stemmer, Lucene's English stop words), whose words are cut a little differently. */
#include "tacit/tacit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void path_in(char path[4096], const char *name)
{
    const char *folder = getenv("TACIT_DATA");
    snprintf(path, 4096, "%s/cranfield/%s", folder ? folder : "", name);
    if (!folder || access(path, F_OK) != 0) {
        print_message("TACIT_DATA names no folder that holds cranfield\n");
        skip();
    }
}

static void figures_near(const char *k1, const char *b, double ndcg, double reciprocal)
{
    char texts[4096], queries[4096], qrels[4096];
    tacit_config *config;
    tacit_report *report;
    tacit_value value;
    path_in(texts, "cran.all.1400.xml.gz");
    path_in(queries, "cran.qry.xml.gz");
    path_in(qrels, "cranqrel.trec.txt.gz");
    const char *const settings[][2] = {
        { "queries", queries }, { "qrels", qrels }, { "by", "bm25" }, { "k1", k1 }, { "b", b }
    };
    assert_int_equal(tacit_config_new("eval", &config), TACIT_OK);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        assert_int_equal(tacit_config_set(config, settings[i][0], settings[i][1]), TACIT_OK);
    if (tacit_evaluate(texts, config, NULL, &report) != TACIT_OK)
        fail_msg("%s", tacit_message());
    assert_true(tacit_report_field(report, 0, &value) && value.number == 225);
    assert_true(tacit_report_cell(report, 0, 1, &value));
    assert_string_equal(value.name, "mrr@10");
    assert_true(fabs(value.number - reciprocal) < .005);
    assert_true(tacit_report_cell(report, 0, 2, &value));
    assert_string_equal(value.name, "ndcg@10");
    assert_true(fabs(value.number - ndcg) < .003);
    tacit_report_free(report);
    tacit_config_free(config);
}

static void bm25_is_bm25s(void **state)
{
    (void)state;
    figures_near("1.2", "0.75", .3748, .5154);
    figures_near("0.9", "0.4", .3572, .5004);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(bm25_is_bm25s) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
