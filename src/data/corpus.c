#include "data/corpus.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* More files than this are not all mapped: a process may have some 65,000 mappings. Then whole
 * documents below MAP_BYTES are read when asked for, and small files of records are spooled. */
enum { MOST_MAPS = 1024, MAP_BYTES = 16 << 20 };

static const struct text_format *const formats[TEXT_KINDS] = {
    [TEXT_JSON] = &format_json,
    [TEXT_TREC] = &format_trec,
    [TEXT_CSV] = &format_csv,
    [TEXT_PLAIN] = &format_document,
};

status corpus_new(struct source *source)
{
    const struct source_options *options = source->state->options;
    struct corpus *corpus = memory_new(1, sizeof *corpus);
    if (!corpus)
        return TACIT_RESOURCES;
    corpus->wanted = options->field;
    if (options->labels && !strncmp(options->labels, "field:", 6))
        corpus->asked = options->labels + 6;
    source->state->corpus = corpus;
    return TACIT_OK;
}

static status file_new(struct source *source, const char *name, struct look look,
                       struct text_file **file)
{
    struct corpus *corpus = source->state->corpus;
    void *block = corpus->file;
    char *kept = arena_text(&source->state->arena, "%s", name);
    if (!kept || !memory_reserve(&block, &corpus->capacity, corpus->files, sizeof *corpus->file))
        return TACIT_RESOURCES;
    corpus->file = block;
    *file = &corpus->file[corpus->files++];
    **file = (struct text_file){ .name = kept, .look = look };
    return TACIT_OK;
}

status corpus_add(struct source *source, const char *path, const char *name, struct look look)
{
    struct text_file *file;
    struct stat about;
    TRY(file_new(source, name, look, &file));
    file->path = arena_text(&source->state->arena, "%s", path);
    file->size = stat(path, &about) == 0 ? (uint64_t)about.st_size : 0;
    return file->path ? TACIT_OK : TACIT_RESOURCES;
}

status corpus_add_member(struct source *source, struct archive_walk *walk, const char *name,
                         struct look look, const void *head, size_t head_size)
{
    enum { BLOCK = 1 << 16 };
    struct spool *spool = &source->state->corpus->spool;
    struct text_file *file;
    uint64_t place = spool->size;
    uint8_t *block = memory_new(BLOCK, 1);
    status result = block ? spool_append(spool, head, head_size) : TACIT_RESOURCES;
    for (size_t got = 1; result == TACIT_OK && got;) {
        result = archive_walk_bytes(walk, block, BLOCK, &got);
        if (result == TACIT_OK)
            result = spool_append(spool, block, got);
    }
    memory_free(block);
    TRY(result);
    TRY(file_new(source, name, look, &file));
    file->spooled = true;
    file->place = place;
    file->size = spool->size - place;
    return TACIT_OK;
}

void corpus_close(struct corpus *corpus)
{
    if (!corpus)
        return;
    for (size_t i = 0; i < corpus->files; i++)
        file_map_close(&corpus->file[i].map);
    spool_close(&corpus->spool);
    memory_free(corpus->file);
    memory_free(corpus->begin);
    memory_free(corpus);
}

status text_begin(const char *name, const uint8_t **bytes, uint64_t *size)
{
    if (*size >= 2 && (!memcmp(*bytes, "\xFF\xFE", 2) || !memcmp(*bytes, "\xFE\xFF", 2)))
        return fail(TACIT_BAD_DATA,
                    "%s is UTF-16, but texts are read as UTF-8: convert it, such as by iconv -f "
                    "UTF-16 -t UTF-8",
                    name);
    if (*size >= 3 && memcmp(*bytes, "\xEF\xBB\xBF", 3) == 0) {
        *bytes += 3;
        *size -= 3;
    }
    return TACIT_OK;
}

bool text_blank(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != ' ' && (bytes[i] < '\t' || bytes[i] > '\r'))
            return false;
    return true;
}

