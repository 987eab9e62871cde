/* The decoder gives what the graph of its network gives, whatever way the tokens are fed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "engine/program.h"
#include "eval/decode.h"
#include "nn/networks.h"

#include <cmocka.h>

enum { LENGTH = 70, CONTEXT = 75, VOCABULARY = 83 };

struct model {
    const struct network_type *type;
    struct network_options options;
    enum panel_kind kind;
    struct store *store;
    struct range *range;
    uint32_t token[LENGTH];
    float logits[LENGTH][VOCABULARY];
};

/* Numbers large enough that every part of the network matters. */
static void values_draw(struct range *range)
{
    for (int64_t t = 0; t < range->tensors; t++) {
        struct tensor *tensor = range->tensor[t];
        struct random_stream stream = random_stream(5, tensor->name, 0, 0);
        bool norm = strstr(tensor->name, "ln_") && strstr(tensor->name, "weight");
        for (int64_t i = 0; i < shape_size(tensor->shape); i++)
            tensor_value(tensor)[i] = (float)((norm ? 1 : 0) + 0.2 * random_normal(&stream));
    }
}

static void column_round(float *value, int64_t count, int64_t step, bool int8)
{
    float largest = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(value[i * step]));
    for (int64_t i = 0; i < count; i++) {
        float *x = &value[i * step];
        if (int8) {
            *x = roundf(*x / largest * 127) * (largest / 127);
        } else { /* 8 bits of mantissa are left */
            int power;
            float fraction = frexpf(*x, &power);
            *x = ldexpf(roundf(fraction * 256) / 256, power);
        }
    }
}

/* Rounds the matrices to numbers that the decoder's storage holds. */
static void values_round(struct range *range, enum panel_kind kind)
{
    for (int64_t t = 0; t < range->tensors && kind != PANEL_F32; t++) {
        struct tensor *tensor = range->tensor[t];
        bool tokens = strstr(tensor->name, "wte") != NULL;
        if (tensor->shape.rank != 2 || strstr(tensor->name, "wpe"))
            continue;
        int64_t rows = tensor->shape.dim[0], columns = tensor->shape.dim[1];
        for (int64_t o = 0; o < (tokens ? rows : columns); o++)
            column_round(tensor_value(tensor) + o * (tokens ? columns : 1), tokens ? columns : rows,
                         tokens ? 1 : columns, kind == PANEL_INT8);
    }
}

static void expect_ok(status result)
{
    if (result != TACIT_OK)
        fail_msg("%s", status_message());
}

static void model_new(const char *name, struct text_options text, enum panel_kind kind,
                      struct model *model)
{
    struct target target = { .precision = PRECISION_F32 };
    struct program *program;
    *model =
        (struct model){ .type = network_find(name), .options = { .text = text }, .kind = kind };
    assert_non_null(model->type);
    model->store = store_new(3);
    struct graph *g = graph_new(model->store);
    net n = network(g, "backbone", false, 1);
    struct text_input in = { .tokens = input(g, "tokens", I32, SHAPE(1, LENGTH)) };
    val hidden = model->type->encode_text(n, model->type, &model->options, in);
    hidden = reshape(hidden, SHAPE(LENGTH, dim(hidden, 2)));
    output(model->type->logits(n, n, model->type, &model->options, hidden), "logits");
    expect_ok(compile(g, &target, &program));
    graph_free(g);
    model->range = store_range(model->store, "backbone");
    values_draw(model->range);
    values_round(model->range, kind);
    model->range->version++;
    struct random_stream stream = random_stream(7, "tokens", 0, 0);
    for (int i = 0; i < LENGTH; i++) {
        model->token[i] = (uint32_t)random_below(&stream, VOCABULARY);
        ((int32_t *)program_input(program, "tokens"))[i] = (int32_t)model->token[i];
    }
    expect_ok(program_run(program, 0));
    memcpy(model->logits, program_output(program, "logits"), sizeof model->logits);
    program_free(program);
}

static struct decoder *decoder_of(const struct model *model, enum panel_kind kind, int64_t rows)
{
    struct decoder_options how = { kind, 3, rows };
    struct decoder *decoder;
    expect_ok(decoder_new(model->type, &model->options, model->range, &how, &decoder));
    return decoder;
}

/* The scores behind `row` of the last feed are those of the graph at `position`; with int8 but for
 * what rows lose that become integers of 16 bits, of which scores are up to 5. */
static void same_scores(struct decoder *decoder, const struct model *model, int64_t row,
                        int64_t position)
{
    int64_t step;
    const float *logits = decoder_logits(decoder, row, 1, &step);
    float allowed = model->kind == PANEL_INT8 ? 1e-3F : 1e-4F;
    for (int k = 0; k < VOCABULARY; k++)
        if (!(fabsf(logits[k] - model->logits[position][k]) <= allowed))
            fail_msg("%s, position %d, token %d: %g instead of %g", model->type->name,
                     (int)position, k, (double)logits[k], (double)model->logits[position][k]);
}

static void feed(struct decoder *decoder, const struct model *model, int32_t sequence, int from,
                 int count)
{
    int32_t sequences[LENGTH];
    for (int i = 0; i < count; i++)
        sequences[i] = sequence;
    expect_ok(decoder_feed(decoder, count, sequences, model->token + from));
}

