/* Networks on tokens: sizes, names and starts as published; options; what they refuse. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/pooling.h"

#include <cmocka.h>

/* Everything that Hugging Face's model for pre-training has: the heads, too, but for the two
 * classes of BERT's next sentence. */
static void build_all(struct graph *g, const char *name, struct network_options options)
{
    const struct network_type *type = network_find(name);
    assert_non_null(type);
    net n = network(g, "backbone", true, 1);
    struct text_input in = { .tokens = input(g, "tokens", I32, SHAPE(1, 2)) };
    val hidden = type->encode_text(n, type, &options, in);
    val row = reshape(slice(hidden, 1, 0, 1), SHAPE(1, dim(hidden, 2)));
    net head = type->head ? network(g, type->head, true, 1) : n;
    val logits = type->logits(n, head, type, &options, row);
    assert_true(shape_equal(shape_of(logits), SHAPE(1, network_text(type, &options).vocabulary)));
    if (type->pool)
        assert_true(shape_equal(shape_of(type->pool(n, type, &options, row)), shape_of(row)));
    if (graph_status(g) != TACIT_OK)
        fail_msg("%s: %s", name, status_message());
}

/* GPT-2's and BERT's sizes as Hugging Face's files have them; GPT-3's by the formula V D + 2048 D +
 * L (12 D^2 + 13 D) + 2 D; nanoGPT's, which leaves out positions, with them: 64 x 128, 256 x 384.
 */
static void sizes_are_the_published(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t backbone, head;
    } row[] = {
        { "gpt2", 124439808, 0 },
        { "gpt2-medium", 354823168, 0 },
        { "gpt2-large", 774030080, 0 },
        { "gpt2-xl", 1557611200, 0 },
        { "gpt3-small", 125226240, 0 },
        { "gpt3-medium", 355871744, 0 },
        { "gpt3-large", 760300032, 0 },
        { "gpt3-xl", 1315723264, 0 },
        { "gpt3-2.7b", 2651553280, 0 },
        { "gpt3-6.7b", 6658404352, 0 },
        { "gpt3-13b", 12853386240, 0 },
        { "gpt3-175b", 174604259328, 0 },
        { "nanogpt-small", 795904 + 64 * 128, 0 },
        { "nanogpt", 10646784 + 256 * 384, 0 },
        { "bert-tiny", 4385920, 4433468 - 4385920 - 2 * 129 },
        { "bert-mini", 11170560, 11267900 - 11170560 - 2 * 257 },
        { "bert-small", 28763648, 29058876 - 28763648 - 2 * 513 },
        { "bert-medium", 41373184, 41668412 - 41373184 - 2 * 513 },
        { "bert-base", 109482240, 110106428 - 109482240 - 2 * 769 },
        { "bert-large", 335141888, 336226108 - 335141888 - 2 * 1025 },
        /* RobertaModel; its head: 769 x 768 + 2 x 768 + 50,265. */
        { "roberta-base", 124645632, 642393 },
        { "roberta-large", 355359744, 1025 * 1024 + 2 * 1024 + 50265 },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct store *store = store_new(1);
        struct graph *g = graph_new(store);
        build_all(g, row[i].name, (struct network_options){ 0 });
        if (range_parameters(store_range(store, "backbone")) != row[i].backbone)
            fail_msg("%s: %lld parameters", row[i].name,
                     (long long)range_parameters(store_range(store, "backbone")));
        const char *head = network_find(row[i].name)->head;
        if (head)
            assert_int_equal(range_parameters(store_range(store, head)), row[i].head);
        graph_free(g);
        store_free(store);
    }
}

struct named_shape {
    const char *range, *name;
    struct shape shape;
};

static void check_names(const char *network_name, const struct named_shape *expected)
{
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    build_all(g, network_name, (struct network_options){ 0 });
    for (int i = 0; expected[i].name; i++) {
        const struct tensor *t =
            range_find(store_range(store, expected[i].range), expected[i].name);
        if (!t)
            fail_msg("%s has no tensor %s", network_name, expected[i].name);
        if (!shape_equal(t->shape, expected[i].shape))
            fail_msg("%s is %s", expected[i].name, shape_text(t->shape));
    }
    graph_free(g);
    store_free(store);
}

#define ONE(...)                                \
    {                                           \
        sizeof((int64_t[]){ __VA_ARGS__ }) / 8, \
        {                                       \
            __VA_ARGS__                         \
        }                                       \
    }

