/* tacit_evaluate on sets whose scores are known beforehand. */
#include "unit/eval_files.h"
#include "io/json.h"
#include "train/tasks.h"

#include <errno.h>

static tacit_report *evaluated(const char *thing, const char *const words[])
{
    tacit_config *config = configured("eval", words);
    tacit_report *report;
    tacit_status result = tacit_evaluate(thing, config, NULL, &report);
    if (result != TACIT_OK)
        fail_msg("%s", tacit_message());
    assert_non_null(report);
    tacit_config_free(config);
    return report;
}

static void not_evaluated(const char *thing, const char *const words[], tacit_status code,
                          const char *said)
{
    tacit_config *config = configured("eval", words);
    tacit_report *report;
    tacit_status result = tacit_evaluate(thing, config, NULL, &report);
    assert_null(report);
    if (result != code || !strstr(tacit_message(), said))
        fail_msg("%d instead of %d, or \"%s\" is not in: %s", (int)result, (int)code, said,
                 tacit_message());
    tacit_config_free(config);
}

/* A cell of the results; labels is "all" or a number as text. */
static tacit_value cell_of(const tacit_report *report, const char *subject, const char *protocol,
                           const char *labels, const char *column)
{
    static const char *const names[] = { "subject", "protocol",     "labels_per_class", "accuracy",
                                         "sd",      "interval_low", "interval_high" };
    tacit_value value;
    assert_int_equal(tacit_report_columns(report), 7);
    for (int row = 0; row < tacit_report_rows(report); row++) {
        const char *wanted[] = { subject, protocol, labels };
        bool same = true;
        for (int i = 0; i < 3; i++) {
            assert_true(tacit_report_cell(report, row, i, &value));
            assert_string_equal(value.name, names[i]);
            same = same && strcmp(value.text, wanted[i]) == 0;
        }
        for (int i = 3; same && i < 7; i++) {
            assert_true(tacit_report_cell(report, row, i, &value));
            assert_string_equal(value.name, names[i]);
            if (strcmp(names[i], column) == 0)
                return value;
        }
    }
    fail_msg("no result of %s, %s, %s", subject, protocol, labels);
    return value;
}

static double accuracy_of(const tacit_report *report, const char *subject, const char *protocol,
                          const char *labels)
{
    return cell_of(report, subject, protocol, labels, "accuracy").number;
}

static void near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("%.17g instead of %.17g", found, expected);
}

/* Classes that are apart by far are told apart by everyone; with the test labels swapped, never. */
static void separable_classes_score_one_or_zero(void **state)
{
    (void)state;
    stripes_put("easy", 40, 20, false);
    stripes_put("swapped", 40, 20, true);
    run_put("run", "easy", 5);
    for (int swapped = 0; swapped < 2; swapped++) {
        tacit_report *report =
            evaluated(path_of("run"), WORDS(word("data", swapped ? "swapped" : "easy"),
                                            "protocol=knn,linear", "against=pixels,labels-only",
                                            "labels_per_class=5,all", "draws=3", "epochs=60"));
        double expected = swapped ? 0 : 1;
        assert_int_equal(tacit_report_rows(report), 3 * 2 * 2);
        near(accuracy_of(report, "pixels", "knn", "5"), expected, 0);
        near(accuracy_of(report, "pixels", "knn", "all"), expected, 0);
        near(accuracy_of(report, "pixels", "linear", "5"), expected, 0);
        near(accuracy_of(report, "pixels", "linear", "all"), expected, 0);
        near(accuracy_of(report, "labels-only", "linear", "all"), expected, .05);
        near(accuracy_of(report, "labels-only", "knn", "all"),
             accuracy_of(report, "labels-only", "linear", "all"), 0);
        near(cell_of(report, "pixels", "knn", "5", "sd").number, 0, 0);
        assert_string_equal(cell_of(report, "pixels", "knn", "all", "sd").text, "");
        assert_true(has_note(report, "labels-only with 5 labels a class: 60 steps of 10 pictures "
                                     "(60 epochs), SGD"));
        assert_true(has_note(report, "moved by up to 1 pixel and mirrored, not the views"));
        tacit_report_free(report);
    }
}

