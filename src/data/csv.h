/* Comma-separated values (RFC 4180): quotes, quotes in quotes, line ends of all kinds, a byte order
 * mark. The separator is the first of , ; and tab that the header line holds. */
#ifndef DATA_CSV_H
#define DATA_CSV_H

#include "base/memory.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* How cells are told apart. `lines`: a row is a line whatever the quotes, and a cell is quoted only
 * if a quote closes it, as in tab-separated files of texts. */
struct csv_rules {
    uint8_t separator;
    bool lines;
};

/* A cell in place: what is between its quotes if it has some. */
struct csv_cell {
    const uint8_t *bytes;
    size_t size;
    bool quoted;
};

/* The cell at *next, which then is where the next one begins; *last: it ends its row. False, and
 * nothing changed: a quote is not closed. */
bool csv_cell_next(struct csv_rules rules, const uint8_t **next, const uint8_t *end,
                   struct csv_cell *cell, bool *last);

/* The cell without its quotes' escapes; `to` has room for cell->size. Returns the length. */
size_t csv_cell_text(const struct csv_cell *cell, uint8_t *to);

struct csv {
    size_t columns, rows; /* rows without the header */
    const char **name;    /* [columns] */
    const char **cell;    /* [rows, columns] */
    size_t *line;         /* [rows], the line of the file it begins in, from 1 */
    struct arena arena;
};

/* Reads a file. TACIT_BAD_DATA: missing, empty, a row of another length, an open quote. On failure
 * nothing is to be freed. */
status csv_read(const char *path, struct csv *csv);

/* The same from memory; `path` is for messages only. */
status csv_parse(const char *path, const void *bytes, size_t size, struct csv *csv);

void csv_free(struct csv *csv);

/* Number of the column of that name (without regard to case), or -1. */
int csv_column(const struct csv *csv, const char *name);

#endif
