/* A program: a graph compiled for the CPU into an array of ready kernel calls. Before the first run
 * everything is known: shapes, kernels, every byte. In a run nothing is allocated, looked up by
 * name or decided. */
#ifndef ENGINE_PROGRAM_H
#define ENGINE_PROGRAM_H

#include "engine/comm.h"
#include "engine/graph.h"
#include "base/text.h"

enum precision { PRECISION_F32, PRECISION_BF16 };

/* What to compile for. Zero is a good start: f32, checks off. */
struct target {
    enum precision precision;
    bool check;        /* red zones, poison after last use, NaN-filled outputs: for tests */
    bool no_recompute; /* keep normalised activations instead of rebuilding them in backward */
    bool profile;      /* time every call */
    bool tune;         /* time the candidates of every convolution and keep the fastest */
    uint64_t seed;     /* of random calls */
    /* A program that never runs at the same time and lives longer: its temporaries and scratch
     * serve this one, too, where they are large enough. NULL: none. */
    const struct program *lender;
    const struct comm *comm; /* other ranks; NULL: there are none */
};

struct program;

/* Compiles the graph, whose errors come out here, and seals the ranges it uses. The passes rewrite
 * the graph: afterwards it may only be freed, at any time; the store must outlive the program.
 * TACIT_FAILED: an op has no kernel, named. */
status compile(struct graph *graph, const struct target *target, struct program **program);
void program_free(struct program *program);

/* What the program holds and does. */
struct program_size {
    double temporary_bytes; /* activations, gradients of activations, scratch: peak */
    double scratch_bytes;   /* of which shared kernel scratch */
    double fixed_bytes;     /* inputs, knobs, constants, outputs: apart from the temporaries */
    double live_bytes;      /* least possible: largest sum of values alive at once */
    double flops;           /* of one run: multiply-adds of products and convolutions, times 2 */
    int64_t calls;
};
void program_describe(const struct program *program, struct program_size *size);

/* Memory of a named input (row-major; f32, or int32 for integers), to be filled before each run; of
 * a named output (f32), valid until the next run. NULL when the graph has none of this name, and
 * for an input that nothing in the program reads. */
void *program_input(struct program *program, const char *name);
const float *program_output(const struct program *program, const char *name);
struct shape program_output_shape(const struct program *program, const char *name);

/* Sets a knob; unknown names are ignored, for a method may not use every knob of the schedules. */
void program_knob(struct program *program, const char *name, double value);

/* From now on a run is about rows first … first+count-1 of a batch of `total` rows; until then,
 * about whole batches. Random calls draw by the row of the whole batch (run_row), so that the parts
 * of a batch get the draws that it would get undivided. */
void program_rows(struct program *program, int64_t first, int64_t count, int64_t total);

/* Runs all calls: adds to gradients, commits states, fills outputs. `step` numbers random draws. */
status program_run(struct program *program, uint64_t step);

/* One line a kind of call, most expensive first: name, implementation, calls, seconds, share,
 * GFLOP/s, GB/s (profile must have been on); one line a call of what was planned. */
status program_profile(const struct program *program, struct text *text);
status program_print(const struct program *program, struct text *text);

#endif
