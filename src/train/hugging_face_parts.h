/* What reading and writing of Hugging Face's folders share. */
#ifndef TRAIN_HUGGING_FACE_PARTS_H
#define TRAIN_HUGGING_FACE_PARTS_H

#include "io/json.h"
#include "nn/networks.h"
#include "train/model_file.h"

/* A whole number of config.json, and the member of struct text_options that it is. */
struct hugging_face_size {
    const char *key;
    size_t offset;
    int64_t otherwise; /* where the key is absent, as transformers has it; 0: our own choice */
};

/* One architecture of transformers that we have. */
struct hugging_face_family {
    const char *type;    /* "model_type" */
    const char *prefix;  /* of its tensors, by which our networks are told apart */
    const char *network; /* our row where no published size fits */
    const char *method;  /* that learns so */
    const char *base, *masked, *pretraining; /* classes: without a head, with its usual heads */
    const char *classifier;                  /* class with a head on one vector of a text */
    const char *outputs;                     /* the weight of that head's last layer */
    const char *decoder; /* the table of the scores, where it is not that of the tokens */
    const char *table;   /* that of the tokens, within the backbone */
    struct hugging_face_size size[10]; /* ended by one without a key */
    const char *activation, *usual_activation, *epsilon, *dropouts[4]; /* keys, ended by NULL */
    double smallest;                                                   /* usual epsilon */
    int64_t padding;                                                   /* usual pad_token_id */
};

extern const struct hugging_face_family hugging_face_families[]; /* ends without a type */

/* The family of a network, NULL if it has none. */
const struct hugging_face_family *hugging_face_family(const struct network_type *network);

/* Of a model whose config.json names the family's classifier: method, pooling and names of the
 * classes, from the config and the file's head. TACIT_BAD_DATA: they do not fit together, or the
 * head is of another kind, named. */
status hugging_face_head(const char *folder, const json_t *config,
                         const struct hugging_face_family *family, struct model_file *model);

/* The members of config.json that tell of a head, where the model has one. */
void hugging_face_head_write(struct json_writer *json, const struct method *method,
                             const char *const *class_name);

#endif