size_t text_line_end(const uint8_t *bytes, size_t size, size_t begin, size_t *next)
{
    const uint8_t *found = memchr(bytes + begin, '\n', size - begin);
    size_t end = found ? (size_t)(found - bytes) : size;
    *next = found ? end + 1 : size;
    return found && end > begin && bytes[end - 1] == '\r' ? end - 1 : end;
}

status corpus_push(struct corpus *corpus, uint64_t begin)
{
    void *block = corpus->begin;
    if (!memory_reserve(&block, &corpus->begin_capacity, corpus->begins, sizeof begin))
        return TACIT_RESOURCES;
    corpus->begin = block;
    corpus->begin[corpus->begins++] = begin;
    return TACIT_OK;
}

static size_t line_at(const struct text_file *file, size_t place)
{
    size_t line = 1;
    for (size_t i = 0; i < place; i++)
        line += file->bytes[i] == '\n';
    return line;
}

status corpus_broken(struct source *source, const struct text_file *file, int64_t place,
                     const char *why)
{
    struct corpus *corpus = source->state->corpus;
    size_t number = corpus->broken++;
    if (number >= CORPUS_NAMED)
        return TACIT_OK;
    corpus->why[number] = place < 0 ? arena_text(&source->state->arena, "%s", why)
                                    : arena_text(&source->state->arena, "%s, line %zu: %s",
                                                 file->name, line_at(file, (size_t)place), why);
    return corpus->why[number] ? TACIT_OK : TACIT_RESOURCES;
}

/* Whether a file is packed is told by its first bytes. */
static status file_packed(const char *path, bool *packed)
{
    uint8_t *magic;
    size_t size;
    TRY(bytes_read(path, 8, &magic, &size));
    *packed = spool_packed(magic, size);
    memory_free(magic);
    return TACIT_OK;
}

static status file_attach(struct corpus *corpus, struct text_file *file)
{
    bool packed, many = corpus->files > MOST_MAPS;
    bool read_later = many && corpus->format->whole && file->size < MAP_BYTES;
    if (file->spooled || file->size == 0)
        return TACIT_OK;
    TRY(file_packed(file->path, &packed));
    if (packed || (many && !read_later && file->size < MAP_BYTES)) {
        uint64_t place = corpus->spool.size;
        TRY(spool_unpack(&corpus->spool, file->path));
        file->place = place;
        file->size = corpus->spool.size - place;
        file->spooled = true;
    } else if (!read_later) {
        TRY(file_map_open(file->path, &file->map));
        file->bytes = file->map.bytes;
        file->size = file->map.size;
    }
    return TACIT_OK;
}

/* A file that cannot be read leaves the list, and is counted. */
static status file_lose(struct source *source, struct text_file *file)
{
    file->size = 0;
    file->bytes = NULL;
    file->look.kind = TEXT_NOT;
    source->state->corpus->records++;
    return corpus_broken(source, file, -1, status_message());
}

status corpus_attach(struct source *source)
{
    struct corpus *corpus = source->state->corpus;
    for (size_t i = 0; i < corpus->files; i++) {
        status result = file_attach(corpus, &corpus->file[i]);
        if (result == TACIT_BAD_DATA)
            result = file_lose(source, &corpus->file[i]);
        TRY(result);
    }
    TRY(spool_map(&corpus->spool));
    for (size_t i = 0; i < corpus->files; i++) {
        struct text_file *file = &corpus->file[i];
        if (file->spooled && file->size)
            file->bytes = corpus->spool.map + file->place;
        if (!file->bytes)
            continue;
        if (text_begin(file->path ? file->path : file->name, &file->bytes, &file->size) != TACIT_OK)
            TRY(file_lose(source, file));
    }
    return TACIT_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct text_file *)a)->name, ((const struct text_file *)b)->name);
}

