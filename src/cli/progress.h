/* What a running task shows on standard error: one line that is rewritten on a terminal, plain
 * lines now and then elsewhere, nothing but warnings when quiet. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "tacit/tacit.h"

#include <stdbool.h>
#include <stddef.h>

struct progress {
    bool quiet, terminal;
    bool line_open;   /* the terminal's line holds progress */
    double shown;     /* when it was last shown, seconds of the task */
    char phase[64];   /* of the last line */
    char latest[512]; /* the last line not yet shown, or "" */
};

void progress_start(struct progress *progress, bool quiet, bool terminal);

/* The functions of a tacit_observer; `user` is the struct progress. */
void progress_show(void *user, const tacit_progress *state);
void progress_message(void *user, tacit_level level, const char *text);

/* Ends the line: whatever is shown next begins on a fresh one. */
void progress_end(struct progress *progress);

/* The line itself, at most `size` bytes: "pretrain  epoch 3.2  step 12/100  …". */
void progress_line(const tacit_progress *state, char *line, size_t size);

#endif
