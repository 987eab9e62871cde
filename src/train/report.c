#include "train/report.h"
#include "base/memory.h"
#include "io/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct values {
    struct tacit_value *item;
    size_t count, capacity;
};

struct tacit_report {
    struct arena memory;
    struct values fields, cells, notes; /* of notes only the text counts */
    int columns;
    const char *const *column;
    bool failed;
};

tacit_report *report_new(void)
{
    return memory_new(1, sizeof(tacit_report));
}

void tacit_report_free(tacit_report *report)
{
    if (!report)
        return;
    memory_free(report->fields.item);
    memory_free(report->cells.item);
    memory_free(report->notes.item);
    arena_free(&report->memory);
    memory_free(report);
}

static void value_add(tacit_report *report, struct values *values, const char *name, double number,
                      const char *format, va_list arguments)
{
    char text[2048];
    void *block = values->item;
    vsnprintf(text, sizeof text, format, arguments);
    if (!memory_reserve(&block, &values->capacity, values->count, sizeof *values->item)) {
        report->failed = true;
        return;
    }
    values->item = block;
    if (isinf(number)) /* what was measured as not finite is a hole */
        text[0] = 0;
    struct tacit_value value = { arena_text(&report->memory, "%s", name),
                                 arena_text(&report->memory, "%s", text),
                                 isinf(number) ? NAN : number };
    if (value.name && value.text)
        values->item[values->count++] = value;
    else
        report->failed = true;
}

void report_text(tacit_report *report, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    value_add(report, &report->fields, name, NAN, format, arguments);
    va_end(arguments);
}

void report_number(tacit_report *report, const char *name, double number, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    value_add(report, &report->fields, name, isnan(number) ? HUGE_VAL : number, format, arguments);
    va_end(arguments);
}

void report_columns(tacit_report *report, int columns, const char *const names[])
{
    report->columns = columns;
    report->column = names;
}

/* The name of the column that the next cell falls into. */
static const char *next_column(const tacit_report *report)
{
    return report->columns ? report->column[report->cells.count % (size_t)report->columns] : "";
}

void report_cell_text(tacit_report *report, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    value_add(report, &report->cells, next_column(report), NAN, format, arguments);
    va_end(arguments);
}

void report_cell_number(tacit_report *report, double number, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    value_add(report, &report->cells, next_column(report), isnan(number) ? HUGE_VAL : number,
              format, arguments);
    va_end(arguments);
}

void report_note(tacit_report *report, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    value_add(report, &report->notes, "", NAN, format, arguments);
    va_end(arguments);
}

status report_status(const tacit_report *report)
{
    return report->failed ? fail(TACIT_RESOURCES, "out of memory for the report") : TACIT_OK;
}

int tacit_report_field(const tacit_report *report, int index, tacit_value *value)
{
    if (index < 0 || (size_t)index >= report->fields.count)
        return 0;
    *value = report->fields.item[index];
    return 1;
}

int tacit_report_rows(const tacit_report *report)
{
    return report->columns ? (int)(report->cells.count / (size_t)report->columns) : 0;
}

int tacit_report_columns(const tacit_report *report)
{
    return report->columns;
}

int tacit_report_cell(const tacit_report *report, int row, int column, tacit_value *value)
{
    if (row < 0 || column < 0 || row >= tacit_report_rows(report) || column >= report->columns)
        return 0;
    *value = report->cells.item[row * report->columns + column];
    return 1;
}

const char *tacit_report_note(const tacit_report *report, int index)
{
    return index < 0 || (size_t)index >= report->notes.count ? NULL
                                                             : report->notes.item[index].text;
}

static void value_write(struct json_writer *json, const tacit_value *value)
{
    json_write_key(json, value->name);
    if (isfinite(value->number) && value->number == floor(value->number) &&
        fabs(value->number) < 9e15)
        json_write_integer(json, (int64_t)value->number);
    else if (isfinite(value->number))
        json_write_real(json, value->number);
    else if (value->text[0])
        json_write_text(json, value->text);
    else
        json_write_null(json);
}

tacit_status tacit_report_json(const tacit_report *report, char **text)
{
    struct text out = { 0 };
    struct json_writer json = { .text = &out, .indent = 2 };
    *text = NULL;
    json_write_object(&json);
    json_write_key(&json, "version");
    json_write_integer(&json, 1);
    for (size_t i = 0; i < report->fields.count; i++)
        value_write(&json, &report->fields.item[i]);
    json_write_key(&json, "results");
    json_write_array(&json);
    for (int row = 0; row < tacit_report_rows(report); row++) {
        json_write_object(&json);
        for (int column = 0; column < report->columns; column++)
            value_write(&json, &report->cells.item[row * report->columns + column]);
        json_write_end(&json);
    }
    json_write_end(&json);
    json_write_key(&json, "notes");
    json_write_array(&json);
    for (size_t i = 0; i < report->notes.count; i++)
        json_write_text(&json, report->notes.item[i].text);
    json_write_end(&json);
    json_write_end(&json);
    status result = text_status(&out);
    if (result == TACIT_OK)
        *text = out.bytes;
    else
        text_free(&out);
    return result;
}

void tacit_free(void *text)
{
    memory_free(text);
}
