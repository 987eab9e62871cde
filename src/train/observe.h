/* Talking to whoever watches a task. */
#ifndef TRAIN_OBSERVE_H
#define TRAIN_OBSERVE_H

#include "io/file.h"
#include "tacit/tacit.h"

#include <stdbool.h>

/* An observer (NULL: nobody) and the log of the run (NULL: none). */
struct audience {
    const tacit_observer *observer;
    struct log_file *log;
};

/* A message, also into the log, with the time. */
void tell(const struct audience *audience, tacit_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Progress in which nothing is known yet. */
tacit_progress progress_unknown(const char *phase);
void tell_progress(const struct audience *audience, const tacit_progress *progress);

/* Whether the task shall stop. */
bool asked_to_stop(const struct audience *audience);

#endif
