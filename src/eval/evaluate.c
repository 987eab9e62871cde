/* tacit_evaluate: subjects times protocols times numbers of labels, all on the same trials. */
#include "base/clock.h"
#include "base/memory.h"
#include "eval/collection.h"
#include "eval/evaluation.h"
#include "eval/search.h"
#include "eval/similarity.h"
#include "eval/sink.h"
#include "train/tasks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORD_BYTES = 64, MESSAGE_BYTES = 1024, MOST_RESULTS = 1000000 };

bool evaluation_advance(const struct evaluation *e, const char *phase, int64_t step, int64_t steps,
                        double since)
{
    tacit_progress progress = progress_unknown(phase);
    double now = clock_seconds(), spent = now - since;
    progress.step = step;
    progress.steps = steps;
    progress.seconds = now - e->start;
    if (step > 0 && spent > 0) {
        progress.samples_per_second = (double)step / spent;
        progress.seconds_left = spent * (double)(steps - step) / (double)step;
    }
    tell_progress(&e->audience, &progress);
    return !asked_to_stop(&e->audience);
}

static bool word_in(const struct config *config, const char *key, const char *word)
{
    char found[WORD_BYTES];
    for (size_t n = 0; config_list(config, key, n, found, sizeof found); n++)
        if (strcmp(found, word) == 0)
            return true;
    return false;
}

static bool is_asked(const struct evaluation *e, const struct subject *subject)
{
    if (subject == all_subjects)
        return e->path != NULL;
    return word_in(e->config, "against", subject->name);
}

/* ---- what is asked ---- */

static status labels_read(struct evaluation *e)
{
    char word[WORD_BYTES];
    for (size_t n = 0; config_list(e->config, "labels_per_class", n, word, sizeof word); n++) {
        int64_t number = 0;
        bool all = strcmp(word, "all") == 0;
        if (!all && (!text_read_integer(word, &number) || number < 1 || number > UINT32_MAX))
            return fail(TACIT_USAGE,
                        "labels_per_class=%s: must be whole numbers of at least 1, or all, with "
                        "commas between",
                        word);
        if (e->label_counts == EVAL_LABELS_MAX)
            return fail(TACIT_USAGE, "labels_per_class: at most %d numbers", EVAL_LABELS_MAX);
        bool known = false;
        for (int i = 0; i < e->label_counts; i++)
            known = known || e->per_class[i] == number;
        if (!known)
            e->per_class[e->label_counts++] = number;
    }
    return e->label_counts
               ? TACIT_OK
               : fail(TACIT_USAGE, "labels_per_class: name at least one number, or all");
}

static status wishes_check(const struct evaluation *e)
{
    char word[WORD_BYTES];
    bool any = false;
    for (const struct subject *subject = all_subjects; subject->name; subject++) {
        any = any || is_asked(e, subject);
        if (!e->path && subject->network && is_asked(e, subject))
            return fail(TACIT_USAGE,
                        "against=%s: is a network like that of a run: tacit eval RUN against=%s",
                        subject->name, subject->name);
    }
    if (!any)
        return fail(TACIT_USAGE, "RUN is missing: what shall be judged? (tacit eval RUN, or tacit "
                                 "eval data=DATA against=pixels, for texts against=words)");
    if (!e->path && strcmp(config_value(e->config, "data"), "auto") == 0)
        return fail(TACIT_USAGE,
                    "data: must be given where there is no RUN whose data could serve");
    if (!config_list(e->config, "protocol", 0, word, sizeof word))
        return fail(TACIT_USAGE, "protocol: name at least one, such as protocol=linear");
    return TACIT_OK;
}

/* ---- data ---- */

/* The kind of samples that all who are asked for can read, into e->input. */
static status kind_settle(struct evaluation *e)
{
    static const char *const names[] = { [WANT_PICTURES] = "pictures", [WANT_TEXTS] = "texts" };
    enum wanted_kind wanted = e->path ? wanted_by(e->input.kind) : WANT_EITHER;
    for (const struct subject *subject = all_subjects; subject->name; subject++) {
        if (!is_asked(e, subject) || subject->reads == WANT_EITHER)
            continue;
        if (wanted != WANT_EITHER && wanted != subject->reads)
            return fail(TACIT_USAGE, "against=%s: is of %s, but %s", subject->name,
                        names[subject->reads],
                        e->path ? "the run reads others" : "another rival reads others");
        wanted = subject->reads;
    }
    if (!e->path)
        e->input.kind = wanted == WANT_TEXTS ? SAMPLE_TEXT : SAMPLE_PICTURE;
    return TACIT_OK;
}

