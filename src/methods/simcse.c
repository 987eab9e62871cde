/* SimCSE: a text finds itself again under another dropout, or its partner. Gao et al. 2021,
 * arXiv:2104.08821. */
#include "methods/tuples.h"

#include <math.h>

struct simcse {
    double temperature;
    enum { UNSUPERVISED, PAIRS, TRIPLETS } supervision;
};

/* Texts that come from the data; embeddings that the loss compares. */
static int texts(const struct simcse *o)
{
    return o->supervision == UNSUPERVISED ? 1 : (int)o->supervision + 1;
}

static int sides(const struct simcse *o)
{
    return o->supervision == TRIPLETS ? 3 : 2;
}

static int fields(const struct method *m, struct field field[])
{
    return tuple_fields(m, texts((const void *)m->options), field);
}

static void request(const struct method *m, struct text_request *request)
{
    tuple_request(m, texts((const void *)m->options), request);
}

/* z[0] [N, D]; z[1] [N, D] the partners, or [N, 2 D] with their hard negatives beside them. The MLP
 * on the pooled text serves in training only. */
static void embed(const struct method *m, struct graph *g, const val view[], val z[])
{
    const struct simcse *o = (const void *)m->options;
    const val twice[] = { view[0], view[1], view[0], view[1] };
    val pooled = method_embed_text(
        m, g, tuple_stack(o->supervision == UNSUPERVISED ? twice : view, sides(o)), m->pooling);
    net mlp = method_network(m, g, "mlp", 1);
    tuple_split(hyperbolic_tangent(dense(mlp, "dense", pooled, dim(pooled, 1), true)), sides(o), z);
}

/* Equation 1 (and 5): the partner among those of all texts, hard negatives included. */
static val loss(const struct method *m, struct graph *g, const val z[])
{
    (void)m;
    val query = divide(l2_normalize(z[0], 1e-8), knob(g, "temperature"));
    return method_match_loss(query, l2_normalize(tuple_candidates(z), 1e-8));
}

/* All embeddings equal: a guess among all candidates. */
static double chance(const struct method *m, int64_t batch)
{
    const struct simcse *o = (const void *)m->options;
    return log((double)(sides(o) - 1) * (double)batch);
}

/* Partners coincide; the others lie as far as they can: at the corners of a simplex, or, hard
 * negatives apart, opposite. */
static double least(const struct method *m, int64_t batch)
{
    const struct simcse *o = (const void *)m->options;
    double others = (sides(o) - 1) * (double)batch - 1;
    double away = o->supervision == TRIPLETS ? -1 : batch > 1 ? -1 / ((double)batch - 1) : 0;
    return log1p(others * exp((away - 1) / o->temperature));
}

static double knob_value(const struct method *m, const char *name, double progress)
{
    (void)name, (void)progress;
    return ((const struct simcse *)(const void *)m->options)->temperature;
}

static status configure(struct method *m, const struct config *config)
{
    struct simcse *o = (void *)m->options;
    *o = (struct simcse){ .temperature = config_real(config, "method.temperature"),
                          .supervision = config_choice(config, "method.supervision") };
    m->pooling = config_choice(config, "method.pooling");
    m->spread = true;
    return TACIT_OK;
}

static const char *const supervision[] = { "none", "pairs", "triplets", NULL };

static const struct option options[] = {
    { .name = "temperature",
      .kind = OPTION_REAL,
      .fallback = "0.05",
      .minimum = 0,
      .above = true,
      .help = "divides the cosines" },
    { .name = "supervision",
      .kind = OPTION_CHOICE,
      .fallback = "none",
      .choices = supervision,
      .help = "none: dropout makes the partner; pairs of texts; triplets with a hard negative" },
    { .name = "pooling",
      .kind = OPTION_CHOICE,
      .fallback = "cls",
      .choices = pooling_names,
      .help = "how a text becomes one vector" },
    { 0 },
};

static const char *const networks[] = { "backbone", "mlp", NULL };

const struct method_type method_simcse = {
    .name = "simcse",
    .title = "Simple contrastive learning of sentences",
    .paper = "arXiv:2104.08821",
    .next = "tacit embed RUN data=FILE out=FILE.npy\nor:   tacit finetune RUN data=DATA labels=…",
    .family = CONTRASTIVE,
    .kind = SAMPLE_TEXT,
    .augment = "none",
    .tokenizer = "wordpiece",
    .model = "bert-mini",
    .views = 2,
    .collapses = true,
    .embeddings = 2,
    .options = options,
    .configure = configure,
    .networks = networks,
    .fields = fields,
    .request = request,
    .reading = READS_BOTH_WAYS,
    .embed = embed,
    .loss = loss,
    .chance = chance,
    .floor = least,
    .knob = knob_value,
};
