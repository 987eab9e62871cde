/* Matrices as a decoder reads them: packed once, in panels of 32 columns, as f32, bf16, or int8
 * with a scale a column. */
#ifndef EVAL_DECODE_MATRIX_H
#define EVAL_DECODE_MATRIX_H

#include "base/parallel.h"
#include "base/status.h"
#include "engine/cpu/kernels/panel.h"
#include "nn/transformer.h"

#include <stdint.h>

struct matrix {
    enum panel_kind kind;
    int64_t in, out;
    size_t panel_bytes; /* of 32 columns */
    void *panel;        /* [out / 32, in, 32], closed by zeroes; see kernels/panel.h */
    float *scale;       /* [out, up to a multiple of 32] of int8, else NULL */
    float *bias;        /* the same, or NULL: none */
};

/* Where the items of a matrix lie: (i, o) at value[i in_step + o out_step]; bias [out] or NULL. */
struct matrix_source {
    const float *value, *bias;
    int64_t in, out, in_step, out_step;
};

/* Packs; int8 rounds item / scale, scale = the largest |item| of the column / 127.
 * TACIT_RESOURCES. Free it with matrix_free, also on failure. */
status matrix_pack(const struct matrix_source *source, enum panel_kind kind, struct matrix *matrix);
void matrix_free(struct matrix *matrix);

/* A number up to the next multiple of 32: what rows have to be apart. */
int64_t panel_up(int64_t count);

/* y [rows, out] = f(x [rows, in] W + b), rows x_step and y_step apart, y_step >= panel_up(out);
 * what lies behind `out` in a row of y becomes meaningless. */
struct matrix_work {
    int64_t rows, x_step, y_step;
    const float *x;
    float *y;
    enum activation activation; /* ACTIVATION_OF_ROW: none */
    bool add;                   /* to what y holds */
};

/* The member's share of the columns of y. `scratch` is the member's alone, matrix_scratch(in) bytes
 * on the border of a cache line. */
void matrix_apply(const struct matrix *matrix, const struct matrix_work *work, struct member member,
                  void *scratch);
size_t matrix_scratch(int64_t in);

/* Rough nanoseconds of one thread for that many rows. */
double matrix_cost(const struct matrix *matrix, int64_t rows);

/* Column `out` of the matrix into y [in]. */
void matrix_column(const struct matrix *matrix, int64_t out, float *y);

/* Bytes that the matrix takes. */
double matrix_bytes(const struct matrix *matrix);

#endif
