/* Rows that several tables of options share. */
#ifndef TRAIN_TABLE_ROWS_H
#define TRAIN_TABLE_ROWS_H

#include "base/option_rows.h"

#define LABELS \
    TEXT("labels", "auto", "auto (those of the format), none, folders, filename:REGEX, a FILE.csv")

#define OVERWRITE SWITCH("overwrite", "false", "replace a file that is there already")

#endif