/* Keeps the files of one kind, in the order of their names; texts of other kinds are told of. */
static status files_select(struct source *source, enum text_kind kind, bool sure)
{
    struct corpus *corpus = source->state->corpus;
    size_t kept = 0, others = 0;
    const char *other = NULL;
    for (size_t i = 0; i < corpus->files; i++) {
        const struct text_file *file = &corpus->file[i];
        if (file->look.kind == kind && file->look.sure == sure) {
            corpus->file[kept++] = *file;
        } else if (file->look.sure) {
            other = !other || strcmp(file->name, other) < 0 ? file->name : other;
            others++;
        }
    }
    corpus->files = kept;
    if (kept)
        qsort(corpus->file, kept, sizeof *corpus->file, by_name);
    return others
               ? source_say(source,
                            "left out: %zu file%s with texts of another kind than %s, such as "
                            "%s; give them by themselves",
                            others, others == 1 ? "" : "s", kept ? corpus->file[0].name : "", other)
               : TACIT_OK;
}

static status file_scan(struct source *source, struct text_file *file)
{
    struct corpus *corpus = source->state->corpus;
    const struct text_format *format = corpus->format;
    size_t at = 0, begin = 0;
    const char *why = "";
    if (file->look.kind == TEXT_NOT)
        return TACIT_OK;
    if (format->whole) {
        corpus->empty += file->size == 0;
        corpus->records++;
        return file->size ? source_add(source, file->name, -1, SPLIT_NONE) : TACIT_OK;
    }
    if (!file->bytes || !file->size) {
        corpus->empty++;
        return TACIT_OK;
    }
    if (format->open)
        TRY(format->open(corpus, &source->state->arena, file));
    for (int64_t number = 0;; number++) {
        enum record record = format->next(corpus, file, &at, &begin, &why);
        if (record == RECORD_NONE)
            return TACIT_OK;
        corpus->records++;
        if (record == RECORD_EMPTY) {
            corpus->empty++;
        } else if (record == RECORD_BROKEN) {
            TRY(corpus_broken(source, file, (int64_t)begin, why));
        } else {
            TRY(corpus_push(corpus, begin));
            TRY(source_add(source, file->name, number, SPLIT_NONE));
        }
    }
}

status corpus_judge(struct source *source)
{
    struct corpus *corpus = source->state->corpus;
    const char *unit = corpus->format->unit;
    size_t seen = corpus->records;
    bool strict = source->state->options->strict;
    source->skipped_broken = corpus->broken;
    source->skipped_empty = corpus->empty;
    const char *const *why = corpus->why;
    if (corpus->broken > source_few(seen, strict) || (corpus->broken && source->count == 0)) {
        if (seen == 1)
            return fail(TACIT_BAD_DATA, "%s", why[0]);
        return fail(TACIT_BAD_DATA,
                    "%s: %zu of %zu %ss cannot be read%s: %s%s%s%s%s%s. Repair or remove %s",
                    source->path, corpus->broken, seen, unit,
                    strict ? ", and strict=true allows none" : ", more than 1 %", why[0],
                    why[1] ? "; " : "", why[1] ? why[1] : "", why[2] ? "; " : "",
                    why[2] ? why[2] : "", corpus->broken > CORPUS_NAMED ? "; …" : "",
                    corpus->broken > 1 ? "them" : "it");
    }
    if (source->count == 0)
        return fail(TACIT_BAD_DATA, "%s holds no text: all its files and lines are empty",
                    source->path);
    if (corpus->broken)
        TRY(source_say(source, "%zu of %zu %ss cannot be read and are left out, first %s",
                       corpus->broken, seen, unit, why[0]));
    if (corpus->empty)
        TRY(source_say(source, "%zu empty %s%s left out", corpus->empty, unit,
                       corpus->empty > 1 ? "s are" : " is"));
    return TACIT_OK;
}

