/* model.safetensors: a trained network by itself. The backbone's tensors bear their names of
 * torchvision and Hugging Face, those of other networks the network's name before them
 * ("projector.fc1.weight", "cls.predictions.bias"); the metadata tell architecture, preprocessing,
 * method and class names. Nothing in the file depends on time, path or interruptions. A folder of
 * Hugging Face (config.json, model.safetensors and a tokenizer's files) is read in its place. */
#ifndef TRAIN_MODEL_FILE_H
#define TRAIN_MODEL_FILE_H

#include "io/safetensors.h"
#include "methods/methods.h"
#include "train/views.h"

/* Writes all networks of the method from the store. `class_name` [method->classes] may be NULL;
 * only classifiers keep them. Beside a file model.safetensors of a network on tokens it writes what
 * makes its folder one of Hugging Face: config.json and the tokenizer's files. TACIT_RESOURCES. */
status model_save(const char *path, const struct store *store, const struct method *method,
                  const struct input_shape *input, const char *const *class_name);

/* The same as model_save, with one more fact in the metadata; value NULL: none. */
status model_save_noted(const char *path, const struct store *store, const struct method *method,
                        const struct input_shape *input, const char *const *class_name,
                        const char *key, const char *value);

/* A model file that was opened: what it says of itself, and its tensors. */
struct model_file {
    struct safetensors_file file;
    struct method method; /* type, network, its options, classes; the method's own options unset */
    struct input_shape input;
    struct tokenizer *tokenizer; /* of networks on tokens */
    bool sentences, normalize;   /* a sentence model; its vectors have unit length */
    bool foreign;                /* of Hugging Face, without the metadata of tacit */
    bool products;               /* its vectors are compared by products, not by cosines */
    bool untied;                 /* its scores of tokens have a table of their own */
    char *classes; /* a JSON list of class names, where the metadata have none; or NULL */
    const char *path;
};

/* Opens a model file, the one of a run folder, or a folder of Hugging Face (bert, roberta, gpt2).
 * TACIT_BAD_DATA: there is none, or it is damaged, of another program or of an unknown
 * architecture, named, or tells of sizes that its tensors cannot have; TACIT_RESOURCES. Close it
 * with model_file_close. */
status model_file_open(const char *path, struct model_file *model);
void model_file_close(struct model_file *model);

/* The name of class `index`, copied into `name`; false if the file has none. */
bool model_file_class(const struct model_file *model, int64_t index, char *name, size_t size);

/* The tensor that the store calls so ("bert.encoder.layer.0.output.LayerNorm.weight"), NULL if the
 * file has none: also without the prefix of the family, or under its names of old. */
const struct safetensors_entry *model_file_find(const struct model_file *model, const char *name);

/* Copies the file's tensors into all sealed ranges of the store; F16, BF16 and F64 become F32.
 * TACIT_BAD_DATA: tensors are missing (all are named), of another shape, or not finite. */
status model_file_values(const struct model_file *model, struct store *store);

/* What model_file_copy did. */
struct model_copied {
    int64_t tensors, items; /* loaded: how many, and their values together */
    int64_t anew;           /* tensors that stayed as they were */
    struct text names;      /* of the first of those, ", " between; to be freed */
};

/* Copies the tensors that file and store have under one name in one shape; the others stay.
 * TACIT_BAD_DATA: one of them is not finite, or the file has some of the backbone (but its pooler)
 * and lacks the rest, which is named; TACIT_RESOURCES. */
status model_file_copy(const struct model_file *model, struct store *store,
                       struct model_copied *copied);

/* Declares in an empty store all that the file has of its method's networks (backbone, pooler,
 * heads) and fills it. Errors as model_file_values. */
status model_file_whole(const struct model_file *model, struct store *store);

#endif
