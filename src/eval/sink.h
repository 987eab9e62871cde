/* Where a task writes what may be long: a file, written with care, or standard output. */
#ifndef EVAL_SINK_H
#define EVAL_SINK_H

#include "base/config.h"
#include "io/file.h"

struct sink {
    struct file_writer writer;
    bool standard;
};

/* Whether a file can be written at out=, asked before the work begins; "" and "-" can. TACIT_USAGE:
 * it is a folder, its folder is missing or closed, or it is there already, unless overwrite=. */
status sink_check(const struct config *config);

/* Opens `path`, "-" being standard output. TACIT_RESOURCES. Close it with sink_close. */
status sink_open(const char *path, struct sink *sink);

/* Writes a text out and empties it; sink_flow only once it is long. TACIT_RESOURCES. */
status sink_append(struct sink *sink, struct text *text);
status sink_flow(struct sink *sink, struct text *text);

/* Keeps a file if all went well, else leaves what was there before. Returns `result`, or what went
 * wrong in keeping it. */
status sink_close(struct sink *sink, status result);

/* A name as one cell: quoted where the separator of a .csv asks for it (RFC 4180); a .tsv has no
 * quotes, there tabs and line ends become spaces. */
void cell_append(struct text *text, const char *name, char separator);

/* Whether a file's name has this ending and something before it. */
bool file_ends(const char *name, const char *ending);

#endif
