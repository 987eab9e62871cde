#include "base/parallel.h"

#include <omp.h>
#include <xmmintrin.h>
#include <pmmintrin.h>

enum { WAKE_NANOSECONDS = 20000 };

static int team;

void parallel_set_threads(int threads)
{
    team = threads > 0 ? threads : omp_get_num_procs();
    omp_set_num_threads(team);
}

int parallel_threads(void)
{
    if (team == 0)
        parallel_set_threads(0);
    return team;
}

void parallel_for(int64_t count, double cost,
                  void (*body)(void *argument, int64_t begin, int64_t end), void *argument)
{
    int64_t threads = parallel_threads();
    if (threads > count)
        threads = count;
    if (threads <= 1 || (double)count * cost < WAKE_NANOSECONDS) {
        if (count > 0)
            body(argument, 0, count);
        return;
    }
#pragma omp parallel num_threads((int)threads)
    {
        int64_t rank = omp_get_thread_num(), size = omp_get_num_threads();
        int64_t begin = count * rank / size, end = count * (rank + 1) / size;
        if (begin < end)
            body(argument, begin, end);
    }
}

void parallel_together(double cost, void (*body)(void *argument, struct member member),
                       void *argument)
{
    int threads = parallel_threads();
    if (threads <= 1 || cost < WAKE_NANOSECONDS) {
        body(argument, (struct member){ 0, 1 });
        return;
    }
#pragma omp parallel num_threads(threads)
    body(argument, (struct member){ omp_get_thread_num(), omp_get_num_threads() });
}

void parallel_meet(struct member member)
{
    if (member.size <= 1)
        return;
#pragma omp barrier
}

void parallel_flush_denormals(void)
{
#pragma omp parallel num_threads(parallel_threads())
    {
        _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
        _MM_SET_DENORMALS_ZERO_MODE(_MM_DENORMALS_ZERO_ON);
    }
}
