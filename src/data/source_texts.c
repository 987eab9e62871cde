/* The sources of texts: rows of the table, and what finds their files. */
#include "data/corpus.h"
#include "data/walk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool claimed_elsewhere(const struct probe *probe)
{
    struct look look = look_name_given(probe->name);
    return look.picture || (look.sure && look.kind == TEXT_NOT);
}

/* A file whose name and content speak of texts is one by content, any other that reads like text
 * only by name, so that other kinds of data may claim it. */
static enum claim claim_of(const struct probe *probe, enum text_kind kind)
{
    if (probe->folder) {
        size_t count;
        bool mine = probe->census && census_is_text(probe->census) &&
                    census_kind(probe->census, &count) == kind;
        return !mine ? CLAIM_NONE : probe->census->foreign ? CLAIM_BY_NAME : CLAIM_BY_CONTENT;
    }
    if (claimed_elsewhere(probe))
        return CLAIM_NONE;
    struct look name = look_name_given(probe->name);
    struct look look = look_file_given(probe->path, probe->name);
    if (look.kind != kind)
        return CLAIM_NONE;
    return name.kind == kind && !image_recognised(probe->head, probe->head_size) ? CLAIM_BY_CONTENT
                                                                                 : CLAIM_BY_NAME;
}

static enum claim json_recognise(const struct probe *probe)
{
    return claim_of(probe, TEXT_JSON);
}

static enum claim trec_recognise(const struct probe *probe)
{
    return claim_of(probe, TEXT_TREC);
}

static enum claim csv_recognise(const struct probe *probe)
{
    return claim_of(probe, TEXT_CSV);
}

static enum claim plain_recognise(const struct probe *probe)
{
    return claim_of(probe, TEXT_PLAIN);
}

struct gathering {
    struct source *source;
    struct census census;
};

static status text_gather(struct gathering *gathering, const char *path, const char *name,
                          struct look look)
{
    census_add(&gathering->census, look, name);
    return look.kind == TEXT_NOT ? TACIT_OK : corpus_add(gathering->source, path, name, look);
}

static status file_gather(void *argument, const char *path, const char *name)
{
    return text_gather(argument, path, name, look_file(path, name));
}

static status texts_open(struct source *source, const struct probe *probe)
{
    struct gathering gathering = { .source = source };
    TRY(corpus_new(source));
    if (probe->folder) {
        struct arena paths = { 0 };
        struct tree tree = {
            .root = probe->path, .arena = &paths, .visit = file_gather, .argument = &gathering
        };
        status result = tree_walk(&tree);
        arena_free(&paths);
        TRY(result);
    } else {
        TRY(text_gather(&gathering, probe->path, probe->name,
                        look_file_given(probe->path, probe->name)));
    }
    TRY(corpus_fill(source, &gathering.census));
    source->type = source->state->corpus->format->type;
    return TACIT_OK;
}

static void texts_close(struct source *source)
{
    (void)source; /* state->corpus is closed for all */
}

/* Several files with commas between them. */
bool source_is_parallel(const char *path)
{
    struct stat about;
    return path && strchr(path, ',') && stat(path, &about) != 0;
}

static enum claim parallel_recognise(const struct probe *probe)
{
    (void)probe; /* source_open asks source_is_parallel */
    return CLAIM_NONE;
}

static status parallel_open(struct source *source, const struct probe *probe)
{
    struct look look = { TEXT_PLAIN, true, false };
    char *rest, *list = arena_text(&source->state->arena, "%s", probe->path);
    TRY(corpus_new(source));
    if (!list)
        return TACIT_RESOURCES;
    for (char *path = strtok_r(list, ",", &rest); path; path = strtok_r(NULL, ",", &rest)) {
        struct stat about;
        const char *slash = strrchr(path, '/');
        if (stat(path, &about) != 0 || !S_ISREG(about.st_mode))
            return fail(TACIT_BAD_DATA,
                        "data=%s: %s is no file; files with commas between them are parallel "
                        "texts, line by line",
                        probe->path, path);
        TRY(corpus_add(source, path, slash ? slash + 1 : path, look));
    }
    return corpus_fill_parallel(source);
}

const struct source_type source_json = {
    .name = "jsonl",
    .doc = "texts as JSON lines (.jsonl, .ndjson): one object a line, field= names the text",
    .recognise = json_recognise,
    .open = texts_open,
    .close = texts_close,
};

const struct source_type source_trec = {
    .name = "trec",
    .doc = "texts as <doc> or <top> records of TREC collections and topics; field= names the tag",
    .recognise = trec_recognise,
    .open = texts_open,
    .close = texts_close,
};

const struct source_type source_csv = {
    .name = "csv",
    .doc = "texts in a column of .csv or .tsv files, with or without a header; field= names it",
    .recognise = csv_recognise,
    .open = texts_open,
    .close = texts_close,
};

const struct source_type source_plain = {
    .name = "text",
    .doc = "plain texts, packed or not: a file or a folder of them; unit=lines: each line is one, "
           "unit=paragraphs: what lies between empty lines",
    .recognise = plain_recognise,
    .open = texts_open,
    .close = texts_close,
};

const struct source_type source_parallel = {
    .name = "parallel",
    .doc = "parallel texts, line by line: data=train.de.gz,train.en.gz",
    .recognise = parallel_recognise,
    .open = parallel_open,
    .close = texts_close,
};
