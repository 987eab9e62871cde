/* Stands in for the library under the command, so that what the command itself does can be tested:
 * reading words, progress, signals, reports, exit codes. Its tasks do what `act=` says. */
#include "tacit/tacit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEYS = 5 };
static const char *const keys[KEYS] = { "act", "out", "quiet", "json", "steps" };
static char message[1024] = "no message";

struct tacit_config {
    char value[KEYS][64], problem[512];
};

struct tacit_report {
    int kind;
};

const char *tacit_message(void)
{
    return message;
}

const char *tacit_version(void)
{
    return "9.8.7";
}

int tacit_build_info(int index, tacit_row *row)
{
    static const tacit_row rows[] = { { "compiler", "a \"good\" one", "" },
                                      { "isa", "avx2", "capped" } };
    if (index >= 2)
        return 0;
    *row = rows[index];
    return 1;
}

int tacit_list(const char *kind, int index, tacit_row *row)
{
    static const tacit_row kinds[] = { { "methods", "how to learn", "" },
                                       { "kinds", "these", "" } };
    static const tacit_row methods[] = { { "simclr", "views attract", "arXiv:2002.05709" } };
    if (strcmp(kind, "kinds") == 0 && index < 2)
        *row = kinds[index];
    else if (strcmp(kind, "methods") == 0 && index < 1)
        *row = methods[index];
    else
        return 0;
    return 1;
}

const char *tacit_nearest(const char *kind, const char *word)
{
    return strcmp(kind, "kinds") == 0 && strcmp(word, "method") == 0 ? "methods" : NULL;
}

void tacit_free(void *text)
{
    free(text);
}

int tacit_option_at(const char *task, int index, tacit_option *option)
{
    static const tacit_option rows[] = {
        { "act", "text", "finish", "", "what to do", "acting" },
        { "steps", "integer", "3", "at least 1", "how many", "acting" },
        { "quiet", "true|false", "false", "", "say little", "common" },
    };
    int first = strcmp(task, "pretrain") == 0 ? 0 : 2;
    if (first + index >= 3)
        return 0;
    *option = rows[first + index];
    return 1;
}

tacit_status tacit_config_new(const char *task, tacit_config **config)
{
    (void)task;
    *config = calloc(1, sizeof **config);
    return *config ? TACIT_OK : TACIT_RESOURCES;
}

void tacit_config_free(tacit_config *config)
{
    free(config);
}

tacit_status tacit_config_set(tacit_config *config, const char *key, const char *value)
{
    for (int i = 0; i < KEYS; i++)
        if (strcmp(keys[i], key) == 0) {
            snprintf(config->value[i], sizeof config->value[i], "%s", value);
            return TACIT_OK;
        }
    size_t used = strlen(config->problem);
    snprintf(config->problem + used, sizeof config->problem - used, "%s%s: no such option",
             used ? "\n" : "", key);
    return TACIT_OK;
}

tacit_status tacit_config_words(tacit_config *config, int count, char *const words[],
                                const char *things[], int *thing_count)
{
    *thing_count = 0;
    for (int i = 0; i < count; i++) {
        char key[64];
        const char *equals = strchr(words[i], '=');
        if (equals) {
            snprintf(key, sizeof key, "%.*s", (int)(equals - words[i]), words[i]);
            tacit_config_set(config, key, equals + 1);
        } else if (strncmp(words[i], "--", 2) == 0) {
            tacit_config_set(config, words[i] + 2, "true");
        } else {
            things[(*thing_count)++] = words[i];
        }
    }
    return TACIT_OK;
}

tacit_status tacit_config_check(tacit_config *config)
{
    snprintf(message, sizeof message, "%s", config->problem);
    return config->problem[0] ? TACIT_USAGE : TACIT_OK;
}

const char *tacit_config_get(const tacit_config *config, const char *key)
{
    for (int i = 0; i < KEYS; i++)
        if (strcmp(keys[i], key) == 0)
            return config->value[i][0] ? config->value[i] : NULL;
    return NULL;
}

void tacit_report_free(tacit_report *report)
{
    free(report);
}

/* act=score has no column of intervals, act=Scores has. */
static int has_table(const tacit_report *report)
{
    return report->kind == 's' || report->kind == 'S';
}

int tacit_report_field(const tacit_report *report, int index, tacit_value *value)
{
    static const tacit_value fields[] = { { "run", "runs/7", NAN }, { "loss, last", "5.1", 5.1 } };
    if (index >= (has_table(report) ? 0 : 2))
        return 0;
    *value = fields[index];
    return 1;
}

static const char *const score[4][7] = {
    { "run", "linear", "1", "53.04 %", "1.2 %", "51.9 %", "54.2 %" },
    { "run", "linear", "all", "86.5 %", "", "", "" },
    { "pixels", "linear", "1", "46.4 %", "2 %", "", "" },
    { "run", "knn", "1", "51 %", "0.9 %", "", "" },
};

int tacit_report_rows(const tacit_report *report)
{
    return has_table(report) ? 4 : report->kind == 't' ? 2 : 0;
}

int tacit_report_columns(const tacit_report *report)
{
    return report->kind == 's' ? 5 : report->kind == 'S' ? 7 : report->kind == 't' ? 2 : 0;
}

