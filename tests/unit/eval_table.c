#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "eval/table.h"
#include "io/json.h"

#include <cmocka.h>

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.9g is not within %g of %.9g", value, tolerance, expected);
}

static void accuracy_counts_labelled_samples(void **state)
{
    (void)state;
    static const int32_t predicted[] = { 1, 2, 0, 0, 3 }, label[] = { 1, 0, 0, -1, 2 };
    assert_near(score_accuracy(predicted, label, 5), .5, 0);
    assert_true(isnan(score_accuracy(predicted, label + 3, 1)));
}

/* Student's points from tables; Wilson's interval of 81 of 263 is .2553 to .3662 (Newcombe 1998,
 * table I), of 0 of 20 is 0 to .1611. */
static void intervals_match_published_values(void **state)
{
    (void)state;
    static const struct {
        int degrees;
        double point;
    } student[] = { { 1, 12.706 }, { 2, 4.303 },  { 4, 2.776 },   { 5, 2.571 },
                    { 9, 2.262 },  { 29, 2.045 }, { 1000, 1.962 } };
    for (size_t i = 0; i < sizeof student / sizeof *student; i++)
        assert_near(score_student(student[i].degrees), student[i].point, .002 * student[i].point);
    double share = 81. / 263, none = 0;
    struct score score;
    score_of(&share, 1, 263, &score);
    assert_near(score.low, .2553, 5e-5);
    assert_near(score.high, .3662, 5e-5);
    assert_true(isnan(score.sd));
    score_of(&none, 1, 20, &score);
    assert_near(score.low, 0, 1e-15);
    assert_near(score.high, .1611, 5e-5);
    /* .70, .72, .74: sd .02, half the interval 4.303 * .02 / sqrt 3 */
    static const double three[] = { .70, .72, .74 };
    score_of(three, 3, 100, &score);
    assert_near(score.accuracy, .72, 1e-12);
    assert_near(score.sd, .02, 1e-12);
    assert_near(score.low, .72 - .04968, 1e-4);
    assert_near(score.high, .72 + .04968, 1e-4);
}

static const struct protocol_fact facts[] = { { "k", "200" },
                                              { "temperature", "0.1" },
                                              { "metric", "\"cosine\"" } };
static const struct score scores[] = {
    { "run", "knn", 0, 1, .8571, NAN, .8501, .8638 },
    { "run", "knn", 10, 5, .7374, .0104, .7246, .7503 },
    { "run", "knn", 1, 5, .53, .031, .4913, .5687 },
    { "pixels", "knn", 10, 5, .7123, .0098, .7001, .7243 },
    { "run", "linear", 10, 5, .75, .01, .7376, .7624 },
};
static const struct table table = { facts, 3, scores, 5 };

static void text_is_aligned(void **state)
{
    (void)state;
    struct text text = { 0 };
    assert_int_equal(table_text(&table, &text), TACIT_OK);
    assert_string_equal(
        text_string(&text),
        "k             200\n"
        "temperature   0.1\n"
        "metric        \"cosine\"\n"
        "\n"
        "accuracy in %: mean ± standard deviation over draws [95 % interval]\n"
        "\n"
        "knn      1 label a class           10 labels a class         all labels\n"
        "run      53.0 ± 3.1 [49.1, 56.9]   73.7 ± 1.0 [72.5, 75.0]   85.7 [85.0, 86.4]\n"
        "pixels   -                         71.2 ± 1.0 [70.0, 72.4]   -\n"
        "\n"
        "linear   10 labels a class\n"
        "run      75.0 ± 1.0 [73.8, 76.2]\n");
    text_free(&text);
}

static void json_reads_back(void **state)
{
    (void)state;
    struct text text = { 0 };
    json_t *root;
    assert_int_equal(table_json(&table, &text), TACIT_OK);
    assert_int_equal(json_document_parse("table", text_string(&text), text.length, &root),
                     TACIT_OK);
    assert_int_equal(json_integer_value(json_object_get(root, "version")), 1);
    json_t *protocol = json_object_get(root, "protocol"),
           *results = json_object_get(root, "results");
    assert_int_equal(json_integer_value(json_object_get(protocol, "k")), 200);
    assert_near(json_real_value(json_object_get(protocol, "temperature")), .1, 0);
    assert_string_equal(json_string_value(json_object_get(protocol, "metric")), "\"cosine\"");
    assert_int_equal(json_array_size(results), 5);
    json_t *all = json_array_get(results, 0), *ten = json_array_get(results, 3);
    assert_string_equal(json_string_value(json_object_get(all, "labels_per_class")), "all");
    assert_true(json_is_null(json_object_get(all, "sd")));
    assert_string_equal(json_string_value(json_object_get(ten, "subject")), "pixels");
    assert_string_equal(json_string_value(json_object_get(ten, "protocol")), "knn");
    assert_int_equal(json_integer_value(json_object_get(ten, "labels_per_class")), 10);
    assert_int_equal(json_integer_value(json_object_get(ten, "draws")), 5);
    assert_near(json_real_value(json_object_get(ten, "accuracy")), .7123, 0);
    assert_near(json_real_value(json_object_get(ten, "sd")), .0098, 0);
    assert_near(json_real_value(json_array_get(json_object_get(ten, "interval"), 1)), .7243, 0);
    json_decref(root);
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accuracy_counts_labelled_samples),
        cmocka_unit_test(intervals_match_published_values),
        cmocka_unit_test(text_is_aligned),
        cmocka_unit_test(json_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