/* Pixels of noise: the figure is that of a loop over all pairs, in double. */
static void neighbours_of_pixels_equal_a_plain_loop(void **state)
{
    (void)state;
    enum { TRAIN = 30, TEST = 25, K = 7, CLASSES = 3 };
    uint8_t pixels[(TRAIN + TEST) * PIXELS], label[TRAIN + TEST];
    int right = 0;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)((i * 2654435761u) >> 13);
    for (int i = 0; i < TRAIN + TEST; i++)
        label[i] = (uint8_t)((i * 7 + i / 4) % CLASSES);
    idx_put("noise", "train", TRAIN, pixels, label);
    idx_put("noise", "t10k", TEST, pixels + TRAIN * PIXELS, label + TRAIN);
    for (int query = TRAIN; query < TRAIN + TEST; query++) {
        double cosine[TRAIN], vote[CLASSES] = { 0 };
        for (int i = 0; i < TRAIN; i++) {
            double dot = 0, a = 0, b = 0;
            for (int j = 0; j < PIXELS; j++) {
                double x = pixels[query * PIXELS + j], y = pixels[i * PIXELS + j];
                dot += x * y, a += x * x, b += y * y;
            }
            cosine[i] = dot / sqrt(a * b);
        }
        for (int i = 0; i < TRAIN; i++) {
            int closer = 0;
            for (int j = 0; j < TRAIN; j++)
                closer += cosine[j] > cosine[i];
            if (closer < K)
                vote[label[i]] += exp(cosine[i] / .2);
        }
        int best = 0;
        for (int c = 1; c < CLASSES; c++)
            best = vote[c] > vote[best] ? c : best;
        right += best == label[query];
    }
    tacit_report *report = evaluated(NULL, WORDS(word("data", "noise"), "protocol=knn", "k=7",
                                                 "temperature=.2", "against=pixels"));
    near(accuracy_of(report, "pixels", "knn", "all"), (double)right / TEST, 1e-12);
    near(field_of(report, "k").number, K, 0);
    near(field_of(report, "temperature").number, .2, 0);
    near(field_of(report, "labelled_samples").number, TRAIN, 0);
    near(field_of(report, "test_samples").number, TEST, 0);
    tacit_report_free(report);
}

/* A run whose weights are still those of its seed is its own untrained rival. */
static void untrained_has_the_weights_of_the_seed(void **state)
{
    (void)state;
    uint8_t pixels[60 * PIXELS], label[60];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)((i * 2654435761u) >> 13);
    for (int i = 0; i < 60; i++)
        label[i] = (uint8_t)(i % 3);
    idx_put("chance", "train", 30, pixels, label);
    idx_put("chance", "t10k", 30, pixels + 30 * PIXELS, label + 30);
    run_put("seven", "chance", 7);
    tacit_report *report =
        evaluated(path_of("seven"), WORDS("protocol=knn,linear", "against=untrained",
                                          "labels_per_class=4,all", "draws=4", "k=3"));
    static const char *const protocols[] = { "knn", "linear" };
    for (int i = 0; i < 2; i++) {
        near(accuracy_of(report, "untrained", protocols[i], "4"),
             accuracy_of(report, "run", protocols[i], "4"), 0);
        near(accuracy_of(report, "untrained", protocols[i], "all"),
             accuracy_of(report, "run", protocols[i], "all"), 0);
    }
    near(field_of(report, "network_seed").number, 7, 0);
    near(field_of(report, "epoch").number, 3, 0);
    assert_string_equal(field_of(report, "stem").text, "cifar");
    tacit_report_free(report);

    /* With a model of another seed in it they differ. */
    model_put("seven/model.safetensors", 8);
    report = evaluated(path_of("seven"), WORDS("protocol=knn,linear", "against=untrained",
                                               "labels_per_class=4,all", "draws=4", "k=3"));
    double apart = 0;
    for (int i = 0; i < 2; i++)
        apart += fabs(accuracy_of(report, "untrained", protocols[i], "4") -
                      accuracy_of(report, "run", protocols[i], "4"));
    assert_true(apart > 0);
    tacit_report_free(report);
}

static json_t *json_of(const char *name)
{
    json_t *root;
    assert_int_equal(json_document_read(path_of(name), 1 << 20, &root), TACIT_OK);
    return root;
}

