/* A tokenizer by what users have: a file, a folder, a run, a model. */
#ifndef EVAL_TOKENIZER_OPEN_H
#define EVAL_TOKENIZER_OPEN_H

#include "text/tokenizer.h"

/* Opens the files of tokenizer_load, or the tokenizer within a model file; errors as its. The
 * caller frees *tokenizer with tokenizer_free. */
status tokenizer_open(const char *path, struct tokenizer **tokenizer);

#endif
