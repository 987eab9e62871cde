/* How tasks make what tacit_report_* shows: named fields, a table, notes. Failures stick, so that a
 * task checks once, at the end. */
#ifndef TRAIN_REPORT_H
#define TRAIN_REPORT_H

#include "base/status.h"
#include "tacit/tacit.h"

/* An empty report, freed with tacit_report_free; NULL with a message: no memory. */
tacit_report *report_new(void);

/* Adds a field: a text, a number (its text as printf makes it), a whole number. */
void report_text(tacit_report *report, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void report_number(tacit_report *report, const char *name, double number, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Sets the columns of the table (their names must outlive the report); then each row is filled
 * cell after cell, in order. A text of "" is a hole. */
void report_columns(tacit_report *report, int columns, const char *const names[]);
void report_cell_text(tacit_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void report_cell_number(tacit_report *report, double number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a note: one sentence. */
void report_note(tacit_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* TACIT_OK, or TACIT_RESOURCES when an addition failed. */
status report_status(const tacit_report *report);

#endif
