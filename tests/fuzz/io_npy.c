/* Whatever the bytes: no crash, and an array that is accepted fits its shape; its own header,
 * written again, is accepted as the same array. */
#include "io/npy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct npy_file file, back;
    struct text text = { 0 };
    if (npy_parse(bytes, size, &file) != TACIT_OK)
        return 0;
    if (file.bytes > size)
        abort();
    if (npy_header(&text, file.dtype, file.rank, file.shape) != TACIT_OK ||
        text_append_bytes(&text, file.data, file.bytes) != TACIT_OK ||
        npy_parse(text.bytes, text.length, &back) != TACIT_OK)
        abort();
    if (back.dtype != file.dtype || back.rank != file.rank || back.bytes != file.bytes ||
        memcmp(back.shape, file.shape, sizeof back.shape) != 0 ||
        (file.bytes && memcmp(back.data, file.data, file.bytes) != 0))
        abort();
    npy_close(&back);
    npy_close(&file);
    text_free(&text);
    return 0;
}
