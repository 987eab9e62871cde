/* The store and memory: whichever allocation fails, nothing is lost; followers match their leaders.
 */
#include "engine/program.h"
#include "ops/harness.h"

/* A graph with a bit of everything. */
static val build_much(struct graph *g)
{
    net n = network(g, "n", true, 1);
    val x = input(g, "x", F32, SHAPE(2, 3, 6, 6));
    val weight = parameter(n, "w", SHAPE(16, 3, 3, 3), init_normal(0.1));
    val one = parameter(n, "one", SHAPE(16), init_constant(1));
    struct convolution how = { { 1, 1 }, { 1, 1 }, { 1, 1 }, 1 };
    val y = relu(batch_normalize(conv2d(x, weight, how), one, one, 1, 1e-5));
    struct tensor *counter = state(n, "counter", SCALAR, init_constant(0));
    state_write(g, counter, shift(state_read(g, counter), 1));
    val loss =
        mean_all(cross_entropy(multiply(global_average_pool(y), knob(g, "k")), count_up(g, 2)));
    differentiate(loss, 1, &n.range);
    output(loss, "loss");
    return loss;
}

/* Whichever allocation fails, building, compiling and the reference say so and nothing is lost. */
static void out_of_memory(void **state)
{
    (void)state;
    struct target target = { .check = true };
    for (int way = 0; way < 2; way++) {
        bool finished = false;
        for (int64_t n = 1; !finished; n++) {
            if (n > 3000)
                fail_msg("never enough memory: %s", status_message());
            memory_fail_at(n);
            struct store *store = store_new(1);
            struct graph *g = store ? graph_new(store) : NULL;
            struct reference *r = NULL;
            struct program *p = NULL;
            status made = TACIT_RESOURCES;
            if (g) {
                build_much(g);
                made = way ? compile(g, &target, &p) : reference_new(g, 1, &r);
            }
            memory_fail_at(0);
            assert_int_equal(made == TACIT_OK, r != NULL || p != NULL);
            if (made != TACIT_OK && g)
                assert_true(strlen(status_message()) > 5);
            finished = made == TACIT_OK;
            reference_free(r);
            program_free(p);
            graph_free(g);
            store_free(store);
        }
    }
}

/* A follower is not trained: it has no gradients to add to. */
static void followers_are_not_trained(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    struct range *teacher =
        store_follower(store, "teacher", store_range(store, "student"), BUFFERS_COPY);
    val w = parameter(network(g, "teacher", true, 1), "w", SHAPE(100), init_constant(1));
    parameter(network(g, "student", true, 1), "w", SHAPE(100), init_constant(1));
    differentiate(mean_all(square(w)), 1, &teacher);
    struct program *p = NULL;
    assert_int_equal(compile(g, &(struct target){ 0 }, &p), TACIT_FAILED);
    assert_non_null(strstr(status_message(), "teacher"));
    graph_free(g);
    store_free(store);
}

static struct range *named(struct graph *g, const char *network_name, const char *first,
                           const char *second, int64_t size)
{
    net n = network(g, network_name, false, 1);
    parameter(n, first, SHAPE(4), init_constant(1));
    if (second)
        parameter(n, second, SHAPE(size), init_constant(2));
    return n.range;
}

/* A follower moves item by item: another order, size or number of tensors is refused. */
static void followers_must_match(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        int64_t size;
        const char *word;
    } row[] = {
        { "b", "a", 4, "tensor 0" }, { "a", "b", 5, "tensor 1" }, { "a", NULL, 0, "tensors" },
        { "a", "c", 4, "tensor 1" }, { "a", "b", 4, NULL },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct store *store = store_new(1);
        struct graph *g = graph_new(store);
        struct range *leader = named(g, "student", "a", "b", 4);
        struct range *follower = store_follower(store, "teacher", leader, BUFFERS_COPY);
        named(g, "teacher", row[i].first, row[i].second, row[i].size);
        assert_int_equal(range_follow(follower, 0.5), TACIT_FAILED); /* not sealed */
        require(range_seal(leader), "leader");
        assert_int_equal(range_copy_leader(follower), TACIT_FAILED);
        require(range_seal(follower), "follower");
        leader->value[0] = 5;
        float before = follower->value[0];
        status followed = range_follow(follower, 0.5), copied = range_copy_leader(follower);
        assert_int_equal(followed, row[i].word ? TACIT_FAILED : TACIT_OK);
        assert_int_equal(copied, followed);
        assert_true(follower->value[0] == (row[i].word ? before : 5));
        if (row[i].word)
            assert_non_null(strstr(status_message(), row[i].word));
        assert_int_equal(range_follow(leader, 0.5), TACIT_FAILED); /* follows nobody */
        graph_free(g);
        store_free(store);
    }
}

/* Sealing that fails keeps nothing: a second try takes its memory once. */
static void sealing_again_after_a_failure(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 3; n++) {
        struct store *store = store_new(1);
        struct graph *g = graph_new(store);
        struct range *range = named(g, "n", "a", "b", 4);
        memory_fail_at(n);
        assert_int_equal(range_seal(range), TACIT_RESOURCES);
        memory_fail_at(0);
        assert_null(range->value);
        assert_null(range->gradient);
        assert_null(range->state);
        require(range_seal(range), "again");
        assert_true(range->value[0] == 1);
        graph_free(g);
        store_free(store);
    }
}

/* Waves are a closed form; a twin repeats another tensor's draws at its own scale. */
static void waves_and_twins(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    net n = network(g, "n", true, 1);
    struct init twin = init_normal(6);
    twin.twin = "query";
    parameter(n, "place", SHAPE(3, 4), init_waves(0.5));
    parameter(n, "query", SHAPE(2, 3), init_normal(2));
    parameter(n, "key", SHAPE(2, 3), twin);
    parameter(n, "value", SHAPE(2, 3), init_normal(2));
    struct range *range = store_range(store, "n");
    require(range_seal(range), "seal");
    const float *place = tensor_value(range_find(range, "place"));
    const double pi = 3.14159265358979323846;
    for (int p = 0; p < 3; p++)
        for (int c = 0; c < 4; c++) {
            double angle = p * pi * (c < 2 ? 1 : 1. / 16);
            double expected = 0.5 * sqrt(2) * (c % 2 ? cos(angle) : sin(angle));
            if (fabs(place[p * 4 + c] - expected) > 1e-6)
                fail_msg("row %d, column %d: %g, not %g", p, c, (double)place[p * 4 + c], expected);
        }
    const float *query = tensor_value(range_find(range, "query"));
    const float *key = tensor_value(range_find(range, "key"));
    const float *value = tensor_value(range_find(range, "value"));
    for (int i = 0; i < 6; i++) {
        assert_true(fabsf(key[i] - 3 * query[i]) <= 1e-5f * fabsf(key[i]));
        assert_true(value[i] != query[i]);
    }
    graph_free(g);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_of_memory),        cmocka_unit_test(followers_are_not_trained),
        cmocka_unit_test(followers_must_match), cmocka_unit_test(sealing_again_after_a_failure),
        cmocka_unit_test(waves_and_twins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
