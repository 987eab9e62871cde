/* SimCLR: views of one picture attract, all others repel. Chen et al. 2020, arXiv:2002.05709. */
#include "methods/methods.h"

#include <math.h>

struct simclr {
    double temperature;
    int64_t hidden, dim;
    bool joint; /* batch statistics over both views together */
    bool head_norm;
};

/* Projector: linear, batch norm, ReLU, linear. */
static void embed(const struct method *m, struct graph *g, const val view[], val z[])
{
    const struct simclr *o = (const void *)m->options;
    int groups = o->joint ? 1 : 2;
    net projector = method_network(m, g, "projector", groups);
    val features = method_encode(m, g, stack(view, 2), groups);
    val hidden = o->head_norm
                     ? batch_norm(projector, "bn1",
                                  linear_without_bias(projector, "fc1", features, o->hidden))
                     : linear(projector, "fc1", features, o->hidden);
    unstack(linear(projector, "fc2", relu(hidden), o->dim), 2, z);
}

/* Equation 1, NT-Xent: each of 2N rows finds its partner, itself excluded. */
static val loss(const struct method *m, struct graph *g, const val z[])
{
    (void)m;
    int64_t batch = rows(z[0]);
    val unit = l2_normalize(stack(z, 2), 1e-12);
    val logits = divide(matmul_transposed(unit, false, unit, true), knob(g, "temperature"));
    return mean_all(
        cross_entropy(fill_diagonal(logits, -1e9), rotate(count_up(g, 2 * batch), batch)));
}

/* All embeddings equal: every row guesses among 2N - 1 others. */
static double chance(const struct method *m, int64_t batch)
{
    (void)m;
    return log(2 * (double)batch - 1);
}

/* Pairs coincide and lie at the corners of a simplex: cosine -1/(N-1) to all others. */
static double least(const struct method *m, int64_t batch)
{
    const struct simclr *o = (const void *)m->options;
    double others = 2 * (double)batch - 2, away = batch > 1 ? -1 / ((double)batch - 1) : 0;
    return log1p(others * exp((away - 1) / o->temperature));
}

static double knob_value(const struct method *m, const char *name, double progress)
{
    (void)name, (void)progress;
    return ((const struct simclr *)(const void *)m->options)->temperature;
}

static status configure(struct method *m, const struct config *config)
{
    struct simclr *o = (void *)m->options;
    *o = (struct simclr){ .temperature = config_real(config, "method.temperature"),
                          .hidden = config_integer(config, "method.hidden"),
                          .dim = config_integer(config, "method.dim"),
                          .joint = config_choice(config, "method.statistics") == 0,
                          .head_norm = config_boolean(config, "method.head_norm") };
    return TACIT_OK;
}

static const char *const statistics[] = { "joint", "per-view", NULL };

static const struct option options[] = {
    { .name = "temperature",
      .kind = OPTION_REAL,
      .fallback = "0.5",
      .minimum = 0,
      .above = true,
      .help = "divides the cosines (T in equation 1)" },
    { .name = "hidden",
      .kind = OPTION_INTEGER,
      .fallback = "512",
      .minimum = 1,
      .maximum = 1 << 20,
      .unit = "units",
      .help = "width of the projector's hidden layer" },
    { .name = "dim",
      .kind = OPTION_INTEGER,
      .fallback = "128",
      .minimum = 2,
      .maximum = 1 << 20,
      .unit = "units",
      .help = "width of the embedding that the loss sees" },
    { .name = "statistics",
      .kind = OPTION_CHOICE,
      .fallback = "per-view",
      .choices = statistics,
      .help = "batch statistics over both views together, or per view" },
    { .name = "head_norm",
      .kind = OPTION_BOOLEAN,
      .fallback = "true",
      .help = "batch normalisation inside the projector" },
    { 0 },
};

static const char *const networks[] = { "backbone", "projector", NULL };

const struct method_type method_simclr = {
    .name = "simclr",
    .title = "Simple contrastive learning",
    .paper = "arXiv:2002.05709",
    .next = "tacit eval RUN",
    .family = CONTRASTIVE,
    .augment = "simclr-cifar",
    .views = 2,
    .collapses = true,
    .embeddings = 2,
    .options = options,
    .configure = configure,
    .networks = networks,
    .embed = embed,
    .loss = loss,
    .chance = chance,
    .floor = least,
    .knob = knob_value,
};
