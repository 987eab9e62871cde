/* Dual encoder: a query finds its passage among those of all queries of the batch. Karpukhin et al.
 * 2020, arXiv:2004.04906; one network for both sides, as sentence encoders have it. */
#include "methods/tuples.h"

#include <math.h>

struct dual_encoder {
    double scale;
    bool cosine, negatives; /* negatives: a third text a sample is a hard negative */
};

static int sides(const struct dual_encoder *o)
{
    return o->negatives ? 3 : 2;
}

static int fields(const struct method *m, struct field field[])
{
    return tuple_fields(m, sides((const void *)m->options), field);
}

static void request(const struct method *m, struct text_request *request)
{
    tuple_request(m, sides((const void *)m->options), request);
}

/* z[0] [N, D] queries; z[1] [N, D] passages, or [N, 2 D] with their hard negatives beside them. */
static void embed(const struct method *m, struct graph *g, const val view[], val z[])
{
    const struct dual_encoder *o = (const void *)m->options;
    tuple_split(method_embed_text(m, g, tuple_stack(view, sides(o)), m->pooling), sides(o), z);
}

static val loss(const struct method *m, struct graph *g, const val z[])
{
    const struct dual_encoder *o = (const void *)m->options;
    val query = z[0], found = tuple_candidates(z);
    if (o->cosine) {
        query = l2_normalize(query, 1e-12);
        found = l2_normalize(found, 1e-12);
    }
    return method_match_loss(multiply(query, knob(g, "scale")), found);
}

/* All embeddings equal: a guess among all candidates. */
static double chance(const struct method *m, int64_t batch)
{
    const struct dual_encoder *o = (const void *)m->options;
    return log((double)(sides(o) - 1) * (double)batch);
}

/* Cosines of 1 with the own passage and -1 with all others; products have no bound. */
static double least(const struct method *m, int64_t batch)
{
    const struct dual_encoder *o = (const void *)m->options;
    double others = (sides(o) - 1) * (double)batch - 1;
    return o->cosine ? log1p(others * exp(-2 * o->scale)) : 0;
}

static bool products(const struct method *m)
{
    return !((const struct dual_encoder *)(const void *)m->options)->cosine;
}

static double knob_value(const struct method *m, const char *name, double progress)
{
    (void)name, (void)progress;
    return ((const struct dual_encoder *)(const void *)m->options)->scale;
}

static status configure(struct method *m, const struct config *config)
{
    struct dual_encoder *o = (void *)m->options;
    *o = (struct dual_encoder){ .cosine = config_choice(config, "method.similarity") == 0,
                                .negatives = config_boolean(config, "method.negatives") };
    m->pooling = config_choice(config, "method.pooling");
    m->spread = true;
    o->scale = config_automatic(config, "method.scale") ? o->cosine ? 20 : 1
                                                        : config_real(config, "method.scale");
    return TACIT_OK;
}

static const char *const similarity[] = { "cosine", "dot", NULL };

static const struct option options[] = {
    { .name = "similarity",
      .kind = OPTION_CHOICE,
      .fallback = "cosine",
      .choices = similarity,
      .help = "of a query and a passage" },
    { .name = "scale",
      .kind = OPTION_REAL,
      .fallback = "auto",
      .minimum = 0,
      .above = true,
      .automatic = true,
      .help = "multiplies similarities; auto: 20 for cosines, 1 for products" },
    { .name = "negatives",
      .kind = OPTION_BOOLEAN,
      .fallback = "false",
      .help = "every sample has a third text, a passage that does not answer the query" },
    { .name = "pooling",
      .kind = OPTION_CHOICE,
      .fallback = "mean",
      .choices = pooling_names,
      .help = "how a text becomes one vector" },
    { 0 },
};

static const char *const networks[] = { "backbone", NULL };

const struct method_type method_dual_encoder = {
    .name = "dual-encoder",
    .title = "Queries find their passages",
    .paper = "arXiv:2004.04906",
    .next = "tacit embed RUN data=FILE out=FILE.npy\nor:   tacit search FILE.npy query=\"…\"",
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
    .embed = embed,
    .loss = loss,
    .chance = chance,
    .floor = least,
    .products = products,
    .knob = knob_value,
};
