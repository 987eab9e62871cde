#include "methods/methods.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

extern const struct method_type method_simclr, method_supervised, method_regression, method_gpt,
    method_bert, method_roberta, method_simcse, method_dual_encoder;

const struct method_type *const all_methods[] = {
    &method_simclr,  &method_supervised, &method_regression,   &method_gpt, &method_bert,
    &method_roberta, &method_simcse,     &method_dual_encoder, NULL
};

const struct method_type *method_find(const char *name)
{
    for (int i = 0; all_methods[i]; i++)
        if (strcmp(all_methods[i]->name, name) == 0)
            return all_methods[i];
    return NULL;
}

net method_network(const struct method *m, struct graph *g, const char *name, int views)
{
    bool still = m->frozen && strcmp(name, "backbone") == 0, training = m->training && !still;
    net n = network(g, name, training, m->groups > 0 ? m->groups : views);
    n.update = training && m->update;
    return n;
}

val method_encode(const struct method *m, struct graph *g, val pictures, int views)
{
    return m->network->encode(method_network(m, g, "backbone", views), m->network,
                              &m->network_options, pictures);
}

struct text_options method_text(const struct method *m)
{
    return network_text(m->network, &m->network_options);
}

int64_t method_window(const struct method *m)
{
    return m->window ? m->window : method_text(m).context;
}

status method_fits(const struct method *m)
{
    const struct method_type *type = m->type;
    const struct network_type *network_type = m->network;
    bool tokens = network_type->input == INPUT_TOKENS;
    bool texts = type->either ? tokens : type->kind == SAMPLE_TEXT;
    if (texts != tokens)
        return fail(TACIT_USAGE,
                    "model=%s reads %s, method=%s learns from %s: take another of `tacit list "
                    "models` or `tacit list methods`",
                    network_type->name, texts ? "pictures" : "texts", type->name,
                    texts ? "texts" : "pictures");
    if (!texts)
        return TACIT_OK;
    if (type->reading != READS_EITHER_WAY &&
        (type->reading == READS_FORWARD) != network_type->causal)
        return fail(TACIT_USAGE, "method=%s needs a network that reads %s; take %s, not model=%s",
                    type->name, type->reading == READS_FORWARD ? "forward only" : "both ways",
                    type->reading == READS_FORWARD ? "gpt-mini or gpt2"
                                                   : "bert-mini or roberta-mini",
                    network_type->name);
    if (type->head && (!network_type->head || strcmp(type->head, network_type->head) != 0))
        return fail(TACIT_USAGE, "method=%s needs a network with the head %s, which model=%s lacks",
                    type->name, type->head, network_type->name);
    const struct text_options text = method_text(m);
    if (text.heads < 1 || text.width % text.heads != 0)
        return fail(TACIT_USAGE,
                    "heads=%lld: the width %lld of model=%s cannot be divided among them (hidden= "
                    "sets it)",
                    (long long)text.heads, (long long)text.width, network_type->name);
    int64_t context = text.context;
    if (m->window < 0 || m->window > context)
        return fail(TACIT_USAGE, "window=%lld: model=%s has %lld positions", (long long)m->window,
                    network_type->name, (long long)context);
    return TACIT_OK;
}

status method_pools(const struct method *m)
{
    return m->pooling != POOL_POOLER || m->network->pool
               ? TACIT_OK
               : fail(TACIT_USAGE, "pooling=pooler: model=%s has no pooler; take mean",
                      m->network->name);
}

/* The member of `in` that a field of a sample's first text fills, NULL for other fields. */
static val *text_member(struct text_input *in, const char *name)
{
    const struct {
        const char *name;
        val *member;
    } members[] = { { "tokens", &in->tokens },
                    { "segments", &in->segment },
                    { "groups", &in->group },
                    { "positions", &in->position } };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strcmp(members[i].name, name) == 0)
            return members[i].member;
    return NULL;
}

val method_features(const struct method *m, struct graph *g, const val view[])
{
    struct text_input in = { 0 };
    struct field field[FIELDS_MAX];
    if (m->network->input == INPUT_PICTURES)
        return method_encode(m, g, view[0], 1);
    for (int i = m->type->fields(m, field) - 1; i >= 0; i--) {
        val *member = text_member(&in, field[i].name);
        if (member)
            *member = view[i];
    }
    return method_embed_text(m, g, in, m->pooling);
}

val method_hidden(const struct method *m, struct graph *g, struct text_input in)
{
    return m->network->encode_text(method_network(m, g, "backbone", 1), m->network,
                                   &m->network_options, in);
}

val method_embed_text(const struct method *m, struct graph *g, struct text_input in,
                      enum text_pooling how)
{
    return embed_text(method_network(m, g, "backbone", 1), m->network, &m->network_options, in,
                      how);
}

val method_logits(const struct method *m, struct graph *g, val hidden)
{
    if (is_none(hidden))
        return hidden;
    net backbone = method_network(m, g, "backbone", 1);
    net head = m->network->head ? method_network(m, g, m->network->head, 1) : backbone;
    struct shape flat = SHAPE(dim(hidden, 0) * dim(hidden, 1), dim(hidden, 2));
    return m->network->logits(backbone, head, m->network, &m->network_options,
                              reshape(hidden, flat));
}

void method_guess(val logits, val targets, val z[2])
{
    z[0] = z[1] = no_value(logits.graph);
    if (is_none(logits) || is_none(targets))
        return;
    struct shape samples = shape_of(targets);
    val target = cast(reshape(targets, SHAPE(shape_size(samples))), F32);
    val zero = constant(targets.graph, 0), counts = greater_equal(target, zero);
    val each = cross_entropy(logits, cast(maximum(target, zero), I32));
    z[0] = sum_last(reshape(multiply(each, counts), samples));
    z[1] = sum_last(reshape(counts, samples));
}

val method_guess_loss(const val z[2])
{
    val counted = sum(stop_gradient(z[1]), 3, false);
    return divide(sum(z[0], 3, false), maximum(counted, constant(z[0].graph, 1)));
}

double method_guess_chance(const struct method *m, int64_t batch)
{
    (void)batch;
    return log((double)method_text(m).vocabulary);
}

double method_guess_floor(const struct method *m, int64_t batch)
{
    (void)m, (void)batch;
    return 0;
}

val method_match_loss(val query, val found)
{
    val logits = matmul_transposed(query, false, found, true);
    return mean_all(cross_entropy(logits, count_up(query.graph, rows(query))));
}

struct field method_field(const char *name, int64_t length)
{
    struct field field = { .item = { I32, length ? SHAPE(length) : SCALAR } };
    snprintf(field.name, sizeof field.name, "%s", name);
    return field;
}

val method_labels(struct graph *g, int64_t batch)
{
    return input(g, "labels", I32, SHAPE(batch));
}
