/* Inside the sources: a row of their table, and what the rows share. */
#ifndef DATA_SOURCE_TYPE_H
#define DATA_SOURCE_TYPE_H

#include "data/source.h"
#include "data/probe.h"
#include "base/memory.h"

/* How sure a kind of source is that a path is its own. */
enum claim { CLAIM_NONE, CLAIM_BY_NAME, CLAIM_BY_CONTENT };

struct source_type {
    const char *name, *doc;
    bool labels_in_format;
    enum claim (*recognise)(const struct probe *probe);
    /* Adds the samples; sets size and channels where the format has them. Whatever it stores in
     * state->own is released by close(), which is called also after a failed open(). */
    status (*open)(struct source *source, const struct probe *probe);
    void (*close)(struct source *source);
    /* One of the two: finished pixels, or an encoded picture (at least its first `most` bytes). */
    status (*pixels)(struct source *source, size_t index, struct image *image);
    status (*encoded)(struct source *source, size_t index, size_t most, struct bytes *bytes);
    /* Of a type of texts neither: they come from state->corpus. */
    bool quick; /* encoded() costs no file access, so that every picture's header is looked at */
};

extern const struct source_type source_idx, source_cifar, source_archive, source_folder,
    source_file, source_synth, source_json, source_trec, source_csv, source_plain, source_parallel;

struct source_state {
    struct arena arena;                   /* names, classes; only while opening */
    size_t capacity;                      /* of source->sample */
    void *own;                            /* of the type */
    struct corpus *corpus;                /* of texts */
    const struct source_options *options; /* only while opening */
    struct source_cache *cache;
};

/* Adds to the note what the user should know. */
status source_say(struct source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Counts a sample as unreadable, once. */
void source_note_broken(struct source *source, size_t index, const char *why);

/* How many of `count` things may be broken: 1 %, and of few a few, but not most of them. */
size_t source_few(size_t count, bool strict);

/* Appends a sample without label; `name` must live as long as the source (its arena). */
status source_add(struct source *source, const char *name, int64_t number, enum split split);

/* Whether a name ends like that of a picture: then it is a sample, which may be broken. */
bool source_named_picture(const char *name);

/* Pictures in formats that are not read here. */
struct unread {
    size_t count;
    const char *first; /* by name */
};

/* Counts a file whose name or first bytes are those of such a picture; TACIT_RESOURCES. */
status unread_add(struct source *source, struct unread *unread, const char *name, const void *head,
                  size_t size);

/* Tells of them in the note. */
status unread_say(struct source *source, const struct unread *unread);

/* Sets the class names "0", "1", … */
status source_number_classes(struct source *source, int classes);

/* Replaces the class names by the lines of a file if there is one with so many lines. */
status source_read_classes(struct source *source, const char *folder, const char *file);

/* Sorts the samples by name, unless they are, and marks train and test parts by the first folder
 * below the one that all share. */
status source_find_parts(struct source *source);

/* The same by words in the samples' file names: x-train.csv, x.test.csv. Nothing is sorted. */
status source_find_parts_by_words(struct source *source);

/* Whether a path is a list of parallel texts. */
bool source_is_parallel(const char *path);

/* The name of the class folder of a sample: the first folder below the common one and the part.
 * Returns its length, 0 if there is none. */
size_t source_folder_class(const struct source *source, size_t index, const char **name);

#endif
