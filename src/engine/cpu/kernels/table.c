/* The table of one instruction set. */
#include "engine/cpu/kernels/kernels.h"

#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

const struct kernel_table KERNEL(kernel_table) = { .name = TEXT(KERNEL_ISA),
#define X(name, arguments) .name = KERNEL(name),
                                                   KERNEL_LIST(X)
#undef X
};
