/* Graphs that methods to come will need, though nobody uses them yet (design, section 9). */
#ifndef TESTS_OPS_ZOO_H
#define TESTS_OPS_ZOO_H

#include "ops/model.h"

/* Mean squared distance of unit vectors of two values [N, D]. */
static inline val unit_distance(val a, val b)
{
    val difference = subtract(l2_normalize(a, 1e-12), l2_normalize(b, 1e-12));
    return mean_all(sum_last(square(difference)));
}

static inline val small_network(net n, val x, int64_t out)
{
    val hidden = hyperbolic_tangent(batch_norm(n, "bn", linear_without_bias(n, "fc1", x, 6)));
    return linear(n, "fc2", hidden, out);
}

/* A student in training mode predicts what its averaged teacher says in evaluation mode. */
static inline void build_ema_twin(struct model *m)
{
    val x = model_real(m, "x", SHAPE(8, 5)), y = model_real(m, "y", SHAPE(8, 5));
    val student = small_network(network(m->graph, "student", true, 1), x, 4);
    store_follower(m->store, "teacher", store_range(m->store, "student"), (enum buffers)m->variant);
    val teacher = small_network(network(m->graph, "teacher", false, 1), y, 4);
    val predicted = linear(network(m->graph, "predictor", true, 1), "fc", student, 4);
    m->loss = unit_distance(predicted, stop_gradient(teacher));
    model_train(m, "student");
    model_train(m, "predictor");
}

/* Crops of two sizes through one network: two calls of batch normalisation on one state. */
static inline val crop_network(net n, val x)
{
    val y = sigmoid(batch_norm(n, "bn1", convolution(n, "conv1", x, 16, 3, 1, 1)));
    y = softplus(batch_norm(n, "bn2", convolution(n, "conv2", y, 16, 3, 2, 1)));
    return linear(n, "fc", global_average_pool(y), 5);
}

static inline void build_multi_crop(struct model *m)
{
    net n = network(m->graph, "backbone", true, 2);
    val large = crop_network(n, model_real(m, "large", SHAPE(4, 3, 8, 8)));
    n.groups = 3;
    val small = crop_network(n, model_real(m, "small", SHAPE(6, 3, 5, 5)));
    val target = softmax(stop_gradient(scale(large, 4)));
    val rows_of_small = slice(small, 0, 0, 4);
    val cross = sum_last(multiply(target, log_softmax(rows_of_small)));
    m->loss = add(negate(mean_all(cross)), mean_all(square(concat(2, (val[]){ large, small }, 0))));
    model_train(m, "backbone");
}

/* Self-attention with a mask, of 5 tokens, or of the same 5 in a bucket of 8. x [2, T, 6]; mask
 * [2, 1, T] is 0 where a token counts and -1e9 elsewhere; counts [2, T, 1] is 1 or 0. */
static inline void build_attention(struct model *m)
{
    int64_t length = m->variant;
    net n = network(m->graph, "encoder", true, 1);
    val x = model_real(m, "x", SHAPE(2, length, 6));
    val mask = model_real(m, "mask", SHAPE(2, 1, length));
    val counts = model_real(m, "counts", SHAPE(2, length, 1));
    m->input[m->inputs - 1].low = 0.5;
    val weight = parameter(n, "norm.weight", SHAPE(6), init_constant(1.1));
    val bias = parameter(n, "norm.bias", SHAPE(6), init_constant(0.1));
    val normal = layer_normalize(x, weight, bias, 1e-5), head[3];
    const char *const name[] = { "query", "key", "value" };
    const int order[] = { 0, 2, 1, 3 };
    for (int i = 0; i < 3; i++) /* [2, T, 6] -> [2, heads, T, 3] */
        head[i] = permute(reshape(linear(n, name[i], normal, 6), SHAPE(2, length, 2, 3)), order);
    val score = scale(matmul_transposed(head[0], false, head[1], true), 1 / sqrt(3));
    val attention = softmax(add(score, reshape(mask, SHAPE(2, 1, 1, length))));
    val mixed = reshape(permute(matmul(attention, head[2]), order), SHAPE(2, length, 6));
    val y = add(x, linear(n, "out", mixed, 6));
    y = add(y, linear(n, "fc2", gelu(linear(n, "fc1", y, 12)), 6));
    val total = sum(multiply(square(y), counts), 7, false);
    m->loss = divide(total, sum(counts, 7, false));
    model_train(m, "encoder");
}

