/* Options of the tasks "import" and "export". */
#include "train/tasks.h"

static const char *const formats[] = { "hf", "torchvision", NULL };

#define FOLDER                                                                         \
    { .name = "out", .kind = OPTION_PATH, .fallback = "", .help = "folder to write" }, \
    {                                                                                  \
        .name = "overwrite", .kind = OPTION_BOOLEAN, .fallback = "false",              \
        .help = "replace a model that is there already"                                \
    }

const struct option import_options[] = { FOLDER, { 0 } };

const struct option export_options[] = {
    FOLDER,
    { .name = "format",
      .kind = OPTION_CHOICE,
      .fallback = "auto",
      .automatic = true,
      .choices = formats,
      .help = "hf for texts, torchvision for pictures" },
    { 0 },
};
