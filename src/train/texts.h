/* Between texts, tokenizer and method: the samples that a method asks for (struct text_request), as
 * the loader makes them. */
#ifndef TRAIN_TEXTS_H
#define TRAIN_TEXTS_H

#include "base/random.h"
#include "data/loader.h"
#include "methods/methods.h"
#include "train/token_file.h"

struct texts_options {
    struct source *source;
    const uint32_t *index; /* [count] samples of the source */
    size_t count;
    const struct tokenizer *tokenizer;
    const struct method *method; /* configured */
    double begin, stop;          /* the stretch of all text, 0 … 1; stop 0: all */
    /* Called with the share of the work that is done; false ends it with TACIT_STOPPED; or NULL. */
    bool (*advance)(void *argument, double share);
    void *argument;
};

/* What a field of a row is for. */
enum text_field {
    TEXT_TOKENS,
    TEXT_TARGETS,
    TEXT_GROUPS,
    TEXT_POSITIONS,
    TEXT_SEGMENTS,
    TEXT_PLACES,
    TEXT_RANDOM_NEXT,
    TEXT_TOKENS_1,
    TEXT_GROUPS_1,
    TEXT_TOKENS_2,
    TEXT_GROUPS_2,
    TEXT_FIELDS
};

/* The argument of texts_make. */
struct texts {
    struct source *source;
    const struct tokenizer *tokenizer;
    struct text_request request;
    const struct text_form_type *form;
    struct token_file file; /* of forms that cut samples out of all texts together */
    struct spool starts;    /* … of whole sentences: struct sentence_start [samples + 1] */
    int64_t samples;        /* how many there are */
    struct spool documents; /* of pairs: number of each one's first text [document_count + 1] */
    uint64_t document_count;
    int64_t several;        /* of pairs: samples of more than one sentence */
    const char *note;       /* something the user should know, or NULL */
    int field[TEXT_FIELDS]; /* where each lies in a row, or -1 */
    int64_t vocabulary;
    int32_t cls, sep, mask, pad; /* tokens; -1: none */
    int32_t *never;              /* [nevers] special tokens that stand for no other */
    int nevers;
    size_t scratch_bytes;
};

/* Encodes what the method needs. The tokenizer must outlive it. TACIT_USAGE: a tokenizer without
 * the special tokens that the method needs; TACIT_BAD_DATA: less text than one sample takes;
 * TACIT_RESOURCES. Close it with texts_close, also on failure. */
status texts_open(const struct texts_options *options, struct texts *texts);
void texts_close(struct texts *texts);

/* A loader_make; `argument` is a struct texts. Samples are those of the source, or, where they are
 * cut out of all texts together, numbered from 0. */
loader_make texts_make;

/* Where samples are single texts (TEXT_TUPLES, TEXT_FRAMES), so that one costs by its length:
 * whether they are; the tokens of the longest text of each, length [count]; and of the texts of a
 * batch, `argument` being a struct texts. TACIT_BAD_DATA: a text that cannot be encoded;
 * TACIT_RESOURCES. */
bool texts_single(const struct texts *texts);
status texts_lengths(struct texts *texts, const uint32_t *index, size_t count, uint32_t *length);
int64_t texts_longest(const void *argument, const struct batch *batch);

/* 8, 16, 24, 32, 48, 64, 96 …: the windows that short texts are run in. */
enum { WINDOW_LEAST = 8 };
int64_t window_next(int64_t window);

/* A text, or a pair, of the source by itself in its frame, cut to `window`: tokens, groups (1, and
 * 0 for padding) and segments [window], NULL: not wanted. *length: tokens without padding. Of a
 * single text that is longer the beginning is kept, or with a stream `anywhere` (else NULL) what
 * stands at a place that it draws. */
status texts_frame(struct source *source, const struct tokenizer *tokenizer, uint32_t sample,
                   int which, bool pair, struct random_stream *anywhere, int64_t window,
                   int32_t *tokens, int32_t *groups, int32_t *segments, int64_t *length);

/* ---- For the forms ---- */

struct text_form_type {
    /* Counts the samples of texts->file, or what else there is. */
    status (*open)(struct texts *texts, const struct texts_options *options);
    status (*make)(struct texts *texts, const struct turn *turn, void *const row[], void *scratch);
    bool sentences; /* the file is one of sentences */
    bool file;      /* there is one */
};
extern const struct text_form_type text_form_stream, text_form_pairs, text_form_sentences,
    text_form_tuples, text_form_frames;

/* Where a sample of sentences begins. */
struct sentence_start {
    uint64_t token, text, document;
};

/* The part of a row that a field takes, NULL if the method has no such field. */
int32_t *texts_field(const struct texts *texts, void *const row[], enum text_field field);

/* Hides tokens of row 0 … count - 1 as the request says and fills places and targets. `scratch` has
 * room for 3 window numbers. */
void texts_mask(const struct texts *texts, const struct turn *turn, void *const row[],
                int64_t count, void *scratch);

#endif
