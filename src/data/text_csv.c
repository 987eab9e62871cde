/* Rows of comma- or tab-separated files, with or without a header line. */
#include "data/corpus.h"
#include "data/csv.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { ROWS_LOOKED_AT = 20, LONGEST_NAME = 40, MOST_WORDS = 3 };

struct csv_shape {
    struct csv_rules rules;
    bool header;
    size_t first; /* where the first row behind the header begins */
    int columns;
    const char *name[CORPUS_MOST_FIELDS]; /* from the header, else "1", "2", … */
    bool words[CORPUS_MOST_FIELDS];
};

/* The cells of the row at *at, as many as fit; -1: a quote is not closed, and *at is behind the
 * line. */
static int row_read(struct csv_rules rules, const struct text_file *file, size_t *at,
                    struct csv_cell cell[CORPUS_MOST_FIELDS])
{
    const uint8_t *next = file->bytes + *at, *end = file->bytes + file->size;
    struct csv_cell spare;
    int cells = 0;
    for (bool last = false; !last; cells++)
        if (!csv_cell_next(rules, &next, end, cells < CORPUS_MOST_FIELDS ? &cell[cells] : &spare,
                           &last)) {
            text_line_end(file->bytes, file->size, *at, at);
            return -1;
        }
    *at = (size_t)(next - file->bytes);
    return cells;
}

static bool is_number(const struct csv_cell *cell)
{
    char text[64];
    double value;
    if (cell->size == 0 || cell->size >= sizeof text)
        return false;
    memcpy(text, cell->bytes, cell->size);
    text[cell->size] = 0;
    return text_read_real(text, &value);
}

/* A few words of letters and digits that begin with a letter: may be the name of a column. */
static bool is_name(const struct csv_cell *cell)
{
    int words = 1;
    if (cell->size == 0 || cell->size > LONGEST_NAME)
        return false;
    if (!isalpha(cell->bytes[0]) && cell->bytes[0] != '_' && cell->bytes[0] < 0x80)
        return false;
    for (size_t i = 0; i < cell->size; i++) {
        uint8_t byte = cell->bytes[i];
        if (byte < 0x80 && !isalnum(byte) && !strchr("_- ()#/.", byte))
            return false;
        words += byte == ' ';
    }
    return words <= MOST_WORDS && cell->bytes[cell->size - 1] != '.';
}

static bool cell_is(const struct csv_cell *cell, const char *name, size_t length)
{
    return cell->size == length && strncasecmp((const char *)cell->bytes, name, length) == 0;
}

static bool is_known_name(const struct csv_cell *cell)
{
    static const char *const known[] = { "text",   "content",    "sentence",  "body",    "label",
                                         "review", "sentence1",  "sentence2", "premise", "title",
                                         "score",  "hypothesis", "category",  "class",   "id" };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (cell_is(cell, known[i], strlen(known[i])))
            return true;
    return false;
}

/* Whether a name is one of a comma list. */
static bool cell_in(const struct csv_cell *cell, const char *list)
{
    while (list && *list) {
        size_t length = strcspn(list, ",");
        if (cell_is(cell, list, length))
            return true;
        list += length + (list[length] == ',');
    }
    return false;
}

/* The rule: a first line is a header if all its cells could be names, no two alike, and one of them
 * is a known or a wanted name, or stands above a column of numbers or of longer texts. */
static bool is_header(const struct corpus *corpus, struct csv_rules rules,
                      const struct text_file *file)
{
    struct csv_cell first[CORPUS_MOST_FIELDS], cell[CORPUS_MOST_FIELDS];
    bool sign = false;
    size_t at = 0;
    int columns = row_read(rules, file, &at, first);
    if (columns < 1 || columns > CORPUS_MOST_FIELDS)
        return false;
    for (int i = 0; i < columns; i++) {
        if (!is_name(&first[i]))
            return false;
        for (int j = 0; j < i; j++)
            if (cell_is(&first[i], (const char *)first[j].bytes, first[j].size))
                return false;
        sign |= is_known_name(&first[i]) || cell_in(&first[i], corpus->wanted) ||
                cell_in(&first[i], corpus->asked);
    }
    for (int row = 0; row < ROWS_LOOKED_AT && at < file->size && !sign; row++)
        if (row_read(rules, file, &at, cell) == columns)
            for (int i = 0; i < columns; i++)
                sign |= is_number(&cell[i]) || cell[i].size > LONGEST_NAME;
    return sign;
}

/* How many columns the first rows have; 0 if they differ. */
static int columns_of(struct csv_rules rules, const struct text_file *file)
{
    struct csv_cell cell[CORPUS_MOST_FIELDS];
    int columns = 0;
    size_t at = 0;
    for (int row = 0; row < ROWS_LOOKED_AT && at < file->size; row++) {
        int cells = row_read(rules, file, &at, cell);
        if (cells == 1 && cell[0].size == 0)
            continue;
        if (cells < 0 || (columns && cells != columns))
            return 0;
        columns = cells;
    }
    return columns;
}

