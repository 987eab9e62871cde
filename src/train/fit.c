#include "train/fit.h"
#include "base/clock.h"
#include "engine/cpu/tuning.h"
#include "io/file.h"
#include "train/initial.h"
#include "train/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SETTLE_STEPS = 20, FLUSH_SECONDS = 2, VALIDATION_WINDOWS = 512 };

/* The loss shown is a running mean over some 50 steps. */
static const double loss_memory = .98;

enum { TUNING_BYTES = 1 << 20 };

/* Kernels chosen by timing are kept in the run folder before step 0: the choice changes the bits,
 * so that a resumed run must make it again. */
static status tuning_read(const struct fit *fit, bool *found)
{
    char path[RUN_PATH_BYTES];
    struct text text = { 0 };
    run_file(fit->run, "kernels.txt", path);
    *found = access(path, F_OK) == 0;
    if (!*found)
        return TACIT_OK;
    status result = file_read(path, TUNING_BYTES, &text);
    result = result == TACIT_OK ? tuning_load(text_string(&text)) : result;
    text_free(&text);
    return result;
}

static status tuning_write(const struct fit *fit)
{
    char path[RUN_PATH_BYTES];
    struct text text = { 0 };
    run_file(fit->run, "kernels.txt", path);
    status result = tuning_save(&text);
    if (result == TACIT_OK)
        result = file_write(path, text_string(&text), strlen(text_string(&text)));
    text_free(&text);
    return result;
}

static status fit_compile(struct fit *fit)
{
    struct setup *setup = fit->setup;
    struct range *const *ranges;
    double available = setup_available();
    fit->store = store_new(setup->seed);
    if (!fit->store)
        return TACIT_RESOURCES;
    bool tunes = fit->run && config_boolean(setup->config, "tune"), tuned = false;
    if (tunes)
        TRY(tuning_read(fit, &tuned));
    status result = setup_session(setup, fit->store, &fit->session);
    if (result == TACIT_RESOURCES)
        return setup_fits(setup, 0, available);
    TRY(result);
    if (tunes && !tuned)
        TRY(tuning_write(fit));
    TRY(setup_fits(setup, setup_bytes(setup, fit->session), available));
    int count = session_ranges(fit->session, &ranges);
    return optimizer_new(&setup->optimizer, count, ranges, &fit->optimizer);
}

/* Those of init=, where its weights are wanted. */
static status weights_fill(struct fit *fit)
{
    const struct setup *setup = fit->setup;
    return setup->initial && !setup->anew ? initial_fill(setup, fit->store, &fit->audience)
                                          : TACIT_OK;
}

static status fit_restore(struct fit *fit)
{
    bool found;
    char why[1024];
    fit->position = (struct position){ .watched_step = -1, .loss = NAN, .last_loss = NAN };
    if (!fit->run)
        return weights_fill(fit);
    TRY(checkpoint_load(fit->run->checkpoints, fit->store, &fit->position, &found, why,
                        sizeof why));
    uint64_t identity = setup_identity(fit->setup);
    if (found && fit->position.data != identity)
        return fail(TACIT_BAD_DATA,
                    "%s: holds other samples than those the run began with (their names, labels or "
                    "number differ): bring them back, say where they are now (data=), or begin a "
                    "new run with init=%s",
                    fit->setup->source->path, fit->run->folder);
    fit->position.data = identity;
    if (found && why[0])
        tell(&fit->audience, TACIT_WARNING, "%s; going on from the checkpoint before it, step %lld",
             why, (long long)fit->position.step);
    if (found)
        tell(&fit->audience, TACIT_INFO, "going on from step %lld", (long long)fit->position.step);
    if (!found)
        TRY(weights_fill(fit));
    fit->touched = fit->saved = found;
    return TACIT_OK;
}

