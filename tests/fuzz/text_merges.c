/* A vocab.json and a merges.txt of any bytes, with a zero byte between them. */
#include "text_loaded.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct tokenizer *tokenizer;
    const uint8_t *zero = size ? memchr(bytes, 0, size) : NULL;
    size_t first = zero ? (size_t)(zero - bytes) : size;
    struct text_view merges = { zero ? zero + 1 : bytes, zero ? size - first - 1 : 0 };
    if (tokenizer_read_merges("fuzz", (struct text_view){ bytes, first }, merges, &tokenizer) ==
        TACIT_OK)
        loaded_check(tokenizer);
    return 0;
}
