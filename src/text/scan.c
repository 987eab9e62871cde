#include "text/scan.h"

#include <string.h>

enum { GPT_BITS = UNICODE_LETTER | UNICODE_NUMBER | UNICODE_SPACE };

typedef const struct unicode_table *unicode_tables;

/* The GPT class of the character at `at`, and its bytes. */
static inline unsigned class_at(unicode_tables table, const uint8_t *at, const uint8_t *end,
                                size_t *length)
{
    if (*at < 0x80) {
        *length = 1;
        return table->byte[*at] & GPT_BITS;
    }
    uint32_t character;
    *length = unicode_decode(at, end, &character);
    return unicode_class_of(table, character) & GPT_BITS;
}

/* The end of the run of characters of one GPT class, `most` characters at most. */
static inline const uint8_t *run_end(unicode_tables table, const uint8_t *at, const uint8_t *end,
                                     unsigned class, size_t most)
{
    size_t length;
    for (; at < end && most > 0 && class_at(table, at, end, &length) == class; most--)
        at += length;
    return at;
}

/* The length of 's 't 're 've 'm 'll 'd at an apostrophe, or 0. `fold`: capitals too, and the long
 * s, whose capital is S. */
static inline size_t contraction(const uint8_t *at, const uint8_t *end, bool fold)
{
    size_t left = (size_t)(end - at);
    if (left < 2 || *at != '\'')
        return 0;
    uint8_t case_bit = fold ? 0x20 : 0;
    uint8_t one = at[1] | case_bit, two = left > 2 ? at[2] | case_bit : 0;
    if (one == 's' || one == 't' || one == 'm' || one == 'd')
        return 2;
    if ((one == 'r' && two == 'e') || (one == 'v' && two == 'e') || (one == 'l' && two == 'l'))
        return 3;
    return fold && left > 2 && at[1] == 0xc5 && at[2] == 0xbf ? 3 : 0;
}

/* \s+(?!\S)|\s+ at white space: all of it at the end of the text, else all but the last. */
static const uint8_t *spaces_end(unicode_tables table, const uint8_t *at, const uint8_t *end)
{
    size_t length;
    const uint8_t *start = at, *last = at;
    while (at < end && class_at(table, at, end, &length) == UNICODE_SPACE) {
        last = at;
        at += length;
    }
    return at == end || last == start ? at : last;
}

static const uint8_t *next_gpt2(unicode_tables table, const uint8_t *at, const uint8_t *end)
{
    size_t length, short_form = contraction(at, end, false);
    if (short_form)
        return at + short_form;
    const uint8_t *word = at + (*at == ' ' && at + 1 < end);
    unsigned class = class_at(table, word, end, &length);
    if (class == UNICODE_SPACE)
        return spaces_end(table, at, end);
    return run_end(table, word + length, end, class, SIZE_MAX);
}

static inline bool is_line_end(uint8_t byte)
{
    return byte == '\n' || byte == '\r';
}

/* White space of GPT-4's pattern: up to the last line end in it, if there is one. */
static const uint8_t *lines_end(unicode_tables table, const uint8_t *at, const uint8_t *end,
                                bool whole_at_end)
{
    size_t length;
    const uint8_t *line = NULL, *run = at;
    for (; run < end && class_at(table, run, end, &length) == UNICODE_SPACE; run += length)
        if (is_line_end(*run))
            line = run + 1;
    if (line && !(whole_at_end && run == end))
        return line;
    return spaces_end(table, at, end);
}