static status logs_open(struct fit *fit)
{
    struct text lost = { 0 };
    status result = run_open_logs(fit->run, fit->position.metrics, fit->position.events, &lost);
    if (result == TACIT_OK && lost.length)
        tell(&fit->audience, TACIT_WARNING, "%sgoing on with new logs", text_string(&lost));
    text_free(&lost);
    return result;
}

static status loader_make_ready(struct fit *fit)
{
    if (fit->position.step >= fit->setup->steps)
        return TACIT_OK;
    TRY(setup_loader(fit->setup, &fit->loader));
    if (fit->first == 0)
        return TACIT_OK;
    return loader_seek(fit->loader, (uint64_t)(fit->first / fit->setup->batches),
                       (uint64_t)(fit->first % fit->setup->batches));
}

status fit_open(struct fit *fit)
{
    const struct setup *setup = fit->setup;
    const struct method *method = &setup->method;
    fit->started = fit->flushed = clock_seconds();
    fit->floor = method->type->floor ? method->type->floor(method, setup->batch) : NAN;
    fit->chance = method->type->chance ? method->type->chance(method, setup->batch) : NAN;
    if (!fit->phase)
        fit->phase = setup->initial && method->type->either ? "finetune" : "pretrain";
    TRY(fit_compile(fit));
    TRY(fit_restore(fit));
    fit->began = fit->position.seconds;
    fit->first = fit->position.step;
    TRY(loader_make_ready(fit));
    if (fit->run) { /* all is accepted: a run that is overwritten makes room only now */
        TRY(run_replace(fit->run));
        TRY(logs_open(fit));
    }
    return selection_new(fit->setup, fit->store, fit->run, &fit->selection);
}

void fit_close(struct fit *fit)
{
    loader_free(fit->loader);
    watch_free(fit->watch);
    validation_free(fit->validation);
    selection_free(fit->selection);
    optimizer_free(fit->optimizer);
    session_free(fit->session);
    store_free(fit->store);
    text_free(&fit->line);
}

status fit_checkpoint(struct fit *fit)
{
    if (!fit->run)
        return TACIT_OK;
    TRY(event_log_flush(&fit->run->events));
    TRY(log_file_sync(&fit->run->metrics));
    fit->position.metrics = fit->run->metrics.size;
    fit->position.events = event_log_size(&fit->run->events);
    fit->position.seconds = fit->began + clock_seconds() - fit->started;
    TRY(checkpoint_save(fit->run->checkpoints, fit->store, fit->setup->optimizer.type->slots,
                        &fit->position));
    fit->saved = true;
    return TACIT_OK;
}

/* A loss or gradient that is not finite: nothing is updated, so that the weights stay good. */
static status step_failed(struct fit *fit, const struct batch *batch, int64_t number,
                          const char *what, double rate)
{
    char path[RUN_PATH_BYTES] = "";
    long long step = (long long)number;
    if (fit->run) {
        run_file(fit->run, "offending_batch.safetensors", path);
        TRY(metrics_save_batch(path, batch, fit->setup));
        event_log_flush(&fit->run->events);
    }
    const char *advice = "try a lower optim.lr, a longer optim.warmup, or optim.clip=1";
    if (!fit->run)
        return fail(TACIT_NUMERIC, "step %lld: %s (lr %g): %s", step, what, rate, advice);
    return fail(TACIT_NUMERIC, "step %lld: %s (lr %g); the batch is in %s, %s%s: %s", step, what,
                rate, path,
                fit->saved ? "the last good checkpoint in " : "no checkpoint had been saved yet",
                fit->saved ? fit->run->checkpoints : "", advice);
}

/* The watch is made when it is first needed, so that the first step need not wait for it. */
static status watch_make(struct fit *fit)
{
    const struct setup *setup = fit->setup;
    struct watch_options options = { .method = setup->method,
                                     .field = setup->field,
                                     .fields = setup->fields,
                                     .make = setup->make,
                                     .argument = setup->argument,
                                     .scratch_bytes = setup->scratch_bytes,
                                     .source = setup->source,
                                     .row = setup->row,
                                     .rows = setup->rows,
                                     .samples = (size_t)setup->watch_pictures,
                                     .seed = setup->seed,
                                     .target = { .precision = setup->target.precision } };
    return watch_new(&options, fit->store, &fit->watch);
}

