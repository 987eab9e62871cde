/* A model.safetensors of any bytes: its metadata describe a network, or it is refused. */
#include "data_file.h"
#include "train/model_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct model_file model;
    char name[256];
    fuzz_write(".safetensors", bytes, size);
    if (model_file_open(fuzz_path, &model) != TACIT_OK)
        return 0;
    if (!model.method.network || !model.method.type)
        abort();
    for (int64_t i = 0; i < model.method.classes; i++)
        model_file_class(&model, i, name, sizeof name);
    model_file_close(&model);
    return 0;
}
