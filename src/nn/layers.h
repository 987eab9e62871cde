/* Layers: a few ops and their named parameters. Names, shapes and starts are PyTorch's. */
#ifndef NN_LAYERS_H
#define NN_LAYERS_H

#include "engine/build.h"

/* y = x W^T + b; x [N, in], weight [out, in]. Starts as PyTorch's nn.Linear: U(±1/sqrt(in)). */
val linear(net n, const char *name, val x, int64_t out);
val linear_without_bias(net n, const char *name, val x, int64_t out);

/* Square kernel, no bias, weight [out, in, k, k], started N(0, sqrt(2 / (k k out))): He et al.
 * 2015 (arXiv:1502.01852) with fan-out, as torchvision's networks. */
val convolution(net n, const char *name, val x, int64_t out, int kernel, int stride, int padding);

/* Batch normalisation of [N, C, ...] with weight 1 and bias 0 at first, epsilon 1e-5; running
 * statistics move by momentum .1 (unbiased variance), group after group, when n.update is set. */
val batch_norm(net n, const char *name, val x);

/* The same with weight and bias fixed at 1 and 0 (affine=False). */
val batch_norm_plain(net n, const char *name, val x);

#endif
