/* Whole runs on generated pictures: the folder, resuming to the same bytes, what goes wrong. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "io/file.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "tacit/tacit.h"

#include <cmocka.h>

#include "unit/temporary.h"

/* What a watcher saw, and when it wants to stop. */
struct watcher {
    int64_t stop_at, step;
    int warnings;
    char messages[8192];
};

static void see_progress(void *user, const tacit_progress *progress)
{
    struct watcher *watcher = user;
    assert_string_equal(progress->phase, "pretrain");
    assert_true(progress->step == watcher->step + 1 || watcher->step == 0);
    watcher->step = progress->step;
}

static void see_message(void *user, tacit_level level, const char *text)
{
    struct watcher *watcher = user;
    size_t used = strlen(watcher->messages);
    watcher->warnings += level == TACIT_WARNING;
    snprintf(watcher->messages + used, sizeof watcher->messages - used, "%s\n", text);
}

static int see_stop(void *user)
{
    struct watcher *watcher = user;
    return watcher->stop_at >= 0 && watcher->step >= watcher->stop_at;
}

static const char *in(const char *name)
{
    static char path[4][512];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

enum { STEPS = 12 };

/* A run of STEPS steps named `out`, with more settings "key=value", ended by NULL. */
static tacit_status pretrain(const char *out, struct watcher *watcher, tacit_report **report, ...)
{
    tacit_observer observer = { watcher, see_progress, see_message, see_stop };
    tacit_config *config;
    va_list settings;
    assert_int_equal(tacit_config_new("pretrain", &config), TACIT_OK);
    static const char *const usual[][2] = {
        { "data", "synth:shapes?count=64&test=0&size=16" },
        { "model", "conv4" },
        { "width", "0.5" },
        { "batch_size", "16" },
        { "steps", "12" },
        { "checkpoint_every", "5" },
        { "watch.every", "4" },
        { "watch.pictures", "32" },
    };
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        tacit_config_set(config, usual[i][0], usual[i][1]);
    tacit_config_set(config, "out", in(out));
    va_start(settings, report);
    for (const char *setting; (setting = va_arg(settings, const char *));) {
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)strcspn(setting, "="), setting);
        tacit_config_set(config, key, strchr(setting, '=') + 1);
    }
    va_end(settings);
    tacit_status result = tacit_pretrain(config, &observer, report);
    tacit_config_free(config);
    return result;
}

static tacit_status resume(const char *out, struct watcher *watcher, const char *key,
                           const char *value)
{
    tacit_observer observer = { watcher, see_progress, see_message, see_stop };
    tacit_config *config;
    assert_int_equal(tacit_config_new("resume", &config), TACIT_OK);
    if (key)
        tacit_config_set(config, key, value);
    tacit_status result = tacit_resume(in(out), config, &observer, NULL);
    tacit_config_free(config);
    return result;
}

static void assert_same_file(const char *a, const char *b, const char *name)
{
    struct text x = { 0 }, y = { 0 };
    char path[600];
    snprintf(path, sizeof path, "%s/%s", in(a), name);
    assert_int_equal(file_read(path, 1 << 26, &x), TACIT_OK);
    snprintf(path, sizeof path, "%s/%s", in(b), name);
    assert_int_equal(file_read(path, 1 << 26, &y), TACIT_OK);
    assert_int_equal(x.length, y.length);
    assert_memory_equal(x.bytes, y.bytes, x.length);
    text_free(&x);
    text_free(&y);
}

static bool exists(const char *out, const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", in(out), name);
    return access(path, F_OK) == 0;
}

