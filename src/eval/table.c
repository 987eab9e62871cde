#include "eval/table.h"

#include "base/memory.h"
#include "io/json.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { CELL_BYTES = 64, GAP = 3 };

/* Characters on the terminal: bytes that do not continue a UTF-8 character. */
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void append_padded(struct text *text, const char *word, size_t width)
{
    size_t used = text_width(word);
    text_append(text, "%s%*s", word, (int)(width > used ? width - used : 0), "");
}

/* All labels count as more than any number of them. */
static bool labels_before(int64_t a, int64_t b)
{
    return a != b && a != 0 && (b == 0 || a < b);
}

/* The numbers of labels of one protocol, without repetition, rising; returns how many. */
static size_t columns_of(const struct table *table, const char *protocol, int64_t *column)
{
    size_t columns = 0;
    for (size_t i = 0; i < table->scores; i++) {
        int64_t labels = table->score[i].labels_per_class;
        if (strcmp(table->score[i].protocol, protocol) != 0)
            continue;
        size_t place = 0;
        while (place < columns && labels_before(column[place], labels))
            place++;
        if (place < columns && column[place] == labels)
            continue;
        memmove(column + place + 1, column + place, (columns - place) * sizeof *column);
        column[place] = labels;
        columns++;
    }
    return columns;
}

static void column_title(int64_t labels, char title[CELL_BYTES])
{
    if (labels == 0)
        snprintf(title, CELL_BYTES, "all labels");
    else
        snprintf(title, CELL_BYTES, "%lld label%s a class", (long long)labels,
                 labels == 1 ? "" : "s");
}

static const struct score *score_find(const struct table *table, const char *protocol,
                                      const char *subject, int64_t labels)
{
    for (size_t i = 0; i < table->scores; i++) {
        const struct score *score = &table->score[i];
        if (score->labels_per_class == labels && strcmp(score->protocol, protocol) == 0 &&
            strcmp(score->subject, subject) == 0)
            return score;
    }
    return NULL;
}

static void cell_of(const struct score *score, char cell[CELL_BYTES])
{
    if (!score)
        snprintf(cell, CELL_BYTES, "-");
    else if (score->draws < 2)
        snprintf(cell, CELL_BYTES, "%.1f [%.1f, %.1f]", 100 * score->accuracy, 100 * score->low,
                 100 * score->high);
    else
        snprintf(cell, CELL_BYTES, "%.1f ± %.1f [%.1f, %.1f]", 100 * score->accuracy,
                 100 * score->sd, 100 * score->low, 100 * score->high);
}

/* Whether score `i` is the first of its protocol (and of its subject, if asked). */
static bool is_first(const struct table *table, size_t i, bool of_subject)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(table->score[j].protocol, table->score[i].protocol) == 0 &&
            (!of_subject || strcmp(table->score[j].subject, table->score[i].subject) == 0))
            return false;
    return true;
}

/* Width of column `labels`, or of the subjects and the protocol's name when `title` is NULL. */
static size_t column_width(const struct table *table, const char *protocol, int64_t labels,
                           const char *title)
{
    size_t width = text_width(title ? title : protocol);
    for (size_t i = 0; i < table->scores; i++) {
        char cell[CELL_BYTES];
        const struct score *score = &table->score[i];
        if (strcmp(score->protocol, protocol) != 0 || (title && score->labels_per_class != labels))
            continue;
        cell_of(score, cell);
        size_t used = text_width(title ? cell : score->subject);
        width = used > width ? used : width;
    }
    return width + GAP;
}

static void append_row(const struct table *table, const char *protocol, const char *subject,
                       const int64_t *column, size_t columns, struct text *text)
{
    append_padded(text, subject ? subject : protocol, column_width(table, protocol, 0, NULL));
    for (size_t c = 0; c < columns; c++) {
        char title[CELL_BYTES], cell[CELL_BYTES];
        column_title(column[c], title);
        cell_of(subject ? score_find(table, protocol, subject, column[c]) : NULL, cell);
        append_padded(text, subject ? cell : title,
                      c + 1 < columns ? column_width(table, protocol, column[c], title) : 0);
    }
    text_append(text, "\n");
}

static void append_protocol(const struct table *table, struct text *text)
{
    size_t width = 0;
    for (size_t i = 0; i < table->facts; i++) {
        size_t used = text_width(table->fact[i].name);
        width = used > width ? used : width;
    }
    for (size_t i = 0; i < table->facts; i++) {
        append_padded(text, table->fact[i].name, width + GAP);
        text_append(text, "%s\n", table->fact[i].value);
    }
    text_append(text, "\naccuracy in %%: mean ± standard deviation over draws [95 %% interval]\n");
}

status table_text(const struct table *table, struct text *text)
{
    int64_t *column = memory_new(table->scores + 1, sizeof *column);
    if (!column)
        return TACIT_RESOURCES;
    append_protocol(table, text);
    for (size_t i = 0; i < table->scores; i++) {
        if (!is_first(table, i, false))
            continue;
        const char *protocol = table->score[i].protocol;
        size_t columns = columns_of(table, protocol, column);
        text_append(text, "\n");
        append_row(table, protocol, NULL, column, columns, text);
        for (size_t j = i; j < table->scores; j++)
            if (strcmp(table->score[j].protocol, protocol) == 0 && is_first(table, j, true))
                append_row(table, protocol, table->score[j].subject, column, columns, text);
    }
    memory_free(column);
    return text_status(text);
}

static void json_fact(struct json_writer *json, const struct protocol_fact *fact)
{
    int64_t integer;
    double real;
    json_write_key(json, fact->name);
    if (text_read_integer(fact->value, &integer))
        json_write_integer(json, integer);
    else if (text_read_real(fact->value, &real))
        json_write_real(json, real);
    else
        json_write_text(json, fact->value);
}

static void json_score(struct json_writer *json, const struct score *score)
{
    json_write_object(json);
    json_write_key(json, "subject");
    json_write_text(json, score->subject);
    json_write_key(json, "protocol");
    json_write_text(json, score->protocol);
    json_write_key(json, "labels_per_class");
    if (score->labels_per_class)
        json_write_integer(json, score->labels_per_class);
    else
        json_write_text(json, "all");
    json_write_key(json, "accuracy");
    json_write_real(json, score->accuracy);
    json_write_key(json, "sd");
    json_write_real(json, score->sd);
    json_write_key(json, "draws");
    json_write_integer(json, score->draws);
    json_write_key(json, "interval");
    json_write_array(json);
    json_write_real(json, score->low);
    json_write_real(json, score->high);
    json_write_end(json);
    json_write_end(json);
}

status table_json(const struct table *table, struct text *text)
{
    struct json_writer json = { .text = text };
    json_write_object(&json);
    json_write_key(&json, "version");
    json_write_integer(&json, 1);
    json_write_key(&json, "protocol");
    json_write_object(&json);
    for (size_t i = 0; i < table->facts; i++)
        json_fact(&json, &table->fact[i]);
    json_write_end(&json);
    json_write_key(&json, "results");
    json_write_array(&json);
    for (size_t i = 0; i < table->scores; i++)
        json_score(&json, &table->score[i]);
    json_write_end(&json);
    json_write_end(&json);
    return text_status(text);
}
