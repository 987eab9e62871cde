/* Texts laid out for a reader, and JSON texts for a program. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "tacit/tacit.h"

#include <stdbool.h>
#include <stddef.h>

/* How many columns a UTF-8 text takes on a terminal (one a code point). */
int text_width(const char *text);

/* "12 s", "3 min 20 s", "2 h 5 min"; returns `text`. */
const char *format_seconds(double seconds, char *text, size_t size);

/* Prints to standard output: the text and blanks up to `width` columns; negative: blanks first. */
void print_padded(const char *text, int width);

/* Prints `text` as a JSON string, with its quotes. */
void print_json_text(const char *text);

/* Prints rows as two columns, the third in brackets where there is one, `indent` blanks before. */
void print_rows(int count, const tacit_row rows[], int indent);

/* Prints the results of an evaluation as one table a protocol: a row a subject, a column a number
 * of labels, "73.7 ± 0.4" in percent. False, and nothing printed, if the report has other columns.
 */
bool print_scores(const tacit_report *report);

/* Prints what a task came to: fields, table, notes. */
void print_report(const tacit_report *report);

#endif