/* Where several files of records are named like parts (x-train.csv, x-test.csv), they are them. */
static status parts_by_file(struct source *source)
{
    struct corpus *corpus = source->state->corpus;
    if (source->has_parts || corpus->format->whole || corpus->files < 2)
        return TACIT_OK;
    return source_find_parts_by_words(source);
}

static status unit_choose(const char *unit, enum text_kind kind, struct corpus *corpus)
{
    static const struct {
        const char *name;
        const struct text_format *format;
    } units[] = { { "", &format_document },
                  { "auto", &format_document },
                  { "documents", &format_document },
                  { "paragraphs", &format_paragraphs },
                  { "lines", &format_lines } };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(unit ? unit : "", units[i].name) == 0) {
            corpus->format = kind == TEXT_PLAIN ? units[i].format : formats[kind];
            return TACIT_OK;
        }
    return fail(TACIT_USAGE, "unit=%s: auto, documents, paragraphs and lines are allowed", unit);
}

status corpus_fill(struct source *source, const struct census *census)
{
    struct corpus *corpus = source->state->corpus;
    size_t count;
    enum text_kind kind = census_kind(census, &count);
    if (kind == TEXT_NOT)
        return fail(TACIT_BAD_DATA,
                    "%s holds no texts (.txt, .md, .jsonl, .csv, .tsv, TREC; packed or not)",
                    source->path);
    TRY(unit_choose(source->state->options->unit, kind, corpus));
    TRY(files_select(source, kind, census->sure[kind] == count));
    corpus->texts = 1;
    TRY(corpus_attach(source));
    TRY(corpus_choose_fields(source));
    source->kind = SAMPLE_TEXT;
    source->texts = corpus->texts;
    for (size_t i = 0; i < corpus->files; i++) {
        corpus->file[i].first = source->count;
        TRY(file_scan(source, &corpus->file[i]));
    }
    TRY(source_find_parts(source));
    TRY(parts_by_file(source));
    if (census->pictures)
        TRY(source_say(source, "left out: pictures beside the texts (%zu)", census->pictures));
    return corpus_judge(source);
}

/* The file of a sample: the last one whose first sample is not behind it. */
static const struct text_file *file_of(const struct corpus *corpus, size_t index)
{
    size_t low = 0, high = corpus->files;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (corpus->file[middle].first <= index)
            low = middle;
        else
            high = middle;
    }
    return &corpus->file[low];
}

/* A document that is not mapped. */
static status document_read(const struct text_file *file, struct bytes *text)
{
    uint8_t *block;
    size_t got;
    TRY(bytes_read(file->path, SIZE_MAX, &block, &got));
    const uint8_t *bytes = block;
    uint64_t size = got;
    status result = text_begin(file->path, &bytes, &size);
    if (result != TACIT_OK)
        memory_free(block);
    else
        *text = (struct bytes){ bytes, (size_t)size, block };
    return result;
}

status corpus_text(struct source *source, size_t index, int which, struct bytes *text)
{
    const struct corpus *corpus = source->state->corpus;
    bool found = true;
    *text = (struct bytes){ 0 };
    if (corpus->parallel) {
        const struct text_file *file = &corpus->file[which];
        size_t begin = (size_t)corpus->begin[index * (size_t)corpus->texts + (size_t)which];
        return corpus->format->value(file, begin, NULL, text, &found);
    }
    const struct text_file *file = file_of(corpus, index);
    if (!file->bytes)
        return document_read(file, text);
    size_t begin = corpus->format->whole ? 0 : (size_t)corpus->begin[index];
    return corpus->format->value(file, begin, corpus->field[which], text, &found);
}

status corpus_field(struct source *source, size_t index, const char *name, struct bytes *value,
                    bool *found)
{
    const struct corpus *corpus = source->state->corpus;
    *value = (struct bytes){ 0 };
    *found = false;
    if (!corpus->format->fields)
        return TACIT_OK;
    return corpus->format->value(file_of(corpus, index), (size_t)corpus->begin[index], name, value,
                                 found);
}
