#include "text/parts.h"

#include "base/memory.h"

#include <string.h>

enum { LEAST_MEMORY = 1 << 20 };
static const size_t usual_memory = (size_t)1 << 30;

static size_t memory_of(const struct tokenizer_options *options)
{
    size_t memory = options->memory ? options->memory : usual_memory;
    return memory < LEAST_MEMORY ? LEAST_MEMORY : memory;
}

/* Counting spills at an eighth of the memory, and a table while it grows takes twice that. What is
 * merged takes a quarter at most; learning from a table of t bytes takes, with 4 bytes a symbol, 20
 * a word and 8 for each pair of a word, less than 3 t. Then come the parts of text held, the counts
 * of characters and the vocabulary. */
size_t tokenizer_train_bytes(const struct tokenizer_options *options)
{
    size_t vocabulary = options->vocabulary ? options->vocabulary : 8192;
    return memory_of(options) + ((size_t)64 << 20) + vocabulary * 256;
}

static const struct tokenizer_kind *kind_find(const char *name)
{
    for (size_t i = 0; tokenizer_kinds[i]; i++)
        if (strcmp(tokenizer_kinds[i]->name, name) == 0)
            return tokenizer_kinds[i];
    return NULL;
}

static status kinds_fail(const char *name)
{
    struct text names = { 0 };
    for (size_t i = 0; tokenizer_kinds[i]; i++)
        text_append(&names, " %s", tokenizer_kinds[i]->name);
    status result = fail(TACIT_USAGE, "there is no tokenizer of kind %s; the kinds are:%s", name,
                         text_string(&names));
    text_free(&names);
    return result;
}

static status specials_add(struct tokenizer *tokenizer, const char *const *names)
{
    for (; *names; names++)
        TRY(special_add(tokenizer, (uint32_t)tokenizer->pieces.count, *names, strlen(*names),
                        true));
    return TACIT_OK;
}

static size_t names_count(const char *const *names)
{
    size_t count = 0;
    while (names[count])
        count++;
    return count;
}

static status tokenizer_learn(struct tokenizer *tokenizer, const struct tokenizer_options *options,
                              const struct special_set *set, const struct text_stream *stream,
                              struct tokenizer_facts *facts)
{
    size_t vocabulary = options->vocabulary ? options->vocabulary : tokenizer->kind->vocabulary;
    size_t last = names_count(set->last), room = vocabulary > last ? vocabulary - last : 0;
    if (vocabulary > MOST_IDS)
        return fail(TACIT_USAGE, "vocab must be at most %d", (int)MOST_IDS);
    struct tokenizer_options settled = *options;
    settled.memory = memory_of(options);
    settled.vocabulary = vocabulary;
    TRY(specials_add(tokenizer, set->first));
    TRY(tokenizer->kind->train(tokenizer, &settled, stream, vocabulary ? room : SIZE_MAX, facts));
    if (facts->bytes == 0)
        return fail(TACIT_BAD_DATA, "there is no text to learn a tokenizer from");
    TRY(specials_add(tokenizer, set->last));
    for (size_t i = 0; i < tokenizer->specials; i++) /* as in the published RoBERTa */
        tokenizer->special[i].left = strcmp(tokenizer->special[i].text, "<mask>") == 0;
    if (!frame_parse(tokenizer, set->single, &tokenizer->single) ||
        !frame_parse(tokenizer, set->pair, &tokenizer->pair))
        return fail(TACIT_FAILED, "the special tokens %s do not fit their frame", set->name);
    facts->vocabulary = tokenizer->pieces.count;
    return tokenizer_settle(tokenizer, "the text");
}

status tokenizer_train(const struct tokenizer_options *options, const struct text_stream *stream,
                       struct tokenizer_facts *facts, struct tokenizer **tokenizer)
{
    struct tokenizer_facts unread = { 0 };
    const struct tokenizer_kind *kind = kind_find(options->kind);
    *tokenizer = NULL;
    if (!kind)
        return kinds_fail(options->kind);
    const char *specials = options->specials ? options->specials : kind->specials;
    const struct special_set *set = special_set_find(specials);
    const struct scanner *scanner = scanner_find(options->pattern ? options->pattern : "gpt2");
    if (!set)
        return fail(TACIT_USAGE,
                    "there are no special tokens called %s; allowed are none, text, "
                    "gpt, bert, roberta",
                    specials);
    if (!scanner)
        return fail(TACIT_USAGE,
                    "there is no pattern called %s; allowed are gpt2, gpt4, cl100k, "
                    "none",
                    options->pattern);
    struct tokenizer *made = tokenizer_new(kind);
    if (!made)
        return TACIT_RESOURCES;
    made->scanner = kind->patterned ? scanner : scanner_find("none");
    facts = facts ? facts : &unread;
    *facts = (struct tokenizer_facts){ 0 };
    status result = tokenizer_learn(made, options, set, stream, facts);
    if (result == TACIT_OK)
        *tokenizer = made;
    else
        tokenizer_free(made);
    return result;
}
