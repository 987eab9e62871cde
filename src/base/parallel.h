/* The compute team. Only the thread that drives the engine calls this; loader threads are
 * pthreads that never do. One OpenMP runtime serves oneDNN and our own kernels. */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <stdint.h>

/* Sets the size of the team; call it once, before the first kernel is made. 0: all cores. */
void parallel_set_threads(int threads);
int parallel_threads(void);

/* Runs body(argument, begin, end) over [0, count) in contiguous pieces, one per thread. Serial
 * when count * cost (rough nanoseconds an item) is too small to pay for waking the team. */
void parallel_for(int64_t count, double cost,
                  void (*body)(void *argument, int64_t begin, int64_t end), void *argument);

/* Flushes denormal numbers to zero on every thread of the team. */
void parallel_flush_denormals(void);

#endif