/* A gated recurrent unit (Cho et al. 2014) over six steps; x [6, 4, 3]. */
static inline void build_gru(struct model *m)
{
    net n = network(m->graph, "gru", true, 1);
    val x = model_real(m, "x", SHAPE(6, 4, 3));
    val state_of = broadcast_to(constant(m->graph, 0), SHAPE(4, 5));
    for (int t = 0; t < 6; t++) {
        val now = reshape(slice(x, 0, t, t + 1), SHAPE(4, 3));
        val reset = sigmoid(add(linear(n, "ir", now, 5), linear(n, "hr", state_of, 5)));
        val update = sigmoid(add(linear(n, "iz", now, 5), linear(n, "hz", state_of, 5)));
        val inside = multiply(reset, linear(n, "hn", state_of, 5));
        val fresh = hyperbolic_tangent(add(linear(n, "in", now, 5), inside));
        state_of = add(fresh, multiply(update, subtract(state_of, fresh)));
    }
    m->loss = mean_all(square(shift(state_of, 0.3)));
    model_train(m, "gru");
}

/* Codes by Sinkhorn's iterations (Caron et al. 2020, arXiv:2006.09882): scores [B, K] -> rows that
 * sum to 1, columns near B/K. */
static inline val sinkhorn(val scores, int iterations, double epsilon)
{
    double batch = (double)rows(scores), classes = (double)dim(scores, 1);
    val q = exponential(scale(scores, 1 / epsilon));
    q = divide(q, sum(q, 3, false));
    for (int i = 0; i < iterations; i++) {
        q = divide(q, scale(sum(q, 1, true), classes));
        q = divide(q, scale(sum(q, 2, true), batch));
    }
    return scale(q, batch);
}

/* Prototypes with a queue of former embeddings, which the step moves on. */
static inline void build_queue(struct model *m)
{
    net n = network(m->graph, "head", true, 1);
    val x = model_real(m, "x", SHAPE(4, 6));
    val z = l2_normalize(linear(n, "fc", x, 5), 1e-12);
    val prototypes = parameter(n, "prototypes", SHAPE(3, 5), init_uniform(1));
    struct tensor *queue =
        state(network(m->graph, "memory", true, 1), "queue", SHAPE(8, 5), init_normal(0.5));
    val known = state_read(m->graph, queue);
    val score = matmul_transposed(z, false, l2_normalize(prototypes, 1e-12), true);
    val all = concat(2, (val[]){ matmul_transposed(known, false, prototypes, true), score }, 0);
    val code = slice(sinkhorn(stop_gradient(all), 3, 0.3), 0, 8, 12);
    m->loss = negate(mean_all(sum_last(multiply(code, log_softmax(scale(score, 10))))));
    state_write(m->graph, queue, concat(2, (val[]){ slice(known, 0, 4, 8), stop_gradient(z) }, 0));
    model_train(m, "head");
}

/* The squared length of the gradient of the score by the input is part of the loss (Gulrajani et
 * al. 2017, arXiv:1704.00028): a gradient of a gradient by parameters. */
static inline void build_gradient_penalty(struct model *m)
{
    net n = network(m->graph, "critic", true, 1);
    val x = model_real(m, "x", SHAPE(6, 4)), slope;
    val score = linear(n, "fc2", gelu(linear(n, "fc1", l2_normalize(x, 1e-12), 7)), 1);
    gradients_of(sum(score, 3, false), no_value(m->graph), 1, &x, &slope);
    val length = square_root(shift(sum_last(square(slope)), 1e-6));
    m->loss = add(mean_all(score), mean_all(square(shift(length, -1))));
    model_train(m, "critic");
}

/* Two views, shared layers, a sum over many terms, dropout and embeddings of integers. */
static inline void build_tokens(struct model *m)
{
    net n = network(m->graph, "text", true, 1);
    val token = model_integer(m, "token", SHAPE(4, 6), 9);
    val target = model_integer(m, "target", SHAPE(24), 9);
    val table = parameter(n, "embedding", SHAPE(9, 8), init_normal(0.5));
    val position = parameter(n, "position", SHAPE(6, 8), init_normal(0.5));
    val x = dropout(n, "drop", add(gather(table, token), position), 0.25);
    val hidden = silu(linear(n, "fc", x, 8));
    val logits = matmul_transposed(reshape(hidden, SHAPE(24, 8)), false, table, true);
    m->loss = mean_all(cross_entropy(logits, target));
    model_train(m, "text");
}

#endif
