/* Graphs that nobody uses yet build, differentiate and mean what they should, in double. */
#include "ops/random_graph.h"
#include "ops/zoo.h"

static void gradients(void **state)
{
    (void)state;
    for (int buffers = BUFFERS_OWN; buffers <= BUFFERS_AVERAGE; buffers++)
        model_check(build_ema_twin, buffers, 1e-6);
    model_check(build_multi_crop, 0, 1e-6);
    model_check(build_attention, 5, 1e-6);
    model_check(build_attention, 8, 1e-6);
    model_check(build_gru, 0, 1e-6);
    model_check(build_queue, 0, 1e-6);
    model_check(build_gradient_penalty, 0, 1e-6);
    model_check(build_tokens, 0, 1e-6);
}

/* Smooth random graphs: how the driver joins the rules. */
static void random_graphs(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 25; seed++)
        model_check_seed(build_random, 1, seed, 1e-5);
}

/* Nothing of the teacher is trained; it follows: t <- m t + (1 - m) s, statistics as asked. */
static void teacher_follows(void **state)
{
    (void)state;
    for (int buffers = BUFFERS_OWN; buffers <= BUFFERS_AVERAGE; buffers++) {
        struct model m = { .variant = buffers };
        model_build(&m, build_ema_twin, NULL);
        struct range *student = store_range(m.store, "student");
        struct range *teacher = store_range(m.store, "teacher");
        for (size_t i = 0; i < m.graph->nodes; i++)
            if (m.graph->node[i].op == &op_accumulate)
                assert_ptr_not_equal(m.graph->node[i].attribute.tensor->range, teacher);
        require(range_seal(student), "student");
        require(range_seal(teacher), "teacher");
        assert_int_equal(teacher->size, student->size);
        assert_int_equal(teacher->state_size, student->state_size);
        /* The twin starts as the student. */
        assert_memory_equal(teacher->value, student->value, (size_t)student->size * sizeof(float));
        float *w = tensor_value(range_find(student, "fc1.weight"));
        float *v = tensor_value(range_find(student, "bn.running_mean"));
        const float *w_teacher = tensor_value(range_find(teacher, "fc1.weight"));
        const float *v_teacher = tensor_value(range_find(teacher, "bn.running_mean"));
        float before = w[3], others = w_teacher[4];
        uint64_t version = teacher->version;
        w[3] += 1;
        v[2] = 4;
        require(range_follow(teacher, 0.75), "teacher");
        assert_true(fabs(w_teacher[3] - (before + 0.25)) < 1e-6);
        assert_true(fabs(w_teacher[4] - others) < 1e-6);
        assert_true(v_teacher[2] == (buffers == BUFFERS_OWN ? 0 : buffers == BUFFERS_COPY ? 4 : 1));
        assert_true(teacher->version > version);
        require(range_copy_leader(teacher), "teacher");
        assert_true(w_teacher[3] == w[3]);
        assert_true(v_teacher[2] == (buffers == BUFFERS_OWN ? 0 : 4));
        model_free(&m, true);
    }
}

static double attention_loss(struct model *m, struct reference *r, double x[2][5][6])
{
    int64_t length = m->variant;
    for (int64_t b = 0; b < 2; b++)
        for (int64_t t = 0; t < length; t++) {
            reference_value(r, m->input[1].v)[b * length + t] = t < 5 ? 0 : -1e9;
            reference_value(r, m->input[2].v)[b * length + t] = t < 5;
            for (int64_t i = 0; i < 6; i++)
                reference_value(r, m->input[0].v)[(b * length + t) * 6 + i] =
                    t < 5 ? x[b][t][i] : 77;
        }
    require(reference_run(r, 0), "attention");
    return *reference_value(r, m->loss);
}

/* The same five tokens, alone and in a bucket of eight: the same loss and gradients, whatever lies
 * in the padding. Both graphs share one store. */
