/* Our Winograd convolutions beside oneDNN's choice, on the 3x3 stride-1 layers of a ResNet-18 for
 * pictures of 32x32.
 *
 *     bench_winograd [rows=256] [runs=7] [precision=f32] [layer=-1] [threads=0] [busy=0]
 *
 * busy=1 takes the time of the processors by the number of threads instead of the wall's: tells
 * more where other programs run, best with threads=1. Effective GFLOP/s (those of the direct
 * convolution) of the best run, scratch in MB, and the largest difference of the two results by the
 * largest result. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "engine/cpu/cpu.h"
#include "engine/cpu/winograd.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct layer {
    int64_t channels, side;
} layers[] = { { 64, 32 }, { 128, 16 }, { 256, 8 }, { 512, 4 } };

enum { LAYERS = sizeof layers / sizeof layers[0] };

/* The number after `key=` among the words, or the fallback. */
static int64_t number(int count, char *words[], const char *key, int64_t fallback)
{
    size_t length = strlen(key);
    for (int i = 1; i < count; i++)
        if (strncmp(words[i], key, length) == 0 && words[i][length] == '=')
            return atoll(words[i] + length + 1);
    return fallback;
}

static void *operand(const char *name, struct shape shape, bool bf16)
{
    int64_t size = shape_size(shape);
    float *data = memory_new_aligned((size_t)size, sizeof *data);
    struct random_stream stream = random_stream(1, name, 0, 0);
    for (int64_t i = 0; data && i < size; i++) {
        float x = random_float(&stream) - 0.5F;
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        if (bf16)
            ((uint16_t *)data)[i] = (uint16_t)(bits >> 16);
        else
            data[i] = x;
    }
    return data;
}

static double value(const void *data, int64_t i, bool bf16)
{
    if (!bf16)
        return (double)((const float *)data)[i];
    uint32_t bits = (uint32_t)((const uint16_t *)data)[i] << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return (double)x;
}

struct contest {
    struct convolution_request request;
    struct winograd *ours;
    struct primitive *theirs;
    void *operand[3], *scratch; /* x, weight, y */
    double best[2];
    bool busy;
};

/* Seconds of the wall, or of the processors by the number of threads. */
static double seconds(bool busy)
{
    struct timespec time;
    if (!busy)
        return clock_seconds();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return ((double)time.tv_sec + 1e-9 * (double)time.tv_nsec) / parallel_threads();
}

static void execute(struct contest *c, int who)
{
    double start = seconds(c->busy);
    if (who == 0)
        winograd_execute(c->ours, c->operand[0], c->operand[1], c->operand[2], c->scratch);
    else
        convolution_execute(c->theirs, c->operand[0], c->operand[1], c->operand[2], c->scratch);
    double time = seconds(c->busy) - start;
    if (time < c->best[who])
        c->best[who] = time;
}

static double difference(const void *a, const void *b, int64_t size, bool bf16)
{
    double largest = 0, most = 0;
    for (int64_t i = 0; i < size; i++) {
        most = fmax(most, fabs(value(a, i, bf16) - value(b, i, bf16)));
        largest = fmax(largest, fabs(value(b, i, bf16)));
    }
    return most / largest;
}

static status compete(struct contest *c, int runs)
{
    static const char *const names[] = { "forward", "data gradient", "weight gradient" };
    static const int result_of[] = { 2, 0, 1 };
    const struct convolution_request *r = &c->request;
    bool bf16 = r->bf16;
    int result = result_of[r->kind];
    struct shape shapes[] = { r->x, r->weight, r->y };
    TRY(winograd_new(r, &c->ours));
    bool theirs = convolution_new(r, &c->theirs) == TACIT_OK && !bf16;
    size_t mine = winograd_scratch(c->ours), other = theirs ? primitive_scratch(c->theirs) : 0;
    c->scratch = memory_new_aligned(mine > other ? mine : other, 1);
    void *kept = NULL;
    for (int i = 0; i < 3; i++)
        c->operand[i] = operand(names[i], shapes[i], bf16 && i != 1);
    c->best[0] = c->best[1] = 1e9;
    double error = 0;
    execute(c, 0);
    if (theirs) {
        kept = c->operand[result];
        c->operand[result] = operand("other", shapes[result], false);
        execute(c, 1);
        error = difference(kept, c->operand[result], shape_size(shapes[result]), false);
    }
    for (int i = 0; i < runs; i++)
        for (int who = 0; who < 1 + theirs; who++)
            execute(c, who);
    double flops = 18.0 * (double)shape_size(r->y) * (double)r->x.dim[1];
    printf("%4lld x %2lld  %-16s ours %7.2f ms %5.0f GFLOP/s %6.1f MB", (long long)r->x.dim[1],
           (long long)r->x.dim[2], names[r->kind], 1e3 * c->best[0], flops / c->best[0] / 1e9,
           (double)mine / 1e6);
    if (theirs)
        printf("   %s %7.2f ms %5.0f GFLOP/s %6.1f MB   difference %.1e", primitive_name(c->theirs),
               1e3 * c->best[1], flops / c->best[1] / 1e9, (double)other / 1e6, error);
    printf("\n");
    fflush(stdout);
    for (int i = 0; i < 3; i++)
        memory_free_aligned(c->operand[i]);
    memory_free_aligned(kept);
    memory_free_aligned(c->scratch);
    winograd_free(c->ours);
    if (theirs)
        primitive_free(c->theirs);
    return TACIT_OK;
}

int main(int count, char *words[])
{
    int64_t rows = number(count, words, "rows", 256), only = number(count, words, "layer", -1);
    int runs = (int)number(count, words, "runs", 7);
    bool bf16 = false;
    for (int i = 1; i < count; i++)
        bf16 |= strcmp(words[i], "precision=bf16") == 0;
    parallel_set_threads((int)number(count, words, "threads", 0));
    parallel_flush_denormals();
    printf("%lld pictures, %d threads, %s\n", (long long)rows, parallel_threads(), cpu_isa());
    for (int i = 0; i < 3 * LAYERS; i++) {
        const struct layer *l = &layers[i % LAYERS];
        struct shape image = SHAPE(rows, l->channels, l->side, l->side);
        struct contest c = { .request = { .kind = (enum convolution_kind)(i / LAYERS),
                                          .how = { { 1, 1 }, { 1, 1 }, { 1, 1 }, 1 },
                                          .x = image,
                                          .weight = SHAPE(l->channels, l->channels, 3, 3),
                                          .y = image,
                                          .x_layout = ACTIVATION_BLOCKED,
                                          .y_layout = ACTIVATION_BLOCKED,
                                          .bf16 = bf16 },
                             .busy = number(count, words, "busy", 0) != 0 };
        if ((only < 0 || only == i % LAYERS) && compete(&c, runs) != TACIT_OK) {
            fprintf(stderr, "bench_winograd: %s\n", status_message());
            return 1;
        }
    }
    return 0;
}
