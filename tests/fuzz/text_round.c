/* Any bytes through tokenizers that keep bytes: they come back; WordPiece gives only ids it has.
 * The tokenizers are learned once, from the first input. */
#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

enum { KINDS = 5 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char seed[] =
    "the cat sat on the mat, the hat; don't! 12345 \xC3\xA9t\xC3\xA9 --- ----- "
    "\xE6\xBC\xA2\xE5\xAD\x97 aaaa aaaaaaaa\n\n\n  the end of the cat";

static status seed_read(void *state, struct text_piece *piece, bool *found)
{
    bool *done = state;
    *found = !*done;
    *done = true;
    *piece = (struct text_piece){ { seed, sizeof seed - 1 }, true };
    return TACIT_OK;
}

static struct tokenizer *learned(size_t kind)
{
    static struct tokenizer *tokenizers[KINDS];
    static const struct tokenizer_options options[KINDS] = {
        { .kind = "bpe", .vocabulary = 300 },
        { .kind = "bpe", .pattern = "gpt4", .vocabulary = 300 },
        { .kind = "bpe", .pattern = "none", .vocabulary = 300 },
        { .kind = "bytes" },
        { .kind = "wordpiece", .vocabulary = 100 },
    };
    bool done = false;
    struct text_stream stream = { seed_read, &done };
    if (!tokenizers[kind] &&
        tokenizer_train(&options[kind], &stream, NULL, &tokenizers[kind]) != TACIT_OK)
        abort();
    return tokenizers[kind];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct tokenizer *tokenizer = learned(kind);
        struct token_list list = { 0 };
        struct text back = { 0 };
        if (tokenizer_encode(tokenizer, bytes, size, false, &list) != TACIT_OK ||
            tokenizer_decode(tokenizer, list.id, list.count, false, &back) != TACIT_OK)
            abort();
        for (size_t i = 0; i < list.count; i++)
            if (tokenizer_is_special(tokenizer, list.id[i]) &&
                (int64_t)list.id[i] != tokenizer_role(tokenizer, ROLE_UNK))
                abort();
        if (kind < KINDS - 1 &&
            (back.length != size || (size && memcmp(back.bytes, bytes, size) != 0)))
            abort();
        text_free(&back);
        token_list_free(&list);
    }
    return 0;
}
