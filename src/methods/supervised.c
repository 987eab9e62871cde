/* Supervised learning of a network with a head: the comparison from scratch, and what fine-tuning
 * does with classes. */
#include "methods/head.h"

#include <math.h>

static void embed(const struct method *m, struct graph *g, const val view[], val z[])
{
    z[0] = head_outputs(m, g, view, m->classes);
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

static const struct option options[] = { HEAD_OPTIONS, { 0 } };

const struct method_type method_supervised = {
    .name = "supervised",
    .title = "Supervised learning of classes",
    .paper = "",
    .next = "tacit predict RUN",
    .family = SUPERVISED,
    .either = true,
    .augment = "simclr-cifar",
    .tokenizer = "wordpiece",
    .views = 1,
    .collapses = true,
    .embeddings = 1,
    .labels = true,
    .options = options,
    .configure = head_configure,
    .networks = head_networks,
    .fields = head_fields,
    .request = head_request,
    .embed = embed,
    .loss = loss,
    .chance = chance,
    .floor = least,
};