static void masked_attention_in_two_buckets(void **state)
{
    (void)state;
    double x[2][5][6];
    fill_lattice(&x[0][0][0], 60, 0);
    struct model small = { .variant = 5 }, large = { .variant = 8 };
    model_build(&small, build_attention, NULL);
    model_build(&large, build_attention, small.store);
    struct reference *a = model_reference(&small), *b = model_reference(&large);
    double loss = attention_loss(&small, a, x), same = attention_loss(&large, b, x);
    assert_true(fabs(loss - same) < 1e-12 * fabs(loss));
    const struct range *range = small.trained[0];
    for (int64_t t = 0; t < range->tensors; t++) {
        const double *ga = reference_gradient(a, range->tensor[t]);
        const double *gb = reference_gradient(b, range->tensor[t]);
        for (int64_t i = 0; i < shape_size(range->tensor[t]->shape); i++)
            assert_true(fabs(ga[i] - gb[i]) < 1e-10);
    }
    reference_free(a);
    reference_free(b);
    model_free(&large, false);
    model_free(&small, true);
}

/* Codes of the specification: scores (.1,0) (.1,.05) (.2,0) (0,.05), epsilon .05. */
static void sinkhorn_codes(void **state)
{
    (void)state;
    static const double score[] = { .1, 0, .1, .05, .2, 0, 0, .05 };
    static const double want[] = { .595463, .404537, .351283, .648717,
                                   .915799, .084201, .068281, .931719 };
    static const double converged[] = { .622459, .377541, .377541, .622459,
                                        .924142, .075858, .075858, .924142 };
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    val x = input(g, "scores", F32, SHAPE(4, 2));
    val one = sinkhorn(x, 1, 0.05), three = sinkhorn(x, 3, 0.05), many = sinkhorn(x, 100, 0.05);
    struct reference *r = NULL;
    require(reference_new(g, 1, &r), "sinkhorn");
    memcpy(reference_value(r, x), score, sizeof score);
    require(reference_run(r, 0), "sinkhorn");
    assert_true(fabs(reference_value(r, one)[0] - .438452) < 1e-6);
    for (int i = 0; i < 8; i++) {
        assert_true(fabs(reference_value(r, three)[i] - want[i]) < 1e-6);
        assert_true(fabs(reference_value(r, many)[i] - converged[i]) < 1e-6);
    }
    reference_free(r);
    graph_free(g);
    store_free(store);
}

/* The queue's older half makes room for the new embeddings; no gradient flows into it. */
static void queue_moves_on(void **state)
{
    (void)state;
    struct model m = { 0 };
    model_build(&m, build_queue, NULL);
    struct reference *r = model_reference(&m);
    require(reference_run(r, 0), "queue");
    const struct tensor *queue = range_find(store_range(m.store, "memory"), "queue");
    const double *before = model_tensor(&m, r, queue), *after = reference_state(r, queue);
    for (int i = 0; i < 20; i++)
        assert_true(after[i] == before[20 + i]);
    for (int row = 4; row < 8; row++) {
        double squares = 0;
        for (int i = 0; i < 5; i++)
            squares += after[row * 5 + i] * after[row * 5 + i];
        assert_true(fabs(squares - 1) < 1e-12);
    }
    reference_free(r);
    model_free(&m, true);
}

/* Two batch-norm calls on one state in one graph: the second takes the first's result. */
static void running_values_in_turn(void **state)
{
    (void)state;
    struct model m = { 0 };
    model_build(&m, build_multi_crop, NULL);
    struct reference *r = model_reference(&m);
    require(reference_run(r, 0), "crops");
    const struct tensor *batches =
        range_find(store_range(m.store, "backbone"), "bn1.num_batches_tracked");
    assert_true(*reference_state(r, batches) == 5);
    reference_free(r);
    model_free(&m, true);
}

/* Loss of rank `rank` of `ranks`, each of which sees the same rows of x: the gathered rows attract
 * their next neighbour, so that no two rows have the same gradient. ranks = 1 gathers by hand. */
