/* model.safetensors: a trained network by itself. The backbone's tensors bear their names of
 * torchvision, those of other networks the network's name before them ("projector.fc1.weight"); the
 * metadata tell architecture, preprocessing, method and class names. Nothing in the file depends on
 * time, path or interruptions. */
#ifndef TRAIN_MODEL_FILE_H
#define TRAIN_MODEL_FILE_H

#include "io/safetensors.h"
#include "methods/methods.h"
#include "train/views.h"

/* Writes all networks of the method from the store. `class_name` [method->classes] may be NULL;
 * only classifiers keep them. TACIT_RESOURCES. */
status model_save(const char *path, const struct store *store, const struct method *method,
                  const struct input_shape *input, const char *const *class_name);

/* A model file that was opened: what it says of itself, and its tensors. */
struct model_file {
    struct safetensors_file file;
    struct method method; /* type, network, its options, classes; the method's own options unset */
    struct input_shape input;
    struct tokenizer *tokenizer; /* of networks on tokens */
    const char *path;
};

/* Opens a model file, or the one of a run folder. TACIT_BAD_DATA: there is none, or it is damaged
 * or of another program; TACIT_RESOURCES. Close it with model_file_close. */
status model_file_open(const char *path, struct model_file *model);
void model_file_close(struct model_file *model);

/* The name of class `index`, copied into `name`; false if the file has none. */
bool model_file_class(const struct model_file *model, int64_t index, char *name, size_t size);

/* Copies the file's tensors into all sealed ranges of the store. TACIT_BAD_DATA: a tensor is
 * missing, of another shape, or not finite. */
status model_file_values(const struct model_file *model, struct store *store);

#endif
