/* The watch over the representation: label-free measures of the method's embeddings on a fixed
 * probe batch, with running statistics, and what they say in one sentence. */
#ifndef TRAIN_WATCH_H
#define TRAIN_WATCH_H

#include "train/measures.h"
#include "train/session.h"

struct watch;

struct watch_options {
    struct method method;
    const struct field *field; /* [fields] of a batch */
    int fields;
    loader_make *make; /* makes a row; used while opening only */
    void *argument;
    size_t scratch_bytes;
    struct source *source;
    const uint32_t *row;  /* [rows] to choose from */
    size_t rows, samples; /* size of the probe batch; fewer if there are no more */
    uint64_t seed;
    struct target target;
};

/* Reads the probe batch and compiles the network in evaluation mode. Unreadable samples are left
 * out. TACIT_BAD_DATA: fewer than two samples. Free with watch_free. */
status watch_new(const struct watch_options *options, struct store *store, struct watch **watch);
void watch_free(struct watch *watch);

/* Measures the embeddings that the loss sees (of classifiers: the features). TACIT_NUMERIC: they
 * are not finite. */
status watch_take(struct watch *watch, struct measures *measures);

/* Whether the embeddings have become alike: deviation below a tenth of the ideal 1 / sqrt(width),
 * or a rank below 1.5. */
bool watch_collapsed(const struct measures *measures);

/* One sentence: "HEALTHY: …" or "COLLAPSED: …". */
void watch_verdict(const struct measures *measures, char *text, size_t size);

#endif