/* Windows of the text that is kept out, if there are any. */
static status validation_make(struct fit *fit)
{
    struct setup *setup = fit->setup;
    struct validation_options options = { .method = setup->method,
                                          .field = setup->field,
                                          .fields = setup->fields,
                                          .make = setup->make,
                                          .argument = &setup->kept,
                                          .scratch_bytes = setup->scratch_bytes,
                                          .rows = (size_t)setup->kept.samples,
                                          .most = VALIDATION_WINDOWS,
                                          .batch = setup->microbatch,
                                          .seed = setup->seed,
                                          .target = { .precision = setup->target.precision } };
    return setup->kept.samples ? validation_new(&options, fit->store, &fit->validation) : TACIT_OK;
}

/* The representation on the probe batch, when it is time. */
static status step_watch(struct fit *fit, bool *watched)
{
    const struct setup *setup = fit->setup;
    struct position *position = &fit->position;
    *watched = setup->watch_every &&
               (position->step % setup->watch_every == 0 || position->step == setup->steps);
    if (!*watched)
        return TACIT_OK;
    if (!fit->watch) {
        TRY(watch_make(fit));
        TRY(validation_make(fit));
    }
    TRY(watch_take(fit->watch, &position->watched));
    position->watched.validation = NAN;
    if (fit->validation)
        TRY(validation_take(fit->validation, &position->watched.validation));
    position->watched_step = position->step;
    return TACIT_OK;
}

static status collapse_check(struct fit *fit)
{
    struct position *position = &fit->position;
    const char *reaction = config_text(fit->setup->config, "on_collapse");
    char verdict[512];
    if (!fit->setup->method.type->collapses || strcmp(reaction, "off") == 0 ||
        !watch_collapsed(&position->watched) ||
        position->step < fit->setup->schedule.warmup + SETTLE_STEPS)
        return TACIT_OK;
    watch_verdict(&position->watched, verdict, sizeof verdict);
    if (!position->warned)
        tell(&fit->audience, TACIT_WARNING, "step %lld: %s", (long long)position->step, verdict);
    position->warned = true;
    if (strcmp(reaction, "stop") != 0)
        return TACIT_OK;
    TRY(fit_checkpoint(fit));
    return fail(TACIT_NUMERIC, "step %lld: %s", (long long)position->step, verdict);
}

/* Samples that cannot be read are told of when they are met. */
static void broken_tell(struct fit *fit)
{
    const struct broken_sample *list;
    char name[SAMPLE_NAME_BYTES];
    size_t listed, broken = source_broken(fit->setup->source, &list, &listed);
    for (size_t i = fit->unreadable; i < broken && i < listed; i++)
        tell(&fit->audience, TACIT_NOTICE, "%s cannot be read and is left out: %s",
             source_name(fit->setup->source, list[i].index, name), list[i].why);
    fit->unreadable = broken;
}

static void step_tell(struct fit *fit, const struct step_times *times)
{
    const struct setup *setup = fit->setup;
    tacit_progress progress = progress_unknown(fit->phase);
    double seconds = clock_seconds() - fit->started;
    int64_t done = fit->position.step - fit->first;
    progress.step = fit->position.step;
    progress.steps = setup->steps;
    progress.epoch = (double)fit->position.step / (double)setup->batches;
    progress.samples_per_second = times->samples_per_second;
    progress.loss = fit->position.loss;
    progress.loss_floor = fit->floor;
    progress.loss_chance = fit->chance;
    progress.learning_rate = times->rate;
    progress.data_wait = fit->wait / (fit->wait + fit->busy + 1e-9);
    if (fit->position.watched_step >= 0)
        progress.rank = fit->position.watched.rank;
    progress.seconds = fit->began + seconds;
    progress.seconds_left =
        (fit->wait + fit->busy) / (double)done * (double)(setup->steps - fit->position.step);
    tell_progress(&fit->audience, &progress);
}

