/* What the files of this room that read and write models share. */
#ifndef TRAIN_MODEL_PARTS_H
#define TRAIN_MODEL_PARTS_H

#include "train/model_file.h"

enum { MODEL_NAME_BYTES = 256, MODEL_PATH_BYTES = 4096 };

/* The whole numbers of a network on tokens, in this order in the metadata "sizes"; "rates" are the
 * others. */
#define MODEL_SIZES(X) \
    X(vocabulary) X(context) X(layers) X(heads) X(width) X(inner) X(segments) X(band) X(padding_id)
#define MODEL_RATES(X) X(dropout) X(epsilon)
#define MODEL_NUMBER(member) (double)text.member,

extern const char *const model_stems[]; /* by stem */

/* "conv1.weight" of the backbone, "projector.fc1.weight" of another network. */
void model_tensor_name(const struct tensor *tensor, char name[MODEL_NAME_BYTES]);

/* The folder that holds `path`; "." where it names none. */
void model_folder(const char *path, char folder[MODEL_PATH_BYTES]);

#endif
