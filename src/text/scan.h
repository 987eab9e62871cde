/* Pre-tokenizers by hand: where a text is cut into words before pieces are looked for. */
#ifndef TEXT_SCAN_H
#define TEXT_SCAN_H

#include "text/unicode.h"

/* One pattern that users can name. */
struct scanner {
    const char *name, *help;
    const char *expressions[4]; /* its spellings in tokenizer.json, our own first; ends with NULL */
    bool byte_level;            /* the ByteLevel pre-tokenizer splits by itself */
    /* The end of the word that begins at `at` (< end). A bad byte is a character of its own that is
     * neither letter nor number nor space. */
    const uint8_t *(*next)(const struct unicode_table *table, const uint8_t *at,
                           const uint8_t *end);
};

/* All rows; the list ends with NULL. scanner_find: NULL when no row has the name or spelling. */
extern const struct scanner *const scanners[];
const struct scanner *scanner_find(const char *name);
const struct scanner *scanner_of_expression(const char *expression);

/* The last place in (0, count) where the text may be cut so that both parts give the words of the
 * whole, by every pattern and by BERT's rules: before a blank that follows an ASCII character that
 * is none. 0 when there is none. scan_cut_after: the first such place at or behind `from`. */
size_t scan_cut(const uint8_t *bytes, size_t count);
size_t scan_cut_after(const uint8_t *bytes, size_t count, size_t from);

#endif
