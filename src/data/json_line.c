#include "data/json_line.h"
#include "data/utf8.h"

#include <string.h>

enum { DEEPEST = 256 };

struct scan {
    const uint8_t *at, *end;
    const char *why;
    int depth;
    void (*member)(void *argument, const struct json_member *member);
    void *argument;
};

static bool wrong(struct scan *scan, const char *why)
{
    if (!scan->why)
        scan->why = scan->at >= scan->end ? "the line ends within a JSON value" : why;
    return false;
}

static void space_skip(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

static int hex_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9'   ? byte - '0'
           : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
           : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                        : -1;
}

/* After the backslash. */
static bool escape_scan(struct scan *scan)
{
    if (++scan->at >= scan->end || !*scan->at || !strchr("\"\\/bfnrtu", *scan->at))
        return wrong(scan, "a string has an unknown escape");
    if (*scan->at++ != 'u')
        return true;
    for (int i = 0; i < 4; i++, scan->at++)
        if (scan->at >= scan->end || hex_digit(*scan->at) < 0)
            return wrong(scan, "\\u needs four hexadecimal digits");
    return true;
}

/* From the quote to behind the closing one. */
static bool string_scan(struct scan *scan, const uint8_t **begin, size_t *size)
{
    *begin = ++scan->at;
    while (scan->at < scan->end && *scan->at != '"') {
        if (*scan->at < 0x20)
            return wrong(scan, "a string has an unescaped control character");
        if (*scan->at != '\\')
            scan->at++;
        else if (!escape_scan(scan))
            return false;
    }
    if (scan->at >= scan->end)
        return wrong(scan, "");
    *size = (size_t)(scan->at++ - *begin);
    return true;
}

static size_t digits_skip(struct scan *scan)
{
    const uint8_t *begin = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return (size_t)(scan->at - begin);
}

static bool number_scan(struct scan *scan)
{
    scan->at += *scan->at == '-';
    bool zero = scan->at < scan->end && *scan->at == '0';
    size_t digits = digits_skip(scan);
    if (digits == 0 || (zero && digits > 1))
        return wrong(scan, "a value is no JSON");
    if (scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        if (!digits_skip(scan))
            return wrong(scan, "a number has no digits behind its point");
    }
    if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
        scan->at++;
        if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
            scan->at++;
        if (!digits_skip(scan))
            return wrong(scan, "a number has no digits in its exponent");
    }
    return true;
}

static bool word_scan(struct scan *scan, enum member_kind *kind)
{
    static const struct {
        const char *word;
        enum member_kind kind;
    } words[] = { { "true", MEMBER_TRUE }, { "false", MEMBER_FALSE }, { "null", MEMBER_NULL } };
    for (int i = 0; i < 3; i++) {
        size_t length = strlen(words[i].word);
        if ((size_t)(scan->end - scan->at) >= length &&
            memcmp(scan->at, words[i].word, length) == 0) {
            *kind = words[i].kind;
            scan->at += length;
            return true;
        }
    }
    return wrong(scan, "a value is no JSON");
}

static bool value_scan(struct scan *scan, struct json_member *member);

/* The next member or element, then a comma or the end of the object or array. */
static bool item_scan(struct scan *scan, bool object, bool outermost, bool *last)
{
    struct json_member member = { 0 };
    space_skip(scan);
    if (object) {
        if (scan->at >= scan->end || *scan->at != '"')
            return wrong(scan, "an object's member has no name in quotes");
        if (!string_scan(scan, &member.key, &member.key_size))
            return false;
        space_skip(scan);
        if (scan->at >= scan->end || *scan->at != ':')
            return wrong(scan, "a colon is missing behind a member's name");
        scan->at++;
    }
    if (!value_scan(scan, &member))
        return false;
    if (outermost && scan->member)
        scan->member(scan->argument, &member);
    space_skip(scan);
    *last = scan->at < scan->end && *scan->at == (object ? '}' : ']');
    if (scan->at >= scan->end || (!*last && *scan->at != ','))
        return wrong(scan, "a comma or a closing bracket is missing");
    scan->at++;
    return true;
}