/* Every line of metrics.jsonl is the next step. Returns how many had watch values. */
static int metrics_check(const char *out, int expected)
{
    struct text all = { 0 };
    char path[600], *rest;
    int lines = 0, watched = 0;
    snprintf(path, sizeof path, "%s/metrics.jsonl", in(out));
    assert_int_equal(file_read(path, 1 << 20, &all), TACIT_OK);
    for (char *line = strtok_r(all.bytes, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        json_t *root;
        assert_int_equal(json_document_parse("line", line, strlen(line), &root), TACIT_OK);
        assert_int_equal(json_integer_value(json_object_get(root, "step")), ++lines);
        static const char *const keys[] = {
            "epoch", "loss", "lr", "step_seconds", "data_wait_seconds", "samples_per_second"
        };
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            assert_true(json_is_number(json_object_get(root, keys[i])));
        watched += json_is_number(json_object_get(root, "rank"));
        json_decref(root);
    }
    text_free(&all);
    assert_int_equal(lines, expected);
    return watched;
}

static void a_run_leaves_its_folder(void **state)
{
    (void)state;
    static const char *const files[] = { "config.yaml",
                                         "command.txt",
                                         "train.log",
                                         "samples.tsv",
                                         "summary.json",
                                         "metrics.jsonl",
                                         "model.safetensors",
                                         "checkpoints/last.safetensors",
                                         "checkpoints/previous.safetensors" };
    struct watcher watcher = { .stop_at = -1 };
    tacit_report *report;
    tacit_value value;
    assert_int_equal(pretrain("a", &watcher, &report, NULL), TACIT_OK);
    assert_int_equal(watcher.step, STEPS);
    assert_non_null(strstr(watcher.messages, "auto: method=simclr"));
    assert_non_null(strstr(watcher.messages, "optim.lr=0.0075")); /* .12 * 16 / 256 */
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!exists("a", files[i]))
            fail_msg("%s is missing", files[i]);
    assert_int_equal(metrics_check("a", STEPS), 3);
    assert_true(tacit_report_field(report, 0, &value));
    assert_string_equal(value.name, "run");
    assert_non_null(tacit_report_note(report, 0));
    tacit_report_free(report);
    assert_int_equal(pretrain("a", &watcher, NULL, NULL), TACIT_USAGE);
    assert_non_null(strstr(tacit_message(), "overwrite=true"));
    struct watcher other = { .stop_at = -1 };
    assert_int_equal(pretrain("a", &other, NULL, "overwrite=true", "seed=1", NULL), TACIT_OK);
    assert_int_equal(metrics_check("a", STEPS), 3);
}

/* Stopped anywhere (at a checkpoint, between, before the first) and resumed: the same model, the
 * same samples, one line a step. */
static void resumed_runs_end_in_the_same_bytes(void **state)
{
    (void)state;
    static const int stops[] = { 0, 1, 5, 8, 11 };
    struct watcher watcher = { .stop_at = -1 };
    assert_int_equal(pretrain("whole", &watcher, NULL, NULL), TACIT_OK);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        struct watcher first = { .stop_at = stops[i] }, second = { .stop_at = -1 };
        char name[16];
        snprintf(name, sizeof name, "cut%d", stops[i]);
        assert_int_equal(pretrain(name, &first, NULL, NULL), TACIT_STOPPED);
        assert_true(exists(name, "model.safetensors"));
        second.step = stops[i];
        assert_int_equal(resume(name, &second, NULL, NULL), TACIT_OK);
        assert_same_file("whole", name, "model.safetensors");
        assert_same_file("whole", name, "samples.tsv");
        assert_int_equal(metrics_check(name, STEPS), 3);
        struct watcher third = { .stop_at = -1 };
        assert_int_equal(resume(name, &third, NULL, NULL), TACIT_OK);
        assert_non_null(strstr(third.messages, "finished already"));
    }
}

static void losses_of(const char *out, double loss[STEPS])
{
    struct text all = { 0 };
    char path[600];
    snprintf(path, sizeof path, "%s/metrics.jsonl", in(out));
    assert_int_equal(file_read(path, 1 << 20, &all), TACIT_OK);
    const char *at = all.bytes;
    for (int i = 0; i < STEPS; i++) {
        at = strstr(at, "\"loss\":");
        assert_non_null(at);
        loss[i] = strtod(at + 7, NULL);
        at++;
    }
    text_free(&all);
}

/* The number of loader threads changes no bit; a seed changes the run. */
static void loader_threads_change_nothing(void **state)
{
    (void)state;
    static const char *const threads[] = { "loader_threads=1", "loader_threads=0",
                                           "loader_threads=3", "loader_threads=-1" };
    double loss[STEPS], other[STEPS];
    char name[16];
    for (int i = 0; i < 4; i++) {
        struct watcher watcher = { .stop_at = -1 };
        snprintf(name, sizeof name, "t%d", i);
        assert_int_equal(pretrain(name, &watcher, NULL, threads[i], NULL), TACIT_OK);
        if (i)
            assert_same_file("t0", name, "model.safetensors");
    }
    struct watcher watcher = { .stop_at = -1 };
    assert_int_equal(pretrain("seed", &watcher, NULL, "seed=1", NULL), TACIT_OK);
    losses_of("t0", loss);
    losses_of("seed", other);
    assert_true(loss[0] != other[0]);
    for (int i = 0; i < STEPS; i++)
        assert_true(loss[i] > 0 && loss[i] < 2 * log(31));
}

