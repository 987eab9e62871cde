/* How many views a second one core makes from pictures in memory.
 *
 *     bench_augment [PIPELINE [SIZE [SECONDS]]]        default: simclr-cifar 32 2
 *
 * Pictures of a fixed made-up kind: 256 of SIZE x SIZE pixels up to 64, else 16 of 500 x 375. The
 * peer is bench/peers/augment.py. */
#include "augment/augment.h"
#include "augment/loops.h"
#include "base/clock.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

struct bench {
    int count, width, height;
    uint8_t *pixels;
    struct augment_plan *plan;
    float *out;
    void *scratch;
};

static status bench_new(struct bench *bench, const char *pipeline, int size)
{
    struct augment_settings settings;
    bool small = size <= 64;
    bench->count = small ? 256 : 16;
    bench->width = small ? size : 500;
    bench->height = small ? size : 375;
    size_t bytes = (size_t)bench->width * bench->height * 3;
    TRY(augment_preset(pipeline, &settings));
    TRY(augment_plan_new(&settings, 3, size, &bench->plan));
    bench->pixels = memory_new(bench->count, bytes);
    bench->out = memory_new_aligned(3 * (size_t)size * size, sizeof *bench->out);
    bench->scratch =
        memory_new_aligned(augment_scratch_bytes(bench->plan, bench->width, bench->height), 1);
    if (!bench->pixels || !bench->out || !bench->scratch)
        return TACIT_RESOURCES;
    struct random_stream stream = random_stream(1, "bench", 0, 0);
    for (size_t i = 0; i < bytes * bench->count; i++)
        bench->pixels[i] = (uint8_t)(i / 7 + random_bits(&stream) % 60);
    return TACIT_OK;
}

static status bench_run(struct bench *bench, double seconds, double *views)
{
    uint64_t made = 0;
    double start = clock_seconds(), now = start;
    for (uint64_t epoch = 0; now - start < seconds; epoch++, now = clock_seconds())
        for (int i = 0; i < bench->count; i++)
            for (int view = 0; view < 2; view++, made++) {
                struct augment_picture picture = { bench->width, bench->height, 3,
                                                   bench->pixels + (size_t)i * bench->width *
                                                                       bench->height * 3 };
                TRY(augment_view(bench->plan, &picture, 1, epoch, (uint64_t)i, view, bench->out,
                                 bench->scratch));
            }
    *views = (double)made / (now - start);
    return TACIT_OK;
}

int main(int count, char **words)
{
    const char *pipeline = count > 1 ? words[1] : "simclr-cifar";
    int size = count > 2 ? atoi(words[2]) : 32;
    double seconds = count > 3 ? atof(words[3]) : 2, views = 0;
    struct bench bench = { 0 };
    status result = bench_new(&bench, pipeline, size);
    if (result == TACIT_OK)
        result = bench_run(&bench, seconds, &views);
    if (result == TACIT_OK)
        printf("%s at %d pixels, %s: %.0f views/s, %.2f us a view\n", pipeline, size,
               pixel_loops()->name, views, 1e6 / views);
    else
        fprintf(stderr, "bench_augment: %s\n", tacit_message());
    memory_free(bench.pixels);
    memory_free_aligned(bench.out);
    memory_free_aligned(bench.scratch);
    augment_plan_free(bench.plan);
    return (int)result;
}
