/* Where a task writes what may be long: a file, written with care, or standard output. */
#ifndef EVAL_SINK_H
#define EVAL_SINK_H

#include "io/file.h"

struct sink {
    struct file_writer writer;
    bool standard;
};

/* Opens `path`, "-" being standard output. TACIT_RESOURCES. Close it with sink_close. */
status sink_open(const char *path, struct sink *sink);

/* Writes a text out and empties it; sink_flow only once it is long. TACIT_RESOURCES. */
status sink_append(struct sink *sink, struct text *text);
status sink_flow(struct sink *sink, struct text *text);

/* Keeps a file if all went well, else leaves what was there before. Returns `result`, or what went
 * wrong in keeping it. */
status sink_close(struct sink *sink, status result);

#endif
