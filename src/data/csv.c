#include "data/csv.h"
#include "data/probe.h"

#include <string.h>
#include <strings.h>

enum { MOST_BYTES = 1 << 30 };

struct csv_reader {
    const char *path;
    const uint8_t *next, *end;
    size_t line; /* from 1 */
    uint8_t separator;
    struct csv *csv;
};

bool csv_cell_next(struct csv_rules rules, const uint8_t **next, const uint8_t *end,
                   struct csv_cell *cell, bool *last)
{
    const uint8_t *begin = *next, *from = begin;
    bool quoted = !rules.lines && begin < end && *begin == '"', open = quoted;
    from += quoted;
    while (from < end && (open || (*from != rules.separator && *from != '\n' && *from != '\r'))) {
        open ^= quoted && *from == '"';
        from++;
    }
    if (open)
        return false;
    bool closed = from - begin >= 2 && begin[0] == '"' && from[-1] == '"';
    if (rules.lines)
        quoted = closed;
    size_t size = (size_t)(from - begin);
    *cell = (struct csv_cell){ begin + quoted, size - quoted - (quoted && closed), quoted };
    *last = from == end || *from != rules.separator;
    if (from < end && *from == '\r')
        from++;
    if (from < end && *from == '\n' && *last)
        from++;
    else if (!*last)
        from++;
    *next = from;
    return true;
}

size_t csv_cell_text(const struct csv_cell *cell, uint8_t *to)
{
    uint8_t *begin = to;
    const uint8_t *end = cell->bytes + cell->size;
    for (const uint8_t *at = cell->bytes; at < end; at++) {
        if (!cell->quoted || *at != '"')
            *to++ = *at;
        else if (at + 1 < end && at[1] == '"')
            *to++ = *at++;
    }
    return (size_t)(to - begin);
}

/* Reads one cell; *last tells that its row ends with it. */
static status cell_read(struct csv_reader *reader, const char **cell, bool *last)
{
    const struct csv_rules rules = { reader->separator, false };
    struct csv_cell found;
    if (!csv_cell_next(rules, &reader->next, reader->end, &found, last))
        return fail(TACIT_BAD_DATA, "%s, line %zu: a quote is not closed", reader->path,
                    reader->line);
    char *text = arena_new(&reader->csv->arena, found.size + 1, 1);
    if (!text)
        return TACIT_RESOURCES;
    csv_cell_text(&found, (uint8_t *)text);
    for (size_t i = 0; i < found.size; i++)
        reader->line += found.bytes[i] == '\n';
    reader->line += *last;
    *cell = text;
    return TACIT_OK;
}

static uint8_t separator_of(const uint8_t *bytes, const uint8_t *end)
{
    for (; bytes < end && *bytes != '\n'; bytes++)
        if (*bytes == ',' || *bytes == ';' || *bytes == '\t')
            return *bytes;
    return ',';
}

static status header_read(struct csv_reader *reader)
{
    enum { MOST_COLUMNS = 4096 };
    struct csv *csv = reader->csv;
    csv->name = arena_new(&csv->arena, MOST_COLUMNS, sizeof *csv->name);
    if (!csv->name)
        return TACIT_RESOURCES;
    for (bool last = false; !last;) {
        if (csv->columns == MOST_COLUMNS)
            return fail(TACIT_BAD_DATA, "%s: more than %d columns", reader->path, MOST_COLUMNS);
        TRY(cell_read(reader, &csv->name[csv->columns++], &last));
    }
    return TACIT_OK;
}

static status row_read(struct csv_reader *reader, size_t *cells)
{
    struct csv *csv = reader->csv;
    size_t line = reader->line, column = 0;
    void *block = csv->cell, *lines = csv->line;
    if (csv->rows == *cells) {
        size_t wanted = *cells ? *cells * 2 : 256;
        if (!(block = memory_resize(block, wanted, csv->columns * sizeof *csv->cell)))
            return TACIT_RESOURCES;
        csv->cell = block;
        if (!(lines = memory_resize(lines, wanted, sizeof *csv->line)))
            return TACIT_RESOURCES;
        csv->line = lines;
        *cells = wanted;
    }
    for (bool last = false; !last; column++) {
        const char *cell = "";
        TRY(cell_read(reader, &cell, &last));
        if (column < csv->columns)
            csv->cell[csv->rows * csv->columns + column] = cell;
    }
    if (column == 1 && csv->columns > 1 && !csv->cell[csv->rows * csv->columns][0])
        return TACIT_OK; /* an empty line */
    if (column != csv->columns)
        return fail(TACIT_BAD_DATA, "%s, line %zu: %zu cells, but the header has %zu columns",
                    reader->path, line, column, csv->columns);
    csv->line[csv->rows++] = line;
    return TACIT_OK;
}

status csv_parse(const char *path, const void *bytes, size_t size, struct csv *csv)
{
    const uint8_t *begin = bytes;
    size_t room = 0;
    *csv = (struct csv){ 0 };
    if (size >= 3 && memcmp(begin, "\xEF\xBB\xBF", 3) == 0) {
        begin += 3;
        size -= 3;
    }
    if (size == 0)
        return fail(TACIT_BAD_DATA, "%s is empty: a header line is expected", path);
    struct csv_reader reader = { path, begin, begin + size, 1, 0, csv };
    reader.separator = separator_of(begin, begin + size);
    status result = header_read(&reader);
    while (result == TACIT_OK && reader.next < reader.end)
        result = row_read(&reader, &room);
    if (result != TACIT_OK)
        csv_free(csv);
    return result;
}

status csv_read(const char *path, struct csv *csv)
{
    uint8_t *bytes;
    size_t size;
    *csv = (struct csv){ 0 };
    TRY(bytes_read_unpacked(path, MOST_BYTES, &bytes, &size));
    status result = csv_parse(path, bytes, size, csv);
    memory_free(bytes);
    return result;
}

void csv_free(struct csv *csv)
{
    memory_free(csv->cell);
    memory_free(csv->line);
    arena_free(&csv->arena);
    *csv = (struct csv){ 0 };
}

int csv_column(const struct csv *csv, const char *name)
{
    for (size_t i = 0; i < csv->columns; i++)
        if (strcasecmp(csv->name[i], name) == 0)
            return (int)i;
    return -1;
}
