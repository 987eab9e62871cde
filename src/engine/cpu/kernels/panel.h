/* How matrices lie that are read once a row: [count, columns] in panels of 32 columns. In a panel
 * f32 and bf16 lie as [count, 32]. int8 lies as [count / 4, 32, 4], four numbers of a column beside
 * each other, without their scale and 128 larger, so that a byte has no sign; the count goes up to
 * a multiple of 8, with numbers 0. */
#ifndef ENGINE_CPU_KERNELS_PANEL_H
#define ENGINE_CPU_KERNELS_PANEL_H

#include <stdint.h>

enum { PANEL_WIDTH = 32, PANEL_GROUP = 4, PANEL_LINES = 8, PANEL_RUN = 256 };
enum panel_kind { PANEL_F32, PANEL_BF16, PANEL_INT8 };

/* PANEL_RUN numbers of a row for a product with int8, number = item scale, 0 behind the end: items
 * are integers of 16 bits, stored in the order in which the instruction set reads them. */
struct panel_run {
    float scale;
    int32_t sum; /* of the items */
    int16_t item[PANEL_RUN];
};

#endif
