/* Networks: sizes, names and starts as published; batch normalisation's two modes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/differentiate.h"
#include "engine/reference/reference.h"
#include "nn/networks.h"

#include <cmocka.h>

static val build(struct graph *g, const char *name, int stem, double width, int64_t side)
{
    const struct network_type *type = network_find(name);
    assert_non_null(type);
    struct network_options options = { .stem = stem, .width = width };
    net n = network(g, "backbone", true, 1);
    val features = type->encode(n, type, &options, input(g, "x", F32, SHAPE(2, 3, side, side)));
    if (graph_status(g) != TACIT_OK)
        fail_msg("%s: %s", name, status_message());
    return features;
}

/* Numbers of parameters and of tensors (with running statistics and counters) without the head:
 * torchvision's resnets of 11,689,512, 21,797,672 and 25,557,032 less their fc; the small stem has
 * 3x3 instead of 7x7 weights. conv4: 864 + 18,432 + 73,728 + 294,912 weights and 2 (32 + 64 + 128 +
 * 256) of batch normalisation. mlp: 3,072 x 512 + 512 x 512 + 4 x 512. */
static void sizes_are_the_published(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int stem;
        int64_t side, parameters, tensors, features;
    } row[] = {
        { "conv4", STEM_AUTO, 32, 388896, 4 * 6, 256 },
        { "resnet18", STEM_CIFAR, 32, 11168832, 120, 512 },
        { "resnet18", STEM_IMAGENET, 64, 11176512, 120, 512 },
        { "resnet34", STEM_IMAGENET, 64, 21797672 - 513000, 216, 512 },
        { "resnet50", STEM_IMAGENET, 64, 23508032, 318, 2048 },
        { "resnet50", STEM_CIFAR, 32, 23500352, 318, 2048 },
        { "mlp", STEM_AUTO, 32, 1837056, 2 * 6, 512 },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct store *store = store_new(1);
        struct graph *g = graph_new(store);
        val features = build(g, row[i].name, row[i].stem, 1, row[i].side);
        const struct range *range = store_range(store, "backbone");
        assert_true(shape_equal(shape_of(features), SHAPE(2, row[i].features)));
        assert_int_equal(range_parameters(range), row[i].parameters);
        assert_int_equal(range->tensors, row[i].tensors);
        graph_free(g);
        store_free(store);
    }
}

/* Below 64 pixels the stem is the small one, from there on ImageNet's; width scales channels. */
static void stem_and_width(void **state)
{
    (void)state;
    static const struct {
        int64_t side;
        double width;
        struct shape conv1;
    } row[] = {
        { 32, 1, { 4, { 64, 3, 3, 3 } } },    { 63, 1, { 4, { 64, 3, 3, 3 } } },
        { 64, 1, { 4, { 64, 3, 7, 7 } } },    { 32, 0.5, { 4, { 32, 3, 3, 3 } } },
        { 32, 0.25, { 4, { 16, 3, 3, 3 } } }, { 32, 0.01, { 4, { 8, 3, 3, 3 } } },
        { 64, 2, { 4, { 128, 3, 7, 7 } } },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct store *store = store_new(1);
        struct graph *g = graph_new(store);
        build(g, "resnet18", STEM_AUTO, row[i].width, row[i].side);
        const struct tensor *conv1 = range_find(store_range(store, "backbone"), "conv1.weight");
        assert_non_null(conv1);
        assert_true(shape_equal(conv1->shape, row[i].conv1));
        graph_free(g);
        store_free(store);
    }
}

static void check_names(const char *network_name, const char *const *expected,
                        const struct shape *shape)
{
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    build(g, network_name, STEM_IMAGENET, 1, 64);
    for (int i = 0; expected[i]; i++) {
        const struct tensor *t = range_find(store_range(store, "backbone"), expected[i]);
        if (!t)
            fail_msg("%s has no tensor %s", network_name, expected[i]);
        assert_true(shape_equal(t->shape, shape[i]));
    }
    graph_free(g);
    store_free(store);
}

