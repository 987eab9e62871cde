/* The programs of a method and one step with them: inputs in, gradients added to the arenas, loss
 * out. A batch that does not fit is split at the embeddings, which changes neither the loss nor its
 * gradient (Gao et al. 2021, arXiv:2101.06983), but for batch statistics of the parts. */
#ifndef TRAIN_SESSION_H
#define TRAIN_SESSION_H

#include "data/loader.h"
#include "engine/program.h"
#include "methods/methods.h"
#include "train/views.h"

/* Sets the size of the compute team (0: all cores); the first call of a process decides. Every task
 * calls it before it compiles anything. */
void team_settle(int threads);

/* The input of a graph that takes a field of `rows` samples. */
val field_input(struct graph *graph, const struct field *field, int64_t rows);

enum { SESSION_WINDOWS = 16 };

struct session_options {
    struct method method;      /* configured */
    const struct field *field; /* [fields] what the method embeds of every sample; copied */
    int fields;
    int64_t batch, microbatch; /* pictures; microbatch divides batch */
    bool separate;             /* every micro-batch has its own loss; their mean counts */
    /* On texts: lengths of windows, ascending, the last one the method's. An undivided batch runs
     * in the smallest that holds its longest text, which changes nothing beyond rounding. 0: one.
     */
    int64_t window[SESSION_WINDOWS];
    int windows;
    int64_t (*longest)(const void *argument, const struct batch *batch); /* tokens */
    const void *argument;
    struct target target;
};

struct session;

/* Compiles what a step needs; the networks' ranges of the store are sealed by it. The store must
 * outlive the session. TACIT_FAILED: an op without kernel; TACIT_RESOURCES. */
status session_new(const struct session_options *options, struct store *store,
                   struct session **session);
void session_free(struct session *session);

/* The ranges that the method trains. Returns how many. */
int session_ranges(const struct session *session, struct range *const **ranges);

/* One forward and backward pass over a whole batch: adds to the gradients. `step` numbers random
 * draws, `progress` (0 … 1) sets the knobs. *loss may come out as NaN: that is for the caller. */
status session_run(struct session *session, const struct batch *batch, int64_t step,
                   double progress, double *loss);

/* Memory and work of all programs together, and the trained parameters. */
struct session_size {
    double temporary_bytes, flops;
    int64_t parameters, calls;
};
void session_describe(const struct session *session, struct session_size *size);

/* Appends the profile of every program (target.profile must have been on). */
status session_profile(const struct session *session, struct text *text);

/* A network that embeds, in evaluation mode: a program with the running statistics. */
struct extractor;

enum extract {
    EXTRACT_FEATURES, /* of the backbone */
    EXTRACT_EMBEDDING /* z[0] of the method: what its loss sees, or the logits of a classifier */
};

/* An extractor for `batch` samples at a time (of long texts fewer). `method` tells network, pooling
 * and, for embeddings, the method. The store must outlive it, and so must the input's tokenizer.
 * Errors as session_new. */
status extractor_new(struct store *store, const struct method *method,
                     const struct input_shape *input, int64_t batch, enum extract what,
                     const struct target *target, struct extractor **extractor);
void extractor_free(struct extractor *extractor);

/* Width of a row that it gives. */
int64_t extractor_width(const struct extractor *extractor);

/* The fields of feed_fields (train/feed.h), each [count, item], such as normalised pictures
 * [count, channels, size, size] -> rows [count, width]; any count. */
status extractor_run(struct extractor *extractor, void *const field[], int64_t count, float *rows);

/* Embeds texts, each by itself: [count, width]. A text costs by its length: there are programs for
 * windows of 8, 16, 24, 32, 48 … tokens, made when first needed. Only for the thread that drives
 * the engine. TACIT_BAD_DATA: a character that the tokenizer does not know; TACIT_RESOURCES. */
status extractor_texts(struct extractor *extractor, const struct text_view *text, size_t count,
                       float *rows);

/* Embeds samples index[0 … count-1] of a source, pictures as the pipeline "eval" shows them, texts
 * and pairs of texts in their frames: row i of `rows` [count, width] is that of sample kept[i].
 * Samples that cannot be read are left out while source_health allows: *kept_count of `count`.
 * `advance` (may be NULL) is called with the number of samples done; when it gives false the work
 * ends with TACIT_STOPPED. */
typedef bool extract_advance(void *argument, size_t done, size_t count);
status extractor_source(struct extractor *extractor, struct source *source, const uint32_t *index,
                        size_t count, extract_advance *advance, void *argument, float *rows,
                        uint32_t *kept, size_t *kept_count);

#endif