static void names_are_hugging_faces(void **state)
{
    (void)state;
    static const struct named_shape gpt2[] = {
        { "backbone", "transformer.wte.weight", ONE(50257, 768) },
        { "backbone", "transformer.wpe.weight", ONE(1024, 768) },
        { "backbone", "transformer.h.11.ln_1.weight", ONE(768) },
        { "backbone", "transformer.h.0.attn.c_attn.weight", ONE(768, 2304) },
        { "backbone", "transformer.h.0.attn.c_attn.bias", ONE(2304) },
        { "backbone", "transformer.h.0.attn.c_proj.weight", ONE(768, 768) },
        { "backbone", "transformer.h.5.mlp.c_fc.weight", ONE(768, 3072) },
        { "backbone", "transformer.h.5.mlp.c_proj.weight", ONE(3072, 768) },
        { "backbone", "transformer.ln_f.bias", ONE(768) },
        { 0 },
    };
    check_names("gpt2", gpt2);
    static const struct named_shape bert[] = {
        { "backbone", "bert.embeddings.word_embeddings.weight", ONE(30522, 256) },
        { "backbone", "bert.embeddings.position_embeddings.weight", ONE(512, 256) },
        { "backbone", "bert.embeddings.token_type_embeddings.weight", ONE(2, 256) },
        { "backbone", "bert.encoder.layer.3.attention.self.query.weight", ONE(256, 256) },
        { "backbone", "bert.encoder.layer.3.attention.output.LayerNorm.bias", ONE(256) },
        { "backbone", "bert.encoder.layer.0.intermediate.dense.weight", ONE(1024, 256) },
        { "backbone", "bert.encoder.layer.0.output.dense.weight", ONE(256, 1024) },
        { "backbone", "bert.pooler.dense.weight", ONE(256, 256) },
        { "cls", "predictions.bias", ONE(30522) },
        { "cls", "predictions.transform.LayerNorm.weight", ONE(256) },
        { 0 },
    };
    check_names("bert-mini", bert);
    static const struct named_shape roberta[] = {
        { "backbone", "roberta.embeddings.position_embeddings.weight", ONE(514, 128) },
        { "backbone", "roberta.embeddings.token_type_embeddings.weight", ONE(1, 128) },
        { "lm_head", "dense.weight", ONE(128, 128) },
        { "lm_head", "layer_norm.bias", ONE(128) },
        { "lm_head", "bias", ONE(50265) },
        { 0 },
    };
    check_names("roberta-tiny", roberta);
}

static void check_start(const struct range *range, const char *name, double deviation)
{
    const struct tensor *t = range_find(range, name);
    double squares = 0;
    int64_t size = shape_size(t->shape);
    for (int64_t i = 0; i < size; i++)
        squares += pow((double)tensor_value(t)[i], 2);
    double root = sqrt(squares / (double)size);
    if (!(fabs(root - deviation) <= 0.02 * deviation))
        fail_msg("%s starts with deviation %g, not %g", name, root, deviation);
}

/* N(0, .02); what leaves a branch of the 4 layers .02 / sqrt(8); norms 1 and 0, biases 0. */
static void starts_are_the_published(void **state)
{
    (void)state;
    struct store *store = store_new(3);
    struct graph *g = graph_new(store);
    build_all(g, "gpt-micro", (struct network_options){ .text.vocabulary = 500 });
    struct range *range = store_range(store, "backbone");
    assert_int_equal(range_seal(range), TACIT_OK);
    check_start(range, "transformer.wte.weight", 0.02);
    check_start(range, "transformer.wpe.weight", 0.02);
    check_start(range, "transformer.h.3.attn.c_attn.weight", 0.02);
    check_start(range, "transformer.h.3.attn.c_proj.weight", 0.02 / sqrt(8));
    check_start(range, "transformer.h.0.mlp.c_fc.weight", 0.02);
    check_start(range, "transformer.h.0.mlp.c_proj.weight", 0.02 / sqrt(8));
    check_start(range, "transformer.ln_f.weight", 1);
    check_start(range, "transformer.ln_f.bias", 0);
    check_start(range, "transformer.h.0.attn.c_attn.bias", 0);
    graph_free(g);
    store_free(store);
}