static void gathered(struct model *m, int ranks, int rank)
{
    net n = network(m->graph, "encoder", true, 1);
    val z = linear(n, "fc", model_real(m, "x", SHAPE(3, 4)), 2);
    val all = ranks == 1 ? concat(2, (val[]){ z, z }, 0) : all_gather(z, ranks, rank);
    val weight = model_real(m, "weight", SHAPE(6, 2));
    m->loss = mean_all(square(add(multiply(all, weight), rotate(all, 1))));
    model_train(m, "encoder");
}

static void build_gathered(struct model *m)
{
    gathered(m, m->variant == 0 ? 1 : 2, m->variant - 1);
}

/* The mean of the ranks' parameter gradients is the gradient of the whole. */
static void gather_over_two_ranks(void **state)
{
    (void)state;
    double gradient[3][10], loss[3];
    for (int variant = 0; variant < 3; variant++) {
        struct model m = { .variant = variant };
        model_build(&m, build_gathered, NULL);
        struct reference *r = model_reference(&m);
        require(reference_run(r, 0), "gather");
        loss[variant] = *reference_value(r, m.loss);
        for (int64_t t = 0; t < 2; t++)
            memcpy(gradient[variant] + 8 * t, reference_gradient(r, m.trained[0]->tensor[t]),
                   (t ? 2 : 8) * sizeof(double));
        reference_free(r);
        model_free(&m, true);
    }
    assert_true(loss[0] == loss[1] && loss[0] == loss[2]);
    bool differ = false;
    for (int i = 0; i < 10; i++) {
        assert_true(fabs((gradient[1][i] + gradient[2][i]) / 2 - gradient[0][i]) < 1e-12);
        differ |= fabs(gradient[1][i] - gradient[2][i]) > 1e-3;
    }
    assert_true(differ);
}

/* Dropout keeps three of four, scaled; the draw is a function of (seed, step, call, row of the
 * batch) alone; in evaluation it is not there. */
static void dropout_draws(void **state)
{
    (void)state;
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    net n = network(g, "n", true, 1);
    val x = input(g, "x", F32, SHAPE(4000));
    val first = dropout(n, "one", x, 0.25), second = dropout(n, "two", x, 0.25);
    n.training = false;
    assert_int_equal(dropout(n, "three", x, 0.25).id, x.id);
    struct reference *r = NULL;
    require(reference_new(g, 7, &r), "dropout");
    double kept = 0, same = 0, *before = malloc(4000 * sizeof *before);
    assert_non_null(before);
    for (int i = 0; i < 4000; i++)
        reference_value(r, x)[i] = 3;
    require(reference_run(r, 0), "dropout");
    memcpy(before, reference_value(r, first), 4000 * sizeof *before);
    for (int i = 0; i < 4000; i++) {
        assert_true(before[i] == 0 || fabs(before[i] - 4) < 1e-12);
        kept += before[i] != 0;
        same += before[i] == reference_value(r, second)[i];
    }
    assert_true(fabs(kept / 4000 - 0.75) < 0.03);
    assert_true(fabs(same / 4000 - (0.75 * 0.75 + 0.25 * 0.25)) < 0.03);
    require(reference_run(r, 1), "dropout");
    assert_memory_not_equal(before, reference_value(r, first), 4000 * sizeof *before);
    require(reference_run(r, 0), "dropout");
    assert_memory_equal(before, reference_value(r, first), 4000 * sizeof *before);
    reference_rows(r, 1000, 2000, 8000); /* two views of a quarter of a batch of 8000 */
    require(reference_run(r, 0), "dropout");
    assert_memory_equal(before + 1000, reference_value(r, first), 2000 * sizeof *before);
    free(before);
    reference_free(r);
    graph_free(g);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients),
        cmocka_unit_test(random_graphs),
        cmocka_unit_test(teacher_follows),
        cmocka_unit_test(masked_attention_in_two_buckets),
        cmocka_unit_test(sinkhorn_codes),
        cmocka_unit_test(queue_moves_on),
        cmocka_unit_test(running_values_in_turn),
        cmocka_unit_test(gather_over_two_ranks),
        cmocka_unit_test(dropout_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
