/* Every method's row is complete, and what it builds has the form it promises. */
#include "ops/method.h"

static void rows_are_complete(void **state)
{
    (void)state;
    for (int i = 0; all_methods[i]; i++) {
        const struct method_type *type = all_methods[i];
        print_message("%s\n", type->name);
        assert_true(type->name && type->title && type->paper && type->augment);
        assert_non_null(strstr(type->next, "RUN"));
        assert_true(type->options && type->configure && type->networks && type->embed);
        assert_true(type->loss && type->chance && type->floor);
        assert_true(type->views >= 1 && type->views <= VIEWS_MAX);
        assert_true(type->embeddings >= 1 && type->embeddings <= EMBEDDINGS_MAX);
        assert_string_equal(type->networks[0], "backbone");
        assert_ptr_equal(method_find(type->name), type);
        struct option_set set = { 0 };
        require(option_set_add(&set, "method", type->options), type->name);
        require(option_set_verify(&set), type->name);
        option_set_free(&set);
    }
    assert_null(method_find("simclr2"));
}

/* Builds the whole method on pictures (on texts: methods_texts); every named network is trained,
 * every row of z belongs to a picture. */
static void methods_build(void **state)
{
    (void)state;
    enum { BATCH = 4 };
    for (int i = 0; all_methods[i]; i++) {
        const struct method_type *type = all_methods[i];
        if (type->kind != SAMPLE_PICTURE)
            continue;
        struct store *store = store_new(1);
        struct graph *g = graph_new(store);
        struct method m;
        method_open(&m, type->name, "conv4", "");
        m.classes = type->labels ? 10 : 0;
        val view[VIEWS_MAX], z[EMBEDDINGS_MAX];
        struct range *range[METHOD_RANGES];
        int ranges = 0;
        for (int v = 0; v < type->views; v++) {
            char name[16];
            snprintf(name, sizeof name, "view%d", v);
            view[v] = input(g, name, F32, SHAPE(BATCH, 3, 16, 16));
        }
        if (type->numbers)
            view[type->views] = input(g, "number", F32, SHAPE(BATCH));
        type->embed(&m, g, view, z);
        for (int k = 0; k < type->embeddings; k++)
            assert_int_equal(rows(z[k]), BATCH);
        val loss = type->loss(&m, g, z);
        assert_int_equal(shape_of(loss).rank, 0);
        for (; type->networks[ranges]; ranges++) {
            assert_true(ranges < METHOD_RANGES);
            range[ranges] = store_range(store, type->networks[ranges]);
            assert_true(range_parameters(range[ranges]) > 0);
        }
        assert_int_equal(store_ranges(store), ranges);
        size_t before = g->roots;
        differentiate(loss, ranges, range);
        require(graph_status(g), type->name);
        int64_t parameters = 0;
        for (int r = 0; r < ranges; r++)
            for (int64_t t = 0; t < range[r]->tensors; t++)
                parameters += range[r]->tensor[t]->kind == TENSOR_PARAMETER;
        assert_int_equal(g->roots - before, parameters);
        graph_free(g);
        store_free(store);
    }
}

/* The default configuration is the specification's: T .5, projector 512-128, per view. */
static void simclr_defaults(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    struct method m;
    method_open(&m, "simclr", "conv4", "");
    val z[2], view[2] = { input(g, "a", F32, SHAPE(2, 3, 32, 32)),
                          input(g, "b", F32, SHAPE(2, 3, 32, 32)) };
    m.type->embed(&m, g, view, z);
    assert_true(shape_equal(shape_of(z[1]), SHAPE(2, 128)));
    struct range *projector = store_range(store, "projector");
    assert_non_null(range_find(projector, "bn1.weight"));
    assert_null(range_find(projector, "fc1.bias"));
    assert_true(shape_equal(range_find(projector, "fc1.weight")->shape, SHAPE(512, 256)));
    assert_true(m.type->knob(&m, "temperature", 0) == 0.5);
    graph_free(g);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(methods_build),
        cmocka_unit_test(simclr_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
