/* Methods on texts: complete rows, what they build, closed forms of their losses. */
#include "ops/text_step.h"

static const struct method_type *const text_methods[] = { &method_gpt,          &method_bert,
                                                          &method_roberta,      &method_simcse,
                                                          &method_dual_encoder, NULL };

/* Every way in which a method can be set that changes what it builds. */
static const struct {
    const struct method_type *type;
    const char *network, *settings;
    int fields;
} setting[] = {
    { &method_gpt, "gpt-nano", "", 2 },
    { &method_gpt, "nanogpt-small", "documents=true windows=random", 4 },
    { &method_bert, "bert-tiny", "", 6 },
    { &method_bert, "bert-tiny", "next_sentence=false predictions=2", 5 },
    { &method_roberta, "roberta-tiny", "whole_words=true", 4 },
    { &method_simcse, "bert-tiny", "", 2 },
    { &method_simcse, "roberta-tiny", "supervision=pairs pooling=mean", 4 },
    { &method_simcse, "bert-tiny", "supervision=triplets pooling=pooler", 6 },
    { &method_dual_encoder, "bert-tiny", "", 4 },
    { &method_dual_encoder, "gpt-nano", "similarity=dot negatives=true pooling=last", 6 },
};

enum { SETTINGS = sizeof setting / sizeof *setting };

static void near(const char *what, double got, double want)
{
    if (!(fabs(got - want) <= 1e-9 * fabs(want) + 1e-12))
        fail_msg("%s: %.17g, expected %.17g", what, got, want);
}

static void rows_are_complete(void **state)
{
    (void)state;
    for (int i = 0; text_methods[i]; i++) {
        const struct method_type *type = text_methods[i];
        assert_true(type->name && type->title && type->paper && type->augment && type->networks);
        assert_true(type->options && type->configure && type->embed && type->loss);
        assert_true(type->chance && type->floor && type->fields && type->request);
        assert_true(type->kind == SAMPLE_TEXT);
        assert_true(type->views >= 1 && type->embeddings <= EMBEDDINGS_MAX);
        assert_string_equal(type->networks[0], "backbone");
        struct option_set set = { 0 };
        require(option_set_add(&set, "method", type->options), type->name);
        require(option_set_verify(&set), type->name);
        option_set_free(&set);
    }
}

static void check_fields(const struct method *m, const struct field *field, int fields)
{
    struct text_request request;
    m->type->request(m, &request);
    assert_int_equal(request.window, LENGTH);
    assert_string_equal(field[0].name, "tokens");
    assert_true(request.sides >= 1 && request.sides <= 3);
    for (int i = 0; i < fields; i++) {
        assert_int_equal(field[i].item.dtype, I32);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(field[i].name, field[k].name);
        if (strcmp(field[i].name, "places") == 0)
            assert_int_equal(field[i].item.shape.dim[0], request.masked);
    }
}

/* Every named network is trained and no other, every row of z belongs to a sample, every parameter
 * has a gradient, features have one row a sample. */
static void methods_build(void **state)
{
    (void)state;
    for (int i = 0; i < SETTINGS; i++) {
        const struct method_type *type = setting[i].type;
        struct store *store = store_new(1);
        struct graph *g = graph_new(store);
        struct method m;
        struct field field[FIELDS_MAX];
        val view[FIELDS_MAX], z[EMBEDDINGS_MAX];
        text_method_open(&m, type, setting[i].network, text_step_size(0, 0), setting[i].settings);
        int fields = text_inputs(&m, g, TEXTS, field, view), ranges = 0;
        assert_int_equal(fields, setting[i].fields);
        check_fields(&m, field, fields);
        type->embed(&m, g, view, z);
        require(graph_status(g), type->name);
        for (int k = 0; k < type->embeddings; k++)
            assert_true(shape_of(z[k]).rank == 2 && rows(z[k]) == TEXTS);
        val loss = type->loss(&m, g, z);
        assert_int_equal(shape_of(loss).rank, 0);
        struct range *range[METHOD_RANGES];
        int64_t parameters = 0;
        for (; type->networks[ranges]; ranges++) {
            range[ranges] = store_range(store, type->networks[ranges]);
            assert_true(range[ranges]->tensors > 0);
            parameters += range[ranges]->tensors;
        }
        assert_int_equal(store_ranges(store), ranges);
        size_t before = g->roots;
        differentiate(loss, ranges, range);
        require(graph_status(g), type->name);
        assert_int_equal(g->roots - before, parameters);
        val features = method_features(&m, g, view);
        assert_true(shape_equal(shape_of(features), SHAPE(TEXTS, 16)));
        assert_int_equal(range[0]->tensors + (ranges > 1 ? range[1]->tensors : 0), parameters);
        graph_free(g);
        store_free(store);
    }
}

