#include "methods/head.h"

#include <string.h>

const char *const head_networks[] = { "backbone", "head", NULL };

/* The shape of a picture is known to the data only; its name tells where it goes. */
static int picture_fields(const struct method *m, struct field field[])
{
    (void)m;
    field[0] = method_field("view0", 0);
    field[0].item.dtype = F32;
    return 1;
}

static int text_fields(const struct method *m, struct field field[])
{
    static const char *const names[] = { "tokens", "groups", "segments" };
    enum { FIELDS = sizeof names / sizeof *names };
    for (int i = 0; i < FIELDS; i++)
        field[i] = method_field(names[i], method_window(m));
    return FIELDS;
}

void head_request(const struct method *m, struct text_request *request)
{
    *request = (struct text_request){
        .form = TEXT_FRAMES, .window = method_window(m), .sides = 1, .spread = m->spread
    };
}

/* As torchvision's classifiers. */
static val on_pictures(const struct method *m, struct graph *g, val features, int64_t outputs)
{
    return linear(method_network(m, g, "head", 1), "fc", features, outputs);
}

/* BertForSequenceClassification: dropout, one layer. */
static val plain(net head, val x, double rate, int64_t outputs)
{
    return dense(head, "classifier", dropout(head, "classifier", x, rate), outputs, true);
}

/* RobertaClassificationHead. */
static val deep(net head, val x, double rate, int64_t outputs)
{
    val first = dense(head, "classifier.dense", dropout(head, "classifier.first", x, rate),
                      is_none(x) ? 1 : dim(x, 1), true);
    return dense(head, "classifier.out_proj",
                 dropout(head, "classifier.second", hyperbolic_tangent(first), rate), outputs,
                 true);
}

/* GPT2ForSequenceClassification. */
static val score(net head, val x, double rate, int64_t outputs)
{
    (void)rate;
    return dense(head, "score", x, outputs, false);
}

/* By the prefix of the backbone's tensors, with the vector that the published head reads; the last
 * serves any other. */
static const struct text_head {
    const char *prefix;
    enum text_pooling pooling;
    val (*outputs)(net head, val x, double rate, int64_t outputs);
} text_heads[] = {
    { "roberta", POOL_CLS, deep },
    { "transformer", POOL_LAST, score },
    { "bert", POOL_POOLER, plain },
};

static const struct text_head *text_head(const struct network_type *network)
{
    enum { LAST = sizeof text_heads / sizeof *text_heads - 1 };
    int i = 0;
    while (i < LAST && strcmp(text_heads[i].prefix, network->prefix) != 0)
        i++;
    return &text_heads[i];
}

enum text_pooling head_pooling(const struct network_type *network)
{
    return text_head(network)->pooling;
}

static val on_texts(const struct method *m, struct graph *g, val features, int64_t outputs)
{
    return text_head(m->network)
        ->outputs(method_network(m, g, "head", 1), features, method_text(m).dropout, outputs);
}

static const struct {
    int (*fields)(const struct method *m, struct field field[]);
    val (*outputs)(const struct method *m, struct graph *g, val features, int64_t outputs);
} inputs[] = {
    [INPUT_PICTURES] = { picture_fields, on_pictures },
    [INPUT_TOKENS] = { text_fields, on_texts },
};

int head_fields(const struct method *m, struct field field[])
{
    return inputs[m->network->input].fields(m, field);
}

val head_outputs(const struct method *m, struct graph *g, const val view[], int64_t outputs)
{
    return inputs[m->network->input].outputs(m, g, method_features(m, g, view), outputs);
}

const char *const long_text_names[] = { "beginning", "windows", NULL };

status head_configure(struct method *m, const struct config *config)
{
    m->spread = config_choice(config, "method.long_texts") == 1;
    if (!config_automatic(config, "method.pooling"))
        m->pooling = config_choice(config, "method.pooling");
    else if (m->pooled)
        return TACIT_OK;
    else if (m->frozen) /* published poolings want to be trained */
        m->pooling = POOL_MEAN;
    else if (m->network->input == INPUT_TOKENS)
        m->pooling = head_pooling(m->network);
    return TACIT_OK;
}
