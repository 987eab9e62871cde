/* What the passes share: the graph on its way to a program. Each pass is one file and one function
 * `status pass_NAME(struct plan *)`, in the order of compile(). */
#ifndef ENGINE_PASSES_PLAN_H
#define ENGINE_PASSES_PLAN_H

#include "engine/graph.h"
#include "engine/program.h"

/* Where the bytes of a value are. */
enum place {
    PLACE_NOWHERE,   /* not used */
    PLACE_TEMPORARY, /* in the program's arena, between first and last call */
    PLACE_FIXED,     /* inputs, knobs, constants, outputs: their own memory, all the time */
    PLACE_STORE,     /* parameters and states */
    PLACE_ALIAS      /* inside another value */
};

struct buffer {
    enum place place;
    uint32_t root;        /* of an alias: the value whose bytes these are */
    size_t alias_offset;  /* … and where they start there */
    size_t bytes, offset; /* offset in the arena (temporary) or the fixed block */
    uint32_t first, last; /* positions in the order between which the bytes are needed */
};

struct plan {
    struct graph *graph;
    const struct target *target;
    int64_t block;   /* of the IMAGE layout: 16, or 0 for all channels */
    uint32_t *order; /* node ids, as they will run */
    size_t ordered, order_capacity;
    struct buffer *buffer; /* by value id; made by pass_place */
    size_t temporary_bytes, fixed_bytes, live_bytes;
};

/* Appends a node to the order. */
status plan_append(struct plan *plan, uint32_t node);

/* Effects at the end: states written by the graph are committed to the store. */
status pass_commit(struct plan *plan);

/* Keeps the nodes that some effect needs, in program order. */
status pass_live(struct plan *plan);

/* Nodes that compute the same from the same become one. */
status pass_merge(struct plan *plan);

/* Large cheap values that backward needs are computed again there instead of being kept. */
status pass_recompute(struct plan *plan);

/* Chooses layouts by the kernels' rules and inserts reorders. */
status pass_layout(struct plan *plan);

/* Under bf16: a product that our own kernels make takes over what is added to it. */
status pass_fuse(struct plan *plan);

/* Chooses how values are stored (target.precision) and inserts casts. */
status pass_precision(struct plan *plan);

/* Gives every value its bytes: aliases, in-place results, temporaries placed greedily by size. */
status pass_place(struct plan *plan);

/* Recomputes lifetimes and fails when two live temporaries overlap (target.check). */
status plan_check(const struct plan *plan);

/* Where a value's bytes really are: follows aliases, adding up the offsets. */
uint32_t plan_root(const struct plan *plan, uint32_t value, size_t *offset);

/* Bytes of a value's items. */
size_t plan_bytes(const struct plan *plan, uint32_t value);

#endif