static void names_are_torchvisions(void **state)
{
    (void)state;
    static const char *const small[] = { "conv1.weight",
                                         "bn1.weight",
                                         "bn1.bias",
                                         "bn1.running_mean",
                                         "bn1.running_var",
                                         "bn1.num_batches_tracked",
                                         "layer1.0.conv1.weight",
                                         "layer1.1.bn2.running_var",
                                         "layer2.0.downsample.0.weight",
                                         "layer2.0.downsample.1.running_mean",
                                         "layer3.1.conv2.weight",
                                         "layer4.1.bn2.bias",
                                         NULL };
    static const struct shape small_shape[] = { { 4, { 64, 3, 7, 7 } },
                                                { 1, { 64 } },
                                                { 1, { 64 } },
                                                { 1, { 64 } },
                                                { 1, { 64 } },
                                                { 0 },
                                                { 4, { 64, 64, 3, 3 } },
                                                { 1, { 64 } },
                                                { 4, { 128, 64, 1, 1 } },
                                                { 1, { 128 } },
                                                { 4, { 256, 256, 3, 3 } },
                                                { 1, { 512 } } };
    check_names("resnet18", small, small_shape);
    static const char *const large[] = { "layer1.0.conv1.weight",        "layer1.0.conv2.weight",
                                         "layer1.0.conv3.weight",        "layer1.0.bn3.weight",
                                         "layer1.0.downsample.0.weight", "layer1.2.conv1.weight",
                                         "layer2.0.conv2.weight",        "layer3.5.conv3.weight",
                                         "layer4.2.bn3.running_var",     NULL };
    static const struct shape large_shape[] = { { 4, { 64, 64, 1, 1 } },
                                                { 4, { 64, 64, 3, 3 } },
                                                { 4, { 256, 64, 1, 1 } },
                                                { 1, { 256 } },
                                                { 4, { 256, 64, 1, 1 } },
                                                { 4, { 64, 256, 1, 1 } },
                                                { 4, { 128, 128, 3, 3 } },
                                                { 4, { 1024, 256, 1, 1 } },
                                                { 1, { 2048 } } };
    check_names("resnet50", large, large_shape);
}

static double deviation(const struct tensor *t, double *largest)
{
    double squares = 0;
    int64_t size = shape_size(t->shape);
    *largest = 0;
    for (int64_t i = 0; i < size; i++) {
        squares += tensor_value(t)[i] * tensor_value(t)[i];
        *largest = fmax(*largest, fabs(tensor_value(t)[i]));
    }
    return sqrt(squares / (double)size);
}

/* Convolutions N(0, 2 / (k k out)), batch normalisation 1 and 0, linear layers U(±1/sqrt(in)). */
static void starts_are_pytorchs(void **state)
{
    (void)state;
    struct store *store = store_new(5), *again = store_new(5), *other = store_new(6);
    struct graph *g = graph_new(store), *h = graph_new(again), *o = graph_new(other);
    val features = build(g, "conv4", STEM_AUTO, 1, 32);
    linear(network(g, "backbone", true, 1), "fc", features, 300);
    build(h, "conv4", STEM_AUTO, 1, 32);
    build(o, "conv4", STEM_AUTO, 1, 32);
    struct range *range = store_range(store, "backbone");
    assert_int_equal(range_seal(range), TACIT_OK);
    assert_int_equal(range_seal(store_range(again, "backbone")), TACIT_OK);
    assert_int_equal(range_seal(store_range(other, "backbone")), TACIT_OK);
    const char *name = "layer4.conv.weight";
    const struct tensor *conv = range_find(range, name);
    double largest, spread = deviation(conv, &largest);
    assert_true(fabs(spread / sqrt(2.0 / (9 * 256)) - 1) < 0.01);
    assert_true(largest > 3.5 * spread);
    const struct tensor *same = range_find(store_range(again, "backbone"), name);
    const struct tensor *differs = range_find(store_range(other, "backbone"), name);
    size_t bytes = (size_t)shape_size(conv->shape) * sizeof(float);
    assert_memory_equal(tensor_value(conv), tensor_value(same), bytes);
    assert_memory_not_equal(tensor_value(conv), tensor_value(differs), bytes);
    spread = deviation(range_find(range, "fc.weight"), &largest);
    assert_true(largest <= 1 / 16.0 && fabs(spread / (1 / 16.0 / sqrt(3)) - 1) < 0.01);
    deviation(range_find(range, "fc.bias"), &largest);
    assert_true(largest <= 1 / 16.0 && largest > 0.9 / 16);
    assert_true(tensor_value(range_find(range, "layer2.bn.weight"))[63] == 1);
    assert_true(tensor_value(range_find(range, "layer2.bn.bias"))[0] == 0);
    assert_true(tensor_value(range_find(range, "layer2.bn.running_var"))[5] == 1);
    assert_true(tensor_value(range_find(range, "layer2.bn.running_mean"))[5] == 0);
    struct graph *const graph[] = { g, h, o };
    struct store *const stores[] = { store, again, other };
    for (int i = 0; i < 3; i++) {
        graph_free(graph[i]);
        store_free(stores[i]);
    }
}

/* Runs batch_norm on x [4, 1] = 1 2 5 9 in the given mode, running mean 3 and variance 4. */
struct normalised {
    double y[4], mean_of, variance, batches;
};

