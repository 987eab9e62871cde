/* What an evaluation came to, with the protocol behind every figure. */
#include "eval/evaluation.h"
#include "train/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const columns[] = { "subject", "protocol",     "labels_per_class", "accuracy",
                                       "sd",      "interval_low", "interval_high" };
enum { COLUMNS = sizeof columns / sizeof *columns };

static bool has_protocol(const struct evaluation *e, const char *name)
{
    for (size_t i = 0; i < e->scores; i++)
        if (strcmp(e->score[i].protocol, name) == 0)
            return true;
    return false;
}

static bool has_subject(const struct evaluation *e, const char *name)
{
    for (size_t i = 0; i < e->scores; i++)
        if (strcmp(e->score[i].subject, name) == 0)
            return true;
    return false;
}

/* Whether somebody is judged who needs no network: pixels, words. */
static bool has_plain_rival(const struct evaluation *e)
{
    for (const struct subject *subject = all_subjects; subject->name; subject++)
        if (!subject->network && has_subject(e, subject->name))
            return true;
    return false;
}

static void report_score(tacit_report *report, const struct score *score)
{
    report_cell_text(report, "%s", score->subject);
    report_cell_text(report, "%s", score->protocol);
    if (score->labels_per_class)
        report_cell_number(report, (double)score->labels_per_class, "%lld",
                           (long long)score->labels_per_class);
    else
        report_cell_text(report, "all");
    report_cell_number(report, score->accuracy, "%.2f %%", 100 * score->accuracy);
    if (isnan(score->sd))
        report_cell_text(report, "%s", "");
    else
        report_cell_number(report, score->sd, "%.2f %%", 100 * score->sd);
    report_cell_number(report, score->low, "%.1f %%", 100 * score->low);
    report_cell_number(report, score->high, "%.1f %%", 100 * score->high);
}

static void report_results(const struct evaluation *e, tacit_report *report)
{
    report_columns(report, COLUMNS, columns);
    for (const struct protocol *protocol = all_protocols; protocol->name; protocol++)
        for (size_t i = 0; i < e->scores; i++)
            if (strcmp(e->score[i].protocol, protocol->name) == 0)
                report_score(report, &e->score[i]);
}

static void report_thing(const struct evaluation *e, tacit_report *report)
{
    const struct method *method = &e->thing.model.method;
    if (!e->path)
        return;
    report_text(report, "run", "%s", e->path);
    report_text(report, "method", "%s", method->type->name);
    report_text(report, "model", "%s", method->network->name);
    evaluated_kind(e)->network(e, report);
    if (isfinite(e->thing.epochs))
        report_number(report, "epoch", e->thing.epochs, "%.4g", e->thing.epochs);
}

/* Samples to learn from and to be judged on. */
static void report_samples(const struct evaluation *e, int64_t seen, tacit_report *report)
{
    const struct pool *pool = &e->pool;
    int64_t judged = pool->count - (pool->fold ? 0 : pool->first_test);
    int64_t learned = pool->fold ? pool->count : pool->first_test;
    report_text(report, "data", "%s", e->source->path);
    report_number(report, "classes", pool->classes, "%d", pool->classes);
    if (pool->fold)
        report_text(report, "split", "%d folds, stratified%s", pool->folds,
                    pool->group ? ", groups kept together" : "");
    else if (e->held)
        report_text(report, "split", "held out by the run (holdout=%s), and the rest",
                    config_value(&e->thing.config, "holdout"));
    else
        report_text(report, "split", "train and test of the data");
    report_number(report, "labelled_samples", (double)learned, "%lld", (long long)learned);
    report_number(report, "test_samples", (double)judged, "%lld", (long long)judged);
    if (seen >= 0)
        report_number(report, "test_samples_seen", (double)seen, "%lld by pretraining, unlabelled",
                      (long long)seen);
    else if (e->path)
        report_text(report, "test_samples_seen", "unknown: the run's samples.tsv is not at hand");
}

