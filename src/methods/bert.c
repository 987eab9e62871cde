/* BERT: guess hidden tokens from both sides, and whether the second sentence follows the first.
 * Devlin et al. 2019, arXiv:1810.04805. */
#include "methods/masked.h"

#include <math.h>

struct bert {
    struct masked masked;
    bool next;      /* with next sentence prediction */
    double shorter; /* share of samples cut to a random length */
};

enum { TOKENS, SEGMENTS, GROUPS, PLACES, TARGETS, RANDOM_NEXT };

static int fields(const struct method *m, struct field field[])
{
    const struct bert *o = (const void *)m->options;
    int64_t window = method_window(m), masked = masked_most(&o->masked, window);
    field[TOKENS] = method_field("tokens", window);
    field[SEGMENTS] = method_field("segments", window);
    field[GROUPS] = method_field("groups", window);
    field[PLACES] = method_field("places", masked);
    field[TARGETS] = method_field("targets", masked);
    field[RANDOM_NEXT] = method_field("random_next", 0);
    return o->next ? 6 : 5;
}

static void request(const struct method *m, struct text_request *request)
{
    const struct bert *o = (const void *)m->options;
    *request = (struct text_request){ .form = o->next ? TEXT_SENTENCE_PAIRS : TEXT_SENTENCES,
                                      .window = method_window(m),
                                      .sides = 1,
                                      .shorter = o->shorter };
    masked_request(&o->masked, request);
}

static struct text_input read_fields(const val view[])
{
    return (struct text_input){ .tokens = view[TOKENS],
                                .segment = view[SEGMENTS],
                                .group = view[GROUPS] };
}

/* Two classes from the pooled first token: 0 the sentence follows, 1 it comes from anywhere. */
static void guess_next(const struct method *m, struct graph *g, val hidden, val random_next,
                       val z[2])
{
    net backbone = method_network(m, g, "backbone", 1), head = method_network(m, g, "cls", 1);
    val first = slice(hidden, 1, 0, 1);
    if (is_none(first))
        return;
    val pooled = m->network->pool(backbone, m->network, &m->network_options,
                                  reshape(first, SHAPE(dim(hidden, 0), dim(hidden, 2))));
    val logits = dense(head, "seq_relationship", pooled, 2, true);
    method_guess(logits, reshape(random_next, SHAPE(rows(random_next), 1)), z);
}

static void embed(const struct method *m, struct graph *g, const val view[], val z[])
{
    const struct bert *o = (const void *)m->options;
    val hidden = method_hidden(m, g, read_fields(view));
    masked_guess(m, g, hidden, view[PLACES], view[TARGETS], z);
    z[2] = z[3] = broadcast_to(constant(g, 0), SHAPE(rows(view[TOKENS]), 1));
    if (o->next && !is_none(hidden))
        guess_next(m, g, hidden, view[RANDOM_NEXT], z + 2);
}

/* The sum of both mean losses. */
static val loss(const struct method *m, struct graph *g, const val z[])
{
    const struct bert *o = (const void *)m->options;
    (void)g;
    val masked = method_guess_loss(z);
    return o->next ? add(masked, method_guess_loss(z + 2)) : masked;
}

/* All tokens, and both answers, are equally likely. */
static double chance(const struct method *m, int64_t batch)
{
    const struct bert *o = (const void *)m->options;
    return method_guess_chance(m, batch) + (o->next ? log(2) : 0);
}

static status configure(struct method *m, const struct config *config)
{
    struct bert *o = (void *)m->options;
    *o = (struct bert){ .next = config_boolean(config, "method.next_sentence"),
                        .shorter = config_real(config, "method.short_rate") };
    m->pooling = POOL_MEAN;
    m->spread = true;
    return masked_configure(&o->masked, config);
}

static const struct option options[] = {
    MASKED_OPTIONS,
    { .name = "next_sentence",
      .kind = OPTION_BOOLEAN,
      .fallback = "true",
      .help = "also guess whether the second sentence follows the first" },
    { .name = "short_rate",
      .kind = OPTION_REAL,
      .fallback = "0.1",
      .minimum = 0,
      .maximum = 1,
      .help = "share of the pairs of sentences that are cut to a random length" },
    { 0 },
};

static const char *const networks[] = { "backbone", "cls", NULL };

const struct method_type method_bert = {
    .name = "bert",
    .title = "Masked tokens and next sentence",
    .paper = "arXiv:1810.04805",
    .next = "tacit finetune RUN data=DATA labels=…\nor:   tacit embed RUN data=FILE out=FILE.npy",
    .family = GENERATIVE,
    .kind = SAMPLE_TEXT,
    .augment = "none",
    .tokenizer = "wordpiece",
    .model = "bert-mini",
    .views = 1,
    .embeddings = 4,
    .options = options,
    .configure = configure,
    .networks = networks,
    .fields = fields,
    .request = request,
    .reading = READS_BOTH_WAYS,
    .head = "cls",
    .embed = embed,
    .loss = loss,
    .chance = chance,
    .floor = method_guess_floor,
};
