/* tacit_tokenizer_*: a tokenizer inside another program. */
#include "base/memory.h"
#include "eval/tokenizer_open.h"
#include "tacit/tacit.h"

struct tacit_tokenizer {
    struct tokenizer *tokenizer;
};

tacit_status tacit_tokenizer_open(const char *path, tacit_tokenizer **tokenizer)
{
    *tokenizer = NULL;
    tacit_tokenizer *made = memory_new(1, sizeof *made);
    if (!made)
        return TACIT_RESOURCES;
    status result = tokenizer_open(path, &made->tokenizer);
    if (result == TACIT_OK)
        *tokenizer = made;
    else
        memory_free(made);
    return result;
}

void tacit_tokenizer_free(tacit_tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    tokenizer_free(tokenizer->tokenizer);
    memory_free(tokenizer);
}

int64_t tacit_tokenizer_vocabulary(const tacit_tokenizer *tokenizer)
{
    return (int64_t)tokenizer_vocabulary(tokenizer->tokenizer);
}

tacit_status tacit_tokenizer_encode(const tacit_tokenizer *tokenizer, const char *text,
                                    size_t bytes, uint32_t **ids, size_t *count)
{
    struct token_list list = { 0 };
    *ids = NULL;
    *count = 0;
    TRY(token_list_reserve(&list, 1)); /* no text has ids, too */
    status result = tokenizer_encode(tokenizer->tokenizer, text, bytes, false, &list);
    if (result != TACIT_OK) {
        token_list_free(&list);
        return result;
    }
    *ids = list.id;
    *count = list.count;
    return TACIT_OK;
}

tacit_status tacit_tokenizer_decode(const tacit_tokenizer *tokenizer, const uint32_t *ids,
                                    size_t count, char **text, size_t *bytes)
{
    struct text made = { 0 };
    *text = NULL;
    *bytes = 0;
    status result = text_reserve(&made, 1);
    if (result == TACIT_OK)
        result = tokenizer_decode(tokenizer->tokenizer, ids, count, false, &made);
    if (result == TACIT_OK)
        result = text_status(&made);
    if (result != TACIT_OK) {
        text_free(&made);
        return result;
    }
    made.bytes[made.length] = 0;
    *text = made.bytes;
    *bytes = made.length;
    return TACIT_OK;
}
