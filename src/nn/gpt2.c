/* GPT-2: Radford et al. 2019; names and shapes of Hugging Face's GPT2LMHeadModel. With the options
 * also nanoGPT's (no biases, exact GELU) and GPT-3's (odd layers look back over a band). */
#include "nn/networks.h"

#include <math.h>

struct stack_call {
    struct text_options text;
    struct attention attention;
    int64_t texts, length;
    bool bias;
};

/* x + attention(LN x), then x + MLP(LN x); x [B T, D]. What comes out of a branch starts smaller by
 * sqrt(2 layers), so that the sum of all branches has the deviation of one. */
static val block(net n, val x, const struct stack_call *call)
{
    const struct text_options *o = &call->text;
    double branch = 0.02 / sqrt(2 * (double)o->layers);
    net attn = part(n, "attn"), mlp = part(n, "mlp");
    val h = layer_norm(n, "ln_1", x, o->epsilon, call->bias);
    h = dense_columns(attn, "c_attn", h, 3 * o->width, 0.02, call->bias);
    h = self_attention(attn, reshape(h, SHAPE(call->texts, call->length, 3 * o->width)),
                       &call->attention);
    h = dense_columns(attn, "c_proj", reshape(h, shape_of(x)), o->width, branch, call->bias);
    x = add(x, dropout_tokens(attn, "result", h, call->texts, o->dropout));
    h = layer_norm(n, "ln_2", x, o->epsilon, call->bias);
    h = activate(o->activation, dense_columns(mlp, "c_fc", h, o->inner, 0.02, call->bias));
    h = dense_columns(mlp, "c_proj", h, o->width, branch, call->bias);
    return add(x, dropout_tokens(mlp, "result", h, call->texts, o->dropout));
}

static val token_table(net n, const struct text_options *o)
{
    return embedding_table(n, "wte", o->vocabulary, o->width);
}

static val encode_text(net backbone, const struct network_type *type,
                       const struct network_options *options, struct text_input in)
{
    struct text_options o = network_text(type, options);
    if (!text_fits(backbone, type, &o, &in))
        return no_value(backbone.graph);
    net n = part(backbone, "%s", type->prefix);
    int64_t texts = dim(in.tokens, 0), length = dim(in.tokens, 1);
    struct shape apart = SHAPE(texts, length, o.width);
    struct stack_call call = { .text = o,
                               .attention = { o.heads, in.group, true, 0, o.dropout },
                               .texts = texts,
                               .length = length,
                               .bias = o.biases == BIASES };
    val x =
        add(gather(token_table(n, &o), in.tokens),
            embed_positions(embedding_table(n, "wpe", o.context, o.width), in.position, length, 0));
    x = reshape(dropout(n, "embeddings", x, o.dropout), SHAPE(texts * length, o.width));
    for (int64_t i = 0; i < o.layers; i++) {
        if (in.layer)
            in.layer[i] = reshape(x, apart);
        call.attention.band = i % 2 ? o.band : 0;
        x = block(part(n, "h.%d", (int)i), x, &call);
    }
    x = reshape(layer_norm(n, "ln_f", x, o.epsilon, call.bias), apart);
    if (in.layer)
        in.layer[o.layers] = x;
    return x;
}

/* The table of tokens once more, transposed; no bias. */
static val logits(net backbone, net head, const struct network_type *type,
                  const struct network_options *options, val hidden)
{
    (void)head;
    struct text_options o = network_text(type, options);
    if (is_none(hidden))
        return hidden;
    return matmul_half(hidden, token_table(part(backbone, "%s", type->prefix), &o), true);
}

#define GPT(row, row_name, says, paper, l, h, w, c, ...)                    \
    const struct network_type network_##row = { .name = row_name,           \
                                                .doc = says,                \
                                                .source = paper,            \
                                                .input = INPUT_TOKENS,      \
                                                .encode = refuse_pictures,  \
                                                .encode_text = encode_text, \
                                                .logits = logits,           \
                                                .prefix = "transformer",    \
                                                .causal = true,             \
                                                .text = { .layers = l,      \
                                                          .heads = h,       \
                                                          .width = w,       \
                                                          .context = c,     \
                                                          .epsilon = 1e-5,  \
                                                          __VA_ARGS__ } }
