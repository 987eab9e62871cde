/* Parallel texts: line n of each of several files is one sample. */
#include "data/corpus.h"

#include <string.h>

enum { LONGEST_NAME = 1024 };

/* "train.de.gz,train.en.gz" */
static const char *names_join(struct source *source)
{
    const struct corpus *corpus = source->state->corpus;
    char name[LONGEST_NAME] = "";
    for (size_t k = 0; k < corpus->files; k++) {
        if (strlen(name) + strlen(corpus->file[k].name) + 2 > sizeof name)
            break;
        strcat(name, k ? "," : "");
        strcat(name, corpus->file[k].name);
    }
    return arena_text(&source->state->arena, "%s", name);
}

static size_t lines_count(const struct text_file *file)
{
    size_t lines = 0;
    for (size_t at = 0; at < file->size; lines++)
        text_line_end(file->bytes, file->size, at, &at);
    return lines;
}

static status lines_pair(struct source *source, size_t lines)
{
    struct corpus *corpus = source->state->corpus;
    size_t at[CORPUS_MOST_TEXTS] = { 0 }, begin[CORPUS_MOST_TEXTS];
    const char *name = names_join(source);
    if (!name)
        return TACIT_RESOURCES;
    for (size_t line = 0; line < lines; line++) {
        bool empty = false;
        for (size_t k = 0; k < corpus->files; k++) {
            const struct text_file *file = &corpus->file[k];
            begin[k] = at[k];
            size_t end = text_line_end(file->bytes, file->size, at[k], &at[k]);
            empty |= text_blank(file->bytes + begin[k], end - begin[k]);
        }
        corpus->records++;
        corpus->empty += empty;
        if (empty)
            continue;
        TRY(source_add(source, name, (int64_t)line, SPLIT_NONE));
        for (size_t k = 0; k < corpus->files; k++)
            TRY(corpus_push(corpus, begin[k]));
    }
    return TACIT_OK;
}

status corpus_fill_parallel(struct source *source)
{
    struct corpus *corpus = source->state->corpus;
    size_t lines = 0;
    if (corpus->files < 2 || corpus->files > CORPUS_MOST_TEXTS)
        return fail(TACIT_USAGE, "data=%s: parallel texts are 2 to %d files", source->path,
                    CORPUS_MOST_TEXTS);
    corpus->format = &format_lines;
    corpus->parallel = true;
    corpus->texts = source->texts = (int)corpus->files;
    source->kind = SAMPLE_TEXT;
    TRY(corpus_attach(source));
    if (corpus->broken)
        return fail(TACIT_BAD_DATA, "%s", corpus->why[0]);
    TRY(corpus_choose_fields(source));
    for (size_t k = 0; k < corpus->files; k++) {
        size_t found = lines_count(&corpus->file[k]);
        if (k && found != lines)
            return fail(TACIT_BAD_DATA,
                        "%s has %zu lines, but %s has %zu: parallel texts have equally many",
                        corpus->file[k].name, found, corpus->file[0].name, lines);
        lines = found;
    }
    TRY(lines_pair(source, lines));
    return corpus_judge(source);
}
