/* Which fields of a record are its texts. */
#include "data/corpus.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Names that mean the text, the likeliest first; and names that never do by themselves. */
static const char *const usual[] = { "text", "content", "sentence", "body" };
static const char *const never[] = { "id",  "_id",  "docno", "docid", "num",
                                     "uid", "guid", "url",   "file",  "path" };

/* Columns of a table have numbers, too, from 1. */
static int names_find(const struct field_names *names, const char *name, bool by_number)
{
    for (int i = 0; i < names->count; i++)
        if (strcmp(names->name[i], name) == 0)
            return i;
    int64_t number;
    bool column = by_number && text_read_integer(name, &number);
    return column && number >= 1 && number <= names->count ? (int)number - 1 : -1;
}

static bool is_never(const char *name)
{
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strcasecmp(name, never[i]) == 0)
            return true;
    return false;
}

/* The first of the usual names there is, else the first field of words. */
static int names_usual(const struct field_names *names)
{
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        for (int j = 0; j < names->count; j++)
            if (strcasecmp(names->name[j], usual[i]) == 0)
                return j;
    for (int i = 0; i < names->count; i++)
        if (names->words[i] && !is_never(names->name[i]))
            return i;
    return -1;
}

static void names_list(const struct field_names *names, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; i < names->count && used + 1 < size; i++) {
        int more = snprintf(text + used, size - used, "%s%s", i ? ", " : "", names->name[i]);
        used += more > 0 ? (size_t)more : 0;
    }
}

static status fields_usual(struct source *source, const struct field_names *names)
{
    struct corpus *corpus = source->state->corpus;
    char list[512];
    int chosen = names_usual(names);
    names_list(names, list, sizeof list);
    if (chosen < 0)
        return fail(TACIT_BAD_DATA, "%s has no field of words%s%s: name the text with field=NAME",
                    source->path, names->count ? " among " : "", list);
    corpus->field[0] = names->name[chosen];
    if (names->count == 1)
        return TACIT_OK;
    return source_say(source, "field=%s is the text (of %s)", corpus->field[0], list);
}

static status fields_asked(struct source *source, const char *asked,
                           const struct field_names *names)
{
    struct corpus *corpus = source->state->corpus;
    char list[512], *rest, *copy = arena_text(&source->state->arena, "%s", asked);
    if (!copy)
        return TACIT_RESOURCES;
    names_list(names, list, sizeof list);
    corpus->texts = 0;
    for (char *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        int found = names_find(names, name, corpus->format == &format_csv);
        if (corpus->texts == CORPUS_MOST_TEXTS)
            return fail(TACIT_USAGE, "field=%s: more than %d fields", asked, CORPUS_MOST_TEXTS);
        if (found < 0)
            return fail(TACIT_BAD_DATA, "field=%s: %s has no field %s; it has %s", asked,
                        source->path, name, list);
        corpus->field[corpus->texts++] = names->name[found];
    }
    return corpus->texts ? TACIT_OK : fail(TACIT_USAGE, "field=%s names no field", asked);
}

status corpus_choose_fields(struct source *source)
{
    struct corpus *corpus = source->state->corpus;
    const char *asked = source->state->options->field;
    bool chosen = asked && asked[0] && strcmp(asked, "auto") != 0;
    if (!corpus->format->fields) {
        if (chosen && !source->state->options->field_usual)
            return fail(TACIT_USAGE,
                        "field=%s: %s is plain text, which has no fields (JSON lines, CSV and TREC "
                        "have)",
                        asked, source->path);
        return TACIT_OK;
    }
    struct field_names *names = arena_new(&source->state->arena, 1, sizeof *names);
    if (!names)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < corpus->files && names->count == 0; i++) {
        struct text_file *file = &corpus->file[i];
        if (!file->bytes || !file->size)
            continue;
        if (corpus->format->open && !file->shape)
            TRY(corpus->format->open(corpus, &source->state->arena, file));
        TRY(corpus->format->fields(&source->state->arena, file, names));
    }
    /* Without one good record, corpus_judge will say what is wrong with them. */
    if (names->count == 0) {
        corpus->field[0] = usual[0];
        return TACIT_OK;
    }
    return chosen ? fields_asked(source, asked, names) : fields_usual(source, names);
}

status corpus_list_fields(struct source *source, char *text, size_t size)
{
    const struct corpus *corpus = source->state->corpus;
    struct field_names *names = arena_new(&source->state->arena, 1, sizeof *names);
    if (!names)
        return TACIT_RESOURCES;
    for (size_t i = 0; corpus->format->fields && i < corpus->files && names->count == 0; i++)
        if (corpus->file[i].bytes && corpus->file[i].size)
            TRY(corpus->format->fields(&source->state->arena, &corpus->file[i], names));
    names_list(names, text, size);
    return TACIT_OK;
}