/* Without labels there is nothing to judge, but something else to be done. */
static status pool_make(struct evaluation *e)
{
    char said[MESSAGE_BYTES];
    status result = pool_new(e->source, &e->pool);
    const struct method_type *type = e->thing.model.method.type;
    if (result != TACIT_USAGE || !type || !type->next)
        return result;
    snprintf(said, sizeof said, "%s", tacit_message());
    return fail(TACIT_USAGE, "%s; what one does with a run of method=%s: %s", said, type->name,
                type->next);
}

/* Whether two paths are of the same data. */
static bool same_data(const char *a, const char *b)
{
    if (!a || !b)
        return false;
    char *first = realpath(a, NULL), *second = realpath(b, NULL);
    bool same = strcmp(a, b) == 0 || (first && second && strcmp(first, second) == 0);
    free(first);
    free(second);
    return same;
}

static status data_open(struct evaluation *e)
{
    bool of_run = strcmp(config_value(e->config, "data"), "auto") == 0;
    const char *data = setting_of(e, "data", true);
    if (strcmp(data, "auto") == 0)
        return fail(TACIT_USAGE, "data: must be given, %s names none",
                    e->thing.run[0] ? "the run's config.yaml" : "a model by itself");
    struct source_options options = texts_or_pictures(e, of_run);
    status result = source_open(data, &options, &e->source);
    if (result != TACIT_OK)
        return of_run ? fail_within(result, "the data of the run (say data= where they are now)")
                      : result;
    if (e->source->note)
        tell(&e->audience, TACIT_NOTICE, "%s", e->source->note);
    return same_data(data, config_value(&e->thing.config, "data")) ? held_apply(e) : TACIT_OK;
}

static status evaluation_open(struct evaluation *e)
{
    e->draws = (int)config_integer(e->config, "draws");
    e->seed = (uint64_t)config_integer(e->config, "seed");
    TRY(labels_read(e));
    TRY(wishes_check(e));
    team_settle((int)config_integer(e->config, "threads"));
    e->target = (struct target){ .tune = config_boolean(e->config, "tune") };
    if (e->path) {
        TRY(thing_open(e->path, &e->thing));
        e->input = e->thing.model.input;
        e->thing.model.method.spread = e->input.kind == SAMPLE_TEXT; /* all of a long text counts */
        if (!config_automatic(e->config, "pooling"))
            e->thing.model.method.pooling = (enum text_pooling)config_choice(e->config, "pooling");
    }
    TRY(kind_settle(e));
    TRY(data_open(e));
    if (!e->path)
        evaluated_kind(e)->guess(e);
    TRY(pool_make(e));
    for (int i = 0; i < e->label_counts; i++)
        if (e->per_class[i])
            TRY(pool_offers(&e->pool, e->per_class[i], (int32_t)config_integer(e->config, "folds"),
                            e->seed));
    return TACIT_OK;
}

static void evaluation_close(struct evaluation *e)
{
    pool_free(&e->pool);
    source_close(e->source);
    thing_close(&e->thing);
    memory_free(e->score);
}

/* ---- trials ---- */

/* Some rows as features: in place where they are neighbours, else copied. */
struct part {
    struct features features;
    float *copy;
    int32_t *label;
};

static void part_free(struct part *part)
{
    memory_free_aligned(part->copy);
    memory_free(part->label);
}

static status part_take(const struct evaluation *e, const float *all, int64_t width,
                        const struct draw *rows, struct part *part)
{
    int64_t first = rows->index[0], count = rows->count;
    part->features = (struct features){ all + first * width, e->pool.label + first, count, width };
    if (rows->index[count - 1] - first + 1 == count)
        return TACIT_OK;
    part->copy = memory_new_aligned((size_t)count, (size_t)width * sizeof *part->copy);
    part->label = memory_new((size_t)count, sizeof *part->label);
    if (!part->copy || !part->label)
        return TACIT_RESOURCES;
    for (int64_t i = 0; i < count; i++) {
        memcpy(part->copy + i * width, all + rows->index[i] * width,
               (size_t)width * sizeof *part->copy);
        part->label[i] = e->pool.label[rows->index[i]];
    }
    part->features.value = part->copy;
    part->features.label = part->label;
    return TACIT_OK;
}

/* What judges one trial: a protocol on features, or a subject that predicts by itself. */
struct judge {
    const struct subject *subject;
    const struct protocol *protocol; /* NULL: the subject predicts */
    const float *value;              /* [pool.count, width] */
    int64_t width;
};

