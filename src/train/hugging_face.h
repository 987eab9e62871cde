/* Folders as Hugging Face's transformers write and read them: config.json beside model.safetensors
 * and the tokenizer's files; of sentence-transformers also modules.json. The tensors need no
 * translation: ours bear those names. */
#ifndef TRAIN_HUGGING_FACE_H
#define TRAIN_HUGGING_FACE_H

#include "train/model_file.h"

/* Fills method, input, tokenizer, sentences, normalize and untied of a model whose file is open,
 * from the files of its folder. TACIT_BAD_DATA: an unknown architecture, one with parts that are
 * not supported, a tokenizer that is missing or of another vocabulary; each named. */
status hugging_face_describe(const char *folder, struct model_file *model);

/* What stands in the way of transformers' classes computing the same as this network, as a phrase;
 * NULL: nothing does. */
const char *hugging_face_obstacle(const struct method *method);

/* Whether that network has a head on texts that transformers' class computes, too: it reads the
 * vector that is usual there, and its numbers are not scaled. */
bool hugging_face_classifies(const struct method *method);

/* Makes the head of a network in the store give its numbers as they are, mean 0 and deviation 1, if
 * it can. */
void hugging_face_unscale(struct method *method, struct store *store);

/* Writes the files beside model.safetensors: config.json, tokenizer.json, tokenizer_config.json,
 * special_tokens_map.json. `class_name` [method->classes], or NULL. Nothing, where there is an
 * obstacle. TACIT_RESOURCES. */
status hugging_face_beside(const char *folder, const struct method *method,
                           const struct input_shape *input, const char *const *class_name);

/* Whether sentence-transformers has the method's pooling, and the tokenizer what it needs. */
bool hugging_face_pools(const struct method *method, const struct input_shape *input);

/* Writes what sentence-transformers wants besides; nothing where hugging_face_pools says no. */
status hugging_face_sentences(const char *folder, const struct method *method,
                              const struct input_shape *input, bool normalize);

#endif