int tacit_report_cell(const tacit_report *report, int row, int column, tacit_value *value)
{
    static const char *const names[] = { "subject", "protocol",     "labels_per_class", "accuracy",
                                         "sd",      "interval_low", "interval_high" };
    static const tacit_value cells[2][2] = {
        { { "größe", "konvolution", NAN }, { "bytes", "9", 9 } },
        { { "größe", "fc", NAN }, { "bytes", "1024", 1024 } }
    };
    if (row >= tacit_report_rows(report) || column >= tacit_report_columns(report))
        return 0;
    if (report->kind == 't') {
        *value = cells[row][column];
        return 1;
    }
    if (row < 0 || row >= 4 || column < 0 || column >= 7)
        return 0;
    const char *text = score[row][column];
    *value = (tacit_value){ names[column], text, column < 3 || !text[0] ? NAN : atof(text) / 100 };
    return 1;
}

const char *tacit_report_note(const tacit_report *report, int index)
{
    (void)report;
    return index == 0 ? "HEALTHY: did not collapse." : NULL;
}

tacit_status tacit_report_json(const tacit_report *report, char **text)
{
    *text = malloc(32);
    if (*text)
        snprintf(*text, 32, "{\"version\": 1, \"kind\": %d}", report->kind);
    return *text ? TACIT_OK : TACIT_RESOURCES;
}

/* Steps of 10 ms, so that a test can send signals meanwhile. */
static tacit_status steps(const tacit_config *config, const tacit_observer *observer)
{
    const char *given = tacit_config_get(config, "steps");
    int count = given ? atoi(given) : 3;
    for (int step = 1; step <= count; step++) {
        struct timespec rest = { 0, 10000000 };
        tacit_progress state = { "pretrain", step, count, NAN, 1234,       5.125,       4.09,
                                 6.23,       .12,  .02,   NAN, step * 1.0, count - step };
        observer->progress(observer->user, &state);
        if (step == 2)
            observer->message(observer->user, TACIT_NOTICE, "two pictures were left out");
        if (step == 2)
            observer->message(observer->user, TACIT_WARNING, "it may collapse");
        const char *what = tacit_config_get(config, "act");
        if (observer->stop(observer->user) && !(what && strcmp(what, "deaf") == 0)) {
            snprintf(message, sizeof message, "stopped");
            return TACIT_STOPPED;
        }
        nanosleep(&rest, NULL);
    }
    return TACIT_OK;
}

static tacit_status act(const char *thing, tacit_config *config, const tacit_observer *observer,
                        tacit_report **report)
{
    const char *what = tacit_config_get(config, "act");
    *report = NULL;
    if (what && strncmp(what, "fail", 4) == 0) {
        snprintf(message, sizeof message, "%s: cannot be used", thing ? thing : "data");
        return (tacit_status)atoi(what + 4);
    }
    tacit_status outcome = steps(config, observer);
    *report = calloc(1, sizeof **report);
    if (!*report)
        return TACIT_RESOURCES;
    (*report)->kind = what ? what[0] : 'f';
    return outcome;
}

tacit_status tacit_pretrain(tacit_config *config, const tacit_observer *observer,
                            tacit_report **report)
{
    return act(NULL, config, observer, report);
}

tacit_status tacit_resume(const char *run, tacit_config *config, const tacit_observer *observer,
                          tacit_report **report)
{
    return act(run, config, observer, report);
}

tacit_status tacit_evaluate(const char *thing, tacit_config *config, const tacit_observer *observer,
                            tacit_report **report)
{
    return act(thing, config, observer, report);
}

tacit_status tacit_finetune(const char *thing, tacit_config *config, const tacit_observer *observer,
                            tacit_report **report)
{
    return act(thing, config, observer, report);
}

tacit_status tacit_predict(const char *thing, tacit_config *config, const tacit_observer *observer,
                           tacit_report **report)
{
    return act(thing, config, observer, report);
}

tacit_status tacit_embed(const char *thing, tacit_config *config, const tacit_observer *observer,
                         tacit_report **report)
{
    return act(thing, config, observer, report);
}

tacit_status tacit_search(const char *thing, tacit_config *config, const tacit_observer *observer,
                          tacit_report **report)
{
    return act(thing, config, observer, report);
}

tacit_status tacit_tokenize(const char *action, tacit_config *config,
                            const tacit_observer *observer, tacit_report **report)
{
    return act(action, config, observer, report);
}

tacit_status tacit_import(const char *thing, tacit_config *config, const tacit_observer *observer,
                          tacit_report **report)
{
    return act(thing, config, observer, report);
}

tacit_status tacit_export(const char *thing, tacit_config *config, const tacit_observer *observer,
                          tacit_report **report)
{
    return act(thing, config, observer, report);
}

tacit_status tacit_perplexity(const char *thing, tacit_config *config,
                              const tacit_observer *observer, tacit_report **report)
{
    return act(thing, config, observer, report);
}

tacit_status tacit_generate(const char *thing, tacit_config *config, const tacit_observer *observer,
                            tacit_text text, void *user, tacit_report **report)
{
    (void)text, (void)user;
    return act(thing, config, observer, report);
}

tacit_status tacit_plan(tacit_config *config, const tacit_observer *observer, tacit_report **report)
{
    return act(NULL, config, observer, report);
}

tacit_status tacit_synth(const char *kind, tacit_config *config, const tacit_observer *observer,
                         tacit_report **report)
{
    return act(kind, config, observer, report);
}
