/* Convolution of 3x3 windows at stride 1 and its two gradients by Winograd's F(4x4, 3x3) (Lavin &
 * Gray 2016, arXiv:1509.09308), on activations in blocks of 16 channels. Relative error about 1e-6
 * of the largest result. The bits of a weight gradient depend on the number of threads. */
#ifndef ENGINE_CPU_WINOGRAD_H
#define ENGINE_CPU_WINOGRAD_H

#include "engine/cpu/onednn.h"

/* Whether it can be done: 3x3, stride 1, no dilation, no groups, padding 0 to 2, both activations
 * in blocks of 16 channels, not `direct`. */
bool winograd_fits(const struct convolution_request *request);

struct winograd;

/* Makes ready a convolution that fits. With `bf16` the activations are stored so; arithmetic stays
 * f32 or, where the machine multiplies 16-bit integers, is fixed point (kernels/winograd_fixed.h),
 * whose error is at most that of the storage. Weights and their gradients are plain f32
 * [K, C, 3, 3] always. Free with winograd_free. */
status winograd_new(const struct convolution_request *request, struct winograd **winograd);

/* Bytes of scratch that an execution wants, aligned to 64; what it holds does not matter. */
size_t winograd_scratch(const struct winograd *winograd);

/* x, weight, y as the kind of convolution reads and writes them. */
void winograd_execute(const struct winograd *winograd, void *x, float *weight, void *y,
                      void *scratch);

void winograd_free(void *winograd);

#endif
