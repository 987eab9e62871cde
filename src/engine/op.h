/* Ops: what a node does. Each op is one row at the end of its own file; ops.def names them all. */
#ifndef ENGINE_OP_H
#define ENGINE_OP_H

#include "engine/graph.h"

enum { OUTPUTS_MAX = 4 };

enum {
    OP_PURE = 1,   /* the result depends on inputs and attributes alone: may be merged, repeated */
    OP_RANDOM = 2, /* … and on the run_key: may be merged and repeated within a program */
    OP_EFFECT = 4, /* writes outside the graph: kept even when nobody uses a result */
    OP_IN_PLACE = 8, /* output 0 may lie where an equally large input 0 lies */
    OP_VIEW = 16,    /* output 0 is the bytes of input 0 (from an offset): nothing is computed */
    OP_NO_GRADIENT = 32, /* derivative zero or not defined */
    OP_INTEGERS = 64,    /* inputs may be integers, where the shape rule lets them; else f32 only */
};

/* Which member of a node's attributes the op uses, beside `shape`. */
enum attribute_kind {
    ATTRIBUTE_NONE,
    ATTRIBUTE_CONVOLUTION,
    ATTRIBUTE_POOLING,
    ATTRIBUTE_BATCH_NORM,
    ATTRIBUTE_REDUCE,
    ATTRIBUTE_TRANSPOSE,
    ATTRIBUTE_PART,
    ATTRIBUTE_ORDER,
    ATTRIBUTE_NUMBER,
    ATTRIBUTE_TENSOR,
    ATTRIBUTE_DTYPE,
    ATTRIBUTE_RANDOM,
    ATTRIBUTE_ATTENTION,
    ATTRIBUTE_KINDS
};

/* What the random calls of a run depend on beside their names. The run is about rows first …
 * first+count-1 of a batch of `total`; count 0: the whole batch. */
struct run_key {
    uint64_t seed, step;
    int64_t first, count, total;
};

/* Number within the whole batch of row `row` of `rows` (axis 0 of a value). V times `count` rows
 * are V views, one after another, as in the whole batch; other values are no rows of the batch and
 * the same in every part of it. */
int64_t run_row(const struct run_key *key, int64_t rows, int64_t row);

/* What a reference kernel sees: plain row-major doubles, also for integers. */
struct reference_call {
    const struct node *node;
    const struct type *in_type[16], *out_type[OUTPUTS_MAX];
    const double *in[16];
    double *out[OUTPUTS_MAX];
    struct run_key key;
};

struct op_type {
    const char *name, *doc;
    int inputs; /* -1: any number */
    int outputs, private_outputs;
    unsigned flags;
    enum attribute_kind attribute;
    /* Test cases, one a line: "SHAPES | NUMBERS". "[5]:7" are integers below 7, "[5]+" positive. */
    const char *cases;
    /* Sets the types of all outputs; false when the inputs do not fit. */
    bool (*shape)(const struct graph *graph, const struct node *node, struct type out[]);
    /* Emits the gradient of each input as ordinary nodes; leaves `none` where there is none.
     * dout[k] is none for outputs without gradient. Broadcasting is undone by the caller. */
    void (*gradient)(const struct node *node, const val in[], const val out[], const val dout[],
                     val din[]);
    void (*reference)(const struct reference_call *call);
    /* Builds the op from test inputs and numbers, through its public builder. */
    val (*make)(const val in[], int inputs, const double number[]);
};

#define X(name) extern const struct op_type op_##name;
#include "engine/ops.def"
#undef X

/* All ops, ended by NULL. */
extern const struct op_type *const all_ops[];

/* Type of input i of a node that is being added to the graph. */
static inline struct type input_type(const struct graph *graph, const struct node *node, int i)
{
    return graph->value[node->in[i]].type;
}

/* Shape rule: output 0 is as input 0. */
bool shape_as_input(const struct graph *graph, const struct node *node, struct type out[]);

#endif