/* The loss of embeddings given as z[0] [n, width], z[1] [n, width1]. */
static double loss_of(const struct method *m, const double *z0, const double *z1, int64_t n,
                      int64_t width, int64_t width1)
{
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    val z[2] = { input(g, "z0", F32, SHAPE(n, width)), input(g, "z1", F32, SHAPE(n, width1)) };
    val loss = m->type->loss(m, g, z);
    struct reference *r = NULL;
    require(reference_new(g, 1, &r), m->type->name);
    memcpy(reference_value(r, z[0]), z0, (size_t)(n * width) * sizeof *z0);
    memcpy(reference_value(r, z[1]), z1, (size_t)(n * width1) * sizeof *z1);
    for (size_t i = 0; i < g->names; i++)
        if (g->named[i].kind == NAMED_KNOB)
            *reference_value(r, (val){ g, g->named[i].value }) =
                m->type->knob(m, g->named[i].name, 0.5);
    require(reference_run(r, 0), m->type->name);
    double result = *reference_value(r, loss);
    reference_free(r);
    graph_free(g);
    store_free(store);
    return result;
}

static void open_contrastive(struct method *m, const struct method_type *type, const char *settings)
{
    text_method_open(m, type, "bert-tiny", text_step_size(0, 0), settings);
}

/* The specification's values: all cosines equal ln 64; identical views of orthogonal sentences at
 * temperature .05 ln(1 + (B - 1) e^-20), for two 2.06e-9. */
static void simcse_closed_forms(void **state)
{
    (void)state;
    enum { MOST = 64 };
    struct method m;
    double *z = calloc(MOST * MOST, sizeof *z), *equal = calloc(MOST * 4, sizeof *equal);
    assert_non_null(z);
    assert_non_null(equal);
    open_contrastive(&m, &method_simcse, "");
    for (int i = 0; i < MOST * 4; i++)
        equal[i] = i % 2 ? 0.3 : -0.7;
    near("equal", loss_of(&m, equal, equal, 64, 2, 2), 4.1588830833596715);
    near("equal, by name", m.type->chance(&m, 64), log(64));
    for (int n = 2; n <= MOST; n *= 4) {
        for (int i = 0; i < n * n; i++)
            z[i] = i / n == i % n ? 1.5 : 0;
        near("orthogonal", loss_of(&m, z, z, n, n, n), log1p((n - 1) * exp(-20)));
    }
    for (int i = 0; i < 4; i++)
        z[i] = i / 2 == i % 2 ? 2 : -2; /* two sentences that point away from each other */
    near("opposite", loss_of(&m, z, z, 2, 2, 2), log1p(exp(-40)));
    near("floor", m.type->floor(&m, 2), log1p(exp(-40)));
    open_contrastive(&m, &method_simcse, "supervision=triplets temperature=0.1");
    near("equal, with negatives", loss_of(&m, equal, equal, 64, 2, 4), log(128));
    near("chance", m.type->chance(&m, 64), log(128));
    assert_true(m.type->floor(&m, 64) <= 128 * exp(-20));
    free(equal);
    free(z);
}

/* One direction, negatives from the second side only, hard negatives after the partners: against
 * the formula written out. */
static void check_formula(const struct method *m, bool cosine, double factor, int sides)
{
    enum { N = 3, D = 4 };
    double z0[N * D], z1[N * 2 * D], total = 0;
    fill_lattice(z0, N * D, 3);
    fill_lattice(z1, (int64_t)N * (sides - 1) * D, 4);
    for (int i = 0; i < N; i++) {
        double sum_of_all = 0, own = 0;
        for (int j = 0; j < N * (sides - 1); j++) {
            const double *a = z0 + i * D, *b = z1 + (j % N * (sides - 1) + j / N) * D;
            double ab = 0, aa = 0, bb = 0;
            for (int c = 0; c < D; c++) {
                ab += a[c] * b[c];
                aa += a[c] * a[c];
                bb += b[c] * b[c];
            }
            double similarity = factor * (cosine ? ab / sqrt(aa * bb) : ab);
            sum_of_all += exp(similarity);
            own = j == i ? similarity : own;
        }
        total += log(sum_of_all) - own;
    }
    near(m->type->name, loss_of(m, z0, z1, N, D, (sides - 1) * D), total / N);
}

