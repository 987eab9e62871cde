/* Stands in for OpenMP's header in builds without it (thread sanitizer, fuzzing): a team of one. */
#ifndef SERIAL_OMP_H
#define SERIAL_OMP_H

static inline int omp_get_num_procs(void)
{
    return 1;
}

static inline int omp_get_max_threads(void)
{
    return 1;
}

static inline int omp_get_num_threads(void)
{
    return 1;
}

static inline int omp_get_thread_num(void)
{
    return 0;
}

static inline int omp_in_parallel(void)
{
    return 0;
}

static inline void omp_set_num_threads(int threads)
{
    (void)threads;
}

#endif