static struct normalised normalise(bool training, bool update, int groups)
{
    static const double x[] = { 1, 2, 5, 9 };
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    net n = network(g, "n", training, groups);
    n.update = update;
    val in = input(g, "x", F32, SHAPE(4, 1)), y = batch_norm(n, "bn", in);
    assert_int_equal(range_seal(n.range), TACIT_OK);
    *tensor_value(range_find(n.range, "bn.running_mean")) = 3;
    *tensor_value(range_find(n.range, "bn.running_var")) = 4;
    struct reference *r = NULL;
    assert_int_equal(reference_new(g, 1, &r), TACIT_OK);
    memcpy(reference_value(r, in), x, sizeof x);
    assert_int_equal(reference_run(r, 0), TACIT_OK);
    struct normalised result = { .mean_of = 3, .variance = 4 };
    const double *state[] = { reference_state(r, range_find(n.range, "bn.running_mean")),
                              reference_state(r, range_find(n.range, "bn.running_var")),
                              reference_state(r, range_find(n.range, "bn.num_batches_tracked")) };
    memcpy(result.y, reference_value(r, y), sizeof result.y);
    result.mean_of = state[0] ? *state[0] : 3;
    result.variance = state[1] ? *state[1] : 4;
    result.batches = state[2] ? *state[2] : 0;
    reference_free(r);
    graph_free(g);
    store_free(store);
    return result;
}

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-12 + 1e-12 * fabs(want)))
        fail_msg("%.17g, expected %.17g", got, want);
}

static void batch_norm_in_its_modes(void **state)
{
    (void)state;
    /* Joint: mean 4.25, variance 9.6875 (biased), 12.91666… (unbiased). */
    struct normalised joint = normalise(true, true, 1);
    near(joint.y[0], (1 - 4.25) / sqrt(9.6875 + 1e-5));
    near(joint.y[3], (9 - 4.25) / sqrt(9.6875 + 1e-5));
    near(joint.mean_of, 0.9 * 3 + 0.1 * 4.25);
    near(joint.variance, 0.9 * 4 + 0.1 * 9.6875 * 4 / 3);
    near(joint.batches, 1);
    /* Per view: (1, 2) has mean 1.5 and variance .25, (5, 9) has 7 and 4; one after the other. */
    struct normalised views = normalise(true, true, 2);
    near(views.y[1], 0.5 / sqrt(0.25 + 1e-5));
    near(views.y[2], -2 / sqrt(4 + 1e-5));
    near(views.mean_of, 0.9 * (0.9 * 3 + 0.1 * 1.5) + 0.1 * 7);
    near(views.variance, 0.9 * (0.9 * 4 + 0.1 * 0.5) + 0.1 * 8);
    near(views.batches, 2);
    /* Training without moving the running statistics; evaluation with them. */
    struct normalised frozen = normalise(true, false, 1);
    near(frozen.y[0], joint.y[0]);
    near(frozen.mean_of, 3);
    near(frozen.variance, 4);
    near(frozen.batches, 0);
    struct normalised evaluated = normalise(false, false, 1);
    near(evaluated.y[0], (1 - 3) / sqrt(4 + 1e-5));
    near(evaluated.y[3], (9 - 3) / sqrt(4 + 1e-5));
    near(evaluated.mean_of, 3);
    near(evaluated.batches, 0);
}

static void rows_are_complete(void **state)
{
    (void)state;
    for (int i = 0; all_networks[i]; i++) {
        const struct network_type *type = all_networks[i];
        assert_true(type->name && type->doc && type->source && type->encode);
        assert_ptr_equal(network_find(type->name), type);
    }
    assert_null(network_find("conv5"));
}

/* A wrong shape is an error of the graph that names it, not a crash, wherever it comes in. */
static void wrong_pictures(void **state)
{
    (void)state;
    for (int i = 0; all_networks[i]; i++) {
        static const struct shape wrong[] = { { 3, { 2, 3, 32 } }, { 2, { 2, 3 } }, { 0 } };
        for (size_t w = 0; w < 3; w++) {
            struct store *store = store_new(1);
            struct graph *g = graph_new(store);
            struct network_options options = { .width = 1 };
            val x = input(g, "x", F32, wrong[w]);
            val features = all_networks[i]->encode(network(g, "backbone", true, 1), all_networks[i],
                                                   &options, x);
            bool plain = strcmp(all_networks[i]->name, "mlp") == 0 && wrong[w].rank > 0;
            assert_int_equal(is_none(features), !plain);
            struct range *range = store_range(store, "backbone");
            if (!plain)
                differentiate(mean_all(features), 1, &range);
            assert_int_equal(graph_status(g), plain ? TACIT_OK : TACIT_FAILED);
            graph_free(g);
            store_free(store);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_the_published), cmocka_unit_test(stem_and_width),
        cmocka_unit_test(names_are_torchvisions),  cmocka_unit_test(starts_are_pytorchs),
        cmocka_unit_test(batch_norm_in_its_modes), cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(wrong_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
