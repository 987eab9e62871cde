/* The one seam to oneDNN: convolution with its two gradients, and matrix products, as ready
 * primitives. Everything that differs between its versions is behind this. */
#ifndef ENGINE_CPU_ONEDNN_H
#define ENGINE_CPU_ONEDNN_H

#include "base/status.h"
#include "engine/graph.h"

enum convolution_kind { CONVOLVE_FORWARD, CONVOLVE_DATA, CONVOLVE_WEIGHT };

/* How an activation lies: NCHW, NHWC or nChw16c. */
enum activation_layout { ACTIVATION_PLAIN, ACTIVATION_CHANNELS_LAST, ACTIVATION_BLOCKED };

struct convolution_request {
    enum convolution_kind kind;
    struct convolution how;
    struct shape x, weight, y; /* [N, C, H, W], [O, C/groups, h, w], [N, O, H', W'] */
    enum activation_layout x_layout, y_layout;
    bool bf16;       /* activations and, on the way in, weights; weight gradients come out in f32 */
    bool direct;     /* no Winograd */
    bool rearranged; /* copies of the activations, laid out as the fastest kernel wants them */
};

/* Caps oneDNN at the instruction set in use and starts it, once; everything here does it by
 * itself. TACIT_USAGE, TACIT_FAILED: as cpu_ready, or oneDNN does not start. */
status onednn_start(void);

struct primitive;

/* Makes the primitive. The plain f32 weight is reordered to what the kernel wants (or back, for the
 * weight gradient) inside the scratch of each execution; so are activations with `rearranged`.
 * TACIT_FAILED: oneDNN has only a reference implementation, or none. */
status convolution_new(const struct convolution_request *request, struct primitive **primitive);

/* x, weight, y as the kind of convolution reads and writes them. TACIT_FAILED: oneDNN could not. */
status convolution_execute(struct primitive *primitive, void *x, void *weight, void *y,
                           void *scratch);

/* c [batch, m, n] = op(a) op(b); a [batch or 1, m, k] or its transpose, row-major. */
struct product_request {
    int64_t batch, m, n, k;
    bool a_repeats, b_repeats; /* one matrix for all batches */
    bool a_transposed, b_transposed;
    bool a_bf16, b_bf16, c_bf16;
};

status product_new(const struct product_request *request, struct primitive **primitive);
status product_execute(struct primitive *primitive, const void *a, const void *b, void *c,
                       void *scratch);

size_t primitive_scratch(const struct primitive *primitive);
const char *primitive_name(const struct primitive *primitive);
void primitive_free(void *primitive);

/* "2.6.3" */
const char *onednn_version(void);

/* Whether bf16 runs natively here (DESIGN: a mask of instruction-set bits, not an order). */
bool onednn_has_bf16(void);

/* Whether the processor multiplies tiles of bf16 (AMX), which oneDNN does best. */
bool onednn_has_tiles(void);

#endif
