#include "engine/types.h"

#include <stdio.h>
#include <string.h>

int64_t shape_size(struct shape shape)
{
    int64_t size = 1;
    for (int i = 0; i < shape.rank; i++)
        if (shape.dim[i] < 0 || __builtin_mul_overflow(size, shape.dim[i], &size))
            return -1;
    return size <= ITEMS_MAX ? size : -1;
}

bool shape_equal(struct shape a, struct shape b)
{
    return a.rank == b.rank && memcmp(a.dim, b.dim, sizeof a.dim[0] * (size_t)a.rank) == 0;
}

bool shape_broadcast(struct shape a, struct shape b, struct shape *result)
{
    *result = (struct shape){ .rank = a.rank > b.rank ? a.rank : b.rank };
    for (int i = 1; i <= result->rank; i++) {
        int64_t da = i <= a.rank ? a.dim[a.rank - i] : 1, db = i <= b.rank ? b.dim[b.rank - i] : 1;
        if (da != db && da != 1 && db != 1)
            return false;
        result->dim[result->rank - i] = da == 1 ? db : da;
    }
    return true;
}

const char *shape_text(struct shape shape)
{
    static _Thread_local char ring[8][RANK_MAX * 22];
    static _Thread_local int next;
    char *text = ring[next++ % 8];
    int used = snprintf(text, sizeof ring[0], "[");
    for (int i = 0; i < shape.rank; i++)
        used += snprintf(text + used, sizeof ring[0] - (size_t)used, "%s%lld", i ? "," : "",
                         (long long)shape.dim[i]);
    snprintf(text + used, sizeof ring[0] - (size_t)used, "]");
    return text;
}

void shape_strides(struct shape shape, int64_t stride[RANK_MAX])
{
    int64_t step = 1;
    for (int i = shape.rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= shape.dim[i];
    }
}

void shape_broadcast_strides(struct shape shape, struct shape target, int64_t stride[RANK_MAX])
{
    int64_t own[RANK_MAX];
    shape_strides(shape, own);
    for (int i = 0; i < target.rank; i++) {
        int j = i - (target.rank - shape.rank);
        stride[i] = j < 0 || shape.dim[j] == 1 ? 0 : own[j];
    }
}

size_t dtype_bytes(enum dtype dtype)
{
    return dtype == BF16 ? 2 : 4;
}

const char *dtype_name(enum dtype dtype)
{
    static const char *const name[] = { [F32] = "f32", [I32] = "i32", [BF16] = "bf16" };
    return name[dtype];
}
