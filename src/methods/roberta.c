/* RoBERTa: guess hidden tokens of whole sentences, hidden anew every time. Liu et al. 2019,
 * arXiv:1907.11692. */
#include "methods/masked.h"

enum { TOKENS, GROUPS, PLACES, TARGETS };

static int fields(const struct method *m, struct field field[])
{
    const struct masked *o = (const void *)m->options;
    int64_t window = method_window(m), masked = masked_most(o, window);
    field[TOKENS] = method_field("tokens", window);
    field[GROUPS] = method_field("groups", window);
    field[PLACES] = method_field("places", masked);
    field[TARGETS] = method_field("targets", masked);
    return 4;
}

static void request(const struct method *m, struct text_request *request)
{
    *request = (struct text_request){ .form = TEXT_SENTENCES,
                                      .window = method_window(m),
                                      .sides = 1,
                                      .dithered = true,
                                      .ordinary = true };
    masked_request((const void *)m->options, request);
}

static struct text_input read_fields(const val view[])
{
    return (struct text_input){ .tokens = view[TOKENS], .group = view[GROUPS] };
}

static void embed(const struct method *m, struct graph *g, const val view[], val z[])
{
    masked_guess(m, g, method_hidden(m, g, read_fields(view)), view[PLACES], view[TARGETS], z);
}

static val loss(const struct method *m, struct graph *g, const val z[])
{
    (void)m, (void)g;
    return method_guess_loss(z);
}

static status configure(struct method *m, const struct config *config)
{
    m->pooling = POOL_MEAN;
    m->spread = true;
    return masked_configure((void *)m->options, config);
}

static const struct option options[] = { MASKED_OPTIONS, { 0 } };

static const char *const networks[] = { "backbone", "lm_head", NULL };

const struct method_type method_roberta = {
    .name = "roberta",
    .title = "Masked tokens of whole sentences",
    .paper = "arXiv:1907.11692",
    .next = "tacit finetune RUN data=DATA labels=…\nor:   tacit embed RUN data=FILE out=FILE.npy",
    .family = GENERATIVE,
    .kind = SAMPLE_TEXT,
    .augment = "none",
    .tokenizer = "bpe",
    .specials = "roberta",
    .model = "roberta-mini",
    .views = 1,
    .embeddings = 2,
    .options = options,
    .configure = configure,
    .networks = networks,
    .fields = fields,
    .request = request,
    .reading = READS_BOTH_WAYS,
    .head = "lm_head",
    .embed = embed,
    .loss = loss,
    .chance = method_guess_chance,
    .floor = method_guess_floor,
};
