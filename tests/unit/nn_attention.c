/* What a token sees: attention against its definition, causality, bands, packing, padding; and how
 * texts become one vector. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "engine/differentiate.h"
#include "engine/reference/reference.h"
#include "nn/pooling.h"

#include <cmocka.h>

/* Numbers of a test: the same for the same name. */
static void fill(double *to, int64_t size, const char *name)
{
    struct random_stream stream = random_stream(5, name, 0, 0);
    for (int64_t i = 0; i < size; i++)
        to[i] = random_normal(&stream);
}

enum { TEXTS = 2, LENGTH = 7, HEADS = 2, WIDTH = 6 };

/* Attention from its definition, for one head of one token. */
static void attend(const double *q, const double *k, const double *v, const int *group,
                   const struct attention *how, int text, int at, int head, double *out)
{
    enum { EACH = WIDTH / HEADS };
    double weight[LENGTH], total = 0;
    const double *query = q + (text * LENGTH + at) * WIDTH + head * EACH;
    for (int j = 0; j < LENGTH; j++) {
        bool seen = (!how->causal || j <= at) && (!how->band || j > at - how->band) &&
                    (!group || (group[text * LENGTH + j] == group[text * LENGTH + at] &&
                                group[text * LENGTH + j] != 0));
        double product = 0;
        for (int c = 0; c < EACH; c++)
            product += query[c] * k[(text * LENGTH + j) * WIDTH + head * EACH + c];
        total += weight[j] = seen ? exp(product / sqrt(EACH)) : 0;
    }
    for (int c = 0; c < EACH; c++) {
        out[c] = 0;
        for (int j = 0; j < LENGTH; j++)
            out[c] += weight[j] / total * v[(text * LENGTH + j) * WIDTH + head * EACH + c];
    }
}

static const int some_groups[TEXTS * LENGTH] = { 1, 1, 1, 2, 2, 2, 2, 3, 3, 1, 1, 1, 0, 0 };

static void check_attention(bool causal, int64_t band, bool grouped)
{
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    struct attention how = { .heads = HEADS, .causal = causal, .band = band };
    val in[3];
    static const char *const name[] = { "q", "k", "v" };
    for (int i = 0; i < 3; i++)
        in[i] = input(g, name[i], F32, SHAPE(TEXTS, LENGTH, WIDTH));
    if (grouped)
        how.group = input(g, "group", I32, SHAPE(TEXTS, LENGTH));
    val y = self_attention(network(g, "n", true, 1), concat(3, in, 2), &how);
    struct reference *r = NULL;
    assert_int_equal(reference_new(g, 1, &r), TACIT_OK);
    for (int i = 0; i < 3; i++)
        fill(reference_value(r, in[i]), TEXTS * LENGTH * WIDTH, name[i]);
    for (int i = 0; grouped && i < TEXTS * LENGTH; i++)
        reference_value(r, how.group)[i] = some_groups[i];
    assert_int_equal(reference_run(r, 0), TACIT_OK);
    for (int i = 0; i < TEXTS * LENGTH * HEADS; i++) {
        double want[WIDTH / HEADS];
        int token = i / HEADS, head = i % HEADS;
        if (grouped && some_groups[token] == 0)
            continue;
        attend(reference_value(r, in[0]), reference_value(r, in[1]), reference_value(r, in[2]),
               grouped ? some_groups : NULL, &how, token / LENGTH, token % LENGTH, head, want);
        for (int c = 0; c < WIDTH / HEADS; c++) {
            double got = reference_value(r, y)[token * WIDTH + head * (WIDTH / HEADS) + c];
            if (!(fabs(got - want[c]) <= 1e-12 * fabs(want[c]) + 1e-13))
                fail_msg("causal %d, band %d, groups %d, token %d: %.15g, expected %.15g", causal,
                         (int)band, grouped, token, got, want[c]);
        }
    }
    reference_free(r);
    graph_free(g);
    store_free(store);
}