/* eval/1.json, then 2; out= gets the same. */
static void results_are_stored_in_the_run(void **state)
{
    (void)state;
    stripes_put("stored", 20, 10, false);
    run_put("keeps", "stored", 1);
    tacit_report *report = evaluated(path_of("keeps"), WORDS("protocol=knn", "k=5"));
    assert_true(has_note(report, "eval/1.json"));
    tacit_report_free(report);
    report = evaluated(path_of("keeps/model.safetensors"),
                       WORDS("protocol=linear", word("out", "copy.json")));
    assert_true(has_note(report, "eval/2.json"));
    tacit_report_free(report);
    json_t *first = json_of("keeps/eval/1.json"), *second = json_of("keeps/eval/2.json"),
           *copy = json_of("copy.json");
    json_t *row = json_array_get(json_object_get(first, "results"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "subject")), "run");
    assert_string_equal(json_string_value(json_object_get(row, "protocol")), "knn");
    assert_string_equal(json_string_value(json_object_get(row, "labels_per_class")), "all");
    double accuracy = json_number_value(json_object_get(row, "accuracy"));
    assert_true(accuracy >= 0 && accuracy <= 1);
    assert_true(json_is_null(json_object_get(row, "sd")));
    assert_true(json_equal(second, copy));
    json_decref(first);
    json_decref(second);
    json_decref(copy);
}

/* Three of the test pictures lie among the pictures that pretraining used. */
static void counts_test_samples_that_were_seen(void **state)
{
    (void)state;
    char text[4096] = "hash\tpath\tsplit\tused\n";
    stripes_put("seen", 20, 10, false);
    run_put("saw", "seen", 1);
    struct source *source = opened(path_of("seen"), NULL);
    uint32_t index[10];
    assert_int_equal(source_part(source, SPLIT_TEST, index), 10);
    for (int i = 0; i < 5; i++) {
        struct image image;
        assert_int_equal(source_read(source, index[2 * i], &image), TACIT_OK);
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%016llx\tx/used\ttrain\t%s\n",
                 (unsigned long long)views_hash(&image), i < 3 ? "used" : "test part");
        image_free(&image);
    }
    source_close(source);
    tacit_report *report = evaluated(path_of("saw"), WORDS("protocol=knn", "k=5"));
    assert_true(isnan(field_of(report, "test_samples_seen").number));
    tacit_report_free(report);
    file_put("saw/samples.tsv", text, strlen(text));
    report = evaluated(path_of("saw"), WORDS("protocol=knn", "k=5"));
    near(field_of(report, "test_samples_seen").number, 3, 0);
    tacit_report_free(report);
}

/* What the run held out is the part test where the data have none; elsewhere nothing changes. */
static void what_the_run_held_out_is_judged(void **state)
{
    (void)state;
    char text[4096] = "hash\tpath\tsplit\tused\n", config[4400], name[SAMPLE_NAME_BYTES];
    stripes_put("kept", 40, 0, false);
    run_put("keeper", "kept", 1);
    int length =
        snprintf(config, sizeof config, "data: %s\nseed: 1\nholdout: 0.2\n", path_of("kept"));
    file_put("keeper/config.yaml", config, (size_t)length);
    not_evaluated(path_of("keeper"), WORDS("protocol=knn", "k=5"), TACIT_BAD_DATA,
                  "nobody knows what the run held out");
    struct source *source = opened(path_of("kept"), NULL);
    for (size_t i = 0; i < source->count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "-\t%s\t-\t%s\n", source_name(source, i, name),
                 i % 5 == 3 ? "held out" : "used");
    }
    source_close(source);
    file_put("keeper/samples.tsv", text, strlen(text));
    tacit_report *report = evaluated(path_of("keeper"), WORDS("protocol=knn", "k=5"));
    near(field_of(report, "test_samples").number, 8, 0);
    near(field_of(report, "labelled_samples").number, 32, 0);
    near(field_of(report, "test_samples_seen").number, 0, 0);
    assert_non_null(strstr(field_of(report, "split").text, "holdout=0.2"));
    tacit_report_free(report);
    /* The same data by name; then other data. */
    report = evaluated(path_of("keeper"), WORDS("protocol=knn", "k=5", word("data", "kept")));
    near(field_of(report, "test_samples").number, 8, 0);
    tacit_report_free(report);
    stripes_put("others", 30, 0, false);
    report = evaluated(path_of("keeper"), WORDS("protocol=knn", "k=5", word("data", "others")));
    near(field_of(report, "test_samples").number, 30, 0);
    tacit_report_free(report);
    /* A set that has lost some of them. */
    stripes_put("kept", 30, 0, false);
    not_evaluated(path_of("keeper"), WORDS("protocol=knn", "k=5"), TACIT_BAD_DATA, "not in");
}

