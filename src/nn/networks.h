/* Networks: graph builders with the names and shapes of torchvision, as rows of a table. */
#ifndef NN_NETWORKS_H
#define NN_NETWORKS_H

#include "nn/layers.h"

/* What a user may choose about a network. */
struct network_options {
    enum { STEM_AUTO, STEM_CIFAR, STEM_IMAGENET } stem; /* auto: cifar below 64 pixels */
    double width; /* factor on all channel counts, rounded to multiples of 8; 1 is the published */
    int64_t classes; /* of the head "fc"; 0: features */
};

struct network_type {
    const char *name, *doc, *source;
    /* Pictures [N, C, H, W] to features [N, D]. */
    val (*encode)(net n, const struct network_type *type, const struct network_options *options,
                  val pictures);
    int64_t blocks[4]; /* residual networks: blocks per stage */
    bool bottleneck;
};

extern const struct network_type *const all_networks[]; /* ended by NULL */

/* The row of this name, NULL if there is none. */
const struct network_type *network_find(const char *name);

#endif
