#include "eval/words.h"
#include "text/unicode.h"

#include <libstemmer.h>
#include <string.h>

enum { ROOM = LONGEST_WORD + 8 };

/* Those of Lucene's EnglishAnalyzer. */
static const char *const stop_words[] = {
    "a",    "an",    "and",   "are",  "as",   "at", "be",  "but",  "by",   "for",  "if",  "in",
    "into", "is",    "it",    "no",   "not",  "of", "on",  "or",   "such", "that", "the", "their",
    "then", "there", "these", "they", "this", "to", "was", "will", "with", NULL,
};

struct words {
    const struct unicode_table *table;
    enum word_rule rule;
    struct sb_stemmer *stemmer; /* of WORDS_ENGLISH */
    word_take *take;
    void *argument;
    char word[ROOM];
    size_t length;
};

static bool is_stop_word(const char *word)
{
    for (int i = 0; stop_words[i]; i++)
        if (strcmp(stop_words[i], word) == 0)
            return true;
    return false;
}

/* The stem of words of small letters a-z, in place; others, and words of two letters, stay. Returns
 * its length. */
static size_t word_stem(struct words *words, size_t length)
{
    if (length < 3 || strspn(words->word, "abcdefghijklmnopqrstuvwxyz") < length)
        return length;
    const sb_symbol *stem =
        sb_stemmer_stem(words->stemmer, (const sb_symbol *)words->word, (int)length);
    int stemmed = stem ? sb_stemmer_length(words->stemmer) : 0;
    if (stemmed < 1 || stemmed > LONGEST_WORD)
        return length;
    memcpy(words->word, stem, (size_t)stemmed);
    words->word[stemmed] = 0;
    return (size_t)stemmed;
}

/* Hands the word out, and begins the next one. */
static status word_end(struct words *words)
{
    char *word = words->word;
    size_t length = words->length;
    words->length = 0;
    if (!length)
        return TACIT_OK;
    word[length] = 0;
    if (words->rule == WORDS_ENGLISH) {
        if (length > 2 && word[length - 2] == '\'' && word[length - 1] == 's')
            length -= 2;
        word[length] = 0;
        if (is_stop_word(word))
            return TACIT_OK;
        length = word_stem(words, length);
    }
    return words->take(words->argument, word, length);
}

static void letter_add(struct words *words, uint32_t character)
{
    uint32_t lower[2];
    size_t count = unicode_lower(character, lower);
    for (size_t i = 0; i < count && words->length + 4 <= LONGEST_WORD; i++)
        words->length += unicode_encode(lower[i], (uint8_t *)words->word + words->length);
}

/* Whether a character between two others joins them to one word. */
static bool joins(const struct words *words, uint32_t character, unsigned before, unsigned after)
{
    (void)words;
    if (character == '\'' || character == 0x2019)
        return (before & UNICODE_LETTER) && (after & UNICODE_LETTER);
    return (character == '.' || character == ',') && (before & UNICODE_NUMBER) &&
           (after & UNICODE_NUMBER);
}

static bool stands_alone(unsigned class, uint32_t character)
{
    return (class & UNICODE_IDEOGRAPH) || (character >= 0x3041 && character <= 0x309f);
}

static status text_split(struct words *words, struct text_view text)
{
    enum { WORD = UNICODE_LETTER | UNICODE_NUMBER | UNICODE_MARK };
    const uint8_t *at = text.bytes, *end = at + text.count;
    unsigned before = 0;
    TRY(unicode_table_get(&words->table));
    while (at < end) {
        uint32_t character, next = ' ';
        at += unicode_decode(at, end, &character);
        unsigned class = unicode_class_of(words->table, character);
        bool alone = stands_alone(class, character);
        if (at < end)
            unicode_decode(at, end, &next);
        if ((class & WORD) && !alone)
            letter_add(words, character);
        else if (words->length && !alone &&
                 joins(words, character, before, unicode_class_of(words->table, next)))
            letter_add(words, character == 0x2019 ? '\'' : character);
        else
            TRY(word_end(words));
        if (alone) {
            letter_add(words, character);
            TRY(word_end(words));
        }
        before = class;
    }
    return word_end(words);
}

status words_each(struct text_view text, enum word_rule rule, word_take *take, void *argument)
{
    struct words words = { .rule = rule, .take = take, .argument = argument };
    if (rule == WORDS_ENGLISH && !(words.stemmer = sb_stemmer_new("porter", "UTF_8")))
        return fail(TACIT_RESOURCES, "no memory for the stems of words");
    status result = text_split(&words, text);
    sb_stemmer_delete(words.stemmer);
    return result;
}