/* Without a part test: every sample is judged once, by folds, and the figure has an interval. */
static void cross_validates_without_a_test_part(void **state)
{
    (void)state;
    stripes_put("whole", 40, 0, false);
    tacit_report *report =
        evaluated(NULL, WORDS(word("data", "whole"), "protocol=linear,knn", "against=pixels",
                              "folds=4", "labels_per_class=2,all", "draws=6", "k=5"));
    near(accuracy_of(report, "pixels", "linear", "all"), 1, 0);
    near(cell_of(report, "pixels", "linear", "all", "sd").number, 0, 0);
    near(cell_of(report, "pixels", "linear", "all", "interval_low").number, 1, 0);
    near(cell_of(report, "pixels", "linear", "all", "interval_high").number, 1, 0);
    near(field_of(report, "test_samples").number, 40, 0);
    assert_non_null(strstr(field_of(report, "split").text, "4 folds"));
    assert_true(has_note(report, "knn with 2 labels a class: k is 4"));
    tacit_report_free(report);
}

/* The same words give the same figures; another seed other draws. */
static void draws_depend_on_the_seed_only(void **state)
{
    (void)state;
    double found[3];
    static const char *const seeds[] = { "seed=0", "seed=0", "seed=1" };
    for (int i = 0; i < 3; i++) {
        tacit_report *report =
            evaluated(NULL, WORDS("data=synth:shapes?count=400&test=200&size=16", "protocol=linear",
                                  "against=pixels", "labels_per_class=3", "draws=2", seeds[i]));
        found[i] = accuracy_of(report, "pixels", "linear", "3");
        tacit_report_free(report);
    }
    near(found[1], found[0], 0);
    assert_true(found[2] != found[0]);
}

static void wishes_that_cannot_be_met(void **state)
{
    (void)state;
    stripes_put("small", 20, 10, false);
    run_put("wish", "small", 1);
    png_put("plain/a.png", 1, 3);
    png_put("plain/b.png", 2, 3);
    char data[4200];
    snprintf(data, sizeof data, "%s", word("data", "small"));
    not_evaluated(NULL, WORDS(data), TACIT_USAGE, "RUN is missing");
    not_evaluated(NULL, WORDS(data, "against=untrained"), TACIT_USAGE, "against=untrained");
    not_evaluated(NULL, WORDS("against=pixels"), TACIT_USAGE, "data");
    not_evaluated(NULL, WORDS(data, "against=pixels", "labels_per_class=0"), TACIT_USAGE,
                  "labels_per_class=0");
    not_evaluated(NULL, WORDS(data, "against=pixels", "labels_per_class=few"), TACIT_USAGE,
                  "labels_per_class=few");
    not_evaluated(NULL, WORDS(data, "against=pixels", "protocol=knm"), TACIT_USAGE, "knn");
    not_evaluated(NULL, WORDS(data, "against=pixels", "labels=none"), TACIT_USAGE,
                  "labels=folders");
    not_evaluated(NULL, WORDS(word("data", "plain"), "against=pixels"), TACIT_USAGE,
                  "labels=folders");
    not_evaluated(NULL, WORDS(data, "against=pixels", "labels_per_class=11"), TACIT_USAGE,
                  "class 0 has 10, 1 has 10; at most 10, or all");
    not_evaluated(path_of("nowhere"), WORDS(data), TACIT_BAD_DATA, "nowhere");
    file_put("moved/config.yaml", "data: /nowhere/at/all\n", 22);
    model_put("moved/model.safetensors", 1);
    not_evaluated(path_of("moved"), WORDS("protocol=knn"), TACIT_BAD_DATA, "say data=");
    model_put("alone.safetensors", 1);
    not_evaluated(path_of("alone.safetensors"), WORDS("protocol=knn"), TACIT_USAGE, "data");
    not_evaluated(path_of("wish"), WORDS("labels=none"), TACIT_USAGE, "labels");
    assert_int_not_equal(access(path_of("wish/eval"), F_OK), 0);
}

/* ---- observers ---- */

struct listener {
    int calls, stop_after;
    char phases[4096];
};