static void other_settings_are_named(void **state)
{
    (void)state;
    struct watcher watcher = { .stop_at = 6 };
    assert_int_equal(pretrain("a", &watcher, NULL, NULL), TACIT_STOPPED);
    assert_int_equal(resume("a", &watcher, "optim.lr", "0.5"), TACIT_USAGE);
    assert_non_null(strstr(tacit_message(), "optim.lr: 0.5 here, 0.0075 in the run"));
    assert_int_equal(resume("a", &watcher, "seed", "3"), TACIT_USAGE);
    struct watcher second = { .stop_at = -1 };
    assert_int_equal(resume("a", &second, "checkpoint_every", "3"), TACIT_OK);
    assert_int_equal(resume("nothing", &second, NULL, NULL), TACIT_USAGE);
}

static void damage(const char *out, const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/checkpoints/%s.safetensors", in(out), name);
    assert_int_equal(truncate(path, 1000), 0);
}

static void a_damaged_checkpoint_falls_back(void **state)
{
    (void)state;
    struct watcher watcher = { .stop_at = -1 }, cut = { .stop_at = 11 }, again = { .stop_at = -1 };
    assert_int_equal(pretrain("whole", &watcher, NULL, NULL), TACIT_OK);
    assert_int_equal(pretrain("a", &cut, NULL, NULL), TACIT_STOPPED);
    damage("a", "last");
    again.step = 10;
    assert_int_equal(resume("a", &again, NULL, NULL), TACIT_OK);
    assert_true(again.warnings == 1);
    assert_non_null(strstr(again.messages, "checkpoint before it, step 10"));
    assert_same_file("whole", "a", "model.safetensors");
    assert_int_equal(metrics_check("a", STEPS), 3);
    cut.step = 0;
    assert_int_equal(pretrain("b", &cut, NULL, NULL), TACIT_STOPPED);
    damage("b", "last");
    damage("b", "previous");
    assert_int_equal(resume("b", &again, NULL, NULL), TACIT_BAD_DATA);
}

/* A rate that makes NaN: status 4, the batch saved, the checkpoint from before still there. */
static void nan_stops_the_run(void **state)
{
    (void)state;
    struct watcher watcher = { .stop_at = -1 };
    struct safetensors_file batch;
    char path[600];
    tacit_report *report;
    assert_int_equal(pretrain("a", &watcher, &report, "optim.lr=1e20", "checkpoint_every=1", NULL),
                     TACIT_NUMERIC);
    assert_non_null(report);
    tacit_report_free(report);
    assert_non_null(strstr(tacit_message(), "last good checkpoint in"));
    assert_true(exists("a", "checkpoints/last.safetensors"));
    assert_false(exists("a", "model.safetensors"));
    snprintf(path, sizeof path, "%s/offending_batch.safetensors", in("a"));
    assert_int_equal(safetensors_open(path, &batch), TACIT_OK);
    const struct safetensors_entry *view = safetensors_find(&batch, "view1");
    assert_non_null(view);
    assert_true(view->rank == 4 && view->shape[0] == 16 && view->shape[3] == 16);
    assert_non_null(safetensors_find(&batch, "index"));
    safetensors_close(&batch);
}

static void nothing_is_left_of_a_run_that_never_began(void **state)
{
    (void)state;
    struct watcher watcher = { .stop_at = -1 };
    assert_int_equal(pretrain("a", &watcher, NULL, "batch_size=65", NULL), TACIT_USAGE);
    assert_non_null(strstr(tacit_message(), "64 pictures"));
    assert_false(exists("a", ""));
    assert_int_equal(pretrain("a", &watcher, NULL, "data=/nowhere", NULL), TACIT_BAD_DATA);
    assert_false(exists("a", ""));
    assert_int_equal(pretrain("deep/er/a", &watcher, NULL, "data=/nowhere", NULL), TACIT_BAD_DATA);
    assert_false(exists("deep", ""));
    assert_int_equal(pretrain("a", &watcher, NULL, "method=supervised", "method.x=1", NULL),
                     TACIT_USAGE);
}

