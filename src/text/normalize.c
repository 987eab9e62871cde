/* BERT's normaliser and pre-tokenizer, as Hugging Face has them: clean, blanks round ideographs,
 * decompose and strip marks, small letters, split at white space and punctuation. It works on one
 * run without white space at a time: nothing in it reaches over white space. */
#include "text/parts.h"

enum { HELD = 256 };

struct speller {
    const struct unicode_table *table;
    const struct normalizer *normalizer;
    struct text *out;
    size_t word_start; /* of the word being written */
    uint32_t held[HELD];
    size_t held_count; /* a starter and its marks, waiting for their order */
};

static unsigned space_bits(const struct normalizer *normalizer)
{
    return normalizer->clean ? UNICODE_SPACE | UNICODE_DROPPED : UNICODE_SPACE;
}

bool bert_space(const struct unicode_table *table, const struct normalizer *normalizer,
                const uint8_t *at, const uint8_t *end, size_t *length)
{
    uint32_t character;
    *length = unicode_decode(at, end, &character);
    return (unicode_class_of(table, character) & space_bits(normalizer)) == UNICODE_SPACE;
}

const uint8_t *bert_word_end(const struct unicode_table *table, const struct normalizer *normalizer,
                             const uint8_t *at, const uint8_t *end)
{
    unsigned bits = space_bits(normalizer);
    while (at < end) {
        size_t length;
        if (*at < 0x80) {
            if ((table->byte[*at] & bits) == UNICODE_SPACE)
                break;
            at++;
        } else if (!bert_space(table, normalizer, at, end, &length)) {
            at += length;
        } else {
            break;
        }
    }
    return at;
}

static void word_close(struct speller *speller)
{
    if (speller->out->length > speller->word_start)
        text_append_bytes(speller->out, " ", 1);
    speller->word_start = speller->out->length;
}

static void spell(struct speller *speller, uint32_t character)
{
    uint8_t bytes[4];
    unsigned class = unicode_class_of(speller->table, character);
    if (class & UNICODE_SPACE) {
        word_close(speller);
        return;
    }
    if (class & UNICODE_PUNCTUATION)
        word_close(speller);
    text_append_bytes(speller->out, bytes, unicode_encode(character, bytes));
    if (class & UNICODE_PUNCTUATION)
        word_close(speller);
}

static void lower_and_spell(struct speller *speller, uint32_t character)
{
    uint32_t small[2] = { character };
    size_t count = speller->normalizer->lower ? unicode_lower(character, small) : 1;
    for (size_t i = 0; i < count; i++)
        spell(speller, small[i]);
}

/* Writes what is held in canonical order (marks sorted by combining class, stably), without the
 * marks to be stripped. */
static void held_spell(struct speller *speller)
{
    uint32_t *held = speller->held;
    for (size_t i = 1; i < speller->held_count; i++)
        for (size_t k = i; k > 0; k--) {
            int after = unicode_combining(held[k]), before = unicode_combining(held[k - 1]);
            if (before <= after)
                break;
            uint32_t swapped = held[k];
            held[k] = held[k - 1];
            held[k - 1] = swapped;
        }
    for (size_t i = 0; i < speller->held_count; i++)
        if (!(unicode_class_of(speller->table, held[i]) & UNICODE_MARK))
            lower_and_spell(speller, held[i]);
    speller->held_count = 0;
}

static void decompose_and_spell(struct speller *speller, uint32_t character)
{
    uint32_t parts[UNICODE_DECOMPOSED];
    size_t count = unicode_decompose(character, parts);
    for (size_t i = 0; i < count; i++) {
        if (unicode_combining(parts[i]) == 0 || speller->held_count == HELD)
            held_spell(speller);
        speller->held[speller->held_count++] = parts[i];
    }
}

static void character_take(struct speller *speller, uint32_t character, unsigned class)
{
    const struct normalizer *normalizer = speller->normalizer;
    if (character == UNICODE_BAD || (normalizer->clean && (class & UNICODE_DROPPED)))
        return;
    bool apart = normalizer->ideographs && (class & UNICODE_IDEOGRAPH);
    bool plain = !(class & (UNICODE_FOLDED | UNICODE_MARK));
    if (apart || plain)
        held_spell(speller);
    if (apart)
        word_close(speller);
    if (plain)
        spell(speller, character);
    else if (normalizer->strip)
        decompose_and_spell(speller, character);
    else
        lower_and_spell(speller, character);
    if (apart) {
        held_spell(speller);
        word_close(speller);
    }
}

status bert_words(const struct unicode_table *table, const struct normalizer *normalizer,
                  const uint8_t *bytes, size_t count, struct text *out)
{
    struct speller speller = {
        .table = table, .normalizer = normalizer, .out = out, .word_start = out->length
    };
    const uint8_t *end = bytes + count;
    while (bytes < end) {
        uint32_t character;
        bytes += unicode_decode(bytes, end, &character);
        character_take(&speller, character, unicode_class_of(table, character));
    }
    held_spell(&speller);
    word_close(&speller);
    return text_status(out);
}
