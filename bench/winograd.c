/* Our Winograd convolutions beside oneDNN's choice, on the 3x3 stride-1 layers of a ResNet-18 for
 * pictures of 32x32.
 *
 *     bench_winograd [rows=256] [runs=7] [precision=f32] [layer=-1] [threads=0] [busy=0]
 *
 * busy=1 takes the time of the processors by the number of threads instead of the wall's: tells
 * more where other programs run, best with threads=1. Effective GFLOP/s (those of the direct
 * convolution) of the best run, scratch in MB, and the error: of some hundred items of the result
 * against sums in double, root of the mean square by that of the items. */
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

enum { LANES = 16, SAMPLES = 400 };

/* Item (n, c, h, w) where channels lie in blocks of 16; 0 outside. */
static double item(const void *data, struct shape s, int64_t n, int64_t c, int64_t h, int64_t w,
                   bool bf16)
{
    if (h < 0 || w < 0 || h >= s.dim[2] || w >= s.dim[3])
        return 0;
    int64_t block = (n * (s.dim[1] / LANES) + c / LANES) * s.dim[2];
    return value(data, ((block + h) * s.dim[3] + w) * LANES + c % LANES, bf16);
}

/* Sum that y at (n, k, h, w) is; the gradient by x is the same of y and the turned weights. */
static double place_sum(const struct contest *c, int64_t n, int64_t k, int64_t h, int64_t w)
{
    const struct convolution_request *r = &c->request;
    bool data = r->kind == CONVOLVE_DATA;
    const float *weight = c->operand[1];
    int64_t channels = r->x.dim[1];
    double sum = 0;
    for (int64_t i = 0; i < channels; i++)
        for (int64_t t = 0; t < 9; t++) {
            int64_t at = data ? (i * channels + k) * 9 + 8 - t : (k * channels + i) * 9 + t;
            sum += (double)weight[at] * item(c->operand[data ? 2 : 0], r->x, n, i, h + t / 3 - 1,
                                             w + t % 3 - 1, r->bf16);
        }
    return sum;
}

/* Sum that the gradient of tap t from channel i to k is. */
static double tap_sum(const struct contest *c, int64_t k, int64_t i, int64_t t)
{
    const struct convolution_request *r = &c->request;
    double sum = 0;
    for (int64_t n = 0; n < r->x.dim[0]; n++)
        for (int64_t h = 0; h < r->x.dim[2]; h++)
            for (int64_t w = 0; w < r->x.dim[3]; w++)
                sum += item(c->operand[2], r->y, n, k, h, w, r->bf16) *
                       item(c->operand[0], r->x, n, i, h + t / 3 - 1, w + t % 3 - 1, r->bf16);
    return sum;
}

/* Of the latest result. */
static double error(const struct contest *c)
{
    const struct convolution_request *r = &c->request;
    const int64_t *d = r->x.dim;
    struct random_stream stream = random_stream(1, "samples", 0, 0);
    double off = 0, size = 0;
    for (int s = 0; s < SAMPLES; s++) {
        int64_t place[4], limit[] = { d[0], d[1], d[2], d[3] };
        if (r->kind == CONVOLVE_WEIGHT)
            limit[0] = d[1], limit[2] = 9;
        for (int i = 0; i < 4; i++)
            place[i] = (int64_t)(random_float(&stream) * (float)limit[i]) % limit[i];
        double got, want;
        if (r->kind == CONVOLVE_WEIGHT) {
            got =
                (double)((const float *)c->operand[1])[(place[0] * d[1] + place[1]) * 9 + place[2]];
            want = tap_sum(c, place[0], place[1], place[2]);
        } else {
            got = item(c->operand[r->kind == CONVOLVE_DATA ? 0 : 2], r->x, place[0], place[1],
                       place[2], place[3], r->bf16);
            want = place_sum(c, place[0], place[1], place[2], place[3]);
        }
        off += (got - want) * (got - want);
        size += want * want;
    }
    return sqrt(off / size);
}

static status compete(struct contest *c, int runs)
{
    static const char *const names[] = { "forward", "data gradient", "weight gradient" };
    const struct convolution_request *r = &c->request;
    struct shape shapes[] = { r->x, r->weight, r->y };
    TRY(winograd_new(r, &c->ours));
    bool theirs = convolution_new(r, &c->theirs) == TACIT_OK;
    size_t mine = winograd_scratch(c->ours), other = theirs ? primitive_scratch(c->theirs) : 0;
    c->scratch = memory_new_aligned(mine > other ? mine : other, 1);
    for (int i = 0; i < 3; i++)
        c->operand[i] = operand(names[i], shapes[i], r->bf16 && i != 1);
    c->best[0] = c->best[1] = 1e9;
    double errors[2] = { 0 };
    for (int who = 0; who < 1 + theirs; who++) {
        execute(c, who);
        errors[who] = error(c);
    }
    for (int i = 0; i < runs; i++)
        for (int who = 0; who < 1 + theirs; who++)
            execute(c, who);
    double flops = 18.0 * (double)shape_size(r->y) * (double)r->x.dim[1];
    printf("%4lld x %2lld  %-16s ours %7.2f ms %5.0f GFLOP/s %6.1f MB error %.1e",
           (long long)r->x.dim[1], (long long)r->x.dim[2], names[r->kind], 1e3 * c->best[0],
           flops / c->best[0] / 1e9, (double)mine / 1e6, errors[0]);
    if (theirs)
        printf("   %s %7.2f ms %5.0f GFLOP/s %6.1f MB error %.1e", primitive_name(c->theirs),
               1e3 * c->best[1], flops / c->best[1] / 1e9, (double)other / 1e6, errors[1]);
    printf("\n");
    fflush(stdout);
    for (int i = 0; i < 3; i++)
        memory_free_aligned(c->operand[i]);
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