static void assert_untouched(const char *out, const char *copy)
{
    static const char *const files[] = { "model.safetensors", "config.yaml", "metrics.jsonl",
                                         "samples.tsv", "checkpoints/last.safetensors" };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_same_file(copy, out, files[i]);
    assert_false(exists(out, "replacement"));
}

/* A run that is there goes only when all that is to replace it has been accepted. */
static void a_run_is_replaced_at_the_first_step(void **state)
{
    (void)state;
    static const char *const refused[][2] = {
        { "data=/nowhere" },  { "batch_size=65" }, { "image_size=4096", "batch_size=64" },
        { "method=gpt" },     { "holdout=/no" },   { "labels_per_class=2" },
        { "init=/no/model" },
    };
    char command[1200];
    struct watcher watcher = { .stop_at = -1 }, last = { .stop_at = -1 };
    assert_int_equal(pretrain("a", &watcher, NULL, NULL), TACIT_OK);
    snprintf(command, sizeof command, "cp -r %s %s", in("a"), in("copy"));
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "mkdir %s", in("empty"));
    assert_int_equal(system(command), 0);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct watcher other = { .stop_at = -1 };
        tacit_status result =
            pretrain("a", &other, NULL, "overwrite=true", refused[i][0], refused[i][1], NULL);
        assert_int_not_equal(result, TACIT_OK);
        assert_untouched("a", "copy");
    }
    snprintf(command, sizeof command, "data=%s", in("empty"));
    assert_int_equal(pretrain("a", &watcher, NULL, "overwrite=true", command, NULL),
                     TACIT_BAD_DATA);
    assert_untouched("a", "copy");
    assert_int_equal(pretrain("a", &last, NULL, "overwrite=true", "seed=5", NULL), TACIT_OK);
    assert_false(exists("a", "replacement"));
    assert_int_equal(metrics_check("a", STEPS), 3);
    struct watcher other = { .stop_at = -1 };
    assert_int_equal(pretrain("other", &other, NULL, "seed=5", NULL), TACIT_OK);
    assert_same_file("other", "a", "model.safetensors");
}