/* Every kind of mask against the definition; a band of 1 leaves v itself, a band of all changes
 * nothing. */
static void attention_sees_what_it_should(void **state)
{
    (void)state;
    for (int grouped = 0; grouped < 2; grouped++) {
        check_attention(false, 0, grouped);
        for (int band = 0; band <= LENGTH; band++)
            check_attention(true, band, grouped);
    }
}

/* A small network on [TEXTS, LENGTH] tokens in double: hidden states for given inputs. */
struct small {
    struct store *store;
    struct graph *graph;
    struct reference *reference;
    struct text_input in;
    val hidden, layer[8];
};

static void small_open(struct small *s, const char *name, int64_t band, int64_t length)
{
    const struct network_type *type = network_find(name);
    struct network_options options = { .text = { .vocabulary = 11,
                                                 .context = 16,
                                                 .layers = 3,
                                                 .heads = 2,
                                                 .width = 8,
                                                 .dropout = -1,
                                                 .band = band } };
    *s = (struct small){ .store = store_new(4) };
    s->graph = graph_new(s->store);
    struct shape shape = SHAPE(TEXTS, length);
    s->in.tokens = input(s->graph, "tokens", I32, shape);
    s->in.group = input(s->graph, "group", I32, shape);
    s->in.position = input(s->graph, "position", I32, shape);
    s->in.layer = s->layer;
    s->hidden = type->encode_text(network(s->graph, "backbone", true, 1), type, &options, s->in);
    struct range *range = store_range(s->store, "backbone");
    assert_int_equal(range_seal(range), TACIT_OK);
    /* Larger weights than at the start, so that what is seen shows. */
    for (int64_t t = 0; t < range->tensors; t++)
        for (int64_t i = 0; i < shape_size(range->tensor[t]->shape); i++)
            tensor_value(range->tensor[t])[i] *= range->tensor[t]->shape.rank > 1 ? 30 : 1;
    if (reference_new(s->graph, 1, &s->reference) != TACIT_OK)
        fail_msg("%s: %s", name, status_message());
    for (int64_t i = 0; i < TEXTS * length; i++) {
        reference_value(s->reference, s->in.tokens)[i] = (double)(3 * i % 11);
        reference_value(s->reference, s->in.group)[i] = 1;
        reference_value(s->reference, s->in.position)[i] = (double)(i % length);
    }
}

static double *small_run(struct small *s)
{
    assert_int_equal(reference_run(s->reference, 0), TACIT_OK);
    return reference_value(s->reference, s->hidden);
}

static void small_close(struct small *s)
{
    reference_free(s->reference);
    graph_free(s->graph);
    store_free(s->store);
}

/* Whether any of the 8 numbers of token `at` of text 0 moved. */
static bool moved(const double *before, const double *after, int at)
{
    return memcmp(before + at * 8, after + at * 8, 8 * sizeof *before) != 0;
}

/* A changed token shows in itself and in those after it and in none before, not even by rounding;
 * also with a band in layer 1, for layers 0 and 2 are dense. */
static void causality_is_exact(void **state)
{
    (void)state;
    for (int band = -1; band <= 3; band += 2) {
        struct small s;
        double before[TEXTS * LENGTH * 8];
        small_open(&s, "gpt3-small", band, LENGTH);
        memcpy(before, small_run(&s), sizeof before);
        for (int at = 0; at < LENGTH; at++) {
            double *token = reference_value(s.reference, s.in.tokens) + at, kept = *token;
            *token = kept == 10 ? 0 : kept + 1;
            const double *after = small_run(&s);
            for (int t = 0; t < LENGTH; t++)
                assert_int_equal(moved(before, after, t), t >= at);
            assert_memory_equal(before + LENGTH * 8, after + LENGTH * 8,
                                LENGTH * 8 * sizeof *before);
            *token = kept;
        }
        small_close(&s);
    }
}