static void contrastive_formulas(void **state)
{
    (void)state;
    struct method m;
    open_contrastive(&m, &method_simcse, "");
    check_formula(&m, true, 20, 2);
    open_contrastive(&m, &method_simcse, "supervision=triplets temperature=0.25");
    check_formula(&m, true, 4, 3);
    open_contrastive(&m, &method_dual_encoder, "");
    check_formula(&m, true, 20, 2);
    open_contrastive(&m, &method_dual_encoder, "scale=3 negatives=true");
    check_formula(&m, true, 3, 3);
    open_contrastive(&m, &method_dual_encoder, "similarity=dot");
    check_formula(&m, false, 1, 2);
    near("chance", m.type->chance(&m, 32), log(32));
    near("floor", m.type->floor(&m, 32), 0);
    open_contrastive(&m, &method_dual_encoder, "");
    near("floor", m.type->floor(&m, 2), log1p(exp(-40)));
}

/* The sum over samples of the sums, over the number of all that count: 0 where nothing does. */
static void guesses_are_counted_over_the_batch(void **state)
{
    (void)state;
    static const double sums[] = { 6, 0, 2 }, counts[] = { 3, 0, 1 }, none[] = { 0, 0, 0 };
    struct method m;
    text_method_open(&m, &method_gpt, "gpt-nano", text_step_size(0, 0), "");
    near("mean", loss_of(&m, sums, counts, 3, 1, 1), 2);
    near("nothing", loss_of(&m, none, none, 3, 1, 1), 0);
}

/* Negative targets leave neither loss nor gradient; equal logits cost ln V each. */
static void negative_targets_do_not_count(void **state)
{
    (void)state;
    static const double target[] = { 3, -1, 0, -1, -1, 4 };
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    val logits = input(g, "logits", F32, SHAPE(6, 5)), targets = input(g, "t", I32, SHAPE(2, 3));
    val z[2], gradient;
    method_guess(logits, targets, z);
    gradients_of(sum(z[0], 3, false), no_value(g), 1, &logits, &gradient);
    struct reference *r = NULL;
    require(reference_new(g, 1, &r), "guess");
    for (int i = 0; i < 30; i++)
        reference_value(r, logits)[i] = 0.25 * (i / 5);
    memcpy(reference_value(r, targets), target, sizeof target);
    require(reference_run(r, 0), "guess");
    near("sum 0", reference_value(r, z[0])[0], 2 * log(5));
    near("sum 1", reference_value(r, z[0])[1], log(5));
    assert_true(reference_value(r, z[1])[0] == 2 && reference_value(r, z[1])[1] == 1);
    for (int i = 0; i < 30; i++) {
        double at = target[i / 5], want = at < 0 ? 0 : 0.2 - (i % 5 == at);
        near("gradient", reference_value(r, gradient)[i], want);
    }
    reference_free(r);
    graph_free(g);
    store_free(store);
}

/* The loss of freshly made networks on random tokens. */
static double starting_loss(const struct method_type *type, const char *network_name,
                            int64_t vocabulary, uint64_t seed)
{
    struct store *store = store_new(seed);
    struct graph *g = graph_new(store);
    struct network_options options = { .text = { .vocabulary = vocabulary, .dropout = -1 } };
    struct method m;
    struct field field[FIELDS_MAX];
    val view[FIELDS_MAX], z[EMBEDDINGS_MAX];
    text_method_open(&m, type, network_name, options, "");
    int fields = text_inputs(&m, g, 4, field, view);
    type->embed(&m, g, view, z);
    val loss = type->loss(&m, g, z);
    struct reference *r = NULL;
    require(graph_status(g), network_name);
    require(reference_new(g, 1, &r), network_name);
    for (int k = 0; k < fields; k++) {
        double *to = reference_value(r, view[k]);
        bool token = strcmp(field[k].name, "tokens") == 0 || strcmp(field[k].name, "targets") == 0;
        for (int64_t i = 0; i < shape_size(shape_of(view[k])); i++)
            to[i] = token ? text_below(field[k].name, i, vocabulary) : (double)(i % 2);
    }
    require(reference_run(r, 0), network_name);
    double result = *reference_value(r, loss);
    near("chance", type->chance(&m, 4),
         log((double)vocabulary) + (strcmp(type->name, "bert") == 0 ? log(2) : 0));
    assert_true(type->floor(&m, 4) == 0);
    reference_free(r);
    graph_free(g);
    store_free(store);
    return result;
}

/* About ln V plus half the variance of scores, D .02^2 / 2, as the mean of some networks; BERT ln 2
 * more. */
static void losses_start_at_chance(void **state)
{
    (void)state;
    enum { NETWORKS = 12 };
    double gpt = 0, bert = 0, roberta = 0, more = 128 * 0.0004 / 2;
    for (uint64_t seed = 0; seed < NETWORKS; seed++) {
        gpt += starting_loss(&method_gpt, "gpt-micro", 65, seed) / NETWORKS;
        bert += starting_loss(&method_bert, "bert-tiny", 101, seed) / NETWORKS;
        roberta += starting_loss(&method_roberta, "roberta-tiny", 101, seed) / NETWORKS;
    }
    assert_true(fabs(gpt - log(65) - more) < 0.05);
    assert_true(fabs(bert - log(101) - log(2) - more) < 0.1);
    assert_true(fabs(roberta - log(101) - more) < 0.1);
}