static void listen(void *user, const tacit_progress *progress)
{
    struct listener *listener = user;
    listener->calls++;
    assert_non_null(progress->phase);
    assert_true(progress->step >= 0 && progress->step <= progress->steps);
    if (!strstr(listener->phases, progress->phase)) {
        strcat(listener->phases, progress->phase);
        strcat(listener->phases, "|");
    }
}

static int stop_later(void *user)
{
    struct listener *listener = user;
    return listener->stop_after && listener->calls >= listener->stop_after;
}

static tacit_status watched(struct listener *listener, const char *thing, tacit_report **report)
{
    tacit_observer observer = { listener, listen, NULL, stop_later };
    tacit_config *config =
        configured("eval", WORDS("protocol=knn,linear", "against=pixels,untrained,labels-only",
                                 "labels_per_class=2", "draws=2", "epochs=3", "batch_size=8"));
    tacit_status result = tacit_evaluate(thing, config, &observer, report);
    tacit_config_free(config);
    return result;
}

/* Wherever it is stopped, nothing is stored. */
/* More labels than a class has are refused before anything is computed. */
static void too_many_labels_are_refused_at_once(void **state)
{
    (void)state;
    struct listener listener = { .calls = 0 };
    tacit_observer observer = { &listener, listen, NULL, NULL };
    static const char *const asked[] = { "labels_per_class=2,11", "labels_per_class=10,all" };
    stripes_put("scarce", 20, 10, false);
    run_put("rare", "scarce", 1);
    for (int i = 0; i < 2; i++) {
        tacit_config *config = configured("eval", WORDS("protocol=knn", asked[i]));
        assert_int_equal(tacit_evaluate(path_of("rare"), config, &observer, NULL),
                         i ? TACIT_OK : TACIT_USAGE);
        assert_int_equal(listener.calls > 0, i);
        tacit_config_free(config);
    }
}

static void stops_when_asked(void **state)
{
    (void)state;
    struct listener listener = { 0 };
    tacit_report *report;
    stripes_put("stops", 20, 10, false);
    run_put("stopped", "stops", 1);
    assert_int_equal(watched(&listener, path_of("stopped"), &report), TACIT_OK);
    assert_non_null(strstr(listener.phases, "run: features|"));
    assert_non_null(strstr(listener.phases, "pixels: linear|"));
    assert_non_null(strstr(listener.phases, "labels-only: 4 labels"));
    tacit_report_free(report);
    assert_int_equal(remove(path_of("stopped/eval/1.json")), 0);
    int calls = listener.calls;
    for (int after = 1; after < calls; after += 2) {
        listener = (struct listener){ .stop_after = after };
        assert_int_equal(watched(&listener, path_of("stopped"), &report), TACIT_STOPPED);
        assert_null(report);
        assert_int_not_equal(access(path_of("stopped/eval/1.json"), F_OK), 0);
    }
}

/* Whatever allocation fails, the answer is an error and a retry works. */
static void runs_out_of_memory_without_harm(void **state)
{
    (void)state;
    stripes_put("memory", 12, 6, false);
    tacit_config *config = configured(
        "eval", WORDS(word("data", "memory"), "against=pixels", "protocol=knn,linear", "k=3"));
    tacit_report *report;
    bool survived = false;
    for (int64_t n = 1; n < 400 && !survived; n++) {
        memory_fail_at(n);
        tacit_status result = tacit_evaluate(NULL, config, NULL, &report);
        memory_fail_at(0);
        survived = result == TACIT_OK;
        assert_true(survived || result == TACIT_RESOURCES);
        assert_true(survived == (report != NULL));
        tacit_report_free(report);
    }
    assert_true(survived);
    tacit_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(separable_classes_score_one_or_zero),
        cmocka_unit_test(neighbours_of_pixels_equal_a_plain_loop),
        cmocka_unit_test(untrained_has_the_weights_of_the_seed),
        cmocka_unit_test(results_are_stored_in_the_run),
        cmocka_unit_test(counts_test_samples_that_were_seen),
        cmocka_unit_test(what_the_run_held_out_is_judged),
        cmocka_unit_test(cross_validates_without_a_test_part),
        cmocka_unit_test(draws_depend_on_the_seed_only),
        cmocka_unit_test(wishes_that_cannot_be_met),
        cmocka_unit_test(too_many_labels_are_refused_at_once),
        cmocka_unit_test(stops_when_asked),
        cmocka_unit_test(runs_out_of_memory_without_harm),
    };
    return cmocka_run_group_tests(tests, files_begin, files_end);
}
