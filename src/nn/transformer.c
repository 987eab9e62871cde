#include "nn/transformer.h"

#include <math.h>
#include <string.h>

static const double DEVIATION = 0.02;

static const struct {
    const char *name;
    enum activation activation;
    val (*apply)(val x);
} activations[] = {
    { "gelu", ACTIVATION_GELU, gelu },
    { "gelu_new", ACTIVATION_GELU_TANH, gelu_tanh },
    { "gelu_pytorch_tanh", ACTIVATION_GELU_TANH, gelu_tanh },
    { "gelu_fast", ACTIVATION_GELU_TANH, gelu_tanh },
    { "relu", ACTIVATION_RELU, relu },
    { "silu", ACTIVATION_SILU, silu },
    { "swish", ACTIVATION_SILU, silu },
};

enum { ACTIVATIONS = sizeof activations / sizeof *activations };

enum activation activation_find(const char *name)
{
    for (int i = 0; i < ACTIVATIONS; i++)
        if (strcmp(activations[i].name, name) == 0)
            return activations[i].activation;
    return ACTIVATION_OF_ROW;
}

const char *activation_name(enum activation activation)
{
    for (int i = 0; i < ACTIVATIONS; i++)
        if (activations[i].activation == activation)
            return activations[i].name;
    return "";
}

val activate(enum activation activation, val x)
{
    for (int i = 0; i < ACTIVATIONS; i++)
        if (activations[i].activation == activation)
            return activations[i].apply(x);
    return x;
}

static val with_bias(net n, val x, int64_t out, bool bias)
{
    return bias ? add(x, parameter(n, "bias", SHAPE(out), init_constant(0))) : x;
}

/* Of a matrix of so many inputs. */
static struct init start_of(enum start start, int64_t inputs)
{
    return init_normal(start == START_LOCAL ? 1 / sqrt((double)inputs) : DEVIATION);
}

val dense_from(net n, const char *name, val x, int64_t out, enum start start, bool bias)
{
    if (is_none(x))
        return x;
    net here = part(n, "%s", name);
    val weight = parameter(here, "weight", SHAPE(out, dim(x, 1)), start_of(start, dim(x, 1)));
    return with_bias(here, matmul_half(x, weight, true), out, bias);
}

val dense(net n, const char *name, val x, int64_t out, bool bias)
{
    return dense_from(n, name, x, out, START_PUBLISHED, bias);
}

val dense_together(net n, int count, const char *const name[], val x, int64_t out, enum start start,
                   bool bias)
{
    enum { MOST = 4 };
    val weight[MOST], shift_by[MOST];
    if (is_none(x) || count > MOST)
        return no_value(n.graph);
    for (int i = 0; i < count; i++) {
        net here = part(n, "%s", name[i]);
        struct init init = start_of(start, dim(x, 1));
        if (start == START_LOCAL && i == 1)
            init.twin = arena_text(&n.graph->arena, "%s%s.weight", n.scope, name[0]);
        weight[i] = parameter(here, "weight", SHAPE(out, dim(x, 1)), init);
        shift_by[i] = bias ? parameter(here, "bias", SHAPE(out), init_constant(0)) : weight[i];
    }
    val y = matmul_half(x, concat(count, weight, 0), true);
    return bias ? add(y, concat(count, shift_by, 0)) : y;
}

val dense_columns(net n, const char *name, val x, int64_t out, double deviation, bool bias)
{
    if (is_none(x))
        return x;
    net here = part(n, "%s", name);
    val weight = parameter(here, "weight", SHAPE(dim(x, 1), out), init_normal(deviation));
    return with_bias(here, matmul_half(x, weight, false), out, bias);
}

val layer_norm(net n, const char *name, val x, double epsilon, bool bias)
{
    if (is_none(x))
        return x;
    net here = part(n, "%s", name);
    struct shape width = SHAPE(dim(x, shape_of(x).rank - 1));
    val weight = parameter(here, "weight", width, init_constant(1));
    val shift_by = bias ? parameter(here, "bias", width, init_constant(0))
                        : broadcast_to(constant(n.graph, 0), width);
    return layer_normalize(x, weight, shift_by, epsilon);
}

val embedding_table(net n, const char *name, int64_t count, int64_t width)
{
    return parameter(part(n, "%s", name), "weight", SHAPE(count, width), init_normal(DEVIATION));
}

val position_table(net n, const char *name, int64_t count, int64_t width, enum start start)
{
    struct init init = start == START_LOCAL ? init_waves(2 * DEVIATION) : init_normal(DEVIATION);
    return parameter(part(n, "%s", name), "weight", SHAPE(count, width), init);
}

val embed_positions(val table, val position, int64_t length, int64_t first)
{
    if (is_none(table))
        return table;
    if (!is_none(position))
        return gather(slice(table, 0, first, rows(table)), position);
    return reshape(slice(table, 0, first, first + length), SHAPE(1, length, dim(table, 1)));
}

val dropout_tokens(net n, const char *call, val x, int64_t texts, double rate)
{
    if (is_none(x) || texts < 1)
        return x;
    struct shape flat = shape_of(x);
    val apart = reshape(x, SHAPE(texts, flat.dim[0] / texts, flat.dim[1]));
    return reshape(dropout(n, call, apart, rate), flat);
}

val self_attention(net n, val qkv, const struct attention *how)
{
    if (is_none(qkv))
        return qkv;
    return attention_dropout(n, "weights", qkv, how->group, how->heads, how->causal, how->band,
                             how->dropout);
}
