/* The store outlives all graphs: named f32 tensors in PyTorch's layout, contiguous per network (a
 * range), with gradients, optimiser slots and states in arenas of the same order. Clipping,
 * updates, a moving average, a checkpoint are loops over contiguous memory. */
#ifndef ENGINE_STORE_H
#define ENGINE_STORE_H

#include "base/memory.h"
#include "base/status.h"
#include "engine/types.h"

/* How a tensor starts. Random kinds draw from (seed, full name), so that a tensor's start depends
 * on nothing else. */
enum init_kind { INIT_CONSTANT, INIT_NORMAL, INIT_UNIFORM, INIT_WAVES };

struct init {
    enum init_kind kind;
    double value;     /* the constant, the standard deviation, or the bound of U(-b, b) */
    const char *twin; /* draws as the tensor of this name in its range does; NULL: by its own */
};

struct init init_constant(double value);
struct init init_normal(double deviation);
struct init init_uniform(double bound);

/* A table of positions [count, width] for attention that should begin with what is near: columns
 * 2k and 2k + 1 of row p are sine and cosine of p pi 256^(-2k / width), waves of 2 to 512 rows, so
 * that the product of two rows falls with the logarithm of their distance. `deviation` of the
 * items about 0. */
struct init init_waves(double deviation);

enum tensor_kind { TENSOR_PARAMETER, TENSOR_STATE };

/* A parameter is trained; a state (running statistics, a queue, a counter) is written by the
 * program. Item i of the tensor lies at offset + i of the range's arena of its kind. */
struct tensor {
    const char *name; /* within its range, as torchvision, timm or Hugging Face call it */
    struct range *range;
    enum tensor_kind kind;
    bool counter; /* saved as int64 (num_batches_tracked) */
    struct shape shape;
    struct init init;
    int64_t offset;
};

enum { SLOTS_MAX = 3 };

/* What a follower (an averaged teacher) does with its leader's states. */
enum buffers { BUFFERS_OWN, BUFFERS_COPY, BUFFERS_AVERAGE };

struct range {
    const char *name; /* of the network: "backbone", "projector" */
    struct store *store;
    struct tensor **tensor; /* in the order of their first use */
    int64_t tensors;
    bool sealed;                     /* arenas exist, no tensor may be added */
    int64_t size, state_size;        /* items of the arenas, padding included */
    float *value, *gradient, *state; /* [size], [size], [state_size] */
    float *slot[SLOTS_MAX];          /* optimiser memory, [size] each, made when first asked for */
    uint64_t version;                /* grows with every update; packed copies watch it */
    struct range *leader;            /* of a follower, else NULL */
    enum buffers buffers;
    bool matches; /* its tensors have been found to be the leader's */
};

struct store *store_new(uint64_t seed);
void store_free(struct store *store);

/* The range of this name, made when it does not exist. NULL: out of memory. */
struct range *store_range(struct store *store, const char *name);

/* A range in the leader's order that follows it: follow() moves its parameters. */
struct range *store_follower(struct store *store, const char *name, struct range *leader,
                             enum buffers buffers);

/* All ranges, in the order of their making. */
int64_t store_ranges(const struct store *store);
struct range *store_range_at(const struct store *store, int64_t index);

/* Finds a tensor of the range by name, NULL if there is none; declares one (same name, shape and
 * kind give the same tensor; another shape is an error, and so is a new name in a sealed range). */
struct tensor *range_find(const struct range *range, const char *name);
status range_declare(struct range *range, const char *name, enum tensor_kind kind,
                     struct shape shape, struct init init, struct tensor **tensor);

/* Gives the range its arenas and initial values; sealing twice is harmless, also after a failure.
 */
status range_seal(struct range *range);

/* Optimiser slot `index` of a sealed range, zero at first. */
status range_slot(struct range *range, int index, float **slot);

/* Where a tensor's items lie (its range must be sealed): values of either kind; gradient. */
float *tensor_value(const struct tensor *tensor);
float *tensor_gradient(const struct tensor *tensor);

/* Copies parameters (and states, as `buffers` says) from a follower's leader. TACIT_FAILED: either
 * is not sealed, or their tensors differ in name, kind, shape or order. */
status range_copy_leader(struct range *follower);

/* follower <- momentum * follower + (1 - momentum) * leader for parameters; states by `buffers`.
 * Errors as range_copy_leader. */
status range_follow(struct range *follower, double momentum);

/* Number of trained parameters, padding excluded. */
int64_t range_parameters(const struct range *range);

#endif
