/* tacit_pretrain, tacit_finetune and tacit_resume. */
#include "io/yaml.h"
#include "train/fit.h"
#include "train/report.h"
#include "train/tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is said of a run that ended so. */
static const char *state_of(status outcome)
{
    return outcome == TACIT_OK        ? "finished"
           : outcome == TACIT_STOPPED ? "stopped"
           : outcome == TACIT_NUMERIC ? "failed: not finite or collapsed"
                                      : "failed";
}

/* What one does with a run of this method: a note a line, the run in the place of RUN. */
static status next_steps(const struct method_type *type, const char *folder, tacit_report *report)
{
    struct text text = { 0 };
    if (!report)
        return TACIT_RESOURCES;
    text_append(&text, "next: ");
    for (const char *at = type->next; *at;) {
        const char *run = strstr(at, "RUN");
        text_append_bytes(&text, at, run ? (size_t)(run - at) : strlen(at));
        text_append(&text, "%s", run ? folder : "");
        at = run ? run + strlen("RUN") : "";
    }
    report_note(report, "%s", text_string(&text));
    status result = text_status(&text);
    text_free(&text);
    return result == TACIT_OK ? report_status(report) : result;
}

/* After the steps: what they came to is kept, whatever it is. The first error counts. */
static status fit_conclude(struct fit *fit, status outcome, tacit_report **report)
{
    char message[2048];
    bool ended = outcome == TACIT_OK || outcome == TACIT_STOPPED;
    if (!ended && outcome != TACIT_NUMERIC)
        return outcome;
    snprintf(message, sizeof message, "%s", status_message());
    if (ended)
        TRY(fit_export(fit));
    tacit_report *made = fit_report(fit, state_of(outcome));
    if (made && outcome == TACIT_OK)
        TRY(next_steps(fit->setup->method.type, fit->run->folder, made));
    if (!made)
        return TACIT_RESOURCES;
    status saved = run_save_summary(fit->run, made);
    if (report)
        *report = made;
    else
        tacit_report_free(made);
    TRY(saved);
    return outcome == TACIT_OK ? TACIT_OK : fail(outcome, "%s", message);
}

/* Trains in an open run folder. *begun: whether it came to a first step. */
static status train_in(struct run *run, struct config *config, const struct audience *audience,
                       tacit_report **report, bool *begun)
{
    struct setup setup = { 0 };
    struct fit fit = { .setup = &setup, .run = run, .audience = *audience };
    struct setup_request request = { .tune = run->thing != NULL,
                                     .config = config,
                                     .folder = run->place };
    status result = setup_open(&request, audience, &setup);
    if (result == TACIT_OK)
        result = run_save_config(run, config);
    if (result == TACIT_OK)
        result = fit_open(&fit);
    bool open = result == TACIT_OK;
    if (open)
        result = fit_conclude(&fit, fit_steps(&fit), report);
    *begun = fit.touched || (open && result == TACIT_STOPPED);
    if (result != TACIT_OK)
        tell(&(struct audience){ NULL, audience->log }, TACIT_WARNING, "%s", status_message());
    fit_close(&fit);
    setup_close(&setup);
    return result;
}

/* Settings that may name files. */
static const char *const path_keys[] = { "data", "labels", "holdout", "tokenizer", "init", NULL };

/* Files are kept by their whole path, so that the run can be resumed from any folder (its
 * command.txt has them as typed); parallel texts are several, parted by commas. */
static status path_settle(struct config *settings, const char *key)
{
    struct text whole = { 0 };
    const char *at = config_value(settings, key);
    status result = TACIT_OK;
    bool word = !at || !strpbrk(at, "./"); /* such as labels=folders, tokenizer=bpe */
    if (word && strcmp(key, "data") != 0 && strcmp(key, "init") != 0)
        return TACIT_OK;
    for (bool more = at && *at; more && result == TACIT_OK;) {
        char part[4096], *path;
        size_t length = strcspn(at, ",");
        snprintf(part, sizeof part, "%.*s", (int)length, at);
        path = length < sizeof part ? realpath(part, NULL) : NULL;
        result = text_append(&whole, "%s%.*s", whole.length ? "," : "",
                             (int)(path ? strlen(path) : length), path ? path : at);
        free(path);
        more = at[length] == ',';
        at += length + 1;
    }
    if (result == TACIT_OK && whole.length)
        result = config_resolve(settings, key, text_string(&whole));
    text_free(&whole);
    return result;
}

/* A new run; `thing`: what is fine-tuned, or NULL. */
static status run_new(struct config *settings, const char *thing, const tacit_observer *observer,
                      tacit_report **report)
{
    struct run run;
    bool begun;
    char message[4096];
    TRY(run_create(config_text(settings, "out"), config_boolean(settings, "overwrite"), &run));
    run.thing = thing;
    struct audience audience = { observer, &run.log };
    /* What is saved runs again as it is: nothing is read from elsewhere, nothing is removed. */
    status result = config_resolve(settings, "config", "");
    if (result == TACIT_OK)
        result = config_resolve(settings, "overwrite", "false");
    if (result == TACIT_OK)
        result = config_resolve(settings, "out", run.folder);
    if (result == TACIT_OK)
        result = run_save_config(&run, settings);
    for (int i = 0; path_keys[i] && result == TACIT_OK; i++)
        result = path_settle(settings, path_keys[i]);
    if (result == TACIT_OK) {
        tell(&audience, TACIT_INFO, "run: %s", run.folder);
        result = train_in(&run, settings, &audience, report, &begun);
    } else {
        begun = false;
    }
    snprintf(message, sizeof message, "%s", status_message());
    if (result != TACIT_OK && !begun)
        run_abandon(&run);
    run_close(&run);
    return result == TACIT_OK ? TACIT_OK : fail(result, "%s", message);
}

