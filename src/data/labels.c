#include "data/labels.h"
#include "data/corpus.h"
#include "data/csv.h"
#include "data/names.h"
#include "data/source_type.h"
#include "base/map.h"
#include "base/text.h"

#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LONGEST_LABEL = 255 };

/* `text` is everywhere the label of each sample before it is numbered, NULL: unlabelled. */

static bool whole_number(const char *text)
{
    size_t sign = *text == '-', digits = strspn(text + sign, "0123456789");
    return digits > 0 && digits < 18 && !text[sign + digits];
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_value(const void *a, const void *b)
{
    long long x = atoll(*(const char *const *)a), y = atoll(*(const char *const *)b);
    return x != y ? (x > y) - (x < y) : by_text(a, b);
}

/* Collects the different texts, in order, as class names and numbers the samples by them. */
static status classes_number(struct source *source, const char **text, struct map *map)
{
    struct arena *arena = &source->state->arena;
    const char **name = NULL;
    size_t classes = 0, capacity = 0;
    bool numbers = true;
    for (size_t i = 0; i < source->count; i++) {
        if (!text[i] || map_get(map, text[i]) >= 0)
            continue;
        void *block = name;
        if (!memory_reserve(&block, &capacity, classes, sizeof *name) ||
            !map_set(map, text[i], 0)) {
            memory_free(block);
            return fail(TACIT_RESOURCES, "out of memory for the labels");
        }
        name = block;
        name[classes++] = text[i];
        numbers &= whole_number(text[i]);
    }
    source->class_name = arena_new(arena, classes + 1, sizeof *name);
    bool good = source->class_name != NULL && classes < INT32_MAX;
    if (good && classes)
        qsort(name, classes, sizeof *name, numbers ? by_value : by_text);
    for (size_t i = 0; good && i < classes; i++) {
        source->class_name[i] = name[i];
        good = map_set(map, name[i], (int64_t)i);
    }
    memory_free(name);
    if (!good)
        return fail(TACIT_RESOURCES, "out of memory for the labels");
    source->classes = (int)classes;
    for (size_t i = 0; i < source->count; i++)
        source->sample[i].label = text[i] ? (int32_t)map_get(map, text[i]) : -1;
    return TACIT_OK;
}

static status labels_none(struct source *source, const char *argument, const char **text)
{
    (void)source;
    (void)argument;
    (void)text;
    return TACIT_OK;
}

static status labels_folders(struct source *source, const char *argument, const char **text)
{
    (void)argument;
    size_t labelled = 0;
    for (size_t i = 0; i < source->count; i++) {
        const char *name;
        size_t length = source_folder_class(source, i, &name);
        if (!length)
            continue;
        /* Neighbours mostly share their class, and so its text. */
        if (labelled++ && text[i - 1] && strlen(text[i - 1]) == length &&
            memcmp(text[i - 1], name, length) == 0)
            text[i] = text[i - 1];
        else if (!(text[i] = arena_text(&source->state->arena, "%.*s", (int)length, name)))
            return TACIT_RESOURCES;
    }
    if (!labelled)
        return fail(TACIT_BAD_DATA,
                    "labels=folders: the samples of %s are not in several class folders: arrange "
                    "them as CLASS/%s, or give labels=FILE.csv",
                    source->path, source->kind == SAMPLE_TEXT ? "text.txt" : "picture.jpg");
    return TACIT_OK;
}

/* \d is written as [0-9], which POSIX expressions lack. */
static char *expression_of(struct arena *arena, const char *text)
{
    char *expression = arena_new(arena, 5 * strlen(text) + 1, 1), *to = expression;
    for (; expression && *text; text++) {
        if (text[0] == '\\' && text[1] == 'd') {
            memcpy(to, "[0-9]", 5);
            to += 5;
            text++;
        } else {
            *to++ = *text;
            if (text[0] == '\\' && text[1])
                *to++ = *++text;
        }
    }
    return expression;
}

static status labels_filename(struct source *source, const char *argument, const char **text)
{
    struct arena *arena = &source->state->arena;
    regex_t regex;
    regmatch_t match[2];
    char name[SAMPLE_NAME_BYTES], why[256];
    const char *expression = expression_of(arena, argument);
    if (!expression)
        return TACIT_RESOURCES;
    int code = regcomp(&regex, expression, REG_EXTENDED);
    if (code != 0) {
        regerror(code, &regex, why, sizeof why);
        return fail(TACIT_USAGE, "labels=filename:%s is no regular expression: %s", argument, why);
    }
    size_t matched = 0;
    status result = TACIT_OK;
    for (size_t i = 0; i < source->count && result == TACIT_OK; i++) {
        source_name(source, i, name);
        if (regexec(&regex, name, 2, match, 0) != 0)
            continue;
        regmatch_t *part = regex.re_nsub && match[1].rm_so >= 0 ? &match[1] : &match[0];
        text[i] = arena_text(arena, "%.*s", (int)(part->rm_eo - part->rm_so), name + part->rm_so);
        result = text[i] ? TACIT_OK : TACIT_RESOURCES;
        matched++;
    }
    regfree(&regex);
    if (result == TACIT_OK && !matched)
        return fail(TACIT_BAD_DATA,
                    "labels=filename:%s matches none of the %zu names in %s, such "
                    "as %s",
                    argument, source->count, source->path, source_name(source, 0, name));
    return result;
}

struct csv_columns {
    int file, label, split, group;
};

static status split_read(const char *path, size_t line, const char *cell, enum split *split)
{
    if (!strcasecmp(cell, "train"))
        *split = SPLIT_TRAIN;
    else if (!strcasecmp(cell, "test") || !strcasecmp(cell, "val") || !strcasecmp(cell, "valid") ||
             !strcasecmp(cell, "validation"))
        *split = SPLIT_TEST;
    else if (!cell[0] || !strcasecmp(cell, "none"))
        *split = SPLIT_NONE;
    else
        return fail(TACIT_BAD_DATA,
                    "%s, line %zu: split is %s, but train, test or nothing are "
                    "allowed",
                    path, line, cell);
    return TACIT_OK;
}

static status row_apply(struct source *source, const char *path, const struct csv *csv, size_t row,
                        struct csv_columns column, struct sample *sample, const char **text)
{
    struct arena *arena = &source->state->arena;
    const char **cell = csv->cell + row * csv->columns;
    const char *label = cell[column.label];
    if (label[0] && !(*text = arena_text(arena, "%s", label)))
        return TACIT_RESOURCES;
    if (column.split >= 0)
        TRY(split_read(path, csv->line[row], cell[column.split], &sample->split));
    if (column.group >= 0 && cell[column.group][0] &&
        !(sample->group = arena_text(arena, "%s", cell[column.group])))
        return TACIT_RESOURCES;
    return TACIT_OK;
}

/* Two rows that name the same sample must say the same. `before`: the earlier row + 1, or 0. */
static status row_agrees(const struct csv *csv, const char *path, struct csv_columns column,
                         size_t before, size_t row)
{
    if (before == 0)
        return TACIT_OK;
    const char **first = csv->cell + (before - 1) * csv->columns;
    const char **cell = csv->cell + row * csv->columns;
    if (strcmp(first[column.label], cell[column.label]) == 0)
        return TACIT_OK;
    return fail(TACIT_BAD_DATA,
                "%s: lines %zu and %zu label %s differently (%s, %s): remove one of them", path,
                csv->line[before - 1], csv->line[row], cell[column.file], first[column.label],
                cell[column.label]);
}

/* `row_of`: of each sample the row that named it + 1, or 0. */
static status rows_apply(struct source *source, const char *path, const struct csv *csv,
                         const struct sample_names *names, uint32_t *row_of, const char **text)
{
    struct csv_columns column = { csv_column(csv, "file"), csv_column(csv, "label"),
                                  csv_column(csv, "split"), csv_column(csv, "group") };
    if (column.file < 0 || column.label < 0)
        return fail(TACIT_BAD_DATA,
                    "%s has no column %s: the first line must name the columns file,label (and, if "
                    "wanted, split,group)",
                    path, column.file < 0 ? "file" : "label");
    size_t missing = 0, first = 0, left = 0;
    bool train = false, test = false;
    for (size_t row = 0; row < csv->rows; row++) {
        int64_t index =
            sample_named(source, names, csv->cell[row * csv->columns + (size_t)column.file]);
        if (index < 0) {
            first = missing++ ? first : row;
            continue;
        }
        struct sample *sample = &source->sample[index];
        TRY(row_agrees(csv, path, column, row_of[index], row));
        row_of[index] = (uint32_t)row + 1;
        TRY(row_apply(source, path, csv, row, column, sample, &text[index]));
        train |= sample->split == SPLIT_TRAIN;
        test |= sample->split == SPLIT_TEST;
    }
    if (column.split >= 0)
        source->has_parts = train && test;
    for (size_t i = 0; i < source->count; i++)
        left += !row_of[i];
    if (left)
        TRY(source_say(source, "%s: %zu of %zu samples are not in it and have no label", path, left,
                       source->count));
    if (!missing)
        return TACIT_OK;
    const char *name = csv->cell[first * csv->columns + (size_t)column.file];
    if (2 * missing > csv->rows)
        return fail(TACIT_BAD_DATA,
                    "%s: %zu of its %zu rows name no sample of %s, first in line %zu: %s; names "
                    "are paths within the data, such as %s",
                    path, missing, csv->rows, source->path, csv->line[first], name,
                    source->sample[0].name);
    return source_say(source, "%s: %zu of its %zu rows name no sample, first in line %zu: %s", path,
                      missing, csv->rows, csv->line[first], name);
}

static status labels_csv(struct source *source, const char *path, const char **text)
{
    struct csv csv;
    struct sample_names names = { 0 };
    TRY(csv_read(path, &csv));
    uint32_t *row_of = memory_new(source->count, sizeof *row_of);
    status result = !row_of    ? TACIT_RESOURCES
                    : csv.rows ? sample_names_new(source, &names)
                               : fail(TACIT_BAD_DATA, "%s has a header but no rows", path);
    if (result == TACIT_OK)
        result = rows_apply(source, path, &csv, &names, row_of, text);
    memory_free(row_of);
    sample_names_free(&names);
    csv_free(&csv);
    return result;
}

/* The value as a text that is kept once. */
static const char *value_keep(struct arena *arena, struct map *map, const char **kept,
                              const struct bytes *value)
{
    char text[LONGEST_LABEL + 1];
    size_t size = value->size < LONGEST_LABEL ? value->size : LONGEST_LABEL;
    memcpy(text, value->bytes, size);
    text[size] = 0;
    int64_t known = map_get(map, text);
    if (known >= 0)
        return kept[known];
    kept[map->count] = arena_text(arena, "%s", text);
    if (!kept[map->count] || !map_set(map, kept[map->count], (int64_t)map->count))
        return NULL;
    return kept[map->count - 1];
}

/* Every label as a number, where all are numbers. */
static status targets_set(struct source *source, const char *const *text)
{
    double *target = memory_new(source->count, sizeof *target);
    if (!target)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < source->count; i++) {
        target[i] = NAN;
        if (text[i] && !text_read_real(text[i], &target[i])) {
            memory_free(target);
            return TACIT_OK;
        }
    }
    source->target = target;
    return TACIT_OK;
}

