/* A tokenizer.json of any bytes. */
#include "text_loaded.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct tokenizer *tokenizer;
    if (tokenizer_read("fuzz.json", (struct text_view){ bytes, size }, &tokenizer) == TACIT_OK)
        loaded_check(tokenizer);
    return 0;
}
