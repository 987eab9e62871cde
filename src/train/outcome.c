/* What a training leaves behind: model, samples, report. */
#include "train/fit.h"
#include "base/clock.h"
#include "base/memory.h"
#include "data/order.h"
#include "train/modality.h"
#include "train/model_file.h"
#include "train/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What samples.tsv says of each sample of the source. */
struct fates {
    uint64_t *hash; /* of those used */
    const char **why;
};

static const char *why_not(const struct setup *setup, size_t sample)
{
    const struct sample *about = &setup->source->sample[sample];
    if (setup->source->has_parts && about->split != SPLIT_TRAIN)
        return about->split == SPLIT_TEST ? "test part" : "in no part";
    if (setup->held[sample])
        return "held out";
    bool labelled = setup->method.type->numbers
                        ? setup->source->target && isfinite(setup->source->target[sample])
                        : about->label >= 0;
    return setup->method.type->either && !labelled ? "unlabelled" : "not drawn";
}

/* Fills the hash of a sample, if it can be read. Pictures that only another process saw, before a
 * resumption, are read again. */
static status sample_look(struct setup *setup, uint32_t sample, bool *broken)
{
    uint64_t hash;
    *broken = source_is_broken(setup->source, sample);
    if (*broken || setup->hash[sample])
        return TACIT_OK;
    status result = setup->modality->look(setup->source, sample, &hash);
    *broken = result == TACIT_BAD_DATA && source_health(setup->source) == TACIT_OK;
    if (*broken)
        return TACIT_OK;
    TRY(result);
    setup->hash[sample] = hash;
    return TACIT_OK;
}

/* The fate of a sample that a batch asked for: it was used, or another one in its place, as the
 * loader chose it. */
static status sample_follow(struct setup *setup, uint32_t wanted, struct fates *fates)
{
    uint32_t sample = wanted;
    for (uint64_t attempt = 0; attempt <= ORDER_REDRAWS; attempt++) {
        bool broken;
        TRY(sample_look(setup, sample, &broken));
        fates->why[sample] = broken ? "unreadable" : "used";
        if (!broken) {
            fates->hash[sample] = setup->hash[sample];
            return TACIT_OK;
        }
        sample = setup->index[order_redraw(setup->seed, attempt, wanted, setup->count)];
    }
    return TACIT_OK;
}

static status fates_find(struct fit *fit, struct fates *fates)
{
    const struct setup *setup = fit->setup;
    bool *drawn = memory_new(setup->count, sizeof *drawn);
    status result = drawn ? TACIT_OK : TACIT_RESOURCES;
    if (drawn && setup->cut) /* all samples together make the rows */
        memset(drawn, 1, setup->count * sizeof *drawn);
    else if (drawn)
        result =
            order_drawn(&(struct order){ setup->seed, setup->count, setup->batch, setup->length },
                        fit->position.step, drawn);
    for (size_t i = 0; i < setup->source->count; i++)
        fates->why[i] = why_not(setup, i);
    for (size_t i = 0; i < setup->count && result == TACIT_OK; i++)
        if (drawn[i])
            result = sample_follow(fit->setup, setup->index[i], fates);
    memory_free(drawn);
    return result;
}

static status samples_save(struct fit *fit)
{
    size_t count = fit->setup->source->count;
    struct fates fates = { .hash = memory_new(count, sizeof *fates.hash),
                           .why = memory_new(count, sizeof *fates.why) };
    status result = fates.hash && fates.why ? fates_find(fit, &fates) : TACIT_RESOURCES;
    if (result == TACIT_OK)
        result = run_save_samples(fit->run, fit->setup->source, fates.hash, fates.why);
    memory_free(fates.hash);
    memory_free(fates.why);
    return result;
}

status fit_export(struct fit *fit)
{
    const struct setup *setup = fit->setup;
    char path[RUN_PATH_BYTES];
    if (!fit->run)
        return TACIT_OK;
    TRY(model_save(run_file(fit->run, "model.safetensors", path), fit->store, &setup->method,
                   &setup->input, setup->source->class_name));
    if (fit->selection && selection_best(fit->selection)->step >= 0)
        TRY(selection_export(fit->selection, path));
    if (setup->target.profile) {
        struct text profile = { 0 };
        status result = session_profile(fit->session, &profile);
        if (result == TACIT_OK)
            result = file_write(run_file(fit->run, "profile.txt", path), text_string(&profile),
                                profile.length);
        if (result == TACIT_OK)
            tell(&fit->audience, TACIT_INFO, "%s", text_string(&profile));
        text_free(&profile);
        TRY(result);
    }
    return samples_save(fit);
}