/* In layer 1 alone the band shows: input 1 reaches output `band` tokens and no more. */
static void band_is_in_odd_layers(void **state)
{
    (void)state;
    for (int band = 1; band <= 4; band++) {
        const struct network_type *type = network_find("gpt3-small");
        struct network_options options = { .text = { .vocabulary = 11,
                                                     .layers = 2,
                                                     .heads = 2,
                                                     .width = 8,
                                                     .dropout = -1,
                                                     .band = band } };
        struct store *store = store_new(4);
        struct graph *g = graph_new(store);
        val layer[3], tokens = input(g, "tokens", I32, SHAPE(1, LENGTH));
        type->encode_text(network(g, "backbone", true, 1), type, &options,
                          (struct text_input){ .tokens = tokens, .layer = layer });
        /* How far the last token of layer 1's result looks back into what layer 1 was given. */
        val last = slice(layer[2], 1, LENGTH - 1, LENGTH), gradient;
        val given = { g, node_of(layer[1])->in[0] };
        gradients_of(sum(square(last), 7, false), no_value(g), 1, &given, &gradient);
        struct reference *r = NULL;
        assert_int_equal(reference_new(g, 1, &r), TACIT_OK);
        assert_int_equal(reference_run(r, 0), TACIT_OK);
        for (int t = 0; t < LENGTH; t++) {
            double most = 0;
            for (int c = 0; c < 8; c++)
                most = fmax(most, fabs(reference_value(r, gradient)[t * 8 + c]));
            assert_int_equal(most > 0, t > LENGTH - 1 - band);
        }
        reference_free(r);
        graph_free(g);
        store_free(store);
    }
}

/* Two documents packed into one row give what each gives alone, padded, with positions of its own;
 * what stands in the padding does not matter at all. */
static void packing_and_padding_change_nothing(void **state)
{
    (void)state;
    static const char *const names[] = { "gpt2", "bert-tiny", "roberta-tiny" };
    enum { FIRST = 3, SECOND = LENGTH - FIRST };
    for (int i = 0; i < 3; i++) {
        struct small packed, alone;
        small_open(&packed, names[i], 0, LENGTH);
        small_open(&alone, names[i], 0, LENGTH);
        double *group = reference_value(packed.reference, packed.in.group);
        double *position = reference_value(packed.reference, packed.in.position);
        double *token = reference_value(packed.reference, packed.in.tokens);
        double *own_group = reference_value(alone.reference, alone.in.group);
        double *own_token = reference_value(alone.reference, alone.in.tokens);
        for (int t = 0; t < LENGTH; t++) {
            group[t] = t < FIRST ? 1 : 2;
            position[t] = t < FIRST ? t : t - FIRST;
            own_group[t] = t < FIRST;
            own_group[LENGTH + t] = t < SECOND;
            own_token[t] = t < FIRST ? token[t] : 7;
            own_token[LENGTH + t] = t < SECOND ? token[FIRST + t] : 5;
        }
        const double *together = small_run(&packed), *apart = small_run(&alone);
        for (int t = 0; t < LENGTH * 8; t++) {
            double want = t < FIRST * 8 ? apart[t] : apart[LENGTH * 8 + t - FIRST * 8];
            if (!(fabs(together[t] - want) <= 1e-12 * (1 + fabs(want))))
                fail_msg("%s: %.15g packed, %.15g alone", names[i], together[t], want);
        }
        double before[FIRST * 8];
        memcpy(before, apart, sizeof before);
        own_token[FIRST] = 1;
        assert_memory_equal(small_run(&alone), before, sizeof before);
        small_close(&packed);
        small_close(&alone);
    }
}

