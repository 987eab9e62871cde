/* Texts as samples: files of one format, and where in them the records are. Plain files are mapped
 * (many small ones read when asked for), packed ones and members of archives lie in a spool. */
#ifndef DATA_CORPUS_H
#define DATA_CORPUS_H

#include "data/source_type.h"
#include "data/spool.h"
#include "data/text_look.h"
#include "io/archive.h"
#include "io/file.h"

enum { CORPUS_MOST_TEXTS = 16, CORPUS_NAMED = 3, CORPUS_MOST_FIELDS = 256 };

/* Columns of a CSV file. */
struct csv_shape;

struct text_file {
    const char *name, *path; /* path: NULL for a member of an archive */
    const uint8_t *bytes;    /* [size], without a byte order mark; NULL: read when asked for */
    uint64_t size;
    struct file_map map;
    uint64_t place; /* in the spool, if spooled */
    bool spooled;
    size_t first; /* number of its first sample */
    struct look look;
    const struct csv_shape *shape;
};

enum record { RECORD_NONE, RECORD_TEXT, RECORD_EMPTY, RECORD_BROKEN };

/* Names of the fields that a file's records have, and which of them hold words. */
struct field_names {
    const char *name[CORPUS_MOST_FIELDS];
    bool words[CORPUS_MOST_FIELDS];
    int count;
};

struct corpus;

/* How the records of a file are told apart and read. All but `next` and `value` may be NULL. */
struct text_format {
    const struct source_type *type;
    const char *unit; /* of a record, in messages: "line", "row", "record" */
    /* Looks at a file's header; called once, for every file. */
    status (*open)(struct corpus *corpus, struct arena *arena, struct text_file *file);
    /* Lists the fields; NULL: the format has none. */
    status (*fields)(struct arena *arena, const struct text_file *file, struct field_names *names);
    /* The record that begins at or after *at: its beginning and, in *at, its end. It is broken if
     * it lacks one of corpus->field; *why is then a constant text. */
    enum record (*next)(const struct corpus *corpus, const struct text_file *file, size_t *at,
                        size_t *begin, const char **why);
    /* A field of a record. `field` is NULL if the format has none. */
    status (*value)(const struct text_file *file, size_t begin, const char *field,
                    struct bytes *value, bool *found);
    bool whole; /* a file is one record: nothing is stored for it, it may stay unmapped */
};

extern const struct text_format format_json, format_trec, format_csv, format_document,
    format_paragraphs, format_lines;

struct corpus {
    const struct text_format *format;
    struct text_file *file;
    size_t files, capacity;
    uint64_t *begin; /* of records, [samples] or, parallel, [samples, texts] */
    size_t begins, begin_capacity;
    const char *field[CORPUS_MOST_TEXTS]; /* NULL: the format has no fields */
    const char *wanted, *asked; /* the names in field= and in labels=field:NAME, or NULL */
    int texts;
    bool parallel; /* file k has text k of every sample */
    struct spool spool;
    size_t records, broken, empty;
    const char *why[CORPUS_NAMED];
};

/* The corpus of a source that has none yet, in source->state. */
status corpus_new(struct source *source);

/* Adds a file; names live as long as the source. */
status corpus_add(struct source *source, const char *path, const char *name, struct look look);

/* Adds a member of an archive: `head`, then what the walk still has of it, goes to the spool. */
status corpus_add_member(struct source *source, struct archive_walk *walk, const char *name,
                         struct look look, const void *head, size_t head_size);

/* Opens the files of most of the texts (census_kind), lists their records as samples, finds parts,
 * sets the source's kind and texts. */
status corpus_fill(struct source *source, const struct census *census);

/* Opens these files as parallel texts, line by line. */
status corpus_fill_parallel(struct source *source);

/* The names of the fields there are, with commas between them; "" in plain text. */
status corpus_list_fields(struct source *source, char *text, size_t size);

/* Harmless on NULL. */
void corpus_close(struct corpus *corpus);

/* As source_texts and source_field. */
status corpus_text(struct source *source, size_t index, int which, struct bytes *text);
status corpus_field(struct source *source, size_t index, const char *name, struct bytes *value,
                    bool *found);

/* What corpus_fill and corpus_fill_parallel share. */

/* Makes the bytes of all files at hand. */
status corpus_attach(struct source *source);

/* Counts a broken record or file; `place` of a record in the file's bytes, or -1. */
status corpus_broken(struct source *source, const struct text_file *file, int64_t place,
                     const char *why);

/* Appends the beginning of a record. */
status corpus_push(struct corpus *corpus, uint64_t begin);

/* An error if too many records were broken or none is left, else notes on what was left out. */
status corpus_judge(struct source *source);

/* Chooses corpus->field from options->field or by rule, of the names that the first file has. */
status corpus_choose_fields(struct source *source);

/* Drops a byte order mark; TACIT_BAD_DATA if the text is UTF-16. */
status text_begin(const char *name, const uint8_t **bytes, uint64_t *size);

/* Whether all is white space. */
bool text_blank(const uint8_t *bytes, size_t size);

/* Where the line that begins at `begin` ends, its end (LF or CR LF) left out; *next: where the next
 * one begins. */
size_t text_line_end(const uint8_t *bytes, size_t size, size_t begin, size_t *next);

#endif