/* Of methods that guess what is hidden: nothing can collapse, but nothing may be learned. */
static void guess_verdict(const struct fit *fit, char *text, size_t size)
{
    bool learned = fit->position.loss < fit->chance;
    snprintf(text, size, "%s: loss %.4g of %.4g for blind guesses%s",
             learned ? "HEALTHY" : "NOTHING LEARNED", fit->position.loss, fit->chance,
             learned ? "; whether it is useful is seen in use"
                     : ": train longer, or at a higher optim.lr");
}

static void report_watch(const struct fit *fit, tacit_report *report)
{
    const struct measures *seen = &fit->position.watched;
    char verdict[512];
    if (fit->position.watched_step < 0)
        return;
    bool collapses = fit->setup->method.type->collapses;
    if (isfinite(seen->validation))
        report_number(report, "validation_loss", seen->validation, "%.4f", seen->validation);
    if (collapses)
        watch_verdict(seen, verdict, sizeof verdict);
    else
        guess_verdict(fit, verdict, sizeof verdict);
    report_text(report, "verdict", "%s",
                collapses && watch_collapsed(seen) ? "collapsed" : "healthy");
    report_number(report, "deviation", seen->deviation, "%.4g", seen->deviation);
    report_number(report, "deviation_ideal", seen->ideal, "%.4g", seen->ideal);
    report_number(report, "rank", seen->rank, "%.1f", seen->rank);
    if (isfinite(seen->alignment))
        report_number(report, "alignment", seen->alignment, "%.3f", seen->alignment);
    report_number(report, "uniformity", seen->uniformity, "%.3f", seen->uniformity);
    report_note(report, "%s", verdict);
}

/* How good it is on what was held out, at its best: the model that is kept. */
static void report_selection(const struct fit *fit, tacit_report *report)
{
    const struct selected *best = fit->selection ? selection_best(fit->selection) : NULL;
    if (!best || best->step < 0)
        return;
    report_number(report, "best_step", (double)best->step, "%lld", (long long)best->step);
    if (isfinite(best->accuracy))
        report_number(report, "held_out_accuracy", best->accuracy, "%.2f %%", 100 * best->accuracy);
    report_number(report, "held_out_loss", best->loss, "%.4f", best->loss);
    report_note(report, "the model is that of step %lld, the best on what was held out",
                (long long)best->step);
}

static void report_broken(const struct fit *fit, tacit_report *report)
{
    const struct broken_sample *list;
    char name[SAMPLE_NAME_BYTES];
    size_t listed, count = source_broken(fit->setup->source, &list, &listed);
    if (!count)
        return;
    report_number(report, "unreadable", (double)count, "%zu", count);
    report_note(report, "%zu of the %s could not be read and %s left out, first %s: %s", count,
                fit->setup->modality->samples, count == 1 ? "was" : "were",
                source_name(fit->setup->source, list[0].index, name), list[0].why);
}

tacit_report *fit_report(const struct fit *fit, const char *state)
{
    const struct setup *setup = fit->setup;
    const struct position *position = &fit->position;
    tacit_report *report = report_new();
    if (!report)
        return NULL;
    double seconds = fit->began + clock_seconds() - fit->started;
    if (fit->run)
        report_text(report, "run", "%s", fit->run->folder);
    report_text(report, "status", "%s", state);
    report_text(report, "method", "%s", setup->method.type->name);
    report_text(report, "model", "%s", setup->method.network->name);
    report_number(report, setup->modality->samples, (double)setup->count, "%zu", setup->count);
    if (setup->held_count)
        report_number(report, "held_out", (double)setup->held_count, "%zu", setup->held_count);
    report_number(report, "steps", (double)position->step, "%lld", (long long)position->step);
    report_number(report, "epochs", (double)position->step / (double)setup->batches, "%.4g",
                  (double)position->step / (double)setup->batches);
    report_number(report, "loss", position->loss, "%.4f, running mean of training", position->loss);
    report_number(report, "loss_floor", fit->floor, "%.4f", fit->floor);
    report_number(report, "loss_chance", fit->chance, "%.4f", fit->chance);
    report_watch(fit, report);
    report_selection(fit, report);
    report_broken(fit, report);
    report_number(report, "seconds", seconds, "%.1f", seconds);
    report_number(report, "peak_bytes", clock_peak_bytes(), "%.0f MB", clock_peak_bytes() / 1e6);
    if (report_status(report) == TACIT_OK)
        return report;
    tacit_report_free(report);
    return NULL;
}