/* Pooling of given hidden states: layers of numbers are the network's, the rest by hand. */
static void pooling_is_as_told(void **state)
{
    (void)state;
    static const int length_of[TEXTS] = { 4, LENGTH };
    const struct network_type *type = network_find("bert-tiny");
    struct network_options options = { .text = { .vocabulary = 11,
                                                 .context = 16,
                                                 .layers = 3,
                                                 .heads = 2,
                                                 .width = 8,
                                                 .dropout = -1 } };
    struct small s;
    small_open(&s, "bert-tiny", 0, LENGTH);
    struct reference *r = NULL;
    net n = network(s.graph, "backbone", true, 1);
    val pooled[6];
    static const enum text_pooling how[] = { POOL_CLS,  POOL_MEAN,       POOL_LAST,
                                             POOL_TOP2, POOL_FIRST_LAST, POOL_MEAN };
    for (int i = 0; i < 5; i++)
        pooled[i] = embed_text(n, type, &options, s.in, how[i]);
    pooled[5] = mean_of_tokens(s.hidden, (val){ 0 });
    assert_int_equal(reference_new(s.graph, 1, &r), TACIT_OK);
    for (int t = 0; t < TEXTS * LENGTH; t++) {
        reference_value(r, s.in.group)[t] = t % LENGTH < length_of[t / LENGTH];
        reference_value(r, s.in.tokens)[t] = 3 * t % 11;
        reference_value(r, s.in.position)[t] = t % LENGTH;
    }
    assert_int_equal(reference_run(r, 0), TACIT_OK);
    for (int b = 0; b < TEXTS; b++)
        for (int c = 0; c < 8; c++) {
            double mean_of[4] = { 0 }, all = 0;
            for (int l = 1; l <= 3; l++)
                for (int t = 0; t < length_of[b]; t++)
                    mean_of[l] +=
                        reference_value(r, s.layer[l])[(b * LENGTH + t) * 8 + c] / length_of[b];
            const double *hidden = reference_value(r, s.hidden) + b * LENGTH * 8 + c;
            for (int t = 0; t < LENGTH; t++)
                all += hidden[t * 8] / LENGTH;
            double want[] = { hidden[0],
                              mean_of[3],
                              hidden[(length_of[b] - 1) * 8],
                              (mean_of[2] + mean_of[3]) / 2,
                              (mean_of[1] + mean_of[3]) / 2,
                              all };
            for (int i = 0; i < 6; i++)
                if (!(fabs(reference_value(r, pooled[i])[b * 8 + c] - want[i]) <= 1e-12))
                    fail_msg("pooling %d: %.15g, expected %.15g", i,
                             reference_value(r, pooled[i])[b * 8 + c], want[i]);
        }
    reference_free(r);
    small_close(&s);
}

/* Places beyond the texts or negative give zeros. */
static void tokens_are_picked(void **state)
{
    (void)state;
    static const double place[] = { 2, -1, 0, 1, 1, 3 };
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    val hidden = input(g, "hidden", F32, SHAPE(2, 4, 3));
    val places = input(g, "places", I32, SHAPE(2, 3)), y = tokens_at(hidden, places);
    struct reference *r = NULL;
    assert_int_equal(reference_new(g, 1, &r), TACIT_OK);
    for (int i = 0; i < 24; i++)
        reference_value(r, hidden)[i] = i + 1;
    memcpy(reference_value(r, places), place, sizeof place);
    assert_int_equal(reference_run(r, 0), TACIT_OK);
    for (int i = 0; i < 18; i++) {
        double at = place[i / 3], want = at < 0 ? 0 : 12 * (i / 9) + 3 * at + i % 3 + 1;
        assert_true(reference_value(r, y)[i] == want);
    }
    reference_free(r);
    graph_free(g);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention_sees_what_it_should),
        cmocka_unit_test(causality_is_exact),
        cmocka_unit_test(band_is_in_odd_layers),
        cmocka_unit_test(packing_and_padding_change_nothing),
        cmocka_unit_test(pooling_is_as_told),
        cmocka_unit_test(tokens_are_picked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
