/* Shapes and types of values. Tensors are row-major; rank 0 is a scalar. */
#ifndef ENGINE_TYPES_H
#define ENGINE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RANK_MAX = 6 };

#define ITEMS_MAX ((int64_t)1 << 40)

enum dtype { F32, I32, BF16 };

struct shape {
    int rank;
    int64_t dim[RANK_MAX];
};

struct type {
    enum dtype dtype;
    struct shape shape;
};

/* SHAPE(n, c, h, w): a shape from its dimensions, outermost first. SCALAR: rank 0. */
#define SHAPE(...)                                                                        \
    ((struct shape){ .rank = (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), \
                     .dim = { __VA_ARGS__ } })
#define SCALAR ((struct shape){ .rank = 0 })

/* Number of items; -1 when a dimension is negative or there are more than ITEMS_MAX, so that bytes,
 * and sums over many values, cannot overflow. */
int64_t shape_size(struct shape shape);
bool shape_equal(struct shape a, struct shape b);

/* Numpy broadcasting of a and b into *result; false when they do not fit. */
bool shape_broadcast(struct shape a, struct shape b, struct shape *result);

/* "[8,3,32,32]" in one of a few rotating buffers of this thread; for messages. */
const char *shape_text(struct shape shape);

/* Row-major strides in items; a broadcast to `target` gives stride 0 to repeated axes. */
void shape_strides(struct shape shape, int64_t stride[RANK_MAX]);
void shape_broadcast_strides(struct shape shape, struct shape target, int64_t stride[RANK_MAX]);

size_t dtype_bytes(enum dtype dtype);
const char *dtype_name(enum dtype dtype);

#endif
