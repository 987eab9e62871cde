/* tacit_plan: what pretraining would take, before any step. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "train/modality.h"
#include "train/report.h"
#include "train/setup.h"
#include "train/tasks.h"

enum { TIMED_STEPS = 2 };

struct timing {
    double seconds; /* of a step */
    struct session_size size;
    double bytes;
};

/* Noise (integers: zeros), for there is no need to read data to know how long a step takes. */
static status noise_new(const struct setup *setup, struct batch *batch)
{
    struct random_stream stream = random_stream(0, "plan", 0, 0);
    int32_t *label = memory_new((size_t)setup->batch, sizeof *label);
    batch->count = (int)setup->batch;
    batch->label = label;
    if (!label)
        return TACIT_RESOURCES;
    for (int f = 0; f < setup->fields; f++) {
        size_t bytes = field_bytes(&setup->field[f]);
        float *noise = batch->field[f] = memory_new((size_t)setup->batch, bytes);
        if (!noise)
            return TACIT_RESOURCES;
        for (size_t i = 0;
             setup->field[f].item.dtype == F32 && i < (size_t)setup->batch * bytes / sizeof *noise;
             i++)
            noise[i] = random_float(&stream) - .5f;
    }
    return TACIT_OK;
}

static status steps_time(const struct setup *setup, struct session *session,
                         struct optimizer *optimizer, double *seconds)
{
    struct batch batch = { 0 };
    status result = noise_new(setup, &batch);
    *seconds = 0;
    for (int i = 0; i < TIMED_STEPS && result == TACIT_OK; i++) {
        double start = clock_seconds(), loss;
        result = session_run(session, &batch, i, 0, &loss);
        optimizer_update(optimizer, i, 0, optimizer_norm(optimizer));
        *seconds = clock_seconds() - start; /* the first one warms up */
    }
    for (int f = 0; f < setup->fields; f++)
        memory_free(batch.field[f]);
    memory_free((void *)batch.label);
    return result;
}

static status session_time(const struct setup *setup, struct timing *timing)
{
    struct store *store = store_new(setup->seed);
    struct session *session = NULL;
    struct optimizer *optimizer = NULL;
    struct range *const *ranges;
    double available = setup_available();
    status result = store ? setup_session(setup, store, &session) : TACIT_RESOURCES;
    if (result == TACIT_OK) {
        session_describe(session, &timing->size);
        timing->bytes = setup_bytes(setup, session);
        result = setup_fits(setup, timing->bytes, available);
    } else if (result == TACIT_RESOURCES) {
        result = setup_fits(setup, 0, available);
    }
    if (result == TACIT_OK) {
        int count = session_ranges(session, &ranges);
        result = optimizer_new(&setup->optimizer, count, ranges, &optimizer);
    }
    if (result == TACIT_OK)
        result = steps_time(setup, session, optimizer, &timing->seconds);
    optimizer_free(optimizer);
    session_free(session);
    store_free(store);
    return result;
}

static void duration(tacit_report *report, const char *name, double seconds)
{
    if (seconds < 120)
        report_number(report, name, seconds, "%.3g s", seconds);
    else if (seconds < 7200)
        report_number(report, name, seconds, "%.0f min", seconds / 60);
    else
        report_number(report, name, seconds, "%.1f h", seconds / 3600);
}

static void setup_report(const struct setup *setup, const struct timing *timing,
                         tacit_report *report)
{
    const struct session_size *size = &timing->size;
    double epoch = timing->seconds * (double)setup->batches;
    report_text(report, "data", "%s", setup->source->path);
    report_number(report, setup->modality->samples, (double)setup->count, "%zu", setup->count);
    report_text(report, "method", "%s", setup->method.type->name);
    report_text(report, "model", "%s", setup->method.network->name);
    if (setup->cut)
        report_number(report, "windows", (double)setup->rows, "%zu", setup->rows);
    if (setup->input.size)
        report_number(report, "image_size", setup->input.size, "%d", setup->input.size);
    if (setup->input.window)
        report_number(report, "window", (double)setup->input.window, "%lld",
                      (long long)setup->input.window);
    report_number(report, "batch_size", (double)setup->batch, "%lld", (long long)setup->batch);
    report_number(report, "microbatch", (double)setup->microbatch, "%lld",
                  (long long)setup->microbatch);
    report_number(report, "steps", (double)setup->steps, "%lld", (long long)setup->steps);
    report_number(report, "steps_per_epoch", (double)setup->batches, "%lld",
                  (long long)setup->batches);
    report_number(report, "lr", setup->schedule.base, "%.6g", setup->schedule.base);
    report_number(report, "parameters", (double)size->parameters, "%lld",
                  (long long)size->parameters);
    report_number(report, "peak_bytes", timing->bytes, "%.3g GB", timing->bytes / 1e9);
    report_number(report, "temporary_bytes", size->temporary_bytes, "%.3g GB",
                  size->temporary_bytes / 1e9);
    report_number(report, "flops_per_step", size->flops, "%.3g GFLOP", size->flops / 1e9);
    report_number(report, "step_seconds", timing->seconds, "%.3g s", timing->seconds);
    duration(report, "epoch_seconds", epoch);
    duration(report, "total_seconds", timing->seconds * (double)setup->steps);
    report_note(report, "times are those of %d steps on noise, without loading data", TIMED_STEPS);
}

tacit_status tacit_plan(tacit_config *config, const tacit_observer *observer, tacit_report **report)
{
    struct setup setup = { 0 };
    struct timing timing = { 0 };
    struct audience audience = { observer, NULL };
    if (report)
        *report = NULL;
    TRY(tacit_config_check(config));
    struct setup_request request = { .config = &config->config };
    status result = setup_open(&request, &audience, &setup);
    if (result == TACIT_OK)
        result = session_time(&setup, &timing);
    tacit_report *made = result == TACIT_OK ? report_new() : NULL;
    if (made) {
        setup_report(&setup, &timing, made);
        result = report_status(made);
    } else if (result == TACIT_OK) {
        result = TACIT_RESOURCES;
    }
    setup_close(&setup);
    if (report && result == TACIT_OK)
        *report = made;
    else
        tacit_report_free(made);
    return result;
}