static status classify(struct evaluation *e, const struct judge *judge, const struct draw *learn,
                       const struct draw *tested, int trial, int32_t *predicted)
{
    struct part bank = { 0 }, queries = { 0 }, all = { 0 };
    struct draw side;
    if (!judge->protocol)
        return judge->subject->predict(e, learn, tested, trial, predicted);
    if (judge->protocol->predict)
        return judge->protocol->predict(e, learn, tested, trial, predicted);
    TRY(pool_side(&e->pool, trial, &side));
    status result = part_take(e, judge->value, judge->width, learn, &bank);
    if (result == TACIT_OK)
        result = part_take(e, judge->value, judge->width, tested, &queries);
    if (result == TACIT_OK && learn->count < side.count)
        result = part_take(e, judge->value, judge->width, &side, &all);
    if (result == TACIT_OK)
        result = judge->protocol->classify(
            e, judge->subject, &bank.features, &queries.features,
            learn->count < side.count ? &all.features : &bank.features, predicted);
    part_free(&bank);
    part_free(&queries);
    part_free(&all);
    draw_free(&side);
    return result;
}

static status trial_run(struct evaluation *e, const struct judge *judge, int64_t per_class,
                        int trial, double *accuracy, int64_t *tested_count)
{
    struct draw learn, tested;
    int64_t right = 0;
    TRY(pool_trial(&e->pool, per_class, trial, e->seed, &learn, &tested));
    int32_t *predicted = memory_new((size_t)tested.count, sizeof *predicted);
    status result =
        predicted ? classify(e, judge, &learn, &tested, trial, predicted) : TACIT_RESOURCES;
    for (int64_t i = 0; i < tested.count && result == TACIT_OK; i++)
        right += predicted[i] == e->pool.label[tested.index[i]];
    *accuracy = (double)right / (double)tested.count;
    *tested_count = tested.count;
    memory_free(predicted);
    draw_free(&learn);
    draw_free(&tested);
    return result;
}

static status score_add(struct evaluation *e, const struct score *score)
{
    void *block = e->score;
    if (!memory_reserve(&block, &e->score_capacity, e->scores, sizeof *e->score))
        return TACIT_RESOURCES;
    e->score = block;
    e->score[e->scores++] = *score;
    return TACIT_OK;
}

/* All trials of one cell of the table. */
static status cell_run(struct evaluation *e, const struct judge *judge, int64_t per_class,
                       struct score *score)
{
    int trials = pool_trials(&e->pool, per_class, e->draws);
    double *accuracy = memory_new((size_t)trials, sizeof *accuracy), since = clock_seconds();
    char phase[WORD_BYTES];
    int64_t tested = 0;
    status result = accuracy ? TACIT_OK : TACIT_RESOURCES;
    snprintf(phase, sizeof phase, "%s: %s", judge->subject->name,
             judge->protocol ? judge->protocol->name : "trained");
    for (int trial = 0; trial < trials && result == TACIT_OK; trial++) {
        result = trial_run(e, judge, per_class, trial, &accuracy[trial], &tested);
        if (result == TACIT_OK && !evaluation_advance(e, phase, trial + 1, trials, since))
            result = fail(TACIT_STOPPED, "stopped: nothing is stored of this evaluation");
    }
    if (result == TACIT_OK) {
        score->subject = judge->subject->name;
        score->labels_per_class = per_class;
        score_of(accuracy, trials, tested, score);
    }
    memory_free(accuracy);
    return result;
}

/* ---- subjects ---- */

/* A subject that predicts has one figure for a number of labels, whatever the protocol. */
static status predictor_run(struct evaluation *e, const struct subject *subject)
{
    struct judge judge = { .subject = subject };
    for (int i = 0; i < e->label_counts; i++) {
        struct score score;
        TRY(cell_run(e, &judge, e->per_class[i], &score));
        for (const struct protocol *protocol = all_protocols; protocol->name; protocol++) {
            score.protocol = protocol->name;
            if (protocol->predict != head_predict && word_in(e->config, "protocol", protocol->name))
                TRY(score_add(e, &score));
        }
    }
    return TACIT_OK;
}

static status features_run(struct evaluation *e, const struct subject *subject, const float *value,
                           int64_t width)
{
    for (const struct protocol *protocol = all_protocols; protocol->name; protocol++) {
        bool own = subject == &all_subjects[0]; /* a head is the run's */
        if (!word_in(e->config, "protocol", protocol->name) || (protocol->predict && !own))
            continue;
        for (int i = 0; i < e->label_counts; i++) {
            struct judge judge = { subject, protocol, value, width };
            struct score score = { .protocol = protocol->name };
            TRY(cell_run(e, &judge, e->per_class[i], &score));
            TRY(score_add(e, &score));
        }
    }
    return TACIT_OK;
}