/* One step: gradient, update. */
static status step_do(struct fit *fit, const struct batch *batch, struct step_times *times)
{
    struct setup *setup = fit->setup;
    struct position *position = &fit->position;
    double start = clock_seconds(), loss;
    times->wait = batch->wait_seconds;
    times->rate = schedule_rate(&setup->schedule, position->step);
    TRY(session_run(fit->session, batch, position->step,
                    (double)position->step / (double)setup->steps, &loss));
    times->norm = optimizer_norm(fit->optimizer);
    times->loss = loss;
    if (!isfinite(loss) || !isfinite(times->norm))
        return step_failed(fit, batch, position->step + 1,
                           isfinite(loss) ? "the gradient is not finite" : "the loss is not finite",
                           times->rate);
    optimizer_update(fit->optimizer, position->step, times->rate, times->norm);
    times->step = clock_seconds() - start;
    fit->wait += times->wait;
    fit->busy += times->step;
    times->samples_per_second = (double)setup->batch / (times->wait + times->step + 1e-12);
    position->step++;
    position->last_loss = loss;
    position->loss =
        isnan(position->loss) ? loss : loss_memory * position->loss + (1 - loss_memory) * loss;
    fit->touched = true;
    return TACIT_OK;
}

/* Judges on what is held out, when a checkpoint is due. */
static status step_select(struct fit *fit, bool due, struct selected *now)
{
    *now = (struct selected){ .step = -1, .loss = NAN, .accuracy = NAN };
    if (!due || !fit->selection)
        return TACIT_OK;
    TRY(selection_take(fit->selection, fit->position.step, now));
    if (isfinite(now->accuracy))
        tell(&fit->audience, TACIT_INFO, "step %lld: %.2f %% of the held-out right, loss %.4f",
             (long long)now->step, 100 * now->accuracy, now->loss);
    else
        tell(&fit->audience, TACIT_INFO, "step %lld: mean squared error %.4f on the held-out",
             (long long)now->step, now->loss);
    return TACIT_OK;
}

static status step_log(struct fit *fit, const struct step_times *times, bool watched,
                       const struct selected *now)
{
    if (!fit->run)
        return TACIT_OK;
    TRY(metrics_line(fit, times, watched, now));
    if (clock_seconds() - fit->flushed < FLUSH_SECONDS)
        return TACIT_OK;
    fit->flushed = clock_seconds();
    return event_log_flush(&fit->run->events);
}

status fit_steps(struct fit *fit)
{
    const struct setup *setup = fit->setup;
    while (fit->position.step < setup->steps) {
        struct step_times times = { 0 };
        const struct batch *batch;
        bool watched;
        if (asked_to_stop(&fit->audience)) {
            TRY(fit_checkpoint(fit));
            return fail(TACIT_STOPPED, "stopped at step %lld of %lld%s%s",
                        (long long)fit->position.step, (long long)setup->steps,
                        fit->run ? "; go on with: tacit resume " : "",
                        fit->run ? fit->run->folder : "");
        }
        TRY(loader_next(fit->loader, &batch));
        TRY(step_do(fit, batch, &times));
        status seen = step_watch(fit, &watched);
        if (seen == TACIT_NUMERIC)
            return step_failed(fit, batch, fit->position.step, "the embeddings are not finite",
                               times.rate);
        TRY(seen);
        loader_release(fit->loader);
        bool due =
            fit->position.step % setup->checkpoint_every == 0 || fit->position.step == setup->steps;
        struct selected now;
        TRY(step_select(fit, due, &now));
        TRY(step_log(fit, &times, watched, &now));
        step_tell(fit, &times);
        broken_tell(fit);
        if (watched)
            TRY(collapse_check(fit));
        if (due)
            TRY(fit_checkpoint(fit));
    }
    return TACIT_OK;
}