static void report_protocol(const struct evaluation *e, tacit_report *report)
{
    const struct config *config = e->config;
    evaluated_kind(e)->input(e, has_plain_rival(e), report);
    if (has_protocol(e, "knn")) {
        report_number(report, "k", (double)config_integer(config, "k"), "%lld",
                      (long long)config_integer(config, "k"));
        report_number(report, "temperature", config_real(config, "temperature"), "%g",
                      config_real(config, "temperature"));
        report_text(report, "metric", "cosine");
    }
    if (has_protocol(e, "linear")) {
        report_text(report, "linear",
                    "logistic regression, features standardised over the training side");
        report_number(report, "c", config_real(config, "c"), "%g", config_real(config, "c"));
    }
    report_number(report, "seed", (double)e->seed, "%llu", (unsigned long long)e->seed);
    if (has_subject(e, "untrained") || has_subject(e, "labels-only"))
        report_number(report, "network_seed", (double)e->thing.seed, "%llu",
                      (unsigned long long)e->thing.seed);
    report_number(report, "draws", e->draws, "%d", e->draws);
}

/* Labelled samples that a trial learns from. */
static status learned_of(const struct evaluation *e, int64_t per_class, int64_t *count)
{
    struct draw learn, judge;
    TRY(pool_trial(&e->pool, per_class, 0, e->seed, &learn, &judge));
    *count = learn.count;
    draw_free(&learn);
    draw_free(&judge);
    return TACIT_OK;
}

static const char *labels_text(int64_t per_class, char text[48])
{
    if (per_class)
        snprintf(text, 48, "%lld label%s a class", (long long)per_class, per_class > 1 ? "s" : "");
    else
        snprintf(text, 48, "all labels");
    return text;
}

static status note_neighbours(const struct evaluation *e, tacit_report *report)
{
    char labels[48];
    for (int i = 0; i < e->label_counts; i++) {
        int64_t count;
        TRY(learned_of(e, e->per_class[i], &count));
        if (count < config_integer(e->config, "k"))
            report_note(report, "knn with %s: k is %lld, the whole bank",
                        labels_text(e->per_class[i], labels), (long long)count);
    }
    return TACIT_OK;
}

static status note_supervised(const struct evaluation *e, tacit_report *report)
{
    const struct evaluated *kind = evaluated_kind(e);
    struct supervised_plan plan = { 0 };
    char labels[48];
    report_note(report, "labels-only: the same network, trained with a linear head on those "
                        "labels; its own predictions count under every protocol");
    for (int i = 0; i < e->label_counts; i++) {
        int64_t count;
        TRY(learned_of(e, e->per_class[i], &count));
        plan = supervised_plan(e, count);
        report_note(report,
                    "labels-only with %s: %lld steps of %lld %ss (%.4g epochs), %s, rate %.3g "
                    "falling %s, weight decay %g",
                    labels_text(e->per_class[i], labels), (long long)plan.steps,
                    (long long)plan.batch, kind->one,
                    (double)plan.steps * (double)plan.batch / (double)count, kind->learns,
                    plan.rate, kind->falls, plan.decay);
    }
    kind->views(e, &plan, report);
    return TACIT_OK;
}

static status report_notes(const struct evaluation *e, const char *stored, tacit_report *report)
{
    bool several = false;
    for (int i = 0; i < e->label_counts; i++)
        several = several || pool_trials(&e->pool, e->per_class[i], e->draws) > 1;
    if (several)
        report_note(report,
                    "± is the standard deviation over draws%s, [ ] the 95 %% interval of "
                    "the mean; of a single figure, for as many test samples",
                    e->pool.fold ? " (of all labels: over folds)" : "");
    else
        report_note(report, "[ ] is the 95 %% interval for as many test samples");
    if (e->thing.model.method.type && has_subject(e, "untrained"))
        report_note(report, "untrained: the same network with the initial weights of network_seed");
    if (has_protocol(e, "knn"))
        TRY(note_neighbours(e, report));
    if (has_subject(e, "labels-only"))
        TRY(note_supervised(e, report));
    if (stored[0])
        report_note(report, "stored as %s", stored);
    return TACIT_OK;
}

status evaluation_report(const struct evaluation *e, int64_t seen, const char *stored,
                         tacit_report **report)
{
    tacit_report *made = report_new();
    *report = NULL;
    if (!made)
        return TACIT_RESOURCES;
    report_thing(e, made);
    report_samples(e, seen, made);
    report_protocol(e, made);
    report_results(e, made);
    status result = report_notes(e, stored, made);
    if (result == TACIT_OK)
        result = report_status(made);
    if (result == TACIT_OK)
        *report = made;
    else
        tacit_report_free(made);
    return result;
}
