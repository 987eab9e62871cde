/* BERT (Devlin et al. 2019, arXiv:1810.04805) with the names and shapes of Hugging Face's
 * BertForPreTraining, and RoBERTa (Liu et al. 2019, arXiv:1907.11692) with RobertaForMaskedLM's. */
#include "nn/networks.h"

/* LN(x + attention(x)), then LN(x + MLP(x)); x [B T, D]. */
static val block(net n, val x, const struct text_options *o, const struct attention *how,
                 struct shape apart)
{
    static const char *const role[] = { "query", "key", "value" };
    bool bias = o->biases == BIASES;
    net attend = part(n, "attention.output"), result = part(n, "output");
    net self = part(n, "attention.self");
    val h = dense_together(self, 3, role, x, o->width, o->start, bias);
    h = self_attention(self, reshape(h, SHAPE(apart.dim[0], apart.dim[1], 3 * o->width)), how);
    h = dense_from(attend, "dense", reshape(h, shape_of(x)), o->width, o->start, bias);
    h = dropout_tokens(attend, "result", h, apart.dim[0], o->dropout);
    x = layer_norm(attend, "LayerNorm", add(x, h), o->epsilon, bias);
    h = dense_from(part(n, "intermediate"), "dense", x, o->inner, o->start, bias);
    h = dense_from(result, "dense", activate(o->activation, h), o->width, o->start, bias);
    h = dropout_tokens(result, "result", h, apart.dim[0], o->dropout);
    return layer_norm(result, "LayerNorm", add(x, h), o->epsilon, bias);
}

static val token_table(net n, const struct text_options *o)
{
    return embedding_table(part(n, "embeddings"), "word_embeddings", o->vocabulary, o->width);
}

/* The sum of three embeddings, normalised: [B T, D]. */
static val embed(net n, const struct network_type *type, const struct text_options *o,
                 const struct text_input *in)
{
    net here = part(n, "embeddings");
    int64_t texts = dim(in->tokens, 0), length = dim(in->tokens, 1);
    int64_t first = type->positions_after_padding ? o->padding_id + 1 : 0;
    val segments = embedding_table(here, "token_type_embeddings", o->segments, o->width);
    bool alike = is_none(in->segment) || o->segments < 2;
    val segment = alike ? reshape(slice(segments, 0, 0, 1), SHAPE(1, 1, o->width))
                        : gather(segments, in->segment);
    val place = embed_positions(
        position_table(here, "position_embeddings", o->context + first, o->width, o->start),
        in->position, length, first);
    val x = add(add(gather(token_table(n, o), in->tokens), place), segment);
    x = layer_norm(here, "LayerNorm", reshape(x, SHAPE(texts * length, o->width)), o->epsilon,
                   o->biases == BIASES);
    return dropout_tokens(here, "result", x, texts, o->dropout);
}

static val encode_text(net backbone, const struct network_type *type,
                       const struct network_options *options, struct text_input in)
{
    struct text_options o = network_text(type, options);
    if (!text_fits(backbone, type, &o, &in))
        return no_value(backbone.graph);
    net n = part(backbone, "%s", type->prefix);
    struct shape apart = SHAPE(dim(in.tokens, 0), dim(in.tokens, 1), o.width);
    struct attention how = { o.heads, in.group, false, 0, o.dropout };
    val x = embed(n, type, &o, &in);
    for (int64_t i = 0; i < o.layers; i++) {
        if (in.layer)
            in.layer[i] = reshape(x, apart);
        x = block(part(n, "encoder.layer.%d", (int)i), x, &o, &how, apart);
    }
    x = reshape(x, apart);
    if (in.layer)
        in.layer[o.layers] = x;
    return x;
}

static val pool(net n, const struct network_type *type, const struct network_options *options,
                val first)
{
    struct text_options o = network_text(type, options);
    return hyperbolic_tangent(
        dense(part(n, "%s.pooler", type->prefix), "dense", first, o.width, o.biases == BIASES));
}