/* The two passes of unsupervised SimCSE have dropouts of their own; without dropout they agree. */
static void passes_differ_by_dropout(void **state)
{
    (void)state;
    for (int dropping = 0; dropping < 2; dropping++) {
        struct store *store = store_new(7);
        struct graph *g = graph_new(store);
        struct network_options options = text_step_size(0, 0);
        struct method m;
        struct field field[FIELDS_MAX];
        val view[FIELDS_MAX], z[EMBEDDINGS_MAX];
        options.text.dropout = dropping ? 0.1 : -1;
        text_method_open(&m, &method_simcse, "bert-tiny", options, "");
        text_inputs(&m, g, TEXTS, field, view);
        m.type->embed(&m, g, view, z);
        struct reference *r = NULL;
        require(reference_new(g, 1, &r), "simcse");
        for (int i = 0; i < TEXTS * LENGTH; i++) {
            reference_value(r, view[0])[i] = i % WORDS;
            reference_value(r, view[1])[i] = 1;
        }
        require(reference_run(r, 0), "simcse");
        for (int i = 0; i < TEXTS; i++)
            assert_int_equal(memcmp(reference_value(r, z[0]) + 16 * i,
                                    reference_value(r, z[1]) + 16 * i, 16 * sizeof(double)) != 0,
                             dropping);
        reference_free(r);
        graph_free(g);
        store_free(store);
    }
}

/* Method and network that do not fit are a mistake of the user's, told as such. */
static void what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        const struct method_type *type;
        const char *name, *network, *says;
        int64_t window;
    } row[] = {
        { &method_gpt, NULL, "resnet18", "learns from texts", 0 },
        { NULL, "simclr", "gpt-mini", "reads texts, method=simclr learns from pictures", 0 },
        { &method_gpt, NULL, "bert-mini", "forward only", 0 },
        { &method_bert, NULL, "gpt-mini", "both ways", 0 },
        { &method_bert, NULL, "roberta-mini", "head cls", 0 },
        { &method_roberta, NULL, "bert-mini", "head lm_head", 0 },
        { &method_gpt, NULL, "gpt-mini", "256 positions", 257 },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct method m = { .type = row[i].type ? row[i].type : method_find(row[i].name),
                            .network = network_find(row[i].network),
                            .network_options = { .width = 1 },
                            .window = row[i].window };
        assert_int_equal(method_fits(&m), TACIT_USAGE);
        if (!strstr(status_message(), row[i].says))
            fail_msg("\"%s\" does not say \"%s\"", status_message(), row[i].says);
    }
    struct method m = { .type = &method_dual_encoder, .network = network_find("gpt-mini") };
    assert_int_equal(method_fits(&m), TACIT_OK);
    assert_int_equal(method_window(&m), 256);
}

/* 15 % of 128 rounded up is the published 20, of 512 77; the shares must leave room. */
static void masking_is_the_published(void **state)
{
    (void)state;
    struct method m;
    struct text_request request;
    static const struct {
        int64_t window, masked;
    } row[] = { { 128, 20 }, { 512, 77 }, { 20, 3 }, { 1, 1 } };
    for (int i = 0; i < 4; i++) {
        text_method_open(&m, &method_bert, "bert-tiny", (struct network_options){ 0 }, "");
        m.window = row[i].window;
        m.type->request(&m, &request);
        assert_int_equal(request.masked, row[i].masked);
    }
    assert_true(request.rate == 0.15 && request.mask == 0.8 && request.replace == 0.1);
    assert_true(request.shorter == 0.1 && !request.whole_words);
    assert_int_equal(request.form, TEXT_SENTENCE_PAIRS);
    struct config config = { 0 };
    struct option_set set = { 0 };
    require(option_set_add(&set, "method", method_bert.options), "bert");
    require(config_set(&config, "method.random_share", "0.3", CONFIG_COMMAND, "test"), "bert");
    require(config_check(&config, &set), "bert");
    assert_int_equal(method_bert.configure(&m, &config), TACIT_USAGE);
    config_free(&config);
    option_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(methods_build),
        cmocka_unit_test(simcse_closed_forms),
        cmocka_unit_test(contrastive_formulas),
        cmocka_unit_test(guesses_are_counted_over_the_batch),
        cmocka_unit_test(negative_targets_do_not_count),
        cmocka_unit_test(losses_start_at_chance),
        cmocka_unit_test(passes_differ_by_dropout),
        cmocka_unit_test(what_does_not_fit),
        cmocka_unit_test(masking_is_the_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
