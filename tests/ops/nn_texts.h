/* Small networks on tokens as whole graphs, in all their variants. */
#ifndef TESTS_OPS_NN_TEXTS_H
#define TESTS_OPS_NN_TEXTS_H

#include "nn/pooling.h"
#include "ops/model.h"

static const struct text_variant {
    const char *label, *network;
    struct text_options text;
    bool group, position, segment, pooled;
    enum text_pooling pooling;
} text_variants[] = {
    { .label = "GPT", .network = "gpt-nano" },
    { .label = "GPT packed", .network = "gpt-nano", .group = true, .position = true },
    { .label = "GPT with a band", .network = "gpt3-small", .text = { .band = 3 } },
    { .label = "nanoGPT", .network = "nanogpt-small", .text = { .dropout = -1 } },
    { .label = "GPT with dropout", .network = "gpt-nano", .text = { .dropout = 0.2 } },
    { .label = "BERT", .network = "bert-tiny", .group = true, .segment = true },
    { .label = "BERT packed", .network = "bert-tiny", .group = true, .position = true },
    { .label = "BERT with dropout", .network = "bert-tiny", .text = { .dropout = 0.3 } },
    { .label = "RoBERTa, ReLU",
      .network = "roberta-tiny",
      .position = true,
      .text = { .activation = ACTIVATION_RELU } },
    { .label = "BERT pooled",
      .network = "bert-tiny",
      .group = true,
      .pooled = true,
      .pooling = POOL_POOLER },
    { .label = "BERT, mean",
      .network = "bert-tiny",
      .group = true,
      .pooled = true,
      .pooling = POOL_FIRST_LAST },
    { .label = "GPT, last",
      .network = "gpt-nano",
      .group = true,
      .pooled = true,
      .pooling = POOL_LAST },
};

enum { TEXT_VARIANTS = sizeof text_variants / sizeof *text_variants };

/* Cross-entropy of all tokens against given ones, or a weighted sum of pooled texts. */
static inline void build_text(struct model *m)
{
    enum { TEXTS = 2, LENGTH = 6, WORDS = 13 };
    const struct text_variant *v = &text_variants[m->variant];
    const struct network_type *type = network_find(v->network);
    struct network_options options = { .text = v->text };
    struct shape shape = SHAPE(TEXTS, LENGTH);
    options.text.vocabulary = WORDS;
    options.text.context = 8;
    options.text.layers = 2;
    options.text.heads = 2;
    options.text.width = 8;
    options.text.start = START_PUBLISHED; /* small enough for differences of one step */
    options.text.dropout = v->text.dropout > 0 ? v->text.dropout : -1;
    struct text_input in = { .tokens = model_integer(m, "tokens", shape, WORDS) };
    if (v->group)
        in.group = model_integer(m, "group", shape, 3);
    if (v->position)
        in.position = model_integer(m, "position", shape, 8);
    if (v->segment)
        in.segment = model_integer(m, "segment", shape, 2);
    net n = network(m->graph, "backbone", true, 1);
    model_train(m, "backbone");
    if (v->pooled) {
        val pooled = embed_text(n, type, &options, in, v->pooling);
        val direction = model_real(m, "direction", SHAPE(TEXTS, 8));
        m->loss = sum(multiply(pooled, direction), 3, false);
        return;
    }
    val hidden = type->encode_text(n, type, &options, in);
    net head = n;
    if (type->head) {
        head = network(m->graph, type->head, true, 1);
        model_train(m, type->head);
    }
    val flat = reshape(hidden, SHAPE((int64_t)TEXTS * LENGTH, 8));
    val logits = type->logits(n, head, type, &options, flat);
    m->loss = mean_all(
        cross_entropy(logits, model_integer(m, "targets", SHAPE((int64_t)TEXTS * LENGTH), WORDS)));
}

#endif
