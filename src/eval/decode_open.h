/* A decoder from a model file. */
#ifndef EVAL_DECODE_OPEN_H
#define EVAL_DECODE_OPEN_H

#include "eval/decode.h"
#include "train/model_file.h"

/* As decoder_new, with the tensors of the file. */
status decoder_open(const struct model_file *model, const struct decoder_options *how,
                    struct decoder **decoder);

#endif
