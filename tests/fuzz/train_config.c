/* A config.yaml of any bytes against the real tables of every task: what is accepted is written so
 * that it reads back. */
#include "data_file.h"
#include "tacit/tacit.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const tasks[] = { "pretrain", "finetune", "eval" };
    fuzz_write(".yaml", bytes, size);
    for (int i = 0; i < 3; i++) {
        tacit_config *config;
        if (tacit_config_new(tasks[i], &config) != TACIT_OK)
            abort();
        if (tacit_config_load(config, fuzz_path) == TACIT_OK)
            tacit_config_check(config);
        tacit_config_free(config);
    }
    return 0;
}
