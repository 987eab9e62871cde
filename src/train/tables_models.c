/* Options of the tasks "import" and "export". */
#include "base/option_rows.h"
#include "train/tasks.h"

static const char *const formats[] = { "hf", "torchvision", NULL };

#define FOLDER                          \
    PATH("out", "", "folder to write"), \
        SWITCH("overwrite", "false", "replace a model that is there already")

const struct option import_options[] = { FOLDER, { 0 } };

const struct option export_options[] = {
    FOLDER,
    CHOICE_AUTO("format", formats, "hf for texts, torchvision for pictures"),
    { 0 },
};
