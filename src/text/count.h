/* Counting the different words of a stream in bounded memory. */
#ifndef TEXT_COUNT_H
#define TEXT_COUNT_H

#include "text/pieces.h"
#include "text/tokenizer.h"

/* A table of words and how often each occurred. When it takes more than `limit` bytes, it is
 * written to a file of the scratch folder in sorted order and begun anew; word_count_finish merges
 * the files into a table of at most `keep` bytes. */
struct word_count {
    struct pieces words;
    uint64_t *count;
    size_t room, limit, keep;
    const char *scratch; /* folder; NULL: TMPDIR or /tmp */
    struct spill_file *spill;
    size_t spills, spill_room;
    uint64_t left_out; /* occurrences of words that were too rare to be kept */
};

/* Counts one word `times` times. TACIT_RESOURCES: no memory, or the scratch folder is full. */
status word_count_add(struct word_count *words, const void *bytes, size_t count, uint64_t times);

/* Merges what was spilled, so that all words are in the table; if they do not fit into `keep`
 * bytes, only those that occur often enough are kept, and `left_out` says how many occurrences the
 * others have. Without spills it does nothing. */
status word_count_finish(struct word_count *words);

void word_count_free(struct word_count *words);

/* Gives a stream to `body` in parts of a few MB at most that end where a text may be cut (a lone
 * word longer than that is cut at a character); `last`: the part ends its document. Fills in bytes
 * and documents of `facts`. */
status stream_parts(const struct text_stream *stream, struct tokenizer_facts *facts,
                    status (*body)(void *argument, const uint8_t *bytes, size_t count),
                    void *argument);

#endif
