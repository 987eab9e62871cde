/* TREC collections and topics: <doc> or <top> records with tags inside, closed or, as in old
 * topics, not. */
#include "data/corpus.h"
#include "data/utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { RECORDS_LOOKED_AT = 20, LONGEST_TAG = 64 };

static const struct {
    const char *open, *close;
} records[] = { { "<doc>", "</doc>" }, { "<top>", "</top>" } };

/* The first place from `at` on that holds `mark`, in either case; `end` if there is none. */
static size_t mark_find(const uint8_t *bytes, size_t end, size_t at, const char *mark)
{
    size_t length = strlen(mark);
    while (at < end) {
        const uint8_t *found = memchr(bytes + at, '<', end - at);
        if (!found || end - (size_t)(found - bytes) < length)
            return end;
        at = (size_t)(found - bytes);
        if (strncasecmp((const char *)found, mark, length) == 0)
            return at;
        at++;
    }
    return end;
}

/* The record that begins at or behind `at`: its kind, -1: none. One that is not closed ends where
 * the next one begins; *closed tells. */
static int record_find(const uint8_t *bytes, size_t size, size_t at, size_t *begin, size_t *end,
                       bool *closed)
{
    for (; at < size; at++) {
        const uint8_t *found = memchr(bytes + at, '<', size - at);
        if (!found)
            return -1;
        at = (size_t)(found - bytes);
        for (int kind = 0; kind < 2; kind++) {
            if (size - at < 5 || strncasecmp((const char *)found, records[kind].open, 5) != 0)
                continue;
            size_t next = mark_find(bytes, size, at + 5, records[kind].open);
            *begin = at;
            *end = mark_find(bytes, next, at + 5, records[kind].close);
            *closed = *end < next;
            return kind;
        }
    }
    return -1;
}

static enum record trec_next(const struct corpus *corpus, const struct text_file *file, size_t *at,
                             size_t *begin, const char **why)
{
    size_t end;
    bool closed;
    (void)corpus;
    int kind = record_find(file->bytes, file->size, *at, begin, &end, &closed);
    if (kind < 0)
        return RECORD_NONE;
    *at = closed ? end + strlen(records[kind].close) : end;
    *why = "the record is not closed";
    return closed ? RECORD_TEXT : RECORD_BROKEN;
}

/* The name of a tag at `at` (its '<'), lower case; 0 if there is none. *behind: what follows it. */
static size_t tag_name(const uint8_t *bytes, size_t end, size_t at, char name[LONGEST_TAG],
                       size_t *behind)
{
    size_t length = 0, i = at + 1;
    while (i < end && length < LONGEST_TAG - 1 &&
           (isalnum(bytes[i]) || bytes[i] == '_' || bytes[i] == '-' || bytes[i] == ':'))
        name[length++] = (char)tolower(bytes[i++]);
    name[length] = 0;
    while (i < end && bytes[i] != '>' && bytes[i] != '<')
        i++;
    if (i >= end || bytes[i] != '>')
        return 0;
    *behind = i + 1;
    return length;
}

/* The next tag in a record, and the bytes of its value: to its closing tag, or else to the next
 * tag. */
static bool tag_next(const uint8_t *bytes, size_t end, size_t *at, char name[LONGEST_TAG],
                     size_t *begin, size_t *close)
{
    char mark[LONGEST_TAG + 4];
    for (; *at < end; ++*at) {
        const uint8_t *found = memchr(bytes + *at, '<', end - *at);
        if (!found)
            return false;
        *at = (size_t)(found - bytes);
        if (!tag_name(bytes, end, *at, name, begin))
            continue;
        strcpy(mark, "</");
        strcat(mark, name);
        strcat(mark, ">");
        *close = mark_find(bytes, end, *begin, mark);
        if (*close == end)
            *close = mark_find(bytes, end, *begin, "<");
        *at = *close;
        return true;
    }
    return false;
}

/* A character reference of XML at `at`, or 0: what looks like another one stays as it is. */
static size_t reference_read(const uint8_t *bytes, size_t size, uint8_t *to, size_t *length)
{
    static const struct {
        const char *name;
        char meant;
    } names[] = {
        { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&apos;", '\'' }
    };
    char digits[12] = { 0 };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t wanted = strlen(names[i].name);
        if (size >= wanted && memcmp(bytes, names[i].name, wanted) == 0) {
            *to = (uint8_t)names[i].meant;
            *length = 1;
            return wanted;
        }
    }
    if (size < 4 || bytes[1] != '#')
        return 0;
    bool hexadecimal = bytes[2] == 'x' || bytes[2] == 'X';
    size_t count = 0, from = hexadecimal ? 3 : 2;
    while (from + count < size && count < 8 &&
           (hexadecimal ? isxdigit(bytes[from + count]) : isdigit(bytes[from + count]))) {
        digits[count] = (char)bytes[from + count];
        count++;
    }
    if (count == 0 || from + count >= size || bytes[from + count] != ';')
        return 0;
    *length = utf8_write((uint32_t)strtoul(digits, NULL, hexadecimal ? 16 : 10), to);
    return from + count + 1;
}

