/* Pixels of Fashion-MNIST: the figures of scikit-learn 1.7 and NumPy with the same protocol. Those
 * of few labels are means over 200 (kNN) and 20 (linear) draws of their own, so that ours have to
 * lie within four standard errors of the difference. */
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

static tacit_report *evaluated(const char *protocol, const char *labels, const char *draws)
{
    char data[4096];
    tacit_config *config;
    tacit_report *report;
    snprintf(data, sizeof data, "%s/fashion-mnist", getenv("TACIT_DATA"));
    assert_int_equal(tacit_config_new("eval", &config), TACIT_OK);
    const char *const settings[][2] = { { "data", data },
                                        { "against", "pixels" },
                                        { "protocol", protocol },
                                        { "labels_per_class", labels },
                                        { "draws", draws } };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        assert_int_equal(tacit_config_set(config, settings[i][0], settings[i][1]), TACIT_OK);
    if (tacit_evaluate(NULL, config, NULL, &report) != TACIT_OK)
        fail_msg("%s", tacit_message());
    tacit_config_free(config);
    return report;
}

static void figure_near(const tacit_report *report, int row, double expected, double tolerance)
{
    tacit_value value;
    assert_true(tacit_report_cell(report, row, 3, &value));
    assert_string_equal(value.name, "accuracy");
    if (!(fabs(value.number - expected) <= tolerance))
        fail_msg("row %d: %.4f is not within %.4f of %.4f", row, value.number, tolerance, expected);
}

static void begin(void)
{
    char path[4096];
    const char *folder = getenv("TACIT_DATA");
    snprintf(path, sizeof path, "%s/fashion-mnist", folder ? folder : "");
    if (!folder || access(path, F_OK) != 0) {
        print_message("TACIT_DATA names no folder that holds fashion-mnist\n");
        skip();
    }
}

static void neighbours_equal_numpys(void **state)
{
    (void)state;
    begin();
    tacit_report *report = evaluated("knn", "1,all", "100");
    figure_near(report, 0, .4729, 4 * .0516 * sqrt(1. / 100 + 1. / 200));
    figure_near(report, 1, .7885, .0005);
    tacit_report_free(report);
}

static void linear_equals_scikit_learns(void **state)
{
    (void)state;
    begin();
    tacit_report *report = evaluated("linear", "1,10", "10");
    figure_near(report, 0, .445, 4 * .060 * sqrt(1. / 10 + 1. / 20));
    figure_near(report, 1, .701, 4 * .0125 * sqrt(1. / 10 + 1. / 20));
    tacit_report_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_equal_numpys),
        cmocka_unit_test(linear_equals_scikit_learns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
