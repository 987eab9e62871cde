/* A folder of Hugging Face: config.json, modules.json and sentence_bert_config.json of any bytes,
 * with zero bytes between them. What is accepted has sizes that networks may have. */
#include "data_file.h"
#include "io/file.h"
#include "train/hugging_face.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char *const names[] = { "config.json", "modules.json", "sentence_bert_config.json",
                                     "1_Pooling/config.json", "vocab.txt" };
enum { FILES = 4, NAMES = 5, PATHS = 128 };

static char folder[64];

static const char *inside(int i)
{
    static char path[PATHS];
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    return path;
}

static void folder_remove(void)
{
    char path[PATHS];
    for (int i = 0; i < NAMES; i++)
        unlink(inside(i));
    snprintf(path, sizeof path, "%s/1_Pooling", folder);
    rmdir(path);
    rmdir(folder);
}

static void folder_begin(void)
{
    static const char words[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n";
    char path[PATHS];
    strcpy(folder, "/tmp/tacit-fuzz-XXXXXX");
    if (!mkdtemp(folder))
        abort();
    atexit(folder_remove);
    snprintf(path, sizeof path, "%s/1_Pooling", folder);
    if (folder_make(path) || file_write(inside(NAMES - 1), words, sizeof words - 1))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const uint8_t *end = bytes + size;
    if (!folder[0])
        folder_begin();
    for (int i = 0; i < FILES; i++) {
        const uint8_t *stop = memchr(bytes, 0, (size_t)(end - bytes));
        stop = stop ? stop : end;
        unlink(inside(i));
        if ((i == 0 || stop > bytes) && file_write(inside(i), bytes, (size_t)(stop - bytes)))
            abort();
        bytes = stop < end ? stop + 1 : end;
    }
    struct model_file model = { .path = folder };
    if (hugging_face_describe(folder, &model) == TACIT_OK) {
        struct text_options text = model.method.network_options.text;
        if (text.layers < 1 || text.heads < 1 || text.width % text.heads != 0 ||
            text.vocabulary < 6 || model.input.window < 1 || model.input.window > text.context)
            abort();
    }
    model_file_close(&model);
    return 0;
}
