/* tacit_predict: what a model with a head says of samples, and how right it is where that is known.
 */
#include "eval/predict.h"
#include "base/clock.h"
#include "base/memory.h"
#include "eval/agreement.h"
#include "eval/evaluation.h"
#include "eval/sink.h"
#include "train/report.h"
#include "train/tasks.h"

#include <math.h>
#include <string.h>

enum { CLASS_NAME_BYTES = 512, PART_AUTO = -1, PART_ALL = 0 };

struct prediction {
    struct evaluation e; /* config, audience, thing, source, held */
    bool own_data;       /* those of the run */
    const char *part;    /* what was judged: "all", "train", "test", "held out" */
    struct arena names;
    uint32_t *index, *kept; /* [count], [out.count] */
    size_t count;
    float *value;
    int32_t *best, *truth;
    int32_t *class_of; /* [source->classes] the model's class of each, -1: it has none such */
    const char **class_name;
    struct predictions out;
};

static void prediction_close(struct prediction *p)
{
    memory_free(p->index);
    memory_free(p->kept);
    memory_free(p->value);
    memory_free(p->best);
    memory_free(p->truth);
    memory_free(p->class_of);
    arena_free(&p->names);
    source_close(p->e.source);
    thing_close(&p->e.thing);
}

static status thing_check(const struct prediction *p)
{
    const struct method *method = &p->e.thing.model.method;
    if (!method->type || !method->type->either)
        return fail(TACIT_USAGE,
                    "%s: has no head that predicts labels; train one: tacit finetune %s data=DATA "
                    "labels=…",
                    p->e.path, p->e.path);
    if (method->type->labels && method->classes < 2)
        return fail(TACIT_BAD_DATA, "%s: does not name the classes that it tells apart", p->e.path);
    return TACIT_OK;
}

static status data_open(struct prediction *p)
{
    struct evaluation *e = &p->e;
    const char *data = config_value(e->config, "data");
    p->own_data = strcmp(data, "auto") == 0;
    data = setting_of(e, "data", true);
    if (strcmp(data, "auto") == 0)
        return fail(TACIT_USAGE, "data: must be given, %s names none", e->path);
    struct source_options options = texts_or_pictures(e, p->own_data);
    TRY(source_open(data, &options, &e->source));
    if (e->source->note)
        tell(&e->audience, TACIT_NOTICE, "%s", e->source->note);
    TRY(texts_check(e));
    return p->own_data ? held_apply(e) : TACIT_OK;
}

/* part=auto: the part test where there is one. */
static status samples_choose(struct prediction *p)
{
    static const enum split splits[] = { SPLIT_NONE, SPLIT_TRAIN, SPLIT_TEST };
    const struct source *source = p->e.source;
    int part = config_choice(p->e.config, "part");
    if (part == PART_AUTO)
        part = source->has_parts ? 2 : PART_ALL;
    static const char *const names[] = { "all", "train", "test" };
    p->part = p->e.held && part == 2 ? "held out" : names[part];
    p->index = memory_new(source->count + 1, sizeof *p->index);
    p->kept = memory_new(source->count + 1, sizeof *p->kept);
    if (!p->index || !p->kept)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < source->count; i++)
        if (part == PART_ALL || source->sample[i].split == splits[part])
            p->index[p->count++] = (uint32_t)i;
    return p->count ? TACIT_OK
                    : fail(TACIT_BAD_DATA, "%s: has no samples in its part %s", source->path,
                           names[part]);
}

static status classes_name(struct prediction *p)
{
    const struct model_file *model = &p->e.thing.model;
    const struct source *source = p->e.source;
    size_t classes = (size_t)model->method.classes;
    int unknown = 0;
    p->class_name = arena_new(&p->names, classes + 1, sizeof *p->class_name);
    p->class_of = memory_new((size_t)source->classes + 1, sizeof *p->class_of);
    if (!p->class_name || !p->class_of)
        return TACIT_RESOURCES;
    for (size_t c = 0; c < classes; c++) {
        char name[CLASS_NAME_BYTES] = "";
        model_file_class(model, (int64_t)c, name, sizeof name);
        if (!(p->class_name[c] = arena_text(&p->names, "%s", name)))
            return TACIT_RESOURCES;
    }
    for (int s = 0; s < source->classes; s++) {
        p->class_of[s] = -1;
        for (size_t c = 0; c < classes; c++)
            if (strcmp(source->class_name[s], p->class_name[c]) == 0)
                p->class_of[s] = (int32_t)c;
        unknown += p->class_of[s] < 0;
    }
    if (unknown)
        tell(&p->e.audience, TACIT_NOTICE,
             "%d of the %d classes of %s are none that the model knows: such samples are not "
             "judged",
             unknown, source->classes, source->path);
    return TACIT_OK;
}

static bool goes_on(void *argument, size_t done, size_t count)
{
    const struct evaluation *e = argument;
    return evaluation_advance(e, "predict", (int64_t)done, (int64_t)count, e->start);
}

