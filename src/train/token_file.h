/* The texts of a source as one long row of token ids, text after text, in a file without a name
 * that is mapped: a corpus may be larger than memory. */
#ifndef TRAIN_TOKEN_FILE_H
#define TRAIN_TOKEN_FILE_H

#include "data/source.h"
#include "data/spool.h"
#include "text/tokenizer.h"

struct token_file {
    const uint32_t *id; /* [count] */
    uint64_t count;
    const uint64_t *end;    /* [texts] where each text ends */
    const uint32_t *sample; /* [texts] of the source: a document may be many texts, all not empty */
    uint64_t texts;
    uint64_t bytes;                  /* of the texts */
    struct spool ids, ends, samples; /* what the above lie in */
};

struct token_file_options {
    struct source *source;
    const uint32_t *index; /* [count] the samples to take */
    size_t count;
    const struct tokenizer *tokenizer;
    int64_t separator;  /* a token put behind every document, or -1 */
    const char *join;   /* between the texts of a sample; NULL: the first one is taken */
    bool sentences;     /* a text is a sentence, not a document */
    double begin, stop; /* takes this stretch of all bytes, 0 … 1; stop 0: all */
    size_t piece;       /* bytes encoded at a time; 0: 32 MiB */
    /* Called with the share of the work that is done, at least once a sample; false ends it with
     * TACIT_STOPPED; or NULL. */
    bool (*advance)(void *argument, double share);
    void *argument;
};

/* Encodes the texts, on all cores: the ids of a document in several texts are those of the whole.
 * Texts without tokens are left out. Samples that cannot be read are left out while source_health
 * allows. Close it with token_file_close, also on failure. TACIT_BAD_DATA: no text at all;
 * TACIT_RESOURCES: no memory, no room on the disk. */
status token_file_make(const struct token_file_options *options, struct token_file *file);
void token_file_close(struct token_file *file);

/* The end of the sentence at `begin`: behind . ! ? (and closing quotes or brackets) before a blank,
 * before an empty line, or at the end of the text. Blanks belong to the sentence behind them, those
 * that end the text to the last. */
size_t sentence_end(const uint8_t *text, size_t begin, size_t size);

#endif