/* The first subject finds out which samples can be read; the others have to agree. */
static status pool_agree(struct evaluation *e, const uint32_t *kept, size_t count)
{
    if (e->settled)
        return count == (size_t)e->pool.count
                   ? TACIT_OK
                   : fail(TACIT_BAD_DATA,
                          "%s: samples that could be read before cannot be read now",
                          e->source->path);
    if (count < (size_t)e->pool.count)
        tell(&e->audience, TACIT_NOTICE, "%zu labelled %ss cannot be read and are left out",
             (size_t)e->pool.count - count, evaluated_kind(e)->one);
    e->settled = true;
    return pool_settle(&e->pool, kept, count, (int32_t)config_integer(e->config, "folds"), e->seed);
}

static status subject_run(struct evaluation *e, const struct subject *subject)
{
    float *value = NULL;
    int64_t width = 0;
    size_t kept_count = 0;
    if (subject->predict)
        return predictor_run(e, subject);
    uint32_t *kept = memory_new((size_t)e->pool.count, sizeof *kept);
    status result = kept ? subject->rows(e, &value, &width, kept, &kept_count) : TACIT_RESOURCES;
    if (result == TACIT_OK)
        result = pool_agree(e, kept, kept_count);
    if (result == TACIT_OK)
        result = features_run(e, subject, value, width);
    memory_free_aligned(value);
    memory_free(kept);
    return result;
}

/* ---- results ---- */

static status file_store(const char *path, const tacit_report *report)
{
    char *text;
    TRY(tacit_report_json(report, &text));
    status result = file_write(path, text, strlen(text));
    tacit_free(text);
    return result;
}

/* The next free eval/N.json of the run, "" if there is no run or it cannot be written. */
static void place_find(const struct evaluation *e, char path[THING_PATH_BYTES + 32])
{
    char folder[THING_PATH_BYTES + 8];
    path[0] = 0;
    if (!e->thing.run[0])
        return;
    snprintf(folder, sizeof folder, "%s/eval", e->thing.run);
    if (folder_make(folder) != TACIT_OK || access(folder, W_OK) != 0) {
        tell(&e->audience, TACIT_NOTICE, "%s: cannot be written, the result is not stored there",
             folder);
        return;
    }
    for (int number = 1; number < MOST_RESULTS; number++) {
        snprintf(path, THING_PATH_BYTES + 32, "%s/eval/%d.json", e->thing.run, number);
        if (access(path, F_OK) != 0)
            return;
    }
    path[0] = 0;
}

static status evaluation_conclude(struct evaluation *e, tacit_report **report)
{
    char path[THING_PATH_BYTES + 32];
    const char *out = config_value(e->config, "out");
    int64_t seen;
    TRY(seen_count(e, &seen));
    place_find(e, path);
    TRY(evaluation_report(e, seen, path, report));
    if (path[0])
        TRY(file_store(path, *report));
    return out && *out ? file_store(out, *report) : TACIT_OK;
}

tacit_status tacit_evaluate(const char *thing, tacit_config *config, const tacit_observer *observer,
                            tacit_report **report)
{
    static const char *const searches[] = { "queries", "by", NULL };
    tacit_report *made = NULL;
    if (report)
        *report = NULL;
    TRY(tacit_config_check(config));
    TRY(sink_check(&config->config));
    for (int i = 0; searches[i]; i++)
        if (!*config_text(&config->config, "qrels") && config_given(&config->config, searches[i]))
            return fail(TACIT_USAGE,
                        "%s=: a search is judged by relevance judgements, qrels= must be given: "
                        "tacit eval VECTORS|TEXTS queries=FILE qrels=FILE",
                        searches[i]);
    if (*config_text(&config->config, "qrels"))
        return search_judge(thing, &config->config, observer, report);
    if (strcmp(config_text(&config->config, "protocol"), "similarity") == 0)
        return similarity_judge(thing, &config->config, observer, report);
    struct evaluation e = { .config = &config->config,
                            .audience = { observer, NULL },
                            .start = clock_seconds(),
                            .path = thing && *thing ? thing : NULL };
    status result = evaluation_open(&e);
    for (const struct subject *subject = all_subjects; subject->name && result == TACIT_OK;
         subject++)
        if (is_asked(&e, subject))
            result = subject_run(&e, subject);
    if (result == TACIT_OK)
        result = evaluation_conclude(&e, &made);
    evaluation_close(&e);
    if (report)
        *report = made;
    else
        tacit_report_free(made);
    return result;
}
