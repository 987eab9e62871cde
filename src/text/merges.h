/* Merges of byte-pair encoding: the table from pairs to ranks, applying it to one word, learning.
 */
#ifndef TEXT_MERGES_H
#define TEXT_MERGES_H

#include "base/status.h"
#include "text/encoder.h"
#include "text/pieces.h"

#include <stddef.h>
#include <stdint.h>

/* left + right become id; the rank of a merge is its place in the list. */
struct merge {
    uint32_t left, right, id;
};
struct merge_list {
    struct merge *merge;
    size_t count, room;
};

status merge_append(struct merge_list *list, struct merge merge);

/* From pairs to rank and id, by open addressing. */
struct merge_table {
    struct merge_slot {
        uint64_t pair; /* left << 32 | right; UINT64_MAX: free */
        uint32_t rank, id;
    } * slot;
    unsigned bits;
};

/* Makes the table of a list; of a pair listed twice the later entry counts, as in Hugging Face's
 * loader. TACIT_RESOURCES. */
status merge_table_make(const struct merge_list *list, struct merge_table *table);
void merge_table_free(struct merge_table *table);

/* Merges the `count` symbols of a word, in place: always the pair of the lowest rank, the leftmost
 * of equals. Returns how many symbols remain; on failure (memory for a long word) SIZE_MAX. */
size_t merges_apply(const struct merge_table *table, struct encoder *encoder, uint32_t *symbol,
                    size_t count);

/* Words to learn from: word w has the symbols symbol[begin[w]] … symbol[begin[w + 1] - 1] and
 * occurs count[w] times. The symbols are merged in place. */
struct merge_words {
    uint32_t *symbol, *length;
    uint64_t *begin, *count;
    size_t words;
};

/* Learns merges until `pieces` has `most` entries or no pair occurs `least` times: again and again
 * the most frequent pair, of equals the one with the smaller left id, then the smaller right id.
 * What a merge makes is added to `pieces`; the right part loses `continuing` at its front. */
status merges_learn(struct merge_words *words, struct pieces *pieces, const char *continuing,
                    size_t most, uint64_t least, struct merge_list *list);

#endif
