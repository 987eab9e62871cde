#include "nn/pooling.h"

#include "base/memory.h"

/* 1 for tokens, 0 for padding: [B, T]. */
static val is_token(val group)
{
    return not_equal(cast(group, F32), constant(group.graph, 0));
}

val mean_of_tokens(val hidden, val group)
{
    if (is_none(hidden) || is_none(group))
        return is_none(hidden) ? hidden : mean(hidden, 1u << 1, false);
    val counted = is_token(group);
    int64_t texts = dim(hidden, 0), length = dim(hidden, 1);
    /* Products with 0 and 1 are exact, and cost little beside a layer. */
    val total = matmul(reshape(counted, SHAPE(texts, 1, length)), hidden);
    val count = maximum(sum_last(counted), constant(hidden.graph, 1));
    return divide(reshape(total, SHAPE(texts, dim(hidden, 2))), count);
}

val tokens_at(val hidden, val place)
{
    if (is_none(hidden) || is_none(place))
        return no_value(hidden.graph);
    int64_t length = dim(hidden, 1);
    val wanted = reshape(cast(place, F32), SHAPE(rows(place), dim(place, 1), 1));
    val each = reshape(cast(count_up(hidden.graph, length), F32), SHAPE(1, 1, length));
    return matmul(equal(wanted, each), hidden);
}

/* A text as it comes out of the network; layer[i] is what block i gave, layer[0] the first's input.
 */
struct encoded {
    net n;
    const struct network_type *type;
    const struct network_options *options;
    val hidden, group;
    const val *layer;
    int64_t layers;
};

static val pool_cls(const struct encoded *text)
{
    return reshape(slice(text->hidden, 1, 0, 1), SHAPE(dim(text->hidden, 0), dim(text->hidden, 2)));
}

static val pool_pooler(const struct encoded *text)
{
    if (!text->type->pool)
        return graph_fail(text->n.graph, "pooling=pooler: %s has no pooler; take mean",
                          text->type->name);
    return text->type->pool(text->n, text->type, text->options, pool_cls(text));
}

static val pool_mean(const struct encoded *text)
{
    return mean_of_tokens(text->hidden, text->group);
}

/* A token is the last where padding, or nothing, follows. */
static val pool_last(const struct encoded *text)
{
    val hidden = text->hidden;
    int64_t texts = dim(hidden, 0), length = dim(hidden, 1), width = dim(hidden, 2);
    if (is_none(text->group))
        return reshape(slice(hidden, 1, length - 1, length), SHAPE(texts, width));
    val token = is_token(text->group);
    val last = subtract(token, pad(slice(token, 1, 1, length), 1, 0, 1));
    return reshape(matmul(reshape(last, SHAPE(texts, 1, length)), hidden), SHAPE(texts, width));
}

static val mean_with(const struct encoded *text, int64_t layer)
{
    return scale(add(mean_of_tokens(text->layer[layer], text->group), pool_mean(text)), 0.5);
}

static val pool_first_last(const struct encoded *text)
{
    return mean_with(text, 1);
}

static val pool_top2(const struct encoded *text)
{
    return mean_with(text, text->layers - 1);
}

static val (*const pool[])(const struct encoded *text) = {
    [POOL_CLS] = pool_cls,   [POOL_POOLER] = pool_pooler,         [POOL_MEAN] = pool_mean,
    [POOL_LAST] = pool_last, [POOL_FIRST_LAST] = pool_first_last, [POOL_TOP2] = pool_top2,
};

const char *const pooling_names[] = { "cls", "pooler", "mean", "last", "first-last", "top2", NULL };

val embed_text(net n, const struct network_type *type, const struct network_options *options,
               struct text_input in, enum text_pooling how)
{
    int64_t layers = network_text(type, options).layers;
    val *layer = arena_new(&n.graph->arena, (size_t)layers + 1, sizeof *layer);
    if (!layer)
        return graph_fail(n.graph, "out of memory while building a graph");
    in.layer = layer;
    val hidden = type->encode_text(n, type, options, in);
    if (is_none(hidden))
        return hidden;
    return pool[how](&(struct encoded){ n, type, options, hidden, in.group, layer, layers });
}