static status values_make(struct prediction *p)
{
    struct evaluation *e = &p->e;
    struct extractor *extractor;
    struct store *store = store_new(0);
    if (!store)
        return TACIT_RESOURCES;
    status result = extractor_new(store, &e->thing.model.method, &e->input,
                                  config_integer(e->config, "batch_size"), EXTRACT_EMBEDDING,
                                  &e->target, &extractor);
    if (result == TACIT_OK)
        result = model_file_values(&e->thing.model, store);
    if (result == TACIT_OK) {
        p->value = memory_new(p->count, (size_t)extractor_width(extractor) * sizeof *p->value);
        result = p->value ? extractor_source(extractor, e->source, p->index, p->count, goes_on, e,
                                             p->value, p->kept, &p->out.count)
                          : TACIT_RESOURCES;
    }
    extractor_free(extractor);
    store_free(store);
    return result;
}

/* Logits become probabilities, in place; returns the largest one's class. */
static int32_t softmax_row(float *row, int32_t classes)
{
    int32_t best = 0;
    double sum = 0;
    for (int32_t c = 1; c < classes; c++)
        best = row[c] > row[best] ? c : best;
    float largest = row[best];
    for (int32_t c = 0; c < classes; c++)
        sum += exp((double)row[c] - (double)largest);
    for (int32_t c = 0; c < classes; c++)
        row[c] = (float)(exp((double)row[c] - (double)largest) / sum);
    return best;
}

static status classes_predict(struct prediction *p)
{
    const struct source *source = p->e.source;
    struct predictions *out = &p->out;
    p->best = memory_new(p->count, sizeof *p->best);
    p->truth = memory_new(p->count, sizeof *p->truth);
    if (!p->best || !p->truth)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < out->count; i++) {
        int32_t label = source->sample[p->kept[i]].label;
        p->best[i] = softmax_row(p->value + i * (size_t)out->classes, out->classes);
        p->truth[i] = label < 0 ? -1 : p->class_of[label];
    }
    out->best = p->best;
    out->truth = source->classes ? p->truth : NULL;
    return TACIT_OK;
}

static void numbers_predict(struct prediction *p)
{
    const struct method *method = &p->e.thing.model.method;
    for (size_t i = 0; i < p->out.count; i++)
        p->value[i] = (float)(method->number_mean + method->number_deviation * (double)p->value[i]);
    p->out.target = p->e.source->target;
}

static status prediction_make(struct prediction *p)
{
    struct evaluation *e = &p->e;
    team_settle((int)config_integer(e->config, "threads"));
    e->target = (struct target){ .tune = config_boolean(e->config, "tune") };
    TRY(thing_open(e->path, &e->thing));
    TRY(thing_check(p));
    e->input = e->thing.model.input;
    TRY(data_open(p));
    TRY(samples_choose(p));
    if (e->thing.model.method.type->labels)
        TRY(classes_name(p));
    TRY(values_make(p));
    if (p->out.count == 0)
        return fail(TACIT_BAD_DATA, "%s: none of its samples can be read", e->source->path);
    p->out.source = e->source;
    p->out.kept = p->kept;
    p->out.value = p->value;
    p->out.class_name = p->class_name;
    p->out.classes =
        e->thing.model.method.type->numbers ? 0 : (int32_t)e->thing.model.method.classes;
    if (p->out.classes)
        return classes_predict(p);
    numbers_predict(p);
    return TACIT_OK;
}

/* ---- how right it is ---- */

static void share_report(tacit_report *report, const char *name, double share)
{
    report_number(report, name, share, "%.2f %%", 100 * share);
}

static status classes_judge(const struct prediction *p, tacit_report *report)
{
    const struct predictions *out = &p->out;
    struct class_agreement found;
    struct score score;
    int64_t count = 0;
    if (!out->truth)
        return TACIT_OK;
    for (size_t i = 0; i < out->count; i++) /* the known ones, in front */
        if (p->truth[i] >= 0) {
            p->truth[count] = p->truth[i];
            p->best[count++] = p->best[i];
        }
    TRY(class_agreement(p->truth, p->best, count, out->classes, &found));
    if (!count)
        return TACIT_OK;
    score_of(&found.accuracy, 1, count, &score);
    report_number(report, "judged", (double)count, "%lld", (long long)count);
    report_number(report, "accuracy", found.accuracy, "%.2f %% [%.1f, %.1f]", 100 * found.accuracy,
                  100 * score.low, 100 * score.high);
    share_report(report, "macro_f1", found.macro_f1);
    share_report(report, "balanced_accuracy", found.balanced);
    int64_t positive = 0;
    for (int64_t i = 0; i < count; i++)
        positive += p->truth[i] == 1;
    if (out->classes == 2 && positive) /* of none there is no share */
        report_number(report, "f1", class_f1(p->truth, p->best, count, 1), "%.4f (of %s)",
                      class_f1(p->truth, p->best, count, 1), out->class_name[1]);
    return TACIT_OK;
}

