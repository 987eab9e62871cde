/* The training itself: steps, logs, checkpoints, watch. With a run folder it is a pretraining that
 * can be resumed; without one it trains in memory, for evaluations that need a trained rival. */
#ifndef TRAIN_FIT_H
#define TRAIN_FIT_H

#include "train/checkpoint.h"
#include "train/run.h"
#include "train/selection.h"
#include "train/setup.h"
#include "train/validation.h"
#include "train/watch.h"

struct fit {
    struct setup *setup;
    struct run *run; /* NULL: in memory only */
    struct audience audience;
    const char *phase; /* for progress */
    struct store *store;
    struct session *session;
    struct optimizer *optimizer;
    struct watch *watch;           /* made when first needed */
    struct validation *validation; /* likewise, where something is kept out of training */
    struct selection *selection;   /* of runs with labels, likewise */
    struct loader *loader;
    struct position position;
    double started, began; /* clock, at the beginning of this process's part; seconds before it */
    double floor, chance;  /* of the loss */
    double wait, busy;     /* seconds of this process's steps */
    double flushed;        /* clock at the last flush of the events */
    int64_t first;         /* step that this process began with */
    struct text line;      /* of metrics.jsonl */
    size_t unreadable;     /* samples that were told of */
    bool touched;          /* a step was done or resumed from */
    bool saved;            /* there is a checkpoint */
};

/* Compiles and fills everything; setup, run and audience are set, the rest is zero. With a run,
 * goes on from its last good checkpoint, if there is one. Free with fit_close, also on failure.
 * TACIT_RESOURCES: too large (with the number and what would fit). */
status fit_open(struct fit *fit);
void fit_close(struct fit *fit);

/* Does all steps that are left. TACIT_STOPPED: as asked, after saving; TACIT_NUMERIC: NaN (the
 * last checkpoint is kept, the batch saved) or a collapse under on_collapse=stop. */
status fit_steps(struct fit *fit);

/* Saves a checkpoint and flushes the logs; harmless without a run. */
status fit_checkpoint(struct fit *fit);

/* Writes model.safetensors and samples.tsv of a finished or stopped run. */
status fit_export(struct fit *fit);

/* The report, which is the summary.json of a run as well. `state`: finished, stopped, failed,
 * collapsed. NULL: no memory. */
tacit_report *fit_report(const struct fit *fit, const char *state);

#endif
