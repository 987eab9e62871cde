/* The CPU backend: for every op a row that says which layouts it takes, what it may overwrite, and
 * how a call of it is made ready. */
#ifndef ENGINE_CPU_CPU_H
#define ENGINE_CPU_CPU_H

#include "engine/comm.h"
#include "engine/graph.h"
#include "engine/op.h"

enum { LAYOUT_OPERANDS = 8, CALL_INPUTS = 16 };

/* Layouts that a node wants for its inputs and gives to its outputs; plain unless said. */
struct layout_choice {
    enum layout in[LAYOUT_OPERANDS], out[OUTPUTS_MAX];
};

/* One operand of a call. */
struct operand {
    struct type type;
    enum layout layout;
    void *data;
};

/* One ready kernel call. */
struct call {
    void (*run)(struct call *call);
    const struct op_type *op;
    struct attributes attribute;
    int inputs, outputs;
    struct operand in[CALL_INPUTS], out[OUTPUTS_MAX];
    int64_t block; /* of the IMAGE layout; 0: all channels */
    bool tune;     /* time the candidates before choosing */
    const struct run_key *run_key;
    const struct comm *comm; /* other ranks, or NULL */
    status failure;          /* what a run of this call came to; its message is set */
    void *state;             /* the kernel's own, freed by drop */
    void (*drop)(void *state);
    size_t scratch_bytes; /* wanted; `scratch` is shared by all calls */
    void *scratch;
    const char *implementation; /* for profiles: "jit_wino_4x3", "own" */
    double flops;
    double seconds; /* of all runs, when profiling */
    int64_t runs;
};

struct cpu_kernel {
    const struct op_type *op;
    /* Fills run, state, scratch_bytes, flops; data pointers come later. */
    status (*prepare)(struct call *call);
    /* NULL: everything plain. */
    void (*layout)(const struct graph *graph, const struct node *node,
                   struct layout_choice *choice);
    /* in[k]: the input that output k may overwrite, or -1. NULL: by OP_IN_PLACE. */
    void (*in_place)(const struct node *node, int in[OUTPUTS_MAX]);
    bool bf16; /* images may be stored as bf16; else they come plain under bf16 */
};

/* The row of this op; NULL: the CPU cannot run it. */
const struct cpu_kernel *cpu_find(const struct op_type *op);

/* Which inputs the node's outputs may overwrite (-1: none). */
void cpu_in_place(const struct graph *graph, const struct node *node, int in[OUTPUTS_MAX]);

/* Whether the kernel of this op_sum reads bf16: sums over the rows of a matrix. */
bool sum_reads_bf16(const struct graph *graph, const struct node *node);

/* Whether that of this op_attention, or of its gradient, works in bf16: heads of even size. */
bool attention_reads_bf16(const struct graph *graph, const struct node *node);

/* Name of the instruction set in use: "avx2", "avx512", "avx512_bf16" (capped by TACIT_ISA). */
const char *cpu_isa(void);

/* Whether TACIT_ISA is set; oneDNN is then capped at cpu_isa() too. */
bool cpu_capped(void);

/* To be asked before anything is computed. TACIT_FAILED: this processor lacks the least that the
 * kernels need (AVX2 with FMA); TACIT_USAGE: TACIT_ISA names no instruction set. */
status cpu_ready(void);

/* Layout rule of ops that work item by item on operands of one shape. */
void layout_same(const struct graph *graph, const struct node *node, struct layout_choice *choice);

/* Whether a value should be IMAGE: four axes, channels a multiple of 16. */
bool layout_image_fits(struct shape shape);

#endif
