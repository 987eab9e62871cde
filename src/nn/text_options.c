/* Sizes of networks on tokens, and what does not fit them. */
#include "nn/networks.h"

struct text_options network_text(const struct network_type *type,
                                 const struct network_options *options)
{
    struct text_options own = options->text;
    const struct text_options *row = &type->text;
#define CHOOSE(member) own.member = own.member ? own.member : row->member
    CHOOSE(vocabulary);
    CHOOSE(context);
    CHOOSE(layers);
    CHOOSE(heads);
    CHOOSE(width);
    CHOOSE(inner);
    CHOOSE(segments);
    CHOOSE(padding_id);
    CHOOSE(activation);
    CHOOSE(biases);
    CHOOSE(band);
    own.dropout = own.dropout != 0 ? own.dropout : row->dropout;
    own.epsilon = own.epsilon != 0 ? own.epsilon : row->epsilon;
#undef CHOOSE
    if (own.start == START_OF_WIDTH)
        own.start = own.width < 768 && !type->causal ? START_LOCAL : START_PUBLISHED;
    own.inner = own.inner ? own.inner : 4 * own.width;
    own.band = own.band < 0 ? 0 : own.band;
    own.padding_id = own.padding_id < 0 ? 0 : own.padding_id;
    own.dropout = own.dropout < 0 ? 0 : own.dropout;
    return own;
}

val refuse_pictures(net n, const struct network_type *type, const struct network_options *options,
                    val pictures)
{
    (void)options, (void)pictures;
    return graph_fail(n.graph, "%s reads texts, not pictures: take another model, or texts",
                      type->name);
}

static bool input_fits(net n, const char *what, val given, val tokens)
{
    if (is_none(given))
        return true;
    if (type_of(given).dtype == I32 && shape_equal(shape_of(given), shape_of(tokens)))
        return true;
    graph_fail(n.graph, "%s must be integers of the shape of the tokens, %s, not %s", what,
               shape_text(shape_of(tokens)), shape_text(shape_of(given)));
    return false;
}

bool text_fits(net n, const struct network_type *type, const struct text_options *o,
               const struct text_input *in)
{
    if (is_none(in->tokens))
        return false;
    struct shape shape = shape_of(in->tokens);
    if (type_of(in->tokens).dtype != I32 || shape.rank != 2)
        graph_fail(n.graph, "%s reads integers [texts, tokens], not numbers of shape %s",
                   type->name, shape_text(shape));
    else if (shape.dim[1] > o->context)
        graph_fail(n.graph,
                   "a text of %lld tokens does not fit the %lld positions of %s: cut it, or take a "
                   "longer context",
                   (long long)shape.dim[1], (long long)o->context, type->name);
    else if (o->heads < 1 || o->width % o->heads != 0)
        graph_fail(n.graph, "%s: a width of %lld cannot be divided among %lld heads", type->name,
                   (long long)o->width, (long long)o->heads);
    else
        return input_fits(n, "segments", in->segment, in->tokens) &&
               input_fits(n, "groups", in->group, in->tokens) &&
               input_fits(n, "positions", in->position, in->tokens);
    return false;
}
