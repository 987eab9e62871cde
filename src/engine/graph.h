/* A graph: values and nodes as small integer ids in one arena. Errors stick to the graph: the
 * first bad call records what was wrong, later calls are harmless, compile() reports it. So network
 * and method code reads like the paper, without a check on every line. */
#ifndef ENGINE_GRAPH_H
#define ENGINE_GRAPH_H

#include "engine/store.h"

/* A value carries its graph: relu(x), not relu(g, x). id 0 is no value. */
typedef struct {
    struct graph *graph;
    uint32_t id;
} val;

/* A network call. Training or evaluation mode belongs to the call, not to the graph, so that one
 * graph can hold a student in training mode and a teacher in evaluation mode. */
typedef struct {
    struct graph *graph;
    struct range *range;
    const char *scope; /* "layer1.0." or "" */
    bool training;     /* batch statistics and dropout, or running statistics */
    bool update;       /* move the running statistics */
    int groups;        /* batch statistics per 1/groups of the rows: 1 joint, 2 per view */
} net;

struct convolution {
    int64_t stride[2], padding[2], dilation[2], groups; /* height, width */
};

struct pooling {
    int64_t kernel[2], stride[2], padding[2]; /* height, width */
};

/* What a node needs beside its inputs; each op uses one member of the union. */
struct attributes {
    struct shape shape; /* of the result, where the inputs do not tell */
    struct {
        const char *call; /* unlike that of any other draw of the graph; NULL: nothing is drawn */
        double rate;
    } random;
    union {
        struct convolution convolution;
        struct pooling pooling;
        struct {
            int groups;
            bool total; /* the statistics came from the rows of x themselves */
            bool relu;  /* y = max(0, normalised [+ residual]) */
            int pool;   /* 2: then the maximum of 2x2 windows, stride 2; 0: none */
            double epsilon;
        } batch_norm;
        struct {
            uint32_t axes; /* bit i: axis i */
            bool keep;
        } reduce;
        struct {
            bool a, b;
            bool half;           /* operands may be stored as bf16 */
            bool bias, residual; /* of matmul_sum: which further operands there are */
        } transpose;
        struct {
            int64_t heads, band;
            bool causal;
        } attention;
        struct {
            int axis;
            int64_t start, stop; /* of a slice; before and after, of padding */
        } part;
        int order[RANK_MAX]; /* permute: axis i of the result is axis order[i] of the input */
        double number;       /* a constant, an epsilon, a fill value */
        struct tensor *tensor;
        enum dtype dtype; /* of inputs and casts */
    };
};

struct node {
    const struct op_type *op;
    uint32_t *in, *out; /* value ids */
    int inputs, outputs;
    struct attributes attribute;
    bool backward; /* emitted by differentiation */
};

/* How the items of a value lie in memory. Inputs, outputs and the store are always plain; IMAGE is
 * the layout of connected convolution regions: [N, C/block, H, W, block], where the target decides
 * the block (16, or all channels: NHWC). */
enum layout { LAYOUT_PLAIN, LAYOUT_IMAGE };

struct value {
    struct type type;
    uint32_t node;
    int output; /* which output of the node */
    enum layout layout;
};

struct graph {
    struct arena arena;
    struct store *store;
    struct value *value; /* [1 … values-1] */
    struct node *node;   /* [0 … nodes-1], in program order */
    size_t values, nodes, value_capacity, node_capacity;
    uint32_t *root; /* nodes with an effect: outputs, commits, accumulations */
    size_t roots, root_capacity;
    struct state_slot *state; /* states written so far: tensor and latest value */
    size_t states, state_capacity;
    struct named_slot *named; /* inputs, knobs and outputs by name */
    size_t names, name_capacity;
    bool failed, differentiating;
    char message[1024];
};

struct state_slot {
    struct tensor *tensor;
    uint32_t value;
};

struct named_slot {
    const char *name;
    uint32_t value;
    enum { NAMED_INPUT, NAMED_KNOB, NAMED_OUTPUT } kind;
};

struct graph *graph_new(struct store *store);
void graph_free(struct graph *graph);

/* TACIT_OK, or the first error of building. */
status graph_status(const struct graph *graph);

/* Records an error (the first one stays) and returns no value. */
val graph_fail(struct graph *graph, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a node, checks shapes and number types by the op's rule and makes its output values. Returns
 * output 0; the others are output_of(result, k). Gives no value when an input is none. */
val graph_add(struct graph *graph, const struct op_type *op, int inputs, const val in[],
              const struct attributes *attributes);

/* Output k of the node that made v. */
val output_of(val v, int k);

/* The node that made v, and v's type and shape. */
const struct node *node_of(val v);
struct type type_of(val v);
struct shape shape_of(val v);
int64_t rows(val v); /* dimension 0 */
int64_t dim(val v, int axis);
bool is_none(val v);
val no_value(struct graph *graph);

/* A network call on the store's range `name`; a part of it named "layer1.0". */
net network(struct graph *graph, const char *name, bool training, int groups);
net part(net n, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Inputs are given before each run, outputs read after it as f32 (integers are exact up to 2^24);
 * knobs are scalars set by the host. No two inputs, and no two outputs, have one name. */
val input(struct graph *graph, const char *name, enum dtype dtype, struct shape shape);
val knob(struct graph *graph, const char *name);
void output(val v, const char *name);

/* A named parameter or state of the network; a state's latest value and its replacement. */
val parameter(net n, const char *name, struct shape shape, struct init init);
struct tensor *state(net n, const char *name, struct shape shape, struct init init);
val state_read(struct graph *graph, struct tensor *tensor);
void state_write(struct graph *graph, struct tensor *tensor, val v);

#endif
