/* Porter's stemmer. M. F. Porter 1980, "An algorithm for suffix stripping", Program 14(3), with the
 * two departures of its author's own programs (bli for abli, logi). m is the number of
 * vowel-consonant sequences of what precedes a suffix. */
#include "eval/words.h"

#include <string.h>

struct stem {
    char *word;
    size_t length;
};

static bool is_consonant(const char *word, size_t i)
{
    if (strchr("aeiou", word[i]))
        return false;
    return word[i] != 'y' || i == 0 || !is_consonant(word, i - 1);
}

/* m of the first `length` letters. */
static int measure(const char *word, size_t length)
{
    int m = 0;
    for (size_t i = 1; i < length; i++)
        m += is_consonant(word, i) && !is_consonant(word, i - 1);
    return m;
}

static bool has_vowel(const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_consonant(word, i))
            return true;
    return false;
}

static bool ends_double(const char *word, size_t length)
{
    return length > 1 && word[length - 1] == word[length - 2] && is_consonant(word, length - 1);
}

/* Consonant, vowel, consonant other than w, x, y at the end. */
static bool ends_short(const char *word, size_t length)
{
    return length > 2 && is_consonant(word, length - 1) && !is_consonant(word, length - 2) &&
           is_consonant(word, length - 3) && !strchr("wxy", word[length - 1]);
}

/* Whether the word ends so; *before: letters before the ending. */
static bool ends(const struct stem *stem, const char *ending, size_t *before)
{
    size_t length = strlen(ending);
    if (length > stem->length || memcmp(stem->word + stem->length - length, ending, length) != 0)
        return false;
    *before = stem->length - length;
    return true;
}

static void put(struct stem *stem, size_t before, const char *ending)
{
    memcpy(stem->word + before, ending, strlen(ending));
    stem->length = before + strlen(ending);
}

struct rule {
    const char *from, *to;
};

/* The first rule whose ending is there, if m of the rest is above `least`. */
static void apply(struct stem *stem, const struct rule *rule, int least)
{
    size_t before;
    for (; rule->from; rule++)
        if (ends(stem, rule->from, &before)) {
            if (measure(stem->word, before) > least)
                put(stem, before, rule->to);
            return;
        }
}

static void plurals(struct stem *stem)
{
    size_t before;
    if (ends(stem, "sses", &before) || ends(stem, "ies", &before))
        stem->length -= 2;
    else if (ends(stem, "s", &before) && !ends(stem, "ss", &before))
        stem->length--;
}

static void past_and_progress(struct stem *stem)
{
    static const struct rule whole[] = {
        { "at", "ate" }, { "bl", "ble" }, { "iz", "ize" }, { NULL, NULL }
    };
    size_t before;
    if (ends(stem, "eed", &before)) {
        stem->length -= measure(stem->word, before) > 0;
        return;
    }
    if (!(ends(stem, "ed", &before) || ends(stem, "ing", &before)) ||
        !has_vowel(stem->word, before))
        return;
    stem->length = before;
    for (const struct rule *rule = whole; rule->from; rule++)
        if (ends(stem, rule->from, &before)) {
            put(stem, before, rule->to);
            return;
        }
    if (ends_double(stem->word, stem->length) && !strchr("lsz", stem->word[stem->length - 1]))
        stem->length--;
    else if (measure(stem->word, stem->length) == 1 && ends_short(stem->word, stem->length))
        put(stem, stem->length, "e");
}

static void last_y(struct stem *stem)
{
    size_t before;
    if (ends(stem, "y", &before) && has_vowel(stem->word, before))
        stem->word[before] = 'i';
}

static const struct rule second[] = {
    { "ational", "ate" }, { "tional", "tion" }, { "enci", "ence" },   { "anci", "ance" },
    { "izer", "ize" },    { "bli", "ble" },     { "alli", "al" },     { "entli", "ent" },
    { "eli", "e" },       { "ousli", "ous" },   { "ization", "ize" }, { "ation", "ate" },
    { "ator", "ate" },    { "alism", "al" },    { "iveness", "ive" }, { "fulness", "ful" },
    { "ousness", "ous" }, { "aliti", "al" },    { "iviti", "ive" },   { "biliti", "ble" },
    { "logi", "log" },    { NULL, NULL },
};

static const struct rule third[] = {
    { "icate", "ic" }, { "ative", "" }, { "alize", "al" }, { "iciti", "ic" },
    { "ical", "ic" },  { "ful", "" },   { "ness", "" },    { NULL, NULL },
};

static void fourth(struct stem *stem)
{
    static const char *const endings[] = { "al",  "ance",  "ence", "er",  "ic",  "able", "ible",
                                           "ant", "ement", "ment", "ent", "ion", "ou",   "ism",
                                           "ate", "iti",   "ous",  "ive", "ize", NULL };
    size_t before;
    for (int i = 0; endings[i]; i++)
        if (ends(stem, endings[i], &before)) {
            bool ion = strcmp(endings[i], "ion") == 0;
            if (measure(stem->word, before) > 1 &&
                (!ion || (before && strchr("st", stem->word[before - 1]))))
                stem->length = before;
            return;
        }
}

static void fifth(struct stem *stem)
{
    size_t before;
    if (ends(stem, "e", &before)) {
        int m = measure(stem->word, before);
        if (m > 1 || (m == 1 && !ends_short(stem->word, before)))
            stem->length--;
    }
    if (stem->length && stem->word[stem->length - 1] == 'l' &&
        ends_double(stem->word, stem->length) && measure(stem->word, stem->length) > 1)
        stem->length--;
}

size_t word_stem(char *word, size_t length)
{
    struct stem stem = { word, length };
    for (size_t i = 0; i < length; i++)
        if (word[i] < 'a' || word[i] > 'z')
            return length;
    if (length < 3)
        return length;
    plurals(&stem);
    past_and_progress(&stem);
    last_y(&stem);
    apply(&stem, second, 0);
    apply(&stem, third, 0);
    fourth(&stem);
    fifth(&stem);
    return stem.length;
}
