/* Optimisers: rows of a table. An update is a loop over the arenas of the trained ranges, outside
 * the graph; it finishes by zeroing the gradients it used. */
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include "engine/store.h"

struct optimizer_type;

/* Settings; each optimiser reads those that concern it. */
struct optimizer_options {
    const struct optimizer_type *type;
    double momentum;     /* of SGD and LARS */
    double weight_decay; /* added to the gradient; AdamW: times the rate, off the weight */
    double beta1, beta2; /* of AdamW */
    double epsilon;      /* of AdamW, outside of the root */
    double trust;        /* eta of LARS */
    double clip;         /* largest norm of the whole gradient; 0: no limit */
    bool nesterov;       /* SGD */
    bool rate_in_buffer; /* LARS: the rate is taken into the momentum buffer */
    bool decay_vectors;  /* decay tensors of one dimension (biases, norms), too */
};

/* What one call of an update knows about its piece of a tensor. */
struct optimizer_piece;

struct optimizer_type {
    const char *name, *doc, *paper;
    int slots;          /* of optimiser memory */
    bool by_tensor;     /* needs the norms of every tensor */
    bool decay_vectors; /* whether tensors of one dimension usually decay */
    bool uncorrected;   /* moments are taken as they are, small in the first steps */
    double rate;        /* usual, for 256 pictures a step */
    double decay;       /* usual weight decay */
    double epsilon;     /* usual; 0: it has none */
    void (*update)(const struct optimizer_options *options, const struct optimizer_piece *piece);
};

extern const struct optimizer_type *const all_optimizers[]; /* ended by NULL */

/* The row of this name, NULL if there is none. */
const struct optimizer_type *optimizer_find(const char *name);

struct optimizer;

/* An optimiser of these sealed ranges, which it gives the slots it needs. The caller frees it;
 * the slots stay with the ranges. TACIT_RESOURCES. */
status optimizer_new(const struct optimizer_options *options, int ranges,
                     struct range *const trained[], struct optimizer **optimizer);
void optimizer_free(struct optimizer *optimizer);

/* The norm of the whole gradient, before clipping; not finite if the gradient is not. */
double optimizer_norm(struct optimizer *optimizer);

/* Updates all parameters with the gradients that have gathered, of which optimizer_norm just gave
 * `norm`, zeroes them, and counts up the versions. `step` counts from 0. */
void optimizer_update(struct optimizer *optimizer, int64_t step, double rate, double norm);

/* Bytes of optimiser memory for so many parameters. */
double optimizer_bytes(const struct optimizer_type *type, int64_t parameters);

#endif
