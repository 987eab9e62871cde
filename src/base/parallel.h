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

/* One of those who work on the same thing: rank 0 to size - 1. */
struct member {
    int rank, size;
};

/* Runs body(argument, member) once on each thread of the team, all at the same time, so that many
 * short steps with a meeting between them need one waking; on the caller's thread alone when the
 * work from one meeting to the next (rough nanoseconds) is too short to pay for meeting. */
void parallel_together(double cost, void (*body)(void *argument, struct member member),
                       void *argument);

/* Waits, within parallel_together, until all members have come here. */
void parallel_meet(struct member member);

/* Flushes denormal numbers to zero on every thread of the team. */
void parallel_flush_denormals(void);

#endif
