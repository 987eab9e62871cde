/* What the kernels of products in bf16 work on (half.c). A pair is two neighbouring terms of a sum,
 * bf16 each, in 32 bits. */
#ifndef ENGINE_CPU_KERNELS_HALF_H
#define ENGINE_CPU_KERNELS_HALF_H

#include <stdbool.h>
#include <stdint.h>

/* Rows and columns whose sums a kernel holds in registers. */
enum { HALF_ROWS = 12, HALF_PANEL = 32 };

/* A matrix as it lies in memory, f32 (rounded when it is packed) or bf16. Its items run along the
 * result, its terms are summed over. */
struct half_operand {
    const void *data;
    bool bf16, turned; /* turned: rows are items; else rows are terms */
    int64_t step;      /* numbers from row to row */
};

/* Terms [term, term + terms) of items [item, item + items), packed by panels of `width` items which
 * are `panel` pairs apart: pair k of item i of a panel at k width + i; 0 behind the last item and
 * beside an odd last term. */
struct half_piece {
    int64_t term, terms, item, items, width, panel;
};

/* result [rows, columns] = left right [+ bias] [+ residual] [+ result]. Pair k of row r of `left`
 * at r left_row + k left_pair, of which one is 1; `right` in packed panels of HALF_PANEL columns,
 * right_panel pairs apart. Rows of result and residual are `step` numbers apart. */
struct half_sums {
    int64_t rows, columns, pairs;
    const uint32_t *left, *right;
    int64_t left_row, left_pair, right_panel, step;
    void *result;
    bool bf16, add;               /* of the result: stored so; added to (f32 only) */
    const float *bias, *residual; /* [columns], [rows, columns]; or NULL */
};

#endif
