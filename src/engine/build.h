/* The vocabulary of networks and methods: every op as a function on values. All of them broadcast
 * as numpy does where two shapes meet, and record errors in the graph. */
#ifndef ENGINE_BUILD_H
#define ENGINE_BUILD_H

#include "engine/graph.h"

/* Element-wise. gelu is exact (erf), gelu_tanh its tanh form (Hendrycks & Gimpel 2016,
 * arXiv:1606.08415); softplus = ln(1 + e^x); relu_gradient = dy where y > 0, else 0. */
val negate(val x);
val exponential(val x);
val logarithm(val x);
val square_root(val x);
val inverse_square_root(val x);
val reciprocal(val x);
val square(val x);
val absolute(val x);
val relu(val x);
val gelu(val x);
val gelu_tanh(val x);
val silu(val x);
val hyperbolic_tangent(val x);
val sigmoid(val x);
val softplus(val x);
val error_function(val x);
val sine(val x);
val cosine(val x);
val relu_gradient(val dy, val y);
val gelu_gradient(val dy, val x); /* dy times the slope at x */
val gelu_tanh_gradient(val dy, val x);

val add(val a, val b);
val subtract(val a, val b);
val multiply(val a, val b);
val divide(val a, val b);
val maximum(val a, val b);
val minimum(val a, val b);
val power(val a, val b); /* a > 0 */
val scale(val x, double factor);
val shift(val x, double summand);

/* Comparisons give 1.0 or 0.0; select takes a where the condition is not 0, else b. */
val less(val a, val b);
val less_equal(val a, val b);
val greater(val a, val b);
val greater_equal(val a, val b);
val equal(val a, val b);
val not_equal(val a, val b);
val select_where(val condition, val a, val b);

/* A scalar; the sum of several values of one shape. */
val constant(struct graph *graph, double number);
val sum_of(int count, const val v[]);

/* Reductions over the axes whose bits are set; `keep` leaves axes of size 1. */
val sum(val x, uint32_t axes, bool keep);
val mean(val x, uint32_t axes, bool keep);
val amax(val x, uint32_t axes, bool keep); /* ties share the gradient evenly */
val sum_last(val x);                       /* last axis, kept */
val mean_all(val x);                       /* a scalar */
val argmax(val x, int axis);               /* integers; the axis disappears */

/* [..., M, K] x [..., K, N] -> [..., M, N]; transposed operands have their last axes swapped. */
val matmul(val a, val b);
val matmul_transposed(val a, bool transpose_a, val b, bool transpose_b);
val transpose(val x); /* last two axes */

/* a b or a b^T whose operands, also those of its gradients, are rounded to bf16 where a program is
 * compiled for bf16: sums and results stay f32. For activations times weights. */
val matmul_half(val a, val b, bool transpose_b);

/* softmax(q k^T / sqrt(D / heads)) v over the positions that a token may see, head by head; rows of
 * qkv [B, T, 3 D] are query, key and value, of which head h owns columns h D/heads …. causal:
 * position i sees 0 … i; band > 0: and of all only those from i-band+1 on; group [B, T], or none:
 * only those of its own number. Result [B, T, D]. */
val attention_packed(val qkv, val group, int64_t heads, bool causal, int64_t band);

/* The same with dropout of the weights, whose draws go with (text, head, query, key): those of
 * dropout() for [B, heads, T, T'], T' being T rounded up to a multiple of 16. Backward draws again.
 */
val attention_dropout(net n, const char *call, val qkv, val group, int64_t heads, bool causal,
                      int64_t band, double rate);

/* x [N, C, H, W], weight [O, C/groups, h, w] -> [N, O, H', W'] (cross-correlation, zero padding).
 */
val conv2d(val x, val weight, struct convolution how);
val conv2d_data_gradient(val dy, val weight, struct convolution how, struct shape x);
val conv2d_weight_gradient(val x, val dy, struct convolution how, struct shape weight);

/* [N, C, H, W]. Averages count the padding (PyTorch's default); maxima ignore it. */
val max_pool(val x, struct pooling how);
val average_pool(val x, struct pooling how);
val global_average_pool(val x); /* [N, C, ...] -> [N, C] */

/* Normalisation by batch statistics (Ioffe & Szegedy 2015, arXiv:1502.03167) of x [N, C, ...]; in
 * `groups` equal runs of rows. output_of(y, …) is not for callers; the statistics come from
 * batch_statistics: mean [groups, C], output 1: 1/sqrt(biased variance + epsilon). */
val batch_normalize(val x, val weight, val bias, int groups, double epsilon);
val batch_statistics(val x, int groups, double epsilon);
val batch_apply(val x, val mean, val inverse, val weight, val bias, int groups, bool total);

/* Over the last axis, of which weight and bias have the width. */
val layer_normalize(val x, val weight, val bias, double epsilon);
val softmax(val x);
val log_softmax(val x);
val l2_normalize(val x, double epsilon); /* x / max(||x||, epsilon), as PyTorch's normalize */

/* -ln softmax(logits [N, K])[target [N]] -> [N]; NaN for a target that is no class. Its mean, a
 * scalar, over the rows whose target is not `ignored` (any integer, say -1), as PyTorch's
 * ignore_index; 0 where all are ignored. Ignored rows get no gradient. */
val cross_entropy(val logits, val target);
val cross_entropy_mean(val logits, val target, int ignored);
val cross_entropy_gradient(val logits, val target, val dy); /* dy [N] -> [N, K] */

val reshape(val x, struct shape shape);
val broadcast_to(val x, struct shape shape);
val permute(val x, const int order[]);
val slice(val x, int axis, int64_t start, int64_t stop);
val concat(int count, const val v[], int axis);
val stack(const val view[], int count);          /* rows one after the other */
void unstack(val x, int count, val part_of_x[]); /* … and back into equal parts */
val pad(val x, int axis, int64_t before, int64_t after);
val rotate(val x, int64_t by);    /* rows move down by `by`, around the end */
val gather(val table, val index); /* rows of the table; an embedding */
val scatter_add(val rows_of, val index, int64_t count);
val one_hot(val index, int64_t classes);
val fill_diagonal(val square_matrix, double number);
val count_up(struct graph *graph, int64_t count); /* 0, 1, …, count-1 */
val cast(val x, enum dtype dtype);
val stop_gradient(val x);

/* U[0, 1) of this shape, a function of (seed, step, call, row of the whole batch, element in the
 * row): axis 0 must count samples (or views of all samples, one after another) where parts of a
 * batch shall draw as the whole does. A call named as an earlier one of the graph draws anew.
 * Dropout keeps with 1-rate and scales by 1/(1-rate) (Srivastava et al. 2014); nothing is kept for
 * backward, which draws again. 0 <= rate < 1; x itself in evaluation and for rate 0. */
val random_uniform(struct graph *graph, const char *call, struct shape shape);
val dropout(net n, const char *call, val x, double rate);

/* Rows of all ranks, in rank order; the gradient is a rank's own rows times the number of ranks. */
val all_gather(val x, int ranks, int rank);

#endif