tacit_status tacit_pretrain(tacit_config *config, const tacit_observer *observer,
                            tacit_report **report)
{
    if (report)
        *report = NULL;
    TRY(tacit_config_check(config));
    return run_new(&config->config, NULL, observer, report);
}

/* A method that learns from labels, or auto. */
static status tuning_check(const struct config *settings, const char *thing)
{
    const char *name = config_value(settings, "method");
    const struct method_type *method = method_find(name ? name : "auto");
    if (!thing || !*thing)
        return fail(TACIT_USAGE,
                    "RUN is missing: tacit finetune RUN data=DATA labels=folders out=TUNED");
    if (config_given(settings, "init"))
        return fail(TACIT_USAGE, "init=%s: the weights are those of %s",
                    config_text(settings, "init"), thing);
    if (method && !method->either)
        return fail(TACIT_USAGE,
                    "method=%s: does not learn from labels; take supervised (classes), regression "
                    "(numbers) or auto",
                    name);
    return TACIT_OK;
}

tacit_status tacit_finetune(const char *thing, tacit_config *config, const tacit_observer *observer,
                            tacit_report **report)
{
    if (report)
        *report = NULL;
    TRY(tacit_config_check(config));
    TRY(tuning_check(&config->config, thing));
    TRY(config_resolve(&config->config, "init", thing));
    return run_new(&config->config, thing, observer, report);
}

/* Settings that change nothing about the result; of data, the checkpoint knows whether they are the
 * same elsewhere. */
static const char *const free_keys[] = {
    "config",      "out",         "overwrite",      "quiet",
    "json",        "profile",     "strict",         "checkpoint_every",
    "on_collapse", "watch.every", "loader_threads", "watch.pictures",
    "data",        NULL,
};

static bool is_free(const char *key)
{
    for (int i = 0; free_keys[i]; i++)
        if (strcmp(free_keys[i], key) == 0)
            return true;
    return false;
}

/* Settings given to resume: free ones replace the run's, others must be the same. */
static status settings_merge(const tacit_config *given, struct config *saved)
{
    struct text differences = { 0 };
    size_t count = 0;
    status result = TACIT_OK;
    const struct config *inner = &given->config;
    for (size_t i = 0; i < inner->count && result == TACIT_OK; i++) {
        const struct config_entry *entry = &inner->entry[i];
        const char *other = config_value(saved, entry->key);
        if (entry->origin == CONFIG_DEFAULT || (other && strcmp(other, entry->value) == 0))
            continue;
        if (is_free(entry->key)) {
            if (strcmp(entry->key, "config") != 0 && strcmp(entry->key, "out") != 0 &&
                strcmp(entry->key, "overwrite") != 0)
                result = config_resolve(saved, entry->key, entry->value);
        } else if (strcmp(entry->value, "auto") != 0) {
            count++;
            result = text_append(&differences, "\n  %s: %s here, %s in the run", entry->key,
                                 entry->value, other ? other : "not set");
        }
    }
    if (result == TACIT_OK && count)
        result = fail(TACIT_USAGE,
                      "a run goes on with its own settings only; %zu differ%s:%s\nleave them out, "
                      "or begin a new run",
                      count, count == 1 ? "s" : "", text_string(&differences));
    text_free(&differences);
    return result;
}

static status finished_report(const struct run *run, const struct method_type *type,
                              const struct audience *audience, tacit_report **report)
{
    tacit_report *made = report_new();
    if (!made)
        return TACIT_RESOURCES;
    tell(audience, TACIT_INFO, "%s: is finished already; nothing to do", run->folder);
    report_text(made, "run", "%s", run->folder);
    report_text(made, "status", "finished");
    report_note(made, "%s is finished already: there was nothing to do", run->folder);
    status result = type ? next_steps(type, run->folder, made) : report_status(made);
    if (report && result == TACIT_OK)
        *report = made;
    else
        tacit_report_free(made);
    return result;
}

static status resume_in(struct run *run, tacit_config *saved, const tacit_config *given,
                        const struct audience *audience, tacit_report **report)
{
    char path[RUN_PATH_BYTES];
    bool begun;
    TRY(tacit_config_load(saved, run_file(run, "config.yaml", path)));
    TRY(tacit_config_check(saved));
    if (given)
        TRY(settings_merge(given, &saved->config));
    if (run_is_finished(run))
        return finished_report(run, method_find(config_text(&saved->config, "method")), audience,
                               report);
    tell(audience, TACIT_INFO, "run: %s, resumed", run->folder);
    return train_in(run, &saved->config, audience, report, &begun);
}

tacit_status tacit_resume(const char *folder, tacit_config *config, const tacit_observer *observer,
                          tacit_report **report)
{
    struct run run;
    tacit_config *saved = NULL;
    char message[4096];
    if (report)
        *report = NULL;
    if (config)
        TRY(tacit_config_check(config));
    TRY(run_open(folder, &run));
    struct audience audience = { observer, &run.log };
    status result = tacit_config_new("pretrain", &saved);
    if (result == TACIT_OK)
        result = resume_in(&run, saved, config, &audience, report);
    snprintf(message, sizeof message, "%s", status_message());
    tacit_config_free(saved);
    run_close(&run);
    return result == TACIT_OK ? TACIT_OK : fail(result, "%s", message);
}