static inline const uint8_t *next_gpt4(unicode_tables table, const uint8_t *at, const uint8_t *end,
                                       bool whole_at_end)
{
    size_t length, next_length, short_form = contraction(at, end, true);
    if (short_form)
        return at + short_form;
    unsigned class = class_at(table, at, end, &length);
    if (class == UNICODE_LETTER)
        return run_end(table, at + length, end, UNICODE_LETTER, SIZE_MAX);
    if (class == UNICODE_NUMBER)
        return run_end(table, at, end, UNICODE_NUMBER, 3);
    const uint8_t *next = at + length;
    unsigned follows = next < end ? class_at(table, next, end, &next_length) : UNICODE_SPACE;
    if (follows == UNICODE_LETTER && !is_line_end(*at))
        return run_end(table, next + next_length, end, UNICODE_LETTER, SIZE_MAX);
    if (class == UNICODE_SPACE && !(*at == ' ' && follows == 0))
        return lines_end(table, at, end, whole_at_end);
    const uint8_t *run = run_end(table, next, end, 0, SIZE_MAX);
    while (run < end && is_line_end(*run))
        run++;
    return run;
}

static const uint8_t *next_gpt4_published(unicode_tables table, const uint8_t *at,
                                          const uint8_t *end)
{
    return next_gpt4(table, at, end, false);
}

static const uint8_t *next_gpt4_possessive(unicode_tables table, const uint8_t *at,
                                           const uint8_t *end)
{
    return next_gpt4(table, at, end, true);
}

static const uint8_t *next_none(unicode_tables table, const uint8_t *at, const uint8_t *end)
{
    (void)table;
    (void)at;
    return end;
}

static const struct scanner gpt2 = {
    .name = "gpt2",
    .help = "GPT-2's pattern: 's and the like; an optional blank and letters, digits or others",
    .expressions = { "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"
                     "\\s+(?!\\S)|\\s+",
                     "'(?:[sdmt]|ll|ve|re)| ?\\p{L}++| ?\\p{N}++| ?[^\\s\\p{L}\\p{N}]++|\\s++$|"
                     "\\s+(?!\\S)|\\s",
                     NULL },
    .byte_level = true,
    .next = next_gpt2,
};

static const struct scanner gpt4 = {
    .name = "gpt4",
    .help = "GPT-4's pattern: short forms in capitals too, at most three digits, lines apart",
    .expressions = { "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
                     " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
                     "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
                     " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
                     "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}|"
                     " ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
                     NULL },
    .next = next_gpt4_published,
};

/* tiktoken's own spelling is not read from files: Hugging Face's engine takes its {1,3}+ otherwise.
 */
static const struct scanner cl100k = {
    .name = "cl100k",
    .help = "as gpt4, but white space at the very end of a text is one word, as in tiktoken 0.14",
    .expressions = { "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
                     " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s+\\z|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
                     NULL },
    .next = next_gpt4_possessive,
};

static const struct scanner none = {
    .name = "none",
    .help = "a text is not cut; pieces may reach over blanks",
    .expressions = { NULL },
    .next = next_none,
};

const struct scanner *const scanners[] = { &gpt2, &gpt4, &cl100k, &none, NULL };

const struct scanner *scanner_find(const char *name)
{
    for (size_t i = 0; scanners[i]; i++)
        if (strcmp(scanners[i]->name, name) == 0)
            return scanners[i];
    return NULL;
}

const struct scanner *scanner_of_expression(const char *expression)
{
    for (size_t i = 0; scanners[i]; i++)
        for (size_t k = 0; scanners[i]->expressions[k]; k++)
            if (strcmp(scanners[i]->expressions[k], expression) == 0)
                return scanners[i];
    return NULL;
}

static inline bool is_cut(const uint8_t *at)
{
    return at[0] == ' ' && at[-1] > ' ' && at[-1] < 0x7f;
}

size_t scan_cut(const uint8_t *bytes, size_t count)
{
    for (size_t at = count; at > 1; at--)
        if (is_cut(bytes + at - 1))
            return at - 1;
    return 0;
}

size_t scan_cut_after(const uint8_t *bytes, size_t count, size_t from)
{
    for (size_t at = from > 0 ? from : 1; at < count; at++)
        if (is_cut(bytes + at))
            return at;
    return count;
}
