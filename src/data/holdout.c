#include "data/holdout.h"
#include "base/random.h"
#include "base/text.h"
#include "data/csv.h"
#include "data/names.h"
#include "data/probe.h"
#include "io/file.h"

#include <string.h>

enum { LIST_BYTES = 1 << 30 };

/* ---- a file of names ---- */

/* Marks samples by name and counts names of none. */
struct marker {
    const struct source *source;
    struct sample_names names;
    bool *held;
    size_t rows, missing, first; /* first: line of the first missing one */
    char missed[256];
};

static void name_mark(struct marker *marker, const char *name, size_t line)
{
    int64_t found = sample_named(marker->source, &marker->names, name);
    marker->rows++;
    if (found >= 0) {
        marker->held[found] = true;
    } else if (marker->missing++ == 0) {
        marker->first = line;
        strncpy(marker->missed, name, sizeof marker->missed - 1);
    }
}

static status csv_mark(struct marker *marker, const char *path)
{
    struct csv csv;
    TRY(csv_read(path, &csv));
    int column = csv_column(&csv, "file");
    for (size_t row = 0; column >= 0 && row < csv.rows; row++)
        name_mark(marker, csv.cell[row * csv.columns + (size_t)column], csv.line[row]);
    csv_free(&csv);
    return column >= 0
               ? TACIT_OK
               : fail(TACIT_BAD_DATA, "holdout=%s: its first line names no column file", path);
}

static status lines_mark(struct marker *marker, const char *path)
{
    struct text text = { 0 };
    char *rest = NULL;
    status result = file_read(path, LIST_BYTES, &text);
    if (result != TACIT_OK) {
        text_free(&text);
        return fail_within(result, "holdout= (a share between 0 and 1, or a file of names)");
    }
    size_t number = 0;
    for (char *line = text.bytes; line; line = rest) {
        rest = strchr(line, '\n');
        if (rest)
            *rest++ = 0;
        number++;
        line[strcspn(line, "\r")] = 0;
        if (*line)
            name_mark(marker, line, number);
    }
    text_free(&text);
    return TACIT_OK;
}

static status file_mark(const struct source *source, const char *path, bool *held)
{
    struct marker marker = { .source = source, .held = held };
    bool table = name_ends(path, ".csv") || name_ends(path, ".tsv");
    status result = sample_names_new(source, &marker.names);
    if (result == TACIT_OK)
        result = table ? csv_mark(&marker, path) : lines_mark(&marker, path);
    sample_names_free(&marker.names);
    TRY(result);
    if (marker.rows == 0)
        return fail(TACIT_BAD_DATA, "holdout=%s: names no sample at all", path);
    if (marker.missing)
        return fail(TACIT_BAD_DATA,
                    "holdout=%s: %zu of its %zu names are of no sample of %s (or of several), "
                    "first in line %zu: %s; names are paths within the data, such as %s",
                    path, marker.missing, marker.rows, source->path, marker.first, marker.missed,
                    source->sample[0].name);
    return TACIT_OK;
}

/* ---- a share ---- */

/* Samples that stay together. */
struct units {
    uint32_t *unit, *size, *order; /* [count]: number of each sample's unit; sizes; permutation */
    bool *taken;                   /* [count]: by unit */
    uint32_t count;                /* of units */
};

static bool units_number(const struct source *source, const uint32_t *index, size_t count,
                         struct units *units)
{
    struct map map = { 0 };
    bool good = true;
    for (size_t i = 0; i < count && good; i++) {
        const char *group = source->sample[index[i]].group;
        int64_t known = group ? map_get(&map, group) : -1;
        units->unit[i] = known >= 0 ? (uint32_t)known : units->count++;
        units->size[units->unit[i]]++;
        if (group && known < 0)
            good = map_set(&map, group, units->unit[i]);
    }
    map_free(&map);
    return good;
}

/* Units in random order, each as long as it fits; the smallest if even that is too large. */
static void units_take(struct units *units, uint64_t seed, size_t wanted)
{
    struct random_stream stream = random_stream(seed, "holdout", 0, 0);
    size_t held = 0, smallest = 0;
    random_permutation(&stream, units->order, units->count);
    for (uint32_t i = 0; i < units->count; i++) {
        uint32_t unit = units->order[i];
        smallest = units->size[unit] < units->size[smallest] ? unit : smallest;
        if (held + units->size[unit] <= wanted) {
            units->taken[unit] = true;
            held += units->size[unit];
        }
    }
    if (held == 0 && units->count)
        units->taken[smallest] = true;
}

static status share_mark(const struct source *source, double share, uint64_t seed,
                         const uint32_t *index, size_t count, bool *held)
{
    struct units units = { .unit = memory_new(count + 1, sizeof *units.unit),
                           .size = memory_new(count + 1, sizeof *units.size),
                           .order = memory_new(count + 1, sizeof *units.order),
                           .taken = memory_new(count + 1, sizeof *units.taken) };
    bool good = units.unit && units.size && units.order && units.taken &&
                units_number(source, index, count, &units);
    if (good) {
        units_take(&units, seed, (size_t)(share * (double)count + .5));
        for (size_t i = 0; i < count; i++)
            held[index[i]] = units.taken[units.unit[i]];
    }
    memory_free(units.unit);
    memory_free(units.size);
    memory_free(units.order);
    memory_free(units.taken);
    return good ? TACIT_OK : TACIT_RESOURCES;
}

status holdout_mark(const struct source *source, const char *holdout, uint64_t seed,
                    const uint32_t *index, size_t count, bool *held)
{
    double share;
    if (!holdout || !*holdout)
        return TACIT_OK;
    if (!text_read_real(holdout, &share))
        return file_mark(source, holdout, held);
    if (!(share > 0 && share < 1))
        return fail(TACIT_USAGE, "holdout=%s: must be a share above 0 and below 1, or a file",
                    holdout);
    return share_mark(source, share, seed, index, count, held);
}
