#include "augment/loops.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LOOP(function) function##_baseline
#define LOOP_NAME "baseline"
#define TARGET
#include "augment/loops.inc"
#undef LOOP
#undef LOOP_NAME
#undef TARGET

#if defined(__x86_64__)

#define LOOP(function) function##_avx2
#define LOOP_NAME "avx2"
#define TARGET __attribute__((target("avx2,fma")))
#include "augment/loops.inc"
#undef LOOP
#undef LOOP_NAME
#undef TARGET

/* Without the preference gcc would stay with 256 bits. */
#if defined(__clang__)
#define WIDE "avx2,fma,avx512f,avx512bw,avx512vl,avx512dq"
#else
#define WIDE "avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512"
#endif
#define LOOP(function) function##_avx512
#define LOOP_NAME "avx512"
#define TARGET __attribute__((target(WIDE)))
#include "augment/loops.inc"

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

#endif

static int has_baseline(void)
{
    return 1;
}

/* Best first. */
static const struct {
    const struct pixel_loops *loops;
    int (*supported)(void);
} table[] = {
#if defined(__x86_64__)
    { &loops_avx512, has_avx512 },
    { &loops_avx2, has_avx2 },
#endif
    { &loops_baseline, has_baseline },
};
enum { TABLE_SIZE = sizeof table / sizeof table[0] };

const struct pixel_loops *pixel_loops_named(const char *name)
{
    for (int i = 0; i < TABLE_SIZE; i++)
        if (strcmp(table[i].loops->name, name) == 0 && table[i].supported())
            return table[i].loops;
    return NULL;
}

/* TACIT_ISA caps: rows above the one it names are passed over. A name that no row has (such as
 * avx512_bf16) caps nothing here. */
static const struct pixel_loops *choose(void)
{
    const char *cap = getenv("TACIT_ISA");
    int first = 0;
    for (int i = 0; cap && i < TABLE_SIZE; i++)
        if (strcmp(table[i].loops->name, cap) == 0)
            first = i;
    for (int i = first; i < TABLE_SIZE; i++)
        if (table[i].supported())
            return table[i].loops;
    return &loops_baseline;
}

const struct pixel_loops *pixel_loops(void)
{
    static _Atomic(const struct pixel_loops *) chosen;
    const struct pixel_loops *loops = atomic_load_explicit(&chosen, memory_order_acquire);
    if (!loops) {
        loops = choose();
        atomic_store_explicit(&chosen, loops, memory_order_release);
    }
    return loops;
}
