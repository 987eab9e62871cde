/* Whatever the bytes: no crash, and every tensor of a file that is accepted lies within it. */
#include "io/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct safetensors_file file;
    if (safetensors_parse(bytes, size, &file) != TACIT_OK)
        return 0;
    for (size_t i = 0; i < file.count; i++) {
        const struct safetensors_entry *entry = &file.entry[i];
        const uint8_t *data = entry->data;
        size_t wanted = safetensors_dtype_size(entry->dtype);
        for (int axis = 0; axis < entry->rank; axis++)
            wanted *= (size_t)entry->shape[axis];
        if (data < bytes || data + entry->bytes > bytes + size || wanted != entry->bytes ||
            safetensors_find(&file, entry->name) != entry)
            abort();
    }
    for (size_t i = 0; i < file.metadata_count; i++)
        if (safetensors_metadata(&file, file.metadata[i].key) != file.metadata[i].value)
            abort();
    safetensors_close(&file);
    return 0;
}
