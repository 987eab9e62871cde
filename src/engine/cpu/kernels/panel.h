/* How matrices lie that are read once a row: [count, columns] in panels of 32 columns, [count, 32]
 * each; numbers are stored as f32, bf16, or int8 without their scale. */
#ifndef ENGINE_CPU_KERNELS_PANEL_H
#define ENGINE_CPU_KERNELS_PANEL_H

enum { PANEL_WIDTH = 32 };
enum panel_kind { PANEL_F32, PANEL_BF16, PANEL_INT8 };

#endif