/* A .tsv has tabs; else the first of comma, tab and semicolon that gives several columns, equally
 * many in all rows looked at. */
static struct csv_rules rules_of(const struct text_file *file)
{
    static const uint8_t separators[] = { ',', '\t', ';' };
    if (strcasestr(file->name, ".tsv"))
        return (struct csv_rules){ '\t', true };
    for (size_t i = 0; i < sizeof separators; i++) {
        struct csv_rules rules = { separators[i], false };
        if (columns_of(rules, file) > 1)
            return rules;
    }
    return (struct csv_rules){ ',', false };
}

static status name_keep(struct arena *arena, const struct csv_cell *cell, int column,
                        const char **name)
{
    *name = cell ? arena_text(arena, "%.*s", (int)cell->size, (const char *)cell->bytes)
                 : arena_text(arena, "%d", column + 1);
    return *name ? TACIT_OK : TACIT_RESOURCES;
}

static status csv_open(struct corpus *corpus, struct arena *arena, struct text_file *file)
{
    struct csv_cell cell[CORPUS_MOST_FIELDS];
    size_t at = 0;
    if (file->shape)
        return TACIT_OK;
    struct csv_shape *shape = arena_new(arena, 1, sizeof *shape);
    if (!shape)
        return TACIT_RESOURCES;
    shape->rules = rules_of(file);
    shape->header = is_header(corpus, shape->rules, file);
    int columns = row_read(shape->rules, file, &at, cell);
    shape->columns = columns < 0 ? 1 : columns > CORPUS_MOST_FIELDS ? CORPUS_MOST_FIELDS : columns;
    shape->first = shape->header ? at : 0;
    for (int i = 0; i < shape->columns; i++)
        TRY(name_keep(arena, shape->header ? &cell[i] : NULL, i, &shape->name[i]));
    at = shape->first;
    for (int row = 0; row < ROWS_LOOKED_AT && at < file->size; row++) {
        int cells = row_read(shape->rules, file, &at, cell);
        for (int i = 0; i < cells && i < shape->columns; i++)
            shape->words[i] |= cell[i].size && !is_number(&cell[i]);
    }
    file->shape = shape;
    return TACIT_OK;
}

static status csv_fields(struct arena *arena, const struct text_file *file,
                         struct field_names *names)
{
    (void)arena;
    names->count = file->shape->columns;
    memcpy(names->name, file->shape->name, sizeof names->name);
    memcpy(names->words, file->shape->words, sizeof names->words);
    return TACIT_OK;
}

/* The column of a name, or of a number where no column is named so; -1. */
static int column_of(const struct csv_shape *shape, const char *name)
{
    int64_t number;
    for (int i = 0; i < shape->columns; i++)
        if (strcmp(shape->name[i], name) == 0)
            return i;
    if (text_read_integer(name, &number) && number >= 1 && number <= shape->columns)
        return (int)number - 1;
    return -1;
}

static bool columns_known(const struct corpus *corpus, const struct csv_shape *shape)
{
    for (int k = 0; k < corpus->texts; k++)
        if (column_of(shape, corpus->field[k]) < 0)
            return false;
    return true;
}

static enum record csv_next(const struct corpus *corpus, const struct text_file *file, size_t *at,
                            size_t *begin, const char **why)
{
    const struct csv_shape *shape = file->shape;
    struct csv_cell cell[CORPUS_MOST_FIELDS];
    *at = *at < shape->first ? shape->first : *at;
    if (*at >= file->size)
        return RECORD_NONE;
    *begin = *at;
    int cells = row_read(shape->rules, file, at, cell);
    if (cells == 1 && cell[0].size == 0 && !cell[0].quoted)
        return RECORD_EMPTY;
    if (cells < 0)
        *why = "a quote is not closed";
    else if (cells != shape->columns)
        *why = cells < shape->columns ? "the row has too few cells" : "the row has too many cells";
    else if (!columns_known(corpus, shape))
        *why = "the file lacks the column that is the text";
    else
        return RECORD_TEXT;
    return RECORD_BROKEN;
}

static status csv_value(const struct text_file *file, size_t begin, const char *field,
                        struct bytes *value, bool *found)
{
    struct csv_cell cell[CORPUS_MOST_FIELDS];
    int column = column_of(file->shape, field);
    *found = column >= 0 && row_read(file->shape->rules, file, &begin, cell) > column;
    if (!*found)
        return TACIT_OK;
    const struct csv_cell *chosen = &cell[column];
    *value = (struct bytes){ chosen->bytes, chosen->size, NULL };
    if (!chosen->quoted || !memchr(chosen->bytes, '"', chosen->size))
        return TACIT_OK;
    uint8_t *text = memory_new(chosen->size, 1);
    if (!text)
        return TACIT_RESOURCES;
    *value = (struct bytes){ text, csv_cell_text(chosen, text), text };
    return TACIT_OK;
}

const struct text_format format_csv = {
    .type = &source_csv,
    .unit = "row",
    .open = csv_open,
    .fields = csv_fields,
    .next = csv_next,
    .value = csv_value,
};
