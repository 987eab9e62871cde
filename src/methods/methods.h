/* Self-supervised methods, one a file, as rows of a table. A method gives embed(views) -> z[],
 * rows independent but for batch norm, and a pure loss(z[]) over the whole global batch: batches
 * are split only at that seam. It never talks to the terminal, to files or to a backend. */
#ifndef METHODS_METHODS_H
#define METHODS_METHODS_H

#include "base/config.h"
#include "nn/networks.h"

enum { VIEWS_MAX = 16, EMBEDDINGS_MAX = 16, METHOD_OPTION_BYTES = 256, METHOD_RANGES = 4 };

enum method_family { CONTRASTIVE, SUPERVISED };

/* One method with its settings, as it embeds one batch. */
struct method {
    const struct method_type *type;
    const struct network_type *network;
    struct network_options network_options;
    int64_t classes; /* known classes, for methods that use labels; else 0 */
    bool training;   /* batch statistics and updates, or running statistics */
    bool update; /* move the running statistics (only the first forward of cached micro-batches) */
    int groups;  /* batch-norm groups of this program's rows; 0: the method's own choice */
    _Alignas(16) unsigned char options[METHOD_OPTION_BYTES]; /* the method's own struct */
};

struct method_type {
    const char *name, *title, *paper;
    enum method_family family;
    const char *augment; /* name of its usual pipeline */
    int views, embeddings;
    bool labels; /* the loss reads an input "labels", [N] integers */
    const struct option *options;
    /* Fills the method's own struct from the checked keys "method.…". */
    status (*configure)(struct method *method, const struct config *config);
    /* Names of the networks it trains, NULL-ended. The first is the backbone. */
    const char *const *networks;
    /* view[i] [N, C, H, W] -> z[k] [N, D]. Records features() of the backbone by the way. */
    void (*embed)(const struct method *m, struct graph *g, const val view[], val z[]);
    /* A scalar from the global batch. Knobs it names are set by its schedules. */
    val (*loss)(const struct method *m, struct graph *g, const val z[]);
    /* The loss for collapsed or random embeddings, and its least possible value, for a global
     * batch of `batch` pictures. */
    double (*chance)(const struct method *m, int64_t batch);
    double (*floor)(const struct method *m, int64_t batch);
    /* Value of a knob of this method at `progress` (0 … 1). */
    double (*knob)(const struct method *m, const char *name, double progress);
};

extern const struct method_type *const all_methods[]; /* ended by NULL */

/* The row of this name, NULL if there is none. */
const struct method_type *method_find(const char *name);

/* A network call of the method in its mode; `views` stacked views lie in the rows. */
net method_network(const struct method *m, struct graph *g, const char *name, int views);

/* Pictures through the backbone: [N, C, H, W] -> [N, D]. */
val method_encode(const struct method *m, struct graph *g, val pictures, int views);

/* The labels of the batch: input "labels" [batch]. */
val method_labels(struct graph *g, int64_t batch);

#endif
