/* A file, packed or not, or standard input, as one text. */
#ifndef EVAL_READ_WHOLE_H
#define EVAL_READ_WHOLE_H

#include "base/text.h"

/* Appends all bytes as they are; of a packed file (.gz …) those within. "-": standard input.
 * TACIT_BAD_DATA: it cannot be read, or is an archive of several files; TACIT_RESOURCES. */
status whole_file_read(const char *path, struct text *text);

#endif