static status labels_field(struct source *source, const char *argument, const char **text)
{
    struct map map = { 0 };
    const char **kept = memory_new(source->count + 1, sizeof *kept);
    size_t known = 0;
    status result = kept ? TACIT_OK : TACIT_RESOURCES;
    for (size_t i = 0; i < source->count && result == TACIT_OK; i++) {
        struct bytes value;
        bool found;
        result = source_field(source, i, argument, &value, &found);
        if (result != TACIT_OK)
            break;
        known += found;
        if (found && value.size &&
            !(text[i] = value_keep(&source->state->arena, &map, kept, &value)))
            result = fail(TACIT_RESOURCES, "out of memory for the labels");
        bytes_free(&value);
    }
    map_free(&map);
    memory_free(kept);
    TRY(result);
    if (known)
        return targets_set(source, text);
    char list[512];
    TRY(corpus_list_fields(source, list, sizeof list));
    return fail(TACIT_BAD_DATA, "labels=field:%s: no record of %s has such a field; %s%s", argument,
                source->path, list[0] ? "it has " : "plain texts have none", list);
}

static const struct {
    const char *word;
    bool argument; /* follows the word */
    status (*read)(struct source *source, const char *argument, const char **text);
} kinds[] = {
    { "none", false, labels_none },
    { "folders", false, labels_folders },
    { "filename:", true, labels_filename },
    { "field:", true, labels_field },
};

