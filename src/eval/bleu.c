#include "eval/bleu.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- The rule 13a, step by step as its regular expressions follow each other ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_point(char c)
{
    return c == '.' || c == ',';
}

/* ASCII signs that are words wherever they stand: all but ' , - . and letters and digits. */
static bool is_sign(char c)
{
    return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
           (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

/* Python's str.isspace, in UTF-8: bytes of the blank at `text`, 0 if there is none. */
static size_t blank_length(const char *text, size_t left)
{
    static const char *const wide[] = { "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80",
                                        "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
                                        "\xe2\x81\x9f", "\xe3\x80\x80" };
    unsigned char first = (unsigned char)text[0];
    if (first == ' ' || (first >= 0x09 && first <= 0x0d) || (first >= 0x1c && first <= 0x1f))
        return 1;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (strlen(wide[i]) <= left && memcmp(text, wide[i], strlen(wide[i])) == 0)
            return strlen(wide[i]);
    bool spaces = left >= 3 && memcmp(text, "\xe2\x80", 2) == 0; /* U+2000 … U+200A */
    return spaces && (unsigned char)text[2] >= 0x80 && (unsigned char)text[2] <= 0x8a ? 3 : 0;
}

static void replace(struct text *text, struct text *spare, const char *from, const char *to)
{
    size_t length = strlen(from);
    text_clear(spare);
    for (size_t i = 0; i < text->length;) {
        bool found = text->length - i >= length && memcmp(text->bytes + i, from, length) == 0;
        text_append_bytes(spare, found ? to : text->bytes + i, found ? strlen(to) : 1);
        i += found ? length : 1;
    }
    struct text swap = *text;
    *text = *spare;
    *spare = swap;
}

/* Puts spaces where `first` is followed by `second`: _f _s behind each, or before and between. */
static void part(struct text *text, struct text *spare, bool (*first)(char), bool negate_first,
                 bool (*second)(char), bool negate_second, const char *form)
{
    text_clear(spare);
    for (size_t i = 0; i < text->length;) {
        const char *at = text->bytes + i;
        bool pair =
            i + 1 < text->length && first(at[0]) != negate_first && second(at[1]) != negate_second;
        for (const char *f = form; pair && *f; f++)
            text_append_bytes(spare, *f == '1' ? at : *f == '2' ? at + 1 : " ", 1);
        if (!pair)
            text_append_bytes(spare, at, 1);
        i += pair ? 2 : 1;
    }
    struct text swap = *text;
    *text = *spare;
    *spare = swap;
}

static bool is_dash(char c)
{
    return c == '-';
}

static void signs_part(struct text *text, struct text *spare)
{
    text_clear(spare);
    for (size_t i = 0; i < text->length; i++) {
        bool sign = is_sign(text->bytes[i]);
        text_append_bytes(spare, " ", sign);
        text_append_bytes(spare, text->bytes + i, 1);
        text_append_bytes(spare, " ", sign);
    }
    struct text swap = *text;
    *text = *spare;
    *spare = swap;
}

/* Bytes without the blanks at the end. */
static size_t stripped(const char *text, size_t size)
{
    size_t end = 0;
    for (size_t i = 0, blank; i < size; i += blank ? blank : 1)
        if (!(blank = blank_length(text + i, size - i)))
            end = i + 1;
    return end;
}

static void words_join(const struct text *text, struct text *words)
{
    bool blank_before = false;
    for (size_t i = 0; i < text->length;) {
        size_t blank = blank_length(text->bytes + i, text->length - i);
        if (!blank) {
            text_append_bytes(words, " ", blank_before && words->length);
            text_append_bytes(words, text->bytes + i, 1);
        }
        blank_before = blank > 0;
        i += blank ? blank : 1;
    }
}

status bleu_words(const void *bytes, size_t size, struct text *words)
{
    struct text text = { 0 }, spare = { 0 };
    text_append_bytes(&text, bytes, stripped(bytes, size));
    replace(&text, &spare, "<skipped>", "");
    replace(&text, &spare, "-\n", "");
    replace(&text, &spare, "\n", " ");
    replace(&text, &spare, "&quot;", "\"");
    replace(&text, &spare, "&amp;", "&");
    replace(&text, &spare, "&lt;", "<");
    replace(&text, &spare, "&gt;", ">");
    text_clear(&spare);
    text_append(&spare, " ");
    text_append_bytes(&spare, text_string(&text), text.length);
    text_append(&spare, " ");
    signs_part(&spare, &text);
    part(&spare, &text, is_digit, true, is_point, false, "1 2 ");
    part(&spare, &text, is_point, false, is_digit, true, " 1 2");
    part(&spare, &text, is_digit, false, is_dash, false, "1 2 ");
    words_join(&spare, words);
    bool failed = text.failed || spare.failed;
    text_free(&text);
    text_free(&spare);
    return failed ? fail(TACIT_RESOURCES, "out of memory for the words of a text")
                  : text_status(words);
}

/* ---- Counts ---- */

struct word {
    const char *bytes;
    size_t size;
};

struct words {
    struct text text;
    struct word *word; /* [count] */
    size_t count;
    const struct word **gram; /* [count] where the n-grams of the moment begin */
};

static status words_find(struct words *words, const void *text, size_t size)
{
    TRY(bleu_words(text, size, &words->text));
    const char *at = text_string(&words->text);
    words->word = memory_new(words->text.length / 2 + 1, sizeof *words->word);
    words->gram = memory_new(words->text.length / 2 + 1, sizeof *words->gram);
    if (!words->word || !words->gram)
        return TACIT_RESOURCES;
    for (size_t left = words->text.length; left;) {
        const char *end = memchr(at, ' ', left);
        size_t length = end ? (size_t)(end - at) : left;
        words->word[words->count++] = (struct word){ at, length };
        at += length + (end != NULL);
        left -= length + (end != NULL);
    }
    return TACIT_OK;
}

static void words_free(struct words *words)
{
    text_free(&words->text);
    memory_free(words->word);
    memory_free(words->gram);
}

static int gram_compare(const struct word *a, const struct word *b, int order)
{
    for (int i = 0; i < order; i++) {
        size_t least = a[i].size < b[i].size ? a[i].size : b[i].size;
        int differ = memcmp(a[i].bytes, b[i].bytes, least);
        if (differ || a[i].size != b[i].size)
            return differ ? differ : a[i].size < b[i].size ? -1 : 1;
    }
    return 0;
}

static int compare_grams(const void *a, const void *b, void *order)
{
    return gram_compare(*(const struct word *const *)a, *(const struct word *const *)b,
                        *(int *)order);
}

/* The n-grams in order; returns how many. */
static size_t grams_sort(struct words *words, int order)
{
    size_t count = words->count >= (size_t)order ? words->count - (size_t)order + 1 : 0;
    for (size_t i = 0; i < count; i++)
        words->gram[i] = words->word + i;
    qsort_r(words->gram, count, sizeof *words->gram, compare_grams, &order);
    return count;
}

/* An n-gram matches as often as it is in both. */
static void order_count(struct words *text, struct words *reference, int order, struct bleu *sums)
{
    size_t count = grams_sort(text, order), others = grams_sort(reference, order), other = 0;
    sums->total[order - 1] += (int64_t)count;
    for (size_t i = 0; i < count && other < others;) {
        int differ = gram_compare(text->gram[i], reference->gram[other], order);
        sums->matched[order - 1] += differ == 0;
        i += differ <= 0;
        other += differ >= 0;
    }
}

status bleu_add(struct bleu *sums, const void *text, size_t size, const void *reference,
                size_t reference_size)
{
    struct words words = { 0 }, others = { 0 };
    status result = words_find(&words, text, size);
    if (result == TACIT_OK)
        result = words_find(&others, reference, reference_size);
    for (int order = 1; order <= BLEU_ORDER && result == TACIT_OK; order++)
        order_count(&words, &others, order, sums);
    if (result == TACIT_OK) {
        sums->length += (int64_t)words.count;
        sums->reference_length += (int64_t)others.count;
    }
    words_free(&words);
    words_free(&others);
    return result;
}

/* BP exp(mean ln p_n), BP = exp(1 - reference / length) for texts that are too short. The k-th
 * order without a match counts as 2^-k matches (NIST's smoothing); an order without n-grams makes
 * it 0, as does a corpus without a match. */
struct bleu_score bleu_score(const struct bleu *sums)
{
    struct bleu_score score = { .penalty = 1 };
    double logarithms = 0, smooth = 1;
    if (sums->length < sums->reference_length)
        score.penalty =
            sums->length ? exp(1 - (double)sums->reference_length / (double)sums->length) : 0;
    if (!sums->matched[0])
        return score;
    bool whole = true;
    for (int n = 0; n < BLEU_ORDER && sums->total[n]; n++) {
        if (!sums->matched[n])
            smooth /= 2;
        score.precision[n] =
            100 * (sums->matched[n] ? (double)sums->matched[n] : smooth) / (double)sums->total[n];
    }
    for (int n = 0; n < BLEU_ORDER; n++) {
        whole = whole && score.precision[n] > 0;
        logarithms += whole ? log(score.precision[n]) : 0;
    }
    score.bleu = whole ? score.penalty * exp(logarithms / BLEU_ORDER) : 0;
    return score;
}
