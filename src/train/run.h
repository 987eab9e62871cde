/* The run folder: config.yaml, command.txt, train.log, metrics.jsonl, events.out.tfevents.*,
 * samples.tsv, summary.json, model.safetensors, checkpoints/. */
#ifndef TRAIN_RUN_H
#define TRAIN_RUN_H

#include "base/config.h"
#include "data/source.h"
#include "io/events.h"
#include "io/file.h"
#include "tacit/tacit.h"

enum { RUN_PATH_BYTES = 4096 };

struct run {
    char folder[RUN_PATH_BYTES];
    /* Where its files are: the folder, or one in it while the run there may still be needed. */
    char place[RUN_PATH_BYTES], checkpoints[RUN_PATH_BYTES];
    struct log_file log, metrics;
    struct event_log events;
    bool made;         /* by this process, from nothing */
    size_t kept;       /* bytes of `place` that were there before */
    int predecessor;   /* lock of the run that is replaced; -1: none */
    const char *thing; /* what is fine-tuned: for command.txt; NULL: a pretraining */
};

/* Makes the folder `out` ("auto": the next free runs/N) with checkpoints/ and an open train.log.
 * TACIT_USAGE: another process writes there; or it exists and holds something, unless `overwrite`:
 * then a run in it is to be replaced (nothing but a run ever is), which stays whole until
 * run_replace. TACIT_RESOURCES: it cannot be written. Close with run_close. */
status run_create(const char *out, bool overwrite, struct run *run);

/* Removes the run that is overwritten, if there is one, and takes its place. TACIT_RESOURCES. */
status run_replace(struct run *run);

/* Opens the folder of an earlier run. TACIT_USAGE: it is none, or a process is writing it. */
status run_open(const char *folder, struct run *run);
void run_close(struct run *run);

/* Removes what run_create made, when a run ends before its first step. What it was to replace
 * stays as it was. */
void run_abandon(struct run *run);

/* "PLACE/NAME" in `path`, which it returns. */
const char *run_file(const struct run *run, const char *name, char path[RUN_PATH_BYTES]);

/* Saves config.yaml, and command.txt where that does not exist yet. */
status run_save_config(const struct run *run, const struct config *config);

/* Opens metrics.jsonl and the event file, cut back to these sizes. Where they are gone or shorter
 * the run goes on with what there is: `lost` says what is missing, or stays empty. */
status run_open_logs(struct run *run, uint64_t metrics, uint64_t events, struct text *lost);

/* Writes samples.tsv: hash, path, split, and "used" or why not: why [source->count]. hash
 * [source->count], 0: unknown. */
status run_save_samples(const struct run *run, const struct source *source, const uint64_t *hash,
                        const char *const *why);

/* Writes summary.json; whether it says that the run is finished. */
status run_save_summary(const struct run *run, const tacit_report *report);
bool run_is_finished(const struct run *run);

#endif
