/* What every tokenizer that could be loaded must do: encode and decode without a fault, give only
 * ids it has, and read back what it writes. */
#ifndef TESTS_FUZZ_TEXT_LOADED_H
#define TESTS_FUZZ_TEXT_LOADED_H

#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

static void loaded_check(struct tokenizer *tokenizer)
{
    static const char sample[] =
        "Hello  w\xC3\xB6rld, don't [MASK]<s> \xFF\xE6\xBC\xA2 aab ab 12345\n\n x";
    struct token_list list = { 0 };
    struct text back = { 0 }, first = { 0 }, second = { 0 };
    struct tokenizer *again;
    for (int specials = 0; specials < 2; specials++) {
        list.count = 0;
        if (tokenizer_encode(tokenizer, sample, sizeof sample, specials, &list) != TACIT_OK)
            continue;
        text_clear(&back);
        if (tokenizer_decode(tokenizer, list.id, list.count, false, &back) != TACIT_OK)
            abort();
    }
    if (tokenizer_write(tokenizer, &first) != TACIT_OK)
        abort();
    struct text_view written = { text_string(&first), first.length };
    if (tokenizer_read("again", written, &again) == TACIT_OK) {
        if (tokenizer_write(again, &second) != TACIT_OK)
            abort();
        tokenizer_free(again);
    }
    token_list_free(&list);
    text_free(&back);
    text_free(&first);
    text_free(&second);
    tokenizer_free(tokenizer);
}

#endif
