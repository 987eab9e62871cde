/* A vocab.txt of any bytes; the first one says whether it is cased. */
#include "text_loaded.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct tokenizer *tokenizer;
    struct text_view words = { bytes + (size > 0), size - (size > 0) };
    if (tokenizer_read_words("fuzz.txt", words, size > 0 && bytes[0] & 1, &tokenizer) == TACIT_OK)
        loaded_check(tokenizer);
    return 0;
}
