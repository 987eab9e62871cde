/* What tokenizers need of Unicode: classes of characters in one compact table, UTF-8 of untrusted
 * bytes, decomposition and small letters. Tables: utf8proc's, with the differences of those behind
 * the published tokenizers (unicode_ranges.h). */
#ifndef TEXT_UNICODE_H
#define TEXT_UNICODE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of a class. A character without any of the first three is "other" to GPT's patterns. */
enum unicode_class {
    UNICODE_LETTER = 1,       /* \p{L} */
    UNICODE_NUMBER = 2,       /* \p{N} */
    UNICODE_SPACE = 4,        /* \s: White_Space */
    UNICODE_DROPPED = 8,      /* BERT removes it: control, format, private, U+FFFD, a bad byte */
    UNICODE_PUNCTUATION = 16, /* BERT makes a word of it */
    UNICODE_IDEOGRAPH = 32,   /* BERT puts spaces round it */
    UNICODE_MARK = 64,        /* BERT strips it as an accent */
    UNICODE_FOLDED = 128      /* has a decomposition, a small letter or a combining class */
};

/* What a byte that is no part of well-formed UTF-8 decodes to, alone. Its class is only
 * UNICODE_DROPPED. */
enum { UNICODE_BAD = 0x110000 };

/* Pages of 256 characters, equal pages kept once. */
struct unicode_table {
    uint16_t page[(UNICODE_BAD >> 8) + 1];
    uint8_t *class;
    uint8_t byte[256]; /* class of the ASCII characters; 0 for the other bytes */
};

/* Makes the table at the first call of the process; any thread may call. TACIT_RESOURCES. */
status unicode_table_get(const struct unicode_table **table);

static inline unsigned unicode_class_of(const struct unicode_table *table, uint32_t character)
{
    return table->class[((uint32_t)table->page[character >> 8] << 8) | (character & 255)];
}

/* Decodes the character at `at` (before `end`); returns its bytes, 1 for a bad byte. */
static inline size_t unicode_decode(const uint8_t *at, const uint8_t *end, uint32_t *character)
{
    static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint32_t first = *at;
    *character = first;
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    *character = UNICODE_BAD;
    if (first < 0xc2 || first > 0xf4 || (size_t)(end - at) < length)
        return 1;
    uint32_t value = first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 1;
        value = value << 6 | (at[i] & 0x3f);
    }
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 1;
    *character = value;
    return length;
}

/* Writes a character as UTF-8 (4 bytes of room); returns the bytes written. */
size_t unicode_encode(uint32_t character, uint8_t *bytes);

/* The most characters that one character decomposes to. */
enum { UNICODE_DECOMPOSED = 20 };

/* Canonical decomposition (NFD) of one character, without reordering; returns how many. */
size_t unicode_decompose(uint32_t character, uint32_t out[UNICODE_DECOMPOSED]);

/* Canonical combining class; 0 for marks that BERT's older tables do not sort. */
int unicode_combining(uint32_t character);

/* The small letters of a character: one, or two for U+0130; returns how many. */
size_t unicode_lower(uint32_t character, uint32_t out[2]);

#endif
