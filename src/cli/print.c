#include "cli/print.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int text_width(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80; /* not a continuation byte */
    return width;
}

const char *format_seconds(double seconds, char *text, size_t size)
{
    long long whole = seconds > 0 && seconds < 1e15 ? (long long)(seconds + 0.5) : 0;
    if (whole < 60)
        snprintf(text, size, "%lld s", whole);
    else if (whole < 3600)
        snprintf(text, size, "%lld min %lld s", whole / 60, whole % 60);
    else
        snprintf(text, size, "%lld h %lld min", whole / 3600, whole % 3600 / 60);
    return text;
}

void print_padded(const char *text, int width)
{
    int blanks = (width < 0 ? -width : width) - text_width(text);
    if (blanks < 0)
        blanks = 0;
    if (width < 0)
        printf("%*s%s", blanks, "", text);
    else
        printf("%s%*s", text, blanks, "");
}

void print_json_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c == '\n')
            fputs("\\n", stdout);
        else if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

void print_rows(int count, const tacit_row rows[], int indent)
{
    int width = 0;
    for (int i = 0; i < count; i++)
        if (text_width(rows[i].name) > width)
            width = text_width(rows[i].name);
    for (int i = 0; i < count; i++) {
        printf("%*s", indent, "");
        print_padded(rows[i].name, width + 2);
        fputs(rows[i].summary, stdout);
        if (rows[i].detail[0])
            printf(" (%s)", rows[i].detail);
        putchar('\n');
    }
}

static void print_fields(const tacit_report *report)
{
    tacit_value value;
    int width = 0;
    for (int i = 0; tacit_report_field(report, i, &value); i++)
        if (text_width(value.name) > width)
            width = text_width(value.name);
    for (int i = 0; tacit_report_field(report, i, &value); i++) {
        print_padded(value.name, width + 2);
        puts(value.text);
    }
}

static void print_cell(const char *text, bool last, bool number, int width)
{
    if (number)
        print_padded(text, -width);
    else if (last)
        fputs(text, stdout);
    else
        print_padded(text, width);
    fputs(last ? "\n" : "  ", stdout);
}

static void print_table(const tacit_report *report)
{
    enum { MOST = 32 };
    int rows = tacit_report_rows(report), columns = tacit_report_columns(report), width[MOST];
    bool number[MOST];
    tacit_value value;
    if (columns > MOST)
        columns = MOST;
    for (int column = 0; column < columns; column++) {
        width[column] = 0;
        number[column] = true;
        for (int row = 0; row < rows && tacit_report_cell(report, row, column, &value); row++) {
            int needed = text_width(value.text), head = text_width(value.name);
            needed = needed > head ? needed : head;
            width[column] = needed > width[column] ? needed : width[column];
            number[column] &= !isnan(value.number) || !value.text[0];
        }
    }
    for (int row = -1; row < rows; row++)
        for (int column = 0; column < columns; column++)
            if (tacit_report_cell(report, row < 0 ? 0 : row, column, &value))
                print_cell(row < 0 ? value.name : value.text, column == columns - 1, number[column],
                           width[column]);
}

void print_report(const tacit_report *report)
{
    const char *note;
    tacit_value value;
    bool any = tacit_report_field(report, 0, &value);
    print_fields(report);
    if (tacit_report_rows(report) > 0) {
        if (any)
            putchar('\n');
        any = true;
        if (!print_scores(report))
            print_table(report);
    }
    if (any && tacit_report_note(report, 0))
        putchar('\n');
    for (int i = 0; (note = tacit_report_note(report, i)); i++)
        puts(note);
}
