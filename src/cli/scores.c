/* The table of an evaluation: from one row a score, as programs want it, to one a subject, as
 * readers do. */
#include "cli/print.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SUBJECT, PROTOCOL, LABELS, ACCURACY, SD, NEEDED, LOW = NEEDED, HIGH, COLUMNS };

/* Where the known columns are in this report; false if one that is needed is missing. The two
 * of the interval may be: -1 then. */
static bool find_columns(const tacit_report *report, int place[COLUMNS])
{
    static const char *const names[COLUMNS] = { "subject",      "protocol", "labels_per_class",
                                                "accuracy",     "sd",       "interval_low",
                                                "interval_high" };
    tacit_value value;
    for (int wanted = 0; wanted < COLUMNS; wanted++) {
        place[wanted] = -1;
        for (int column = 0; column < tacit_report_columns(report); column++)
            if (tacit_report_cell(report, 0, column, &value) &&
                strcmp(value.name, names[wanted]) == 0)
                place[wanted] = column;
        if (place[wanted] < 0 && wanted < NEEDED)
            return false;
    }
    return true;
}

static const char *text_at(const tacit_report *report, int row, int column)
{
    tacit_value value;
    return tacit_report_cell(report, row, column, &value) ? value.text : "";
}

static double number_at(const tacit_report *report, int row, int column)
{
    tacit_value value;
    return tacit_report_cell(report, row, column, &value) ? value.number : NAN;
}

/* Whether `row` is the first of its protocol with this text in `column`. */
static bool first_of(const tacit_report *report, const int place[], int row, int column)
{
    for (int before = 0; before < row; before++)
        if (strcmp(text_at(report, before, place[PROTOCOL]),
                   text_at(report, row, place[PROTOCOL])) == 0 &&
            strcmp(text_at(report, before, column), text_at(report, row, column)) == 0)
            return false;
    return true;
}

static bool same_protocol(const tacit_report *report, const int place[], int a, int b)
{
    return strcmp(text_at(report, a, place[PROTOCOL]), text_at(report, b, place[PROTOCOL])) == 0;
}

static void format_score(const tacit_report *report, const int place[], int row, char *text,
                         size_t size)
{
    double accuracy = 100 * number_at(report, row, place[ACCURACY]);
    double deviation = 100 * number_at(report, row, place[SD]);
    double low = 100 * number_at(report, row, place[LOW]);
    double high = 100 * number_at(report, row, place[HIGH]);
    char interval[32] = "";
    if (!isnan(low) && !isnan(high))
        snprintf(interval, sizeof interval, " [%.1f, %.1f]", low, high);
    if (isnan(accuracy))
        snprintf(text, size, "-");
    else if (isnan(deviation))
        snprintf(text, size, "%.1f%s", accuracy, interval);
    else
        snprintf(text, size, "%.1f ± %.1f%s", accuracy, deviation, interval);
}

/* The row with the subject of `subject` and the labels of `labels`, both of the protocol of
 * `first`; -1 if there is none. */
static int find_score(const tacit_report *report, const int place[], int first, int subject,
                      int labels)
{
    for (int row = 0; row < tacit_report_rows(report); row++)
        if (same_protocol(report, place, row, first) &&
            strcmp(text_at(report, row, place[SUBJECT]),
                   text_at(report, subject, place[SUBJECT])) == 0 &&
            strcmp(text_at(report, row, place[LABELS]), text_at(report, labels, place[LABELS])) ==
                0)
            return row;
    return -1;
}

/* Columns on the terminal that a score takes. */
static int score_width(const int place[])
{
    return place[LOW] < 0 ? 14 : 28;
}

static void print_heading(const tacit_report *report, const int place[], int first, int width)
{
    char text[64];
    printf("%s, accuracy in %%, by labels a class\n", text_at(report, first, place[PROTOCOL]));
    print_padded("", width);
    for (int row = first; row < tacit_report_rows(report); row++)
        if (same_protocol(report, place, row, first) &&
            first_of(report, place, row, place[LABELS])) {
            snprintf(text, sizeof text, "%s", text_at(report, row, place[LABELS]));
            print_padded(text, -score_width(place));
        }
    putchar('\n');
}

static void print_protocol(const tacit_report *report, const int place[], int first, int width)
{
    int rows = tacit_report_rows(report);
    print_heading(report, place, first, width);
    for (int subject = first; subject < rows; subject++) {
        if (!same_protocol(report, place, subject, first) ||
            !first_of(report, place, subject, place[SUBJECT]))
            continue;
        print_padded(text_at(report, subject, place[SUBJECT]), width);
        for (int labels = first; labels < rows; labels++) {
            if (!same_protocol(report, place, labels, first) ||
                !first_of(report, place, labels, place[LABELS]))
                continue;
            char text[64] = "";
            int row = find_score(report, place, first, subject, labels);
            if (row >= 0)
                format_score(report, place, row, text, sizeof text);
            print_padded(text, -score_width(place));
        }
        putchar('\n');
    }
}

bool print_scores(const tacit_report *report)
{
    int place[COLUMNS], rows = tacit_report_rows(report), width = 0;
    if (rows == 0 || !find_columns(report, place))
        return false;
    for (int row = 0; row < rows; row++) {
        int needed = text_width(text_at(report, row, place[SUBJECT]));
        width = needed > width ? needed : width;
    }
    for (int row = 0; row < rows; row++)
        if (first_of(report, place, row, place[PROTOCOL])) {
            if (row > 0)
                putchar('\n');
            print_protocol(report, place, row, width);
        }
    return true;
}
