#include "eval/tokenizer_open.h"
#include "train/model_file.h"

#include <string.h>

static bool is_model(const char *path)
{
    static const char ending[] = ".safetensors";
    size_t length = strlen(path), tail = sizeof ending - 1;
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

status tokenizer_open(const char *path, struct tokenizer **tokenizer)
{
    struct model_file model;
    if (!is_model(path))
        return tokenizer_load(path, tokenizer);
    TRY(model_file_open(path, &model));
    *tokenizer = model.tokenizer;
    model.tokenizer = NULL;
    model_file_close(&model);
    return *tokenizer ? TACIT_OK
                      : fail(TACIT_BAD_DATA, "%s: is a model of pictures, without tokenizer", path);
}