/* transform(h) E^T + bias, with the table of tokens E and transform = LN(gelu(W h + b)). */
static val scores(net backbone, net bias_of, const struct network_type *type,
                  const struct text_options *o, val transformed)
{
    val table = token_table(part(backbone, "%s", type->prefix), o);
    return add(matmul_half(transformed, table, true),
               parameter(bias_of, "bias", SHAPE(o->vocabulary), init_constant(0)));
}

static val bert_logits(net backbone, net head, const struct network_type *type,
                       const struct network_options *options, val hidden)
{
    struct text_options o = network_text(type, options);
    net predictions = part(head, "predictions"), transform = part(predictions, "transform");
    val h = dense_from(transform, "dense", hidden, o.width, o.start, true);
    h = activate(o.activation, h);
    h = layer_norm(transform, "LayerNorm", h, o.epsilon, true);
    return scores(backbone, predictions, type, &o, h);
}

/* RoBERTa's head has the exact GELU, whatever the network has. */
static val roberta_logits(net backbone, net head, const struct network_type *type,
                          const struct network_options *options, val hidden)
{
    struct text_options o = network_text(type, options);
    val h = gelu(dense_from(head, "dense", hidden, o.width, o.start, true));
    h = layer_norm(head, "layer_norm", h, o.epsilon, true);
    return scores(backbone, head, type, &o, h);
}

#define ENCODER(row, row_name, says, paper, l, h, w, words, kinds, small, padding, ...)  \
    const struct network_type network_##row = { .name = row_name,                        \
                                                .doc = says,                             \
                                                .source = paper,                         \
                                                .input = INPUT_TOKENS,                   \
                                                .encode = refuse_pictures,               \
                                                .encode_text = encode_text,              \
                                                .pool = pool,                            \
                                                .text = { .vocabulary = words,           \
                                                          .context = 512,                \
                                                          .layers = l,                   \
                                                          .heads = h,                    \
                                                          .width = w,                    \
                                                          .segments = kinds,             \
                                                          .dropout = 0.1,                \
                                                          .epsilon = small,              \
                                                          .activation = ACTIVATION_GELU, \
                                                          .biases = BIASES,              \
                                                          .padding_id = padding },       \
                                                __VA_ARGS__ }
#define BERT(row, name, says, l, h, w)                                                          \
    ENCODER(row, name, says, "arXiv:1810.04805", l, h, w, 30522, 2, 1e-12, 0, .prefix = "bert", \
            .head = "cls", .logits = bert_logits)
#define ROBERTA(row, name, says, l, h, w)                                                         \
    ENCODER(row, name, says, "arXiv:1907.11692", l, h, w, 50265, 1, 1e-5, 1, .prefix = "roberta", \
            .head = "lm_head", .logits = roberta_logits, .positions_after_padding = true)

BERT(bert_tiny, "bert-tiny", "2 layers, width 128; 4.4 million parameters", 2, 2, 128);
BERT(bert_mini, "bert-mini", "4 layers, width 256; 11.2 million parameters", 4, 4, 256);
BERT(bert_small, "bert-small", "4 layers, width 512; 28.8 million parameters", 4, 8, 512);
BERT(bert_medium, "bert-medium", "8 layers, width 512; 41.4 million parameters", 8, 8, 512);
BERT(bert_base, "bert-base", "12 layers, width 768; 109 million parameters", 12, 12, 768);
BERT(bert_large, "bert-large", "24 layers, width 1024; 335 million parameters", 24, 16, 1024);
ROBERTA(roberta_tiny, "roberta-tiny", "RoBERTa of 2 layers, width 128", 2, 2, 128);
ROBERTA(roberta_mini, "roberta-mini", "RoBERTa of 4 layers, width 256", 4, 4, 256);
ROBERTA(roberta_small, "roberta-small", "RoBERTa of 4 layers, width 512", 4, 8, 512);
ROBERTA(roberta_base, "roberta-base", "12 layers, width 768; 125 million parameters", 12, 12, 768);
ROBERTA(roberta_large, "roberta-large", "24 layers, width 1024; 355 million parameters", 24, 16,
        1024);