/* A run that another process writes is neither resumed nor replaced. */
static void a_run_being_written_is_refused(void **state)
{
    (void)state;
    char path[600];
    struct watcher watcher = { .stop_at = 6 }, after = { .stop_at = -1 };
    assert_int_equal(pretrain("a", &watcher, NULL, NULL), TACIT_STOPPED);
    snprintf(path, sizeof path, "%s/train.log", in("a"));
    int log = open(path, O_RDWR);
    assert_true(log >= 0);
    assert_int_equal(flock(log, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(pretrain("a", &after, NULL, "overwrite=true", NULL), TACIT_USAGE);
    assert_non_null(strstr(tacit_message(), "another process is writing this run"));
    assert_int_equal(resume("a", &after, NULL, NULL), TACIT_USAGE);
    assert_non_null(strstr(tacit_message(), "another process is writing this run"));
    assert_true(exists("a", "checkpoints/last.safetensors"));
    close(log);
    after.step = 6;
    assert_int_equal(resume("a", &after, NULL, NULL), TACIT_OK);
}

/* Logs that are gone are told and begun anew; the weights do not depend on them. */
static void lost_logs_do_not_end_a_run(void **state)
{
    (void)state;
    static const char *const lose[] = { "rm %s/metrics.jsonl", "rm %s/events.out.tfevents.*",
                                        "truncate -s 100 %s/metrics.jsonl",
                                        "truncate -s 100 %s/events.out.tfevents.*",
                                        "rm %s/train.log %s/samples.tsv" };
    struct watcher whole = { .stop_at = -1 };
    assert_int_equal(pretrain("whole", &whole, NULL, NULL), TACIT_OK);
    for (int i = 0; i < 5; i++) {
        struct watcher first = { .stop_at = 6 }, second = { .stop_at = -1, .step = 6 };
        char name[16], command[1200];
        snprintf(name, sizeof name, "lost%d", i);
        assert_int_equal(pretrain(name, &first, NULL, NULL), TACIT_STOPPED);
        snprintf(command, sizeof command, lose[i], in(name), in(name));
        assert_int_equal(system(command), 0);
        assert_int_equal(resume(name, &second, NULL, NULL), TACIT_OK);
        assert_int_equal(second.warnings, i < 4);
        assert_int_equal(strstr(second.messages, "new logs") != NULL, i < 4);
        assert_same_file("whole", name, "model.safetensors");
    }
}

/* Writes that fail: the status says so, and the run goes on to the same bytes afterwards. */
static void a_full_disk_loses_nothing(void **state)
{
    (void)state;
    struct watcher watcher = { .stop_at = -1 };
    assert_int_equal(pretrain("whole", &watcher, NULL, NULL), TACIT_OK);
    for (int n = 20; n <= 60; n += 10) {
        struct watcher full = { .stop_at = -1 }, after = { .stop_at = -1 };
        char name[16];
        snprintf(name, sizeof name, "full%d", n);
        file_fail_at(FILE_WRITE, n);
        tacit_status result = pretrain(name, &full, NULL, NULL);
        file_fail_at(FILE_WRITE, 0);
        if (result == TACIT_OK)
            break;
        assert_int_equal(result, TACIT_RESOURCES);
        assert_int_equal(resume(name, &after, NULL, NULL), TACIT_OK);
        assert_same_file("whole", name, "model.safetensors");
        assert_int_equal(metrics_check(name, STEPS), 3);
    }
}

static void micro_batches_and_supervision_run(void **state)
{
    (void)state;
    double loss[STEPS];
    struct watcher watcher = { .stop_at = -1 };
    assert_int_equal(pretrain("parts", &watcher, NULL, "microbatch=4", NULL), TACIT_OK);
    losses_of("parts", loss);
    assert_true(loss[STEPS - 1] > 1 && loss[STEPS - 1] < 4.5);
    struct watcher other = { .stop_at = -1 };
    assert_int_equal(pretrain("labels", &other, NULL, "method=supervised", "microbatch=8",
                              "optim.name=adamw", NULL),
                     TACIT_OK);
    losses_of("labels", loss);
    assert_true(fabs(loss[0] - log(10)) < 1); /* ten classes, by chance */
}

/* Lines of samples.tsv that end in `fate`; *hashed, how many of them begin with a hash. */
static int fates_count(const char *out, const char *fate, int *hashed)
{
    struct text all = { 0 };
    char path[600], *rest;
    int count = 0;
    *hashed = 0;
    snprintf(path, sizeof path, "%s/samples.tsv", in(out));
    assert_int_equal(file_read(path, 1 << 20, &all), TACIT_OK);
    char *line = strtok_r(all.bytes, "\n", &rest);
    assert_string_equal(line, "hash\tpath\tsplit\tused");
    while ((line = strtok_r(NULL, "\n", &rest))) {
        char *last = strrchr(line, '\t');
        bool met = strcmp(last + 1, fate) == 0;
        count += met;
        *hashed += met && strspn(line, "0123456789abcdef") == 16;
    }
    text_free(&all);
    return count;
}

static void assert_fates(const char *out, int used, int not_drawn, int held, int test)
{
    static const char *const fates[] = { "used", "not drawn", "held out", "test part" };
    const int expected[] = { used, not_drawn, held, test };
    for (int i = 0; i < 4; i++) {
        int hashed, found = fates_count(out, fates[i], &hashed);
        if (found != expected[i] || hashed != (i == 0 ? used : 0))
            fail_msg("%s: %d samples %s (%d with a hash), not %d", out, found, fates[i], hashed,
                     expected[i]);
    }
}

/* samples.tsv says used of those that a step has seen, and of no others. */
static void used_is_what_was_drawn(void **state)
{
    (void)state;
    static const char data[] = "data=synth:shapes?count=64&test=20&size=16";
    struct watcher first = { .stop_at = -1 }, second = first, third = first, cut = { .stop_at = 1 };
    assert_int_equal(pretrain("one", &first, NULL, data, "steps=1", "batch_size=24", NULL),
                     TACIT_OK);
    assert_fates("one", 24, 40, 0, 20);
    assert_int_equal(pretrain("epoch", &second, NULL, data, "steps=2", "batch_size=24", NULL),
                     TACIT_OK);
    assert_fates("epoch", 48, 16, 0, 20); /* the last 16 fill no batch */
    assert_int_equal(pretrain("all", &third, NULL, data, NULL), TACIT_OK);
    assert_fates("all", 64, 0, 0, 20);
    assert_int_equal(pretrain("cut", &cut, NULL, data, "steps=9", "batch_size=24", NULL),
                     TACIT_STOPPED);
    assert_same_file("one", "cut", "samples.tsv");
}

static void what_is_held_out_is_never_drawn(void **state)
{
    (void)state;
    struct watcher watcher = { .stop_at = -1 }, second = watcher, other = watcher,
                   stopped = { .stop_at = 5 }, resumed = watcher;
    tacit_report *report;
    tacit_value value;
    assert_int_equal(pretrain("a", &watcher, &report, "holdout=.25", NULL), TACIT_OK);
    assert_non_null(strstr(watcher.messages, "48 pictures to learn from"));
    assert_non_null(strstr(watcher.messages, "16 pictures are kept out"));
    bool told = false;
    for (int i = 0; tacit_report_field(report, i, &value); i++)
        told = told || (strcmp(value.name, "held_out") == 0 && value.number == 16);
    assert_true(told);
    tacit_report_free(report);
    assert_fates("a", 48, 0, 16, 0);
    assert_int_equal(pretrain("b", &stopped, NULL, "holdout=.25", NULL), TACIT_STOPPED);
    resumed.step = 5;
    assert_int_equal(resume("b", &resumed, NULL, NULL), TACIT_OK);
    assert_same_file("a", "b", "samples.tsv");
    assert_same_file("a", "b", "model.safetensors");
    assert_int_equal(pretrain("c", &second, NULL, "holdout=1.5", NULL), TACIT_USAGE);
    assert_non_null(strstr(tacit_message(), "holdout=1.5"));
    assert_int_equal(pretrain("c", &other, NULL, "holdout=/nowhere.csv", NULL), TACIT_BAD_DATA);
}

static void a_model_embeds_by_itself(void **state)
{
    (void)state;
    enum { COUNT = 33, ITEMS = 3 * 16 * 16, WIDTH = 128 };
    static float pixels[COUNT * ITEMS], rows_of[COUNT * WIDTH], single[WIDTH];
    struct watcher watcher = { .stop_at = -1 };
    tacit_model *model;
    tacit_model_shape shape;
    char path[600];
    assert_int_equal(pretrain("a", &watcher, NULL, NULL), TACIT_OK);
    snprintf(path, sizeof path, "%s/model.safetensors", in("a"));
    for (int i = 0; i < COUNT * ITEMS; i++)
        pixels[i] = (float)(i * 37 % 256) / 255;
    for (int file = 0; file < 2; file++) {
        assert_int_equal(tacit_model_open(file ? path : in("a"), 0, &model), TACIT_OK);
        tacit_model_describe(model, &shape);
        assert_true(shape.channels == 3 && shape.height == 16 && shape.dimensions == WIDTH);
        assert_int_equal(tacit_model_embed(model, COUNT, pixels, rows_of), TACIT_OK);
        assert_int_equal(tacit_model_embed(model, 1, pixels + 32 * ITEMS, single), TACIT_OK);
        assert_memory_equal(rows_of + 32 * WIDTH, single, sizeof single);
        assert_int_equal(tacit_model_embed(model, -1, pixels, rows_of), TACIT_USAGE);
        tacit_model_free(model);
    }
    assert_int_equal(truncate(path, 5000), 0);
    assert_int_equal(tacit_model_open(path, 0, &model), TACIT_BAD_DATA);
    assert_null(model);
    assert_int_equal(tacit_model_open(in("nothing"), 0, &model), TACIT_BAD_DATA);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_begin, folder_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_leaves_its_folder),
        TEST(resumed_runs_end_in_the_same_bytes),
        TEST(loader_threads_change_nothing),
        TEST(other_settings_are_named),
        TEST(a_run_is_replaced_at_the_first_step),
        TEST(a_run_being_written_is_refused),
        TEST(lost_logs_do_not_end_a_run),
        TEST(a_damaged_checkpoint_falls_back),
        TEST(nan_stops_the_run),
        TEST(nothing_is_left_of_a_run_that_never_began),
        TEST(a_full_disk_loses_nothing),
        TEST(micro_batches_and_supervision_run),
        TEST(used_is_what_was_drawn),
        TEST(what_is_held_out_is_never_drawn),
        TEST(a_model_embeds_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