/* Members of 0 are the row's; negative dropout and band are none; inner follows the width. */
static void options_override_rows(void **state)
{
    (void)state;
    struct network_options options = { 0 };
    struct text_options o = network_text(network_find("gpt3-small"), &options);
    assert_true(o.vocabulary == 50257 && o.context == 2048 && o.layers == 12 && o.heads == 12);
    assert_true(o.width == 768 && o.inner == 3072 && o.band == 256 && o.dropout == 0);
    assert_true(o.activation == ACTIVATION_GELU_TANH && o.biases == BIASES && o.epsilon == 1e-5);
    options.text = (struct text_options){ .width = 64, .dropout = -1, .band = -1 };
    o = network_text(network_find("gpt3-small"), &options);
    assert_true(o.width == 64 && o.inner == 256 && o.band == 0 && o.dropout == 0);
    options.text = (struct text_options){ .inner = 100,
                                          .dropout = 0.5,
                                          .biases = NO_BIASES,
                                          .activation = ACTIVATION_RELU,
                                          .epsilon = 1e-3 };
    o = network_text(network_find("bert-base"), &options);
    assert_true(o.inner == 100 && o.dropout == 0.5 && o.biases == NO_BIASES && o.epsilon == 1e-3);
    assert_true(o.activation == ACTIVATION_RELU && o.segments == 2);
    o = network_text(network_find("bert-base"), &(struct network_options){ 0 });
    assert_true(o.dropout == 0.1 && o.epsilon == 1e-12 && o.activation == ACTIVATION_GELU);
    assert_int_equal(activation_find("gelu_new"), ACTIVATION_GELU_TANH);
    assert_int_equal(activation_find("gelu"), ACTIVATION_GELU);
    assert_int_equal(activation_find("mish"), ACTIVATION_OF_ROW);
    assert_string_equal(activation_name(ACTIVATION_GELU_TANH), "gelu_new");
}

/* The graph fails with `word` in its message. */
static void check_refused(const char *name, struct text_options text, struct shape tokens,
                          enum dtype dtype, bool wrong_group, const char *word)
{
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    const struct network_type *type = network_find(name);
    struct network_options options = { .text = text };
    struct text_input in = { .tokens = input(g, "tokens", dtype, tokens) };
    if (wrong_group)
        in.group = input(g, "group", F32, tokens);
    val y = type->encode_text(network(g, "backbone", true, 1), type, &options, in);
    assert_true(is_none(y));
    assert_int_equal(graph_status(g), TACIT_FAILED);
    if (!strstr(g->message, word))
        fail_msg("\"%s\" does not say %s", g->message, word);
    graph_free(g);
    store_free(store);
}

static void wrong_texts(void **state)
{
    (void)state;
    static const char *const names[] = { "gpt-nano", "bert-tiny" };
    for (int i = 0; i < 2; i++) {
        struct text_options usual = { .context = 8 }, heads = { .context = 8, .heads = 5 };
        check_refused(names[i], usual, SHAPE(2, 9), I32, false, "8 positions");
        check_refused(names[i], usual, SHAPE(2, 4), F32, false, "integers");
        check_refused(names[i], usual, SHAPE(4), I32, false, "integers");
        check_refused(names[i], usual, SHAPE(2, 4), I32, true, "groups");
        check_refused(names[i], heads, SHAPE(2, 4), I32, false, "5 heads");
    }
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    const struct network_type *type = network_find("gpt-mini");
    struct network_options options = { .width = 1 };
    type->encode(network(g, "backbone", true, 1), type, &options,
                 input(g, "x", F32, SHAPE(2, 3, 32, 32)));
    assert_int_equal(graph_status(g), TACIT_FAILED);
    assert_non_null(strstr(status_message(), "reads texts, not pictures"));
    graph_free(g);
    store_free(store);
}

static void rows_are_complete(void **state)
{
    (void)state;
    for (int i = 0; all_networks[i]; i++) {
        const struct network_type *type = all_networks[i];
        if (type->input != INPUT_TOKENS)
            continue;
        const struct text_options *o = &type->text;
        assert_true(type->encode_text && type->logits && type->prefix);
        assert_true(o->vocabulary > 0 && o->context > 0 && o->layers > 0 && o->heads > 0);
        assert_true(o->width % o->heads == 0 && o->epsilon > 0 && o->activation && o->biases);
        assert_int_equal(o->segments > 0, !type->causal);
        assert_int_equal(type->head != NULL, !type->causal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_the_published),
        cmocka_unit_test(names_are_hugging_faces),
        cmocka_unit_test(starts_are_the_published),
        cmocka_unit_test(options_override_rows),
        cmocka_unit_test(wrong_texts),
        cmocka_unit_test(rows_are_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
