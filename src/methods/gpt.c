/* GPT: every token is guessed from those before it. Radford et al. 2018; Brown et al. 2020,
 * arXiv:2005.14165. */
#include "methods/methods.h"

#include <string.h>

enum { JOIN_BYTES = 64 };

struct gpt {
    bool documents; /* attention and positions stay within a document */
    enum text_windows windows;
    char join[JOIN_BYTES];
};

enum { TOKENS, TARGETS, GROUPS, POSITIONS };

static int fields(const struct method *m, struct field field[])
{
    const struct gpt *o = (const void *)m->options;
    int64_t window = method_window(m);
    field[TOKENS] = method_field("tokens", window);
    field[TARGETS] = method_field("targets", window);
    field[GROUPS] = method_field("groups", window);
    field[POSITIONS] = method_field("positions", window);
    return o->documents ? 4 : 2;
}

static void request(const struct method *m, struct text_request *request)
{
    const struct gpt *o = (const void *)m->options;
    *request = (struct text_request){ .form = TEXT_STREAM,
                                      .window = method_window(m),
                                      .sides = 1,
                                      .windows = o->windows,
                                      .documents = o->documents,
                                      .join = o->join };
}

static struct text_input read_fields(const struct method *m, const val view[])
{
    const struct gpt *o = (const void *)m->options;
    struct text_input in = { .tokens = view[TOKENS] };
    if (o->documents) {
        in.group = view[GROUPS];
        in.position = view[POSITIONS];
    }
    return in;
}

static void embed(const struct method *m, struct graph *g, const val view[], val z[])
{
    val hidden = method_hidden(m, g, read_fields(m, view));
    method_guess(method_logits(m, g, hidden), view[TARGETS], z);
}

/* Nats per token: the mean over all tokens that have a successor. */
static val loss(const struct method *m, struct graph *g, const val z[])
{
    (void)m, (void)g;
    return method_guess_loss(z);
}

static status configure(struct method *m, const struct config *config)
{
    struct gpt *o = (void *)m->options;
    const char *join = config_text(config, "method.join");
    *o = (struct gpt){ .documents = config_boolean(config, "method.documents"),
                       .windows = (enum text_windows)config_choice(config, "method.windows") };
    if (strlen(join) >= sizeof o->join)
        return fail(TACIT_USAGE, "method.join: has %zu bytes, at most %d are possible",
                    strlen(join), JOIN_BYTES - 1);
    memcpy(o->join, join, strlen(join) + 1);
    m->pooling = POOL_MEAN;
    return TACIT_OK;
}

static const char *const windows[] = { "sequential", "random", "whole", NULL };

static const struct option options[] = {
    { .name = "documents",
      .kind = OPTION_BOOLEAN,
      .fallback = "false",
      .help = "attention and positions start anew with every document in a window" },
    { .name = "windows",
      .kind = OPTION_CHOICE,
      .fallback = "sequential",
      .choices = windows,
      .help = "windows one after another in random order, beginning anywhere, or of as many whole "
              "documents as fit" },
    { .name = "join",
      .kind = OPTION_TEXT,
      .fallback = " = ",
      .help = "between the texts of a sample that has several, such as parallel lines" },
    { 0 },
};

static const char *const networks[] = { "backbone", NULL };

const struct method_type method_gpt = {
    .name = "gpt",
    .title = "Generative pre-training: guess the next token",
    .paper = "arXiv:2005.14165",
    .next = "tacit generate RUN prompt=\"…\"\nor:   tacit perplexity RUN data=FILE",
    .family = GENERATIVE,
    .kind = SAMPLE_TEXT,
    .augment = "none",
    .tokenizer = "bpe",
    .model = "gpt-mini",
    .views = 1,
    .embeddings = 2,
    .options = options,
    .configure = configure,
    .networks = networks,
    .fields = fields,
    .request = request,
    .reading = READS_FORWARD,
    .embed = embed,
    .loss = loss,
    .chance = method_guess_chance,
    .floor = method_guess_floor,
};
