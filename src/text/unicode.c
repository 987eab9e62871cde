#include "text/unicode.h"
#include "text/unicode_ranges.h"
#include "base/memory.h"

#include <pthread.h>
#include <string.h>
#include <utf8proc.h>

enum { PAGES = (UNICODE_BAD >> 8) + 1, PAGE = 256 };

#define IN(character, ranges) range_find(character, ranges, sizeof ranges / sizeof *ranges)

/* White_Space without the ASCII ones; CJK ideographs as the published tokenizers have them: the
 * fifth range begins at 2B920, not at 2B820. */
static const struct unicode_range spaces[] = {
    { 0x9, 0xd },       { 0x20, 0x20 },     { 0x85, 0x85 },     { 0xa0, 0xa0 },
    { 0x1680, 0x1680 }, { 0x2000, 0x200a }, { 0x2028, 0x2029 }, { 0x202f, 0x202f },
    { 0x205f, 0x205f }, { 0x3000, 0x3000 },
};
static const struct unicode_range ideographs[] = {
    { 0x3400, 0x4dbf },   { 0x4e00, 0x9fff },   { 0xf900, 0xfaff },   { 0x20000, 0x2a6df },
    { 0x2a700, 0x2b81f }, { 0x2b920, 0x2ceaf }, { 0x2f800, 0x2fa1f },
};
static const struct unicode_range ascii_punctuation[] = {
    { 33, 47 }, { 58, 64 }, { 91, 96 }, { 123, 126 }
};

/* Position of the character among all those of the ranges, or -1. */
static int range_find(uint32_t character, const struct unicode_range *ranges, size_t count)
{
    int before = 0;
    for (size_t i = 0; i < count && ranges[i].first <= character; i++) {
        if (character <= ranges[i].last)
            return before + (int)(character - ranges[i].first);
        before += (int)(ranges[i].last - ranges[i].first) + 1;
    }
    return -1;
}

size_t unicode_encode(uint32_t character, uint8_t *bytes)
{
    return (size_t)utf8proc_encode_char((utf8proc_int32_t)character, bytes);
}

size_t unicode_decompose(uint32_t character, uint32_t out[UNICODE_DECOMPOSED])
{
    utf8proc_int32_t parts[UNICODE_DECOMPOSED];
    int boundary = 0;
    utf8proc_ssize_t count = utf8proc_decompose_char(
        (utf8proc_int32_t)character, parts, UNICODE_DECOMPOSED, UTF8PROC_DECOMPOSE, &boundary);
    /* The one character whose decomposition is younger than BERT's tables. */
    if (count < 1 || count > UNICODE_DECOMPOSED || character == 0x11938) {
        out[0] = character;
        return 1;
    }
    for (utf8proc_ssize_t i = 0; i < count; i++)
        out[i] = (uint32_t)parts[i];
    return (size_t)count;
}

int unicode_combining(uint32_t character)
{
    if (character < 0x300 || IN(character, bert_not_combining) >= 0)
        return 0;
    return utf8proc_get_property((utf8proc_int32_t)character)->combining_class;
}

size_t unicode_lower(uint32_t character, uint32_t out[2])
{
    if (character == 0x130) { /* I with a dot above: i and a combining dot */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    int newer = character < 0x1c89 ? -1 : IN(character, newer_capitals);
    out[0] =
        newer >= 0 ? newer_smalls[newer] : (uint32_t)utf8proc_tolower((utf8proc_int32_t)character);
    return 1;
}

static unsigned gpt_class(uint32_t character, utf8proc_category_t category)
{
    if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO)
        return UNICODE_LETTER;
    if (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO)
        return UNICODE_NUMBER;
    if (IN(character, spaces) >= 0)
        return UNICODE_SPACE;
    if (character < 0x1c89)
        return 0;
    return IN(character, newer_letters) >= 0   ? UNICODE_LETTER
           : IN(character, newer_numbers) >= 0 ? UNICODE_NUMBER
                                               : 0;
}

static unsigned bert_class(uint32_t character, utf8proc_category_t category)
{
    unsigned bits = 0;
    bool kept = character == '\t' || character == '\n' || character == '\r' ||
                IN(character, bert_not_format) >= 0;
    if (!kept && (category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
                  category == UTF8PROC_CATEGORY_CO || character == 0xfffd))
        bits |= UNICODE_DROPPED;
    bool punctuation = category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO &&
                       (character < 0x80 || IN(character, bert_not_punctuation) < 0);
    if (punctuation || IN(character, ascii_punctuation) >= 0 ||
        IN(character, bert_punctuation) >= 0)
        bits |= UNICODE_PUNCTUATION;
    if (IN(character, ideographs) >= 0)
        bits |= UNICODE_IDEOGRAPH;
    bool mark = category == UTF8PROC_CATEGORY_MN && IN(character, bert_not_mark) < 0;
    if (mark || IN(character, bert_mark) >= 0)
        bits |= UNICODE_MARK;
    return bits;
}

static bool is_folded(uint32_t character)
{
    uint32_t parts[UNICODE_DECOMPOSED], small[2];
    return unicode_decompose(character, parts) != 1 || parts[0] != character ||
           unicode_lower(character, small) != 1 || small[0] != character ||
           unicode_combining(character) != 0;
}

static uint8_t class_make(uint32_t character)
{
    if (character >= UNICODE_BAD || (character >= 0xd800 && character < 0xe000))
        return UNICODE_DROPPED;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)character);
    unsigned bits = gpt_class(character, category) | bert_class(character, category);
    return (uint8_t)(bits | (is_folded(character) ? UNICODE_FOLDED : 0));
}

static struct unicode_table shared;
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

/* Fills the table page by page; `kept` has room for all pages. Returns the pages kept. */
static size_t table_fill(struct unicode_table *table, uint8_t *kept)
{
    size_t count = 0;
    for (uint32_t page = 0; page < PAGES; page++) {
        uint8_t *fresh = kept + count * PAGE;
        for (uint32_t i = 0; i < PAGE; i++)
            fresh[i] = class_make(page << 8 | i);
        size_t same = count; /* look at the latest pages first: equal ones come in rows */
        while (same > 0 && memcmp(kept + (same - 1) * PAGE, fresh, PAGE) != 0)
            same--;
        table->page[page] = (uint16_t)(same > 0 ? same - 1 : count);
        count += same == 0;
    }
    for (uint32_t i = 0; i < 0x80; i++)
        table->byte[i] = kept[i];
    return count;
}

status unicode_table_get(const struct unicode_table **table)
{
    status result = TACIT_OK;
    pthread_mutex_lock(&making);
    if (!shared.class) {
        uint8_t *kept = memory_new(PAGES, PAGE);
        if (kept) {
            size_t count = table_fill(&shared, kept);
            uint8_t *shrunk = memory_resize(kept, count, PAGE);
            shared.class = shrunk ? shrunk : kept;
        } else {
            result = TACIT_RESOURCES;
        }
    }
    pthread_mutex_unlock(&making);
    *table = &shared;
    return result;
}