#define AS_GPT2 \
    .vocabulary = 50257, .dropout = 0.1, .activation = ACTIVATION_GELU_TANH, .biases = BIASES
/* nanoGPT learns characters by default: 65 of them in its example. */
#define AS_NANOGPT .vocabulary = 65, .activation = ACTIVATION_GELU, .biases = NO_BIASES
#define GPT2_PAPER "Radford et al. 2019"
#define GPT3_PAPER "arXiv:2005.14165"

GPT(gpt_nano, "gpt-nano", "GPT of 3 layers, 3 heads, width 48", "minGPT", 3, 3, 48, 256, AS_GPT2);
GPT(gpt_micro, "gpt-micro", "GPT of 4 layers, 4 heads, width 128", "minGPT", 4, 4, 128, 256,
    AS_GPT2);
GPT(gpt_mini, "gpt-mini", "GPT of 6 layers, 6 heads, width 192", "minGPT", 6, 6, 192, 256, AS_GPT2);
GPT(nanogpt_small, "nanogpt-small", "4 layers, 4 heads, width 128, no biases, exact GELU",
    "nanoGPT", 4, 4, 128, 64, AS_NANOGPT);
GPT(nanogpt, "nanogpt", "6 layers, 6 heads, width 384, no biases, exact GELU", "nanoGPT", 6, 6, 384,
    256, .dropout = 0.2, AS_NANOGPT);
GPT(gpt2, "gpt2", "GPT-2 small: 12 layers, width 768; 124 million parameters", GPT2_PAPER, 12, 12,
    768, 1024, AS_GPT2);
GPT(gpt2_medium, "gpt2-medium", "24 layers, width 1024; 355 million parameters", GPT2_PAPER, 24, 16,
    1024, 1024, AS_GPT2);
GPT(gpt2_large, "gpt2-large", "36 layers, width 1280; 774 million parameters", GPT2_PAPER, 36, 20,
    1280, 1024, AS_GPT2);
GPT(gpt2_xl, "gpt2-xl", "48 layers, width 1600; 1.56 billion parameters", GPT2_PAPER, 48, 25, 1600,
    1024, AS_GPT2);

/* The paper alternates dense layers with banded ones and does not give the band: 256 is GPT-Neo's.
 * It gives 24 heads of 128 for a width of 2048, which cannot be, and a width of 5140 for 40 heads
 * of 128: here 16 heads and 5120. No dropout is told of. */
#define AS_GPT3 \
    .vocabulary = 50257, .band = 256, .activation = ACTIVATION_GELU_TANH, .biases = BIASES

GPT(gpt3_small, "gpt3-small",
    "12 layers, width 768, every other one banded; 125 million parameters", GPT3_PAPER, 12, 12, 768,
    2048, AS_GPT3);
GPT(gpt3_medium, "gpt3-medium", "24 layers, width 1024, every other one banded; 356 million",
    GPT3_PAPER, 24, 16, 1024, 2048, AS_GPT3);
GPT(gpt3_large, "gpt3-large", "24 layers, width 1536, every other one banded; 760 million",
    GPT3_PAPER, 24, 16, 1536, 2048, AS_GPT3);
GPT(gpt3_xl, "gpt3-xl", "24 layers, width 2048, every other one banded; 1.3 billion", GPT3_PAPER,
    24, 16, 2048, 2048, AS_GPT3);
GPT(gpt3_2_7b, "gpt3-2.7b", "32 layers, width 2560, every other one banded; 2.7 billion",
    GPT3_PAPER, 32, 32, 2560, 2048, AS_GPT3);
GPT(gpt3_6_7b, "gpt3-6.7b", "32 layers, width 4096, every other one banded; 6.7 billion",
    GPT3_PAPER, 32, 32, 4096, 2048, AS_GPT3);
GPT(gpt3_13b, "gpt3-13b", "40 layers, width 5120, every other one banded; 12.9 billion", GPT3_PAPER,
    40, 40, 5120, 2048, AS_GPT3);
GPT(gpt3_175b, "gpt3-175b", "96 layers, width 12288, every other one banded; 175 billion",
    GPT3_PAPER, 96, 96, 12288, 2048, AS_GPT3);
