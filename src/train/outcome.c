/* What a training leaves behind: model, samples, report. */
#include "train/fit.h"
#include "base/clock.h"
#include "base/memory.h"
#include "train/model_file.h"
#include "train/report.h"

#include <math.h>
#include <string.h>

/* Pictures that no step has seen (of last, short batches; of steps before a resumption) are
 * looked at now. */
static status hashes_complete(struct fit *fit, bool *used)
{
    struct setup *setup = fit->setup;
    for (size_t i = 0; i < setup->count; i++) {
        uint32_t sample = setup->index[i];
        struct image image;
        used[sample] = true;
        if (setup->hash[sample])
            continue;
        status result = source_read(setup->source, sample, &image);
        if (result == TACIT_BAD_DATA && source_health(setup->source) == TACIT_OK)
            continue;
        TRY(result);
        setup->hash[sample] = views_hash(&image);
        image_free(&image);
    }
    return TACIT_OK;
}

static status samples_save(struct fit *fit)
{
    size_t count = fit->setup->source->count;
    bool *used = memory_new(count, sizeof *used);
    uint64_t *hash = memory_new(count, sizeof *hash);
    status result = used && hash ? hashes_complete(fit, used) : TACIT_RESOURCES;
    for (size_t i = 0; i < count && result == TACIT_OK; i++)
        hash[i] = fit->setup->hash[i];
    if (result == TACIT_OK)
        result = run_save_samples(fit->run, fit->setup->source, hash, used);
    memory_free(used);
    memory_free(hash);
    return result;
}

status fit_export(struct fit *fit, bool finished)
{
    const struct setup *setup = fit->setup;
    char path[RUN_PATH_BYTES];
    if (!fit->run)
        return TACIT_OK;
    TRY(model_save(run_file(fit->run, "model.safetensors", path), fit->store, &setup->method,
                   &setup->input, setup->source->class_name));
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
    return finished ? samples_save(fit) : TACIT_OK;
}

static void report_watch(const struct fit *fit, tacit_report *report)
{
    const struct measures *seen = &fit->position.watched;
    char verdict[512];
    if (fit->position.watched_step < 0)
        return;
    watch_verdict(seen, verdict, sizeof verdict);
    report_text(report, "verdict", "%s", watch_collapsed(seen) ? "collapsed" : "healthy");
    report_number(report, "deviation", seen->deviation, "%.4g", seen->deviation);
    report_number(report, "deviation_ideal", seen->ideal, "%.4g", seen->ideal);
    report_number(report, "rank", seen->rank, "%.1f", seen->rank);
    if (isfinite(seen->alignment))
        report_number(report, "alignment", seen->alignment, "%.3f", seen->alignment);
    report_number(report, "uniformity", seen->uniformity, "%.3f", seen->uniformity);
    report_note(report, "%s", verdict);
}

static void report_broken(const struct fit *fit, tacit_report *report)
{
    const struct broken_sample *list;
    char name[SAMPLE_NAME_BYTES];
    size_t listed, count = source_broken(fit->setup->source, &list, &listed);
    if (!count)
        return;
    report_number(report, "unreadable", (double)count, "%zu", count);
    report_note(report, "%zu picture%s could not be read and %s left out, first %s: %s", count,
                count == 1 ? "" : "s", count == 1 ? "was" : "were",
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
    report_number(report, "pictures", (double)setup->count, "%zu", setup->count);
    report_number(report, "steps", (double)position->step, "%lld", (long long)position->step);
    report_number(report, "epochs", (double)position->step / (double)setup->batches, "%.4g",
                  (double)position->step / (double)setup->batches);
    report_number(report, "loss", position->loss, "%.4f", position->loss);
    report_number(report, "loss_floor", fit->floor, "%.4f", fit->floor);
    report_number(report, "loss_chance", fit->chance, "%.4f", fit->chance);
    report_watch(fit, report);
    report_broken(fit, report);
    report_number(report, "seconds", seconds, "%.1f", seconds);
    report_number(report, "peak_bytes", clock_peak_bytes(), "%.0f MB", clock_peak_bytes() / 1e6);
    if (report_status(report) == TACIT_OK)
        return report;
    tacit_report_free(report);
    return NULL;
}
