/* Texts that grow, numbers as text, UTF-8, and the distance between words. Nothing here depends on
 * the locale: the decimal point is a point. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow at the end; start with `struct text text = { 0 };`. A zero byte follows the last
 * one. After a failed append the text stays failed, so that a writer may check once, at the end. */
struct text {
    char *bytes;
    size_t length, capacity;
    bool failed;
};

/* Appends as printf does. TACIT_RESOURCES when memory is out (also after an earlier failure). */
status text_append(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends `count` bytes as they are. */
status text_append_bytes(struct text *text, const void *bytes, size_t count);

/* Appends the decimal of the fewest digits, 15 at least and 17 at most, that reads back as `value`
 * (closing zeroes left out); "nan", "inf" and "-inf" for what is not finite. */
status text_append_real(struct text *text, double value);

/* Makes room for `count` more bytes and a closing zero, so that appending them cannot fail. */
status text_reserve(struct text *text, size_t count);

/* TACIT_OK, or TACIT_RESOURCES with a message when an append failed. */
status text_status(const struct text *text);

/* The text as a C string; "" when nothing was appended. It lives until the next append. */
const char *text_string(const struct text *text);

/* Empties the text (and its failure) and keeps its memory; frees it. */
void text_clear(struct text *text);
void text_free(struct text *text);

/* Reads all of `string` as a whole decimal number, or as a finite real in decimal notation; false
 * (and *value untouched) if it is anything else or does not fit. */
bool text_read_integer(const char *string, int64_t *value);
bool text_read_real(const char *string, double *value);

/* Whether the bytes are well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no
 * surrogates). text_utf8_length: bytes of the character at `bytes`, 0 if it is malformed. */
bool text_is_utf8(const void *bytes, size_t count);
size_t text_utf8_length(const void *bytes, size_t count);

/* Number of insertions, deletions, substitutions and swaps of neighbours that turn a into b
 * (optimal string alignment), upper and lower case alike, '-' and '_' alike. Words of more than 63
 * bytes are infinitely far (SIZE_MAX) from all others. */
size_t text_distance(const char *a, const char *b);

/* Whether a word typed as `word` may well have been meant as one at this distance. */
bool text_is_close(const char *word, size_t distance);

/* Whether a text ends so. */
bool text_ends(const char *text, const char *ending);

#endif