static status numbers_judge(const struct prediction *p, tacit_report *report)
{
    const struct predictions *out = &p->out;
    double *guess = memory_new(out->count, sizeof *guess), ranks = NAN, squares = 0;
    double *truth = memory_new(out->count, sizeof *truth);
    int64_t count = 0;
    status result = guess && truth ? TACIT_OK : TACIT_RESOURCES;
    for (size_t i = 0; i < out->count && out->target && result == TACIT_OK; i++)
        if (isfinite(out->target[out->kept[i]])) {
            truth[count] = out->target[out->kept[i]];
            guess[count] = (double)out->value[i];
            squares += pow(guess[count] - truth[count], 2);
            count++;
        }
    if (result == TACIT_OK && count)
        result = spearman(guess, truth, count, &ranks);
    if (result == TACIT_OK && count) {
        double linear = pearson(guess, truth, count), error = sqrt(squares / (double)count);
        report_number(report, "judged", (double)count, "%lld", (long long)count);
        report_number(report, "spearman", ranks, "%.4f", ranks);
        report_number(report, "pearson", linear, "%.4f", linear);
        report_number(report, "root_mean_square_error", error, "%.4g", error);
    }
    memory_free(guess);
    memory_free(truth);
    return result;
}

/* Figures of samples that the run has learned from say little: how many there are among those
 * judged, by their content. */
static status seen_report(const struct prediction *p, tacit_report *report)
{
    const struct predictions *out = &p->out;
    int64_t judged = 0, seen = -1;
    uint32_t *index = memory_new(out->count, sizeof *index);
    if (!index)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < out->count; i++)
        if (out->classes ? out->truth && out->truth[i] >= 0
                         : out->target && isfinite(out->target[out->kept[i]]))
            index[judged++] = out->kept[i];
    status result =
        judged ? seen_among(&p->e.thing, p->e.source, index, (size_t)judged, &seen) : TACIT_OK;
    memory_free(index);
    if (seen < 0)
        return result;
    report_number(report, "judged_samples_seen", (double)seen, "%lld", (long long)seen);
    if (seen)
        report_note(report,
                    "the run has learned from %lld of the %lld samples judged: on new ones expect "
                    "less",
                    (long long)seen, (long long)judged);
    return result;
}

static status prediction_report(const struct prediction *p, const char *out, tacit_report *report)
{
    report_text(report, "out", "%s", out);
    report_text(report, "model", "%s", p->e.thing.model.method.network->name);
    report_text(report, "data", "%s", p->e.source->path);
    report_text(report, "part", "%s", p->part);
    report_number(report, "samples", (double)p->out.count, "%zu", p->out.count);
    if (p->out.classes)
        report_number(report, "classes", p->out.classes, "%d", p->out.classes);
    if (p->count > p->out.count)
        report_number(report, "unreadable", (double)(p->count - p->out.count), "%zu",
                      p->count - p->out.count);
    TRY(seen_report(p, report));
    TRY((p->out.classes ? classes_judge : numbers_judge)(p, report));
    return report_status(report);
}

/* On standard output the rows are the result: the figures go to whoever listens. */
static void figures_tell(const struct prediction *p, const tacit_report *report)
{
    tacit_value field;
    for (int i = 0; tacit_report_field(report, i, &field); i++)
        if (strcmp(field.name, "out") != 0)
            tell(&p->e.audience, TACIT_INFO, "%s: %s", field.name, field.text);
}

tacit_status tacit_predict(const char *thing, tacit_config *config, const tacit_observer *observer,
                           tacit_report **report)
{
    if (report)
        *report = NULL;
    TRY(tacit_config_check(config));
    const char *out = config_text(&config->config, "out");
    bool standard = strcmp(out, "-") == 0;
    const struct prediction_form *form =
        prediction_form(out, config_boolean(&config->config, "json"));
    if (!form)
        return fail(TACIT_USAGE,
                    "out=%s: must end in .csv, .tsv or .jsonl, or be - (standard output)", out);
    TRY(sink_check(&config->config));
    if (!thing || !*thing)
        return fail(TACIT_USAGE, "RUN is missing: tacit predict RUN data=DATA out=FILE.csv");
    struct prediction p = { .e = { .config = &config->config,
                                   .audience = { observer, NULL },
                                   .start = clock_seconds(),
                                   .path = thing } };
    tacit_report *made = report_new();
    status result = made ? prediction_make(&p) : TACIT_RESOURCES;
    if (result == TACIT_OK)
        result = predictions_write(&p.out, form, out);
    if (result == TACIT_OK)
        result = prediction_report(&p, out, made);
    if (result == TACIT_OK && standard)
        figures_tell(&p, made);
    if (result == TACIT_OK && report && !standard)
        *report = made;
    else
        tacit_report_free(made);
    prediction_close(&p);
    return result;
}
