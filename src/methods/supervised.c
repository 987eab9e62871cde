/* Supervised learning of a network with a linear head: the comparison, not a pretext. */
#include "methods/methods.h"

#include <math.h>

static void embed(const struct method *m, struct graph *g, const val view[], val z[])
{
    net head = method_network(m, g, "head", 1);
    z[0] = linear(head, "fc", method_encode(m, g, view[0], 1), m->classes);
}

/* Cross-entropy of the true class. */
static val loss(const struct method *m, struct graph *g, const val z[])
{
    (void)m;
    return mean_all(cross_entropy(z[0], method_labels(g, rows(z[0]))));
}

static double chance(const struct method *m, int64_t batch)
{
    (void)batch;
    return log((double)m->classes);
}

static double least(const struct method *m, int64_t batch)
{
    (void)m, (void)batch;
    return 0;
}

static status configure(struct method *m, const struct config *config)
{
    (void)m, (void)config;
    return TACIT_OK;
}

static const struct option options[] = { { 0 } };

static const char *const networks[] = { "backbone", "head", NULL };

const struct method_type method_supervised = {
    .name = "supervised",
    .title = "Supervised learning",
    .paper = "",
    .family = SUPERVISED,
    .augment = "simclr-cifar",
    .views = 1,
    .collapses = true,
    .embeddings = 1,
    .labels = true,
    .options = options,
    .configure = configure,
    .networks = networks,
    .embed = embed,
    .loss = loss,
    .chance = chance,
    .floor = least,
};