static bool items_scan(struct scan *scan, bool object)
{
    bool outermost = scan->depth == 0, last = false, good = true;
    if (++scan->depth > DEEPEST)
        return wrong(scan, "values are nested more than 256 deep");
    scan->at++;
    space_skip(scan);
    if (scan->at < scan->end && *scan->at == (object ? '}' : ']')) {
        scan->at++;
        last = true;
    }
    while (good && !last)
        good = item_scan(scan, object, outermost, &last);
    scan->depth--;
    return good;
}

static bool value_scan(struct scan *scan, struct json_member *member)
{
    space_skip(scan);
    const uint8_t *begin = scan->at;
    bool good;
    if (scan->at >= scan->end)
        return wrong(scan, "");
    if (*begin == '"') {
        member->kind = MEMBER_TEXT;
        return string_scan(scan, &member->value, &member->size);
    }
    if (*begin == '{' || *begin == '[') {
        member->kind = *begin == '{' ? MEMBER_OBJECT : MEMBER_ARRAY;
        good = items_scan(scan, *begin == '{');
    } else if (*begin == '-' || (*begin >= '0' && *begin <= '9')) {
        member->kind = MEMBER_NUMBER;
        good = number_scan(scan);
    } else {
        good = word_scan(scan, &member->kind);
    }
    member->value = begin;
    member->size = (size_t)(scan->at - begin);
    return good;
}

bool json_line_scan(const uint8_t *bytes, size_t size,
                    void (*member)(void *argument, const struct json_member *member),
                    void *argument, const char **why)
{
    struct scan scan = { bytes, bytes + size, NULL, 0, member, argument };
    space_skip(&scan);
    bool good = scan.at < scan.end && *scan.at == '{' ? items_scan(&scan, true)
                                                      : wrong(&scan, "it is no JSON object");
    space_skip(&scan);
    if (good && scan.at < scan.end) {
        scan.why = "something follows the JSON object";
        good = false;
    }
    *why = scan.why ? scan.why : "";
    return good;
}

static uint32_t unit_read(const uint8_t *digits)
{
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++)
        unit = unit << 4 | (uint32_t)hex_digit(digits[i]);
    return unit;
}

/* A \uXXXX, or two that are a surrogate pair, at `from` (its backslash); never longer than that. */
static const uint8_t *unicode_read(const uint8_t *from, const uint8_t *end, uint8_t **to)
{
    uint32_t code = unit_read(from + 2), low;
    from += 6;
    if (code >= 0xD800 && code < 0xDC00 && end - from >= 6 && from[0] == '\\' && from[1] == 'u' &&
        (low = unit_read(from + 2)) >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        from += 6;
    } else if (code >= 0xD800 && code < 0xE000) {
        code = 0xFFFD;
    }
    *to += utf8_write(code, *to);
    return from;
}

size_t json_line_text(const uint8_t *bytes, size_t size, uint8_t *to)
{
    static const char escapes[] = "bfnrt", meant[] = "\b\f\n\r\t";
    const uint8_t *end = bytes + size;
    uint8_t *begin = to;
    while (bytes < end) {
        if (*bytes != '\\' || end - bytes < 2) {
            *to++ = *bytes++;
        } else if (bytes[1] == 'u') {
            bytes = unicode_read(bytes, end, &to);
        } else {
            const char *found = strchr(escapes, bytes[1]);
            *to++ = found && *found ? (uint8_t)meant[found - escapes] : bytes[1];
            bytes += 2;
        }
    }
    return (size_t)(to - begin);
}

bool json_line_is(const struct json_member *member, const char *name)
{
    enum { LONGEST = 512 };
    uint8_t key[LONGEST];
    size_t length = strlen(name);
    if (!memchr(member->key, '\\', member->key_size))
        return member->key_size == length && memcmp(member->key, name, length) == 0;
    return member->key_size <= LONGEST &&
           json_line_text(member->key, member->key_size, key) == length &&
           memcmp(key, name, length) == 0;
}
