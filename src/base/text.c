#include "base/text.h"
#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = 64 };

status text_reserve(struct text *text, size_t count)
{
    if (text->failed)
        return text_status(text);
    if (count < text->capacity - text->length)
        return TACIT_OK;
    size_t needed, wanted;
    if (__builtin_add_overflow(text->length, count, &needed) || needed > SIZE_MAX / 4) {
        text->failed = true;
        return text_status(text);
    }
    wanted = text->capacity ? text->capacity : 64;
    while (wanted <= needed)
        wanted *= 2;
    char *grown = memory_resize(text->bytes, wanted, 1);
    if (!grown) {
        text->failed = true;
        return TACIT_RESOURCES;
    }
    text->bytes = grown;
    text->capacity = wanted;
    return TACIT_OK;
}

status text_append_bytes(struct text *text, const void *bytes, size_t count)
{
    TRY(text_reserve(text, count));
    if (count)
        memcpy(text->bytes + text->length, bytes, count);
    text->length += count;
    text->bytes[text->length] = 0;
    return TACIT_OK;
}

status text_append(struct text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        text->failed = true;
    status result = text_reserve(text, length < 0 ? 0 : (size_t)length);
    if (result == TACIT_OK) {
        vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
    return result;
}

status text_append_real(struct text *text, double value)
{
    if (!isfinite(value))
        return text_append(text, "%s", isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
    char digits[40];
    double back;
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        for (char *at = digits; *at; at++)
            if (*at == ',') /* the decimal comma of some locales */
                *at = '.';
        if (text_read_real(digits, &back) && back == value)
            break;
    }
    return text_append_bytes(text, digits, strlen(digits));
}

status text_status(const struct text *text)
{
    return text->failed ? fail(TACIT_RESOURCES, "out of memory while building a text of %zu bytes",
                               text->length)
                        : TACIT_OK;
}

const char *text_string(const struct text *text)
{
    return text->bytes ? text->bytes : "";
}

void text_clear(struct text *text)
{
    text->length = 0;
    text->failed = false;
    if (text->bytes)
        text->bytes[0] = 0;
}

void text_free(struct text *text)
{
    memory_free(text->bytes);
    *text = (struct text){ 0 };
}

bool text_read_integer(const char *string, int64_t *value)
{
    const char *digits = string + (*string == '-' || *string == '+');
    if (!*digits || strspn(digits, "0123456789") != strlen(digits))
        return false;
    errno = 0;
    long long number = strtoll(string, NULL, 10);
    if (errno == ERANGE)
        return false;
    *value = number;
    return true;
}

static pthread_once_t locale_once = PTHREAD_ONCE_INIT;
static locale_t plain_locale;

static void locale_make(void)
{
    plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

bool text_read_real(const char *string, double *value)
{
    const char *digits = string + (*string == '-' || *string == '+');
    if (!*digits || strspn(digits, "0123456789.eE+-") != strlen(digits) ||
        !strpbrk(digits, "0123456789"))
        return false;
    pthread_once(&locale_once, locale_make);
    char *end;
    double number = plain_locale ? strtod_l(string, &end, plain_locale) : strtod(string, &end);
    if (*end || end == string || !isfinite(number))
        return false;
    *value = number;
    return true;
}

size_t text_utf8_length(const void *bytes, size_t count)
{
    const unsigned char *b = bytes;
    if (count == 0)
        return 0;
    if (b[0] < 0x80)
        return 1;
    if (b[0] < 0xC2 || b[0] > 0xF4)
        return 0;
    size_t length = b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : 4;
    if (count < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if (b[i] < 0x80 || b[i] > 0xBF)
            return 0;
    /* Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte. */
    if ((b[0] == 0xE0 && b[1] < 0xA0) || (b[0] == 0xED && b[1] > 0x9F) ||
        (b[0] == 0xF0 && b[1] < 0x90) || (b[0] == 0xF4 && b[1] > 0x8F))
        return 0;
    return length;
}

bool text_is_utf8(const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    while (count) {
        size_t length = text_utf8_length(at, count);
        if (!length)
            return false;
        at += length;
        count -= length;
    }
    return true;
}

static int fold(char c)
{
    return c == '-' ? '_' : tolower((unsigned char)c);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t text_distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    if (rows >= WORD_BYTES || columns >= WORD_BYTES)
        return SIZE_MAX;
    /* The row before the last one is needed for swaps of neighbours. */
    size_t storage[3][WORD_BYTES], *before = storage[0], *last = storage[1], *row = storage[2];
    for (size_t j = 0; j <= columns; j++)
        last[j] = j;
    for (size_t i = 1; i <= rows; i++) {
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t changed = fold(a[i - 1]) != fold(b[j - 1]);
            row[j] = smaller(last[j - 1] + changed, smaller(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1]))
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[columns];
}

bool text_is_close(const char *word, size_t distance)
{
    size_t length = strlen(word);
    return distance <= (length < 4 ? 1 : length < 8 ? 2 : length / 3);
}

bool text_ends(const char *text, const char *ending)
{
    size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}