/* The value without tags inside, references resolved; it never grows: no character
 * is longer than the shortest reference to it. */
static size_t value_clean(const uint8_t *bytes, size_t size, uint8_t *to)
{
    char name[LONGEST_TAG];
    size_t length = 0, used, behind;
    for (size_t i = 0; i < size;) {
        if (bytes[i] == '<') {
            size_t tag = i + 1 < size && bytes[i + 1] == '/' ? i + 1 : i;
            if (tag_name(bytes, size, tag, name, &behind)) {
                i = behind;
                continue;
            }
        }
        size_t reference =
            bytes[i] == '&' ? reference_read(bytes + i, size - i, to + length, &used) : 0;
        if (reference) {
            i += reference;
            length += used;
        } else {
            to[length++] = bytes[i++];
        }
    }
    return length;
}

static void trim(const uint8_t **bytes, size_t *size)
{
    while (*size && text_blank(*bytes, 1)) {
        ++*bytes;
        --*size;
    }
    while (*size && text_blank(*bytes + *size - 1, 1))
        --*size;
}

static void record_at(const struct text_file *file, size_t at, size_t *begin, size_t *end)
{
    bool closed;
    if (record_find(file->bytes, file->size, at, begin, end, &closed) < 0)
        *begin = *end = file->size;
    else
        *begin += 5;
}

/* Values of a tag that occurs several times are joined by a line end. */
static status trec_value(const struct text_file *file, size_t place, const char *field,
                         struct bytes *value, bool *found)
{
    char name[LONGEST_TAG];
    const uint8_t *bytes = file->bytes;
    size_t begin, end, from, close, used = 0;
    uint8_t *text = NULL;
    *found = false;
    record_at(file, place, &begin, &end);
    while (tag_next(bytes, end, &begin, name, &from, &close)) {
        if (strcasecmp(name, field) != 0)
            continue;
        const uint8_t *part = bytes + from;
        size_t size = close - from;
        trim(&part, &size);
        if (!*found && !memchr(part, '<', size) && !memchr(part, '&', size)) {
            *value = (struct bytes){ part, size, NULL };
            *found = true;
            continue;
        }
        uint8_t *grown = memory_resize(text, used + value->size + size + 2, 1);
        if (!grown) {
            memory_free(text);
            return TACIT_RESOURCES;
        }
        if (*found && !text) {
            memcpy(grown, value->bytes, value->size);
            used = value->size;
        }
        text = grown;
        if (*found)
            text[used++] = '\n';
        used += value_clean(part, size, text + used);
        *value = (struct bytes){ text, used, text };
        *found = true;
    }
    return TACIT_OK;
}

static status name_add(struct arena *arena, const char *name, bool words, struct field_names *names)
{
    for (int i = 0; i < names->count; i++)
        if (strcmp(names->name[i], name) == 0) {
            names->words[i] |= words;
            return TACIT_OK;
        }
    if (names->count == CORPUS_MOST_FIELDS)
        return TACIT_OK;
    names->words[names->count] = words;
    names->name[names->count] = arena_text(arena, "%s", name);
    return names->name[names->count++] ? TACIT_OK : TACIT_RESOURCES;
}

static status trec_fields(struct arena *arena, const struct text_file *file,
                          struct field_names *names)
{
    char name[LONGEST_TAG];
    size_t at = 0, begin, end, from, close;
    bool closed;
    for (int i = 0; i < RECORDS_LOOKED_AT; i++) {
        if (record_find(file->bytes, file->size, at, &begin, &end, &closed) < 0)
            break;
        at = end;
        for (begin += 5; tag_next(file->bytes, end, &begin, name, &from, &close);) {
            bool words = false;
            for (size_t j = from; j < close; j++)
                words |= isalpha(file->bytes[j]) || file->bytes[j] >= 0x80;
            TRY(name_add(arena, name, words, names));
        }
    }
    return TACIT_OK;
}

const struct text_format format_trec = {
    .type = &source_trec,
    .unit = "record",
    .fields = trec_fields,
    .next = trec_next,
    .value = trec_value,
};
