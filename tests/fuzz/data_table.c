/* The first byte says whether it is comma- or tab-separated. */
#include "data_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    fuzz_remove();
    return fuzz_texts(data[0] % 2 ? ".csv" : ".tsv", data + 1, size - 1);
}
