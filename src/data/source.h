/* Where samples come from. A source is a numbered list of pictures or of texts with names, parts
 * (train, test) and labels if it has them; what a path holds is told by its content. */
#ifndef DATA_SOURCE_H
#define DATA_SOURCE_H

#include "data/field.h"
#include "data/image.h"

#include <stdint.h>

enum split { SPLIT_NONE, SPLIT_TRAIN, SPLIT_TEST };

struct sample {
    const char *name;  /* path within the source; of samples without own names, their file's */
    int64_t number;    /* such a sample's place in that file (line, row, …), else -1 */
    const char *group; /* related samples share a group; NULL if there are no groups */
    int32_t label;     /* class number, or -1: unlabelled */
    enum split split;
};

struct source_options {
    const char
        *labels;  /* auto (or NULL) | none | folders | filename:REGEX | field:NAME | FILE.csv */
    int channels; /* 1 or 3: all pictures are made so; 0: grey if all are grey, else RGB */
    size_t cache_bytes;      /* decoded pictures are kept up to so many bytes */
    bool strict;             /* the first unreadable sample is an error */
    enum wanted_kind wanted; /* pictures: texts alone are refused (TACIT_BAD_DATA) */
    const char *unit;        /* of plain text: auto (or NULL) = documents (a file is one) |
                              * paragraphs (parted by blank lines) | lines */
    const char *field; /* JSON member, column or tag with the text; several: "premise,hypothesis" */
    bool field_usual;  /* nobody insists on it: plain text, which has no fields, is read as it is */
};

struct broken_sample {
    size_t index;
    const char *why;
};

struct source {
    const struct source_type *type;
    enum sample_kind kind;
    const char *path; /* of the file or folder that is read, which may lie within the one given */
    size_t count;
    struct sample *sample;           /* [count] */
    int classes;                     /* 0: no labels */
    const char **class_name;         /* [classes] */
    bool labels_in_format;           /* labels came with the format, nobody chose them */
    bool has_parts;                  /* samples are marked train and test */
    double *target;                  /* [count] numbers of labels=field:NAME, NAN: none; or NULL */
    int texts;                       /* of every sample: 1, or more of pairs; 0: pictures */
    size_t skipped_broken;           /* records and files that cannot be read: no samples */
    size_t skipped_empty;            /* files and lines without text: no samples either */
    int channels;                    /* of every picture that source_read gives; 0: texts */
    int width, height;               /* the size all pictures have, or 0 if they differ */
    int middle_width, middle_height; /* the median size (of those looked at) */
    const char *note;                /* something the user should know, or NULL */
    struct source_state *state;
};

/* A sample's text, or an encoded picture: borrowed from the source or owned. */
struct bytes {
    const uint8_t *bytes;
    size_t size;
    void *storage; /* what bytes_free frees; NULL: borrowed until the source is closed */
};

void bytes_free(struct bytes *bytes);

/* A row of the table of sources, for listings. */
struct source_row {
    const char *name, *doc;
};

/* The i-th kind of source there is, or {NULL, NULL} after the last. */
struct source_row source_row(int i);

/* Opens a file, a folder, a generator ("synth:shapes?count=1000") or parallel texts, line by line
 * ("train.de.gz,train.en.gz"). No picture is decoded yet, but samples are listed, and idx and CIFAR
 * sets and archives of pictures are read into memory. Texts are never: plain files are mapped,
 * packed ones unpacked once into a file without a name (in $TMPDIR, else /var/tmp or /tmp) that is
 * mapped; a line costs 41 bytes of memory, whatever its length. Where a folder or an archive holds
 * pictures and texts, the wanted kind is taken, and if either is wanted the pictures unless they
 * are less than a tenth of these files (texts beside pictures mostly describe them); a note says
 * what was left out. The caller frees the source with source_close. `options` may be NULL:
 * labels=auto, channels 0, a cache of 1 GiB, either kind. TACIT_BAD_DATA: missing, empty, not
 * recognised, damaged, or labels that do not fit; TACIT_USAGE: bad options; TACIT_RESOURCES. */
status source_open(const char *path, const struct source_options *options, struct source **source);
void source_close(struct source *source);

/* Picture `index` with source->channels channels. May be called by many threads at once. The pixels
 * are borrowed or owned: pass the image to image_free either way, before the source is closed.
 * TACIT_BAD_DATA: the picture cannot be read; it is noted (source_broken), and source_health says
 * whether that can be lived with. TACIT_RESOURCES. */
status source_read(struct source *source, size_t index, struct image *image);

/* Text `index`, or the `which`-th of its texts (0 … source->texts - 1): bytes as they are, NUL and
 * invalid UTF-8 included, without a byte order mark and, of a line, without its end; escapes of
 * JSON and XML and quotes of CSV are resolved. Only a record of JSON lines, CSV or TREC can be
 * empty. May be called by many threads at once; pass the bytes to bytes_free. TACIT_BAD_DATA: the
 * file cannot be read any more; it is noted as of source_read. TACIT_USAGE: pictures. */
status source_text(struct source *source, size_t index, struct bytes *text);
status source_texts(struct source *source, size_t index, int which, struct bytes *text);

/* All texts of a sample as one, `join` between them; the first by itself if `join` is NULL.
 * Threads, errors as above. */
status source_joined(struct source *source, size_t index, const char *join, struct bytes *text);

/* Any field of a record (JSON member, CSV column, TREC tag), such as its id; *found is false where
 * it has none of that name (also with null, and in plain text). Threads, errors as above. */
status source_field(struct source *source, size_t index, const char *name, struct bytes *value,
                    bool *found);

/* A hash of the sample's content (XXH64 of its file's bytes, or of its pixels or text where it has
 * no file of its own; of several texts, each seeds the next), to recognise samples again.
 * Thread-safe. Errors as of source_read. */
status source_hash(struct source *source, size_t index, uint64_t *hash);

/* TACIT_OK while at most 1 % of the samples were found unreadable (with `strict`: none), else
 * TACIT_BAD_DATA with a message that names the first few. */
status source_health(struct source *source);

/* How many samples were found unreadable so far. `*list` gets the first of them, in the order of
 * their discovery, `*listed` how many; it belongs to the source. */
size_t source_broken(struct source *source, const struct broken_sample **list, size_t *listed);

/* Whether that sample was found unreadable. */
bool source_is_broken(struct source *source, size_t index);

/* The sample's name in `text`: "train/cat/7.jpg" or "images-idx3-ubyte[17]". Returns `text`. */
enum { SAMPLE_NAME_BYTES = 4352 };
const char *source_name(const struct source *source, size_t index, char text[SAMPLE_NAME_BYTES]);

/* Number of samples of a part, and their indices in rising order into `index` (room for as many, or
 * NULL to count only). */
size_t source_part(const struct source *source, enum split split, uint32_t *index);

#endif