status labels_apply(struct source *source, const char *labels)
{
    status (*read)(struct source *, const char *, const char **) = NULL;
    const char *argument = labels;
    if (!labels || !labels[0] || !strcmp(labels, "auto")) {
        source->labels_in_format = source->type->labels_in_format && source->classes > 0;
        return TACIT_OK;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t length = strlen(kinds[i].word);
        if (kinds[i].argument ? !strncmp(labels, kinds[i].word, length)
                              : !strcmp(labels, kinds[i].word)) {
            read = kinds[i].read;
            argument = labels + length;
        }
    }
    if (!read && (name_ends(labels, ".csv") || name_ends(labels, ".tsv") ||
                  name_ends(labels, ".csv.gz") || name_ends(labels, ".tsv.gz")))
        read = labels_csv;
    if (!read)
        return fail(
            TACIT_USAGE,
            "labels=%s: auto, none, folders, filename:REGEX, field:NAME or the path of a .csv "
            "file are allowed",
            labels);
    struct map map = { 0 };
    const char **text = memory_new(source->count, sizeof *text);
    if (!text)
        return TACIT_RESOURCES;
    status result = read(source, argument, text);
    if (result == TACIT_OK)
        result = classes_number(source, text, &map);
    map_free(&map);
    memory_free(text);
    return result;
}