static void check(const char *name, struct text_options text, enum panel_kind kind)
{
    struct model model;
    text.vocabulary = VOCABULARY;
    text.context = CONTEXT;
    model_new(name, text, kind, &model);
    struct decoder *decoder = decoder_of(&model, kind, LENGTH);
    for (int i = 0; i < LENGTH; i++) { /* one by one */
        feed(decoder, &model, 1, i, 1);
        same_scores(decoder, &model, 0, i);
    }
    feed(decoder, &model, 0, 0, LENGTH); /* all at once */
    for (int i = 0; i < LENGTH; i++)
        same_scores(decoder, &model, i, i);
    decoder_cut(decoder, 0, 37); /* again from the middle, in two parts, as a copy */
    decoder_copy(decoder, 0, 2);
    assert_int_equal(decoder_length(decoder, 2), 37);
    feed(decoder, &model, 2, 37, 20);
    same_scores(decoder, &model, 19, 56);
    feed(decoder, &model, 2, 57, 13);
    same_scores(decoder, &model, 12, 69);
    decoder_free(decoder);
    store_free(model.store);
}

#define SMALL .layers = 3, .heads = 3, .width = 48

static void scores_are_those_of_the_graph(void **state)
{
    (void)state;
    check("gpt2", (struct text_options){ SMALL }, PANEL_F32);
    check("nanogpt-small", (struct text_options){ SMALL }, PANEL_F32);
    check("gpt3-small", (struct text_options){ SMALL, .band = 5 }, PANEL_F32);
    check("gpt3-small", (struct text_options){ SMALL, .band = 41 }, PANEL_F32);
    check("gpt3-small", (struct text_options){ SMALL, .band = 1 }, PANEL_F32);
    check("gpt2", (struct text_options){ .layers = 2, .heads = 2, .width = 78, .inner = 50 },
          PANEL_F32);
    check("gpt-nano", (struct text_options){ .activation = ACTIVATION_RELU }, PANEL_F32);
    check("gpt-micro", (struct text_options){ .activation = ACTIVATION_SILU }, PANEL_F32);
}

static void weights_of_few_bits_are_what_they_hold(void **state)
{
    (void)state;
    check("gpt2", (struct text_options){ SMALL }, PANEL_BF16);
    check("nanogpt-small", (struct text_options){ SMALL }, PANEL_BF16);
    check("gpt2", (struct text_options){ SMALL }, PANEL_INT8);
    check("gpt3-small", (struct text_options){ SMALL, .band = 5 }, PANEL_INT8);
}

/* Texts of different lengths in one feed do not meet. */
static void texts_side_by_side_are_apart(void **state)
{
    (void)state;
    struct model model;
    struct text_options text = { SMALL, .vocabulary = VOCABULARY, .context = CONTEXT };
    model_new("gpt2", text, PANEL_F32, &model);
    struct decoder *decoder = decoder_of(&model, PANEL_F32, LENGTH);
    feed(decoder, &model, 0, 0, 40);
    feed(decoder, &model, 1, 0, 3);
    const int32_t sequence[] = { 1, 1, 0, 2 };
    const uint32_t token[] = { model.token[3], model.token[4], model.token[40], model.token[0] };
    expect_ok(decoder_feed(decoder, 4, sequence, token));
    same_scores(decoder, &model, 0, 3);
    same_scores(decoder, &model, 1, 4);
    same_scores(decoder, &model, 2, 40);
    same_scores(decoder, &model, 3, 0);
    assert_int_equal(decoder_length(decoder, 0), 41);
    decoder_free(decoder);
    store_free(model.store);
}

static void refuses(struct decoder *decoder, int64_t rows, int32_t first, uint32_t token,
                    const char *said)
{
    int32_t sequence[CONTEXT + 2] = { first };
    uint32_t tokens[CONTEXT + 2] = { token };
    int64_t before = decoder_length(decoder, 0);
    assert_int_equal(decoder_feed(decoder, rows, sequence, tokens), TACIT_USAGE);
    if (!strstr(status_message(), said))
        fail_msg("\"%s\" is not in: %s", said, status_message());
    assert_int_equal(decoder_length(decoder, 0), before);
}

static void feeds_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct model model;
    struct text_options text = { SMALL, .vocabulary = VOCABULARY, .context = CONTEXT };
    model_new("gpt2", text, PANEL_F32, &model);
    struct decoder *decoder = decoder_of(&model, PANEL_F32, CONTEXT + 1);
    refuses(decoder, CONTEXT + 1, 0, 0, "longer than the 75 positions");
    refuses(decoder, CONTEXT + 2, 0, 0, "1 to 76 are allowed");
    refuses(decoder, 1, 0, VOCABULARY, "token 83");
    refuses(decoder, 1, 3, 0, "text 3");
    feed(decoder, &model, 0, 0, LENGTH);
    refuses(decoder, 6, 0, 0, "longer than the 75 positions");
    decoder_free(decoder);
    store_free(model.store);
}

static void only_causal_networks_are_decoded(void **state)
{
    (void)state;
    struct store *store = store_new(0);
    struct network_options options = { 0 };
    assert_int_equal(decoder_declare(network_find("bert-tiny"), &options, store), TACIT_USAGE);
    assert_non_null(strstr(status_message(), "does not guess the next token"));
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_those_of_the_graph),
        cmocka_unit_test(weights_of_few_bits_are_what_they_hold),
        cmocka_unit_test(texts_side_by_side_are_apart),
        cmocka_unit_test(feeds_that_do_not_fit_are_refused),
        cmocka_unit_test(only_causal_networks_are_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
