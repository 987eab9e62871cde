/* Winograd convolutions against direct sums in double: every kind, odd sizes, all paddings, both
 * storages, ragged numbers of channels, few and many threads, on NaN-filled scratch and results.
 * The processes of the instruction sets are told apart by TACIT_ISA. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "engine/cpu/cpu.h"
#include "engine/cpu/winograd.h"

#include <cmocka.h>

enum { LANES = 16 };

struct problem {
    int64_t n, c, k, height, width, padding;
};

/* Tiles that end inside, at and outside the image; one lot of tiles and several; blocks of 64
 * channels and rests; panels of 32 and rests; the last one has large weights. */
static const struct problem problems[] = {
    { 1, 16, 16, 1, 1, 1 },   { 2, 16, 32, 3, 2, 1 },   { 1, 32, 16, 4, 4, 1 },
    { 2, 48, 16, 5, 7, 1 },   { 3, 16, 80, 8, 9, 1 },   { 1, 64, 64, 6, 6, 0 },
    { 2, 32, 48, 7, 3, 2 },   { 1, 16, 16, 3, 3, 0 },   { 40, 16, 32, 9, 10, 1 },
    { 20, 80, 112, 4, 4, 1 }, { 3, 512, 240, 4, 3, 1 },
};

/* One tensor: in double as the caller thinks of it, and as the kernel stores it. */
struct operand_copy {
    struct shape shape;
    double *value;
    void *stored;
    bool bf16;
};

/* Place of item (n, c, h, w) where channels lie in blocks of 16. */
static int64_t blocked_at(struct shape s, int64_t n, int64_t c, int64_t h, int64_t w)
{
    return (((n * (s.dim[1] / LANES) + c / LANES) * s.dim[2] + h) * s.dim[3] + w) * LANES +
           c % LANES;
}

static float from_bf16(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float y;
    memcpy(&y, &bits, sizeof y);
    return y;
}

/* NORMAL: as it says; FADING: every image (or output channel) a 64th of the one before; ONES: what
 * makes the largest sums there can be. */
enum fill { NORMAL, FADING, ONES };

static float filled(enum fill fill, struct random_stream *stream, int64_t leading)
{
    float x = (float)random_normal(stream);
    return fill == ONES ? 1 : fill == FADING ? ldexpf(x, -6 * (int)(leading % 16)) : x;
}

static struct operand_copy copy_new(struct shape shape, const char *name, bool bf16, enum fill fill)
{
    int64_t size = shape_size(shape);
    struct operand_copy t = { shape, memory_new((size_t)size, sizeof(double)),
                              memory_new_aligned((size_t)size, 4), bf16 };
    struct random_stream stream = random_stream(3, name, 0, 0);
    assert_non_null(t.value);
    assert_non_null(t.stored);
    for (int64_t i = 0; i < size; i++) {
        float x = filled(fill, &stream, i / (size / shape.dim[0]));
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        /* In memory, for gcc 12 otherwise folds the two conversions into none. */
        volatile uint16_t half = (uint16_t)(bits >> 16);
        t.value[i] = (double)(bf16 ? from_bf16(half) : x);
    }
    return t;
}

static void copy_free(struct operand_copy *t)
{
    memory_free(t->value);
    memory_free_aligned(t->stored);
}

/* Calls `each` with the place of every item in `value` and in `stored`. */
static void for_items(struct operand_copy *t, bool weight,
                      void (*each)(struct operand_copy *t, int64_t plain, int64_t place,
                                   void *argument),
                      void *argument)
{
    const int64_t *d = t->shape.dim;
    for (int64_t i = 0; i < shape_size(t->shape); i++)
        each(t, i,
             weight ? i
                    : blocked_at(t->shape, i / (d[1] * d[2] * d[3]), i / (d[2] * d[3]) % d[1],
                                 i / d[3] % d[2], i % d[3]),
             argument);
}

static void store_item(struct operand_copy *t, int64_t plain, int64_t place, void *argument)
{
    (void)argument;
    float x = (float)t->value[plain];
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (t->bf16)
        ((uint16_t *)t->stored)[place] = (uint16_t)(bits >> 16);
    else
        ((float *)t->stored)[place] = x;
}

enum { LEADING = 300 };

/* For every image, or output channel of a weight. */
struct distance {
    double most[LEADING], largest[LEADING];
};

static void compare_item(struct operand_copy *t, int64_t plain, int64_t place, void *argument)
{
    struct distance *distance = argument;
    double got =
        (double)(t->bf16 ? from_bf16(((uint16_t *)t->stored)[place]) : ((float *)t->stored)[place]);
    double off = fabs(got - t->value[plain]);
    int64_t n = plain / (shape_size(t->shape) / t->shape.dim[0]);
    assert_in_range(n, 0, LEADING - 1);
    distance->most[n] = off <= distance->most[n] ? distance->most[n] : off; /* NaN stays */
    distance->largest[n] = fmax(distance->largest[n], fabs(t->value[plain]));
}

/* The direct sums: adds x w to y, y w to x, or x y to w. */
static void direct(enum convolution_kind kind, struct operand_copy *x, struct operand_copy *w,
                   struct operand_copy *y, int64_t padding)
{
    struct operand_copy *result = kind == CONVOLVE_FORWARD ? y : kind == CONVOLVE_DATA ? x : w;
    memset(result->value, 0, (size_t)shape_size(result->shape) * sizeof *result->value);
    const int64_t *dx = x->shape.dim, *dy = y->shape.dim;
    for (int64_t n = 0; n < dx[0]; n++)
        for (int64_t k = 0; k < dy[1]; k++)
            for (int64_t c = 0; c < dx[1]; c++)
                for (int64_t tap = 0; tap < 9; tap++) {
                    double *weight = &w->value[(k * dx[1] + c) * 9 + tap], sum = 0;
                    for (int64_t h = 0; h < dy[2]; h++)
                        for (int64_t v = 0; v < dy[3]; v++) {
                            int64_t row = h + tap / 3 - padding, column = v + tap % 3 - padding;
                            if (row < 0 || row >= dx[2] || column < 0 || column >= dx[3])
                                continue;
                            double *a = &x->value[((n * dx[1] + c) * dx[2] + row) * dx[3] + column];
                            double *b = &y->value[((n * dy[1] + k) * dy[2] + h) * dy[3] + v];
                            if (kind == CONVOLVE_FORWARD)
                                *b += *a * *weight;
                            else if (kind == CONVOLVE_DATA)
                                *a += *b * *weight;
                            else
                                sum += *a * *b;
                        }
                    if (kind == CONVOLVE_WEIGHT)
                        *weight += sum;
                }
}

/* Of the largest result of an image or channel. f32: 3e-6; fixed point, for bf16: 3e-3; rounding
 * to 8 bits adds 2^-8. */
static double tolerance(const struct operand_copy *result, bool bf16)
{
    bool fixed = bf16 && strcmp(cpu_isa(), "avx512_bf16") == 0;
    return (result->bf16 ? 1.0 / 256 : 0) + (fixed ? 3e-3 : 3e-6);
}

static void check(const struct problem *p, enum convolution_kind kind, bool bf16, enum fill fill)
{
    int64_t grown = 2 * p->padding - 2;
    struct operand_copy t[] = {
        copy_new(SHAPE(p->n, p->c, p->height, p->width), "x", bf16, fill),
        copy_new(SHAPE(p->k, p->c, 3, 3), "weight", false, fill),
        copy_new(SHAPE(p->n, p->k, p->height + grown, p->width + grown), "y", bf16, fill),
    };
    struct convolution_request r = { .kind = kind,
                                     .how = { { 1, 1 }, { p->padding, p->padding }, { 1, 1 }, 1 },
                                     .x = t[0].shape,
                                     .weight = t[1].shape,
                                     .y = t[2].shape,
                                     .x_layout = ACTIVATION_BLOCKED,
                                     .y_layout = ACTIVATION_BLOCKED,
                                     .bf16 = bf16 };
    assert_true(winograd_fits(&r));
    struct winograd *w;
    assert_int_equal(winograd_new(&r, &w), TACIT_OK);
    struct operand_copy *result = &t[kind == CONVOLVE_FORWARD ? 2 : kind == CONVOLVE_DATA ? 0 : 1];
    for (int i = 0; i < 3; i++)
        for_items(&t[i], i == 1, store_item, NULL);
    size_t guard = 64, bytes = winograd_scratch(w);
    unsigned char *scratch = memory_new_aligned(bytes + guard, 1);
    assert_non_null(scratch);
    memset(scratch, 0xFF, bytes + guard);
    memset(result->stored, 0xFF,
           (size_t)shape_size(result->shape) * (result->bf16 ? sizeof(uint16_t) : sizeof(float)));
    winograd_execute(w, t[0].stored, t[1].stored, t[2].stored, scratch);
    for (size_t i = 0; i < guard; i++)
        assert_int_equal(scratch[bytes + i], 0xFF);
    direct(kind, &t[0], &t[1], &t[2], p->padding);
    struct distance distance = { { 0 }, { 0 } };
    for_items(result, result == &t[1], compare_item, &distance);
    for (int64_t n = 0; n < result->shape.dim[0]; n++)
        if (!(distance.most[n] <= tolerance(result, bf16) * distance.largest[n]))
            fail_msg("kind %d, %lld x %lld -> %lld of %lldx%lld, padding %lld, bf16 %d, fill %d: "
                     "error %g of %g in %lld",
                     (int)kind, (long long)p->n, (long long)p->c, (long long)p->k,
                     (long long)p->height, (long long)p->width, (long long)p->padding, bf16,
                     (int)fill, distance.most[n], distance.largest[n], (long long)n);
    memory_free_aligned(scratch);
    winograd_free(w);
    for (int i = 0; i < 3; i++)
        copy_free(&t[i]);
}

static void against_direct_sums(void **state)
{
    (void)state;
    parallel_set_threads(2);
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++)
        for (int kind = 0; kind < 3; kind++)
            for (int bf16 = 0; bf16 < 2; bf16++)
                check(&problems[i], (enum convolution_kind)kind, bf16, NORMAL);
}

/* Fixed point: every row has a scale of its own, and the largest sums fit. */
static void scales_and_largest_sums(void **state)
{
    (void)state;
    static const struct problem some[] = { { 6, 32, 48, 8, 8, 1 }, { 2, 512, 48, 6, 6, 1 } };
    parallel_set_threads(2);
    for (int i = 0; i < 2; i++)
        for (int kind = 0; kind < 3; kind++)
            check(&some[i], (enum convolution_kind)kind, true, i ? ONES : FADING);
}

/* What is not a number, or infinite, reaches the results it belongs to and no other image; all
 * zeros stay zeros. */
static void what_is_not_finite_stays_so(void **state)
{
    (void)state;
    static const uint16_t odd[] = { 0x7FC0, 0x7F80, 0xFF80, 0 }; /* NaN, infinities, 0 */
    struct convolution_request r = { .how = { { 1, 1 }, { 1, 1 }, { 1, 1 }, 1 },
                                     .x = SHAPE(2, 32, 4, 4),
                                     .weight = SHAPE(16, 32, 3, 3),
                                     .y = SHAPE(2, 16, 4, 4),
                                     .x_layout = ACTIVATION_BLOCKED,
                                     .y_layout = ACTIVATION_BLOCKED,
                                     .bf16 = true };
    struct winograd *w;
    assert_int_equal(winograd_new(&r, &w), TACIT_OK);
    uint16_t *x = memory_new_aligned(2 * 512, sizeof *x), *y = memory_new_aligned(512, sizeof *y);
    float *weight = memory_new_aligned(4608, sizeof *weight);
    void *scratch = memory_new_aligned(winograd_scratch(w), 1);
    for (int i = 0; i < 4608; i++)
        weight[i] = 1;
    for (int i = 0; i < 4; i++) {
        memset(x, 0, 2 * 512 * sizeof *x);
        x[5 * LANES] = odd[i]; /* image 0, place (1, 1) */
        winograd_execute(w, x, weight, y, scratch);
        for (int place = 0; place < 256; place++) {
            float first = from_bf16(y[place]), second = from_bf16(y[256 + place]);
            int near = place / LANES / 4 <= 2 && place / LANES % 4 <= 2;
            assert_true(odd[i] ? !near || !isfinite(first) : first == 0);
            assert_true(second == 0);
        }
    }
    memory_free_aligned(x);
    memory_free_aligned(y);
    memory_free_aligned(weight);
    memory_free_aligned(scratch);
    winograd_free(w);
}

/* Sums of the weight gradient too large for every thread to have its own, in two lots of tiles. */
static void large_sums(void **state)
{
    (void)state;
    static const struct problem problem = { 290, 256, 208, 1, 1, 1 };
    parallel_set_threads(2);
    check(&problem, CONVOLVE_WEIGHT, false, NORMAL);
    check(&problem, CONVOLVE_WEIGHT, true, ONES);
}

/* What it must leave to others. */
static void refuses(void **state)
{
    (void)state;
    const struct convolution_request fits = { .how = { { 1, 1 }, { 1, 1 }, { 1, 1 }, 1 },
                                              .x = SHAPE(2, 16, 8, 8),
                                              .weight = SHAPE(32, 16, 3, 3),
                                              .y = SHAPE(2, 32, 8, 8),
                                              .x_layout = ACTIVATION_BLOCKED,
                                              .y_layout = ACTIVATION_BLOCKED };
    assert_true(winograd_fits(&fits));
    struct convolution_request r[9];
    for (int i = 0; i < 9; i++)
        r[i] = fits;
    r[0].how.stride[1] = 2;
    r[1].how.dilation[0] = 2;
    r[2].how.groups = 2;
    r[3].how.padding[0] = 3;
    r[4].weight.dim[3] = 5;
    r[5].x.dim[1] = 17;
    r[6].x_layout = ACTIVATION_PLAIN;
    r[7].y_layout = ACTIVATION_CHANNELS_LAST;
    r[8].direct = true;
    struct winograd *w;
    for (int i = 0; i < 9; i++) {
        assert_false(winograd_fits(&r[i]));
        assert_int_equal(winograd_new(&r[i], &w), TACIT_FAILED);
    }
}

/* The same bits on one thread and on three, where threads do not divide sums. */
static void threads_do_not_matter(void **state)
{
    (void)state;
    const struct problem *p = &problems[9];
    float *kept[3] = { NULL };
    for (int pass = 0; pass < 2; pass++)
        for (int kind = 0; kind < 3; kind++) {
            parallel_set_threads(pass ? 3 : 1);
            struct shape shapes[] = { SHAPE(p->n, p->c, p->height, p->width),
                                      SHAPE(p->k, p->c, 3, 3),
                                      SHAPE(p->n, p->k, p->height, p->width) };
            struct convolution_request r = { .kind = (enum convolution_kind)kind,
                                             .how = { { 1, 1 }, { 1, 1 }, { 1, 1 }, 1 },
                                             .x = shapes[0],
                                             .weight = shapes[1],
                                             .y = shapes[2],
                                             .x_layout = ACTIVATION_BLOCKED,
                                             .y_layout = ACTIVATION_BLOCKED };
            struct operand_copy t[3];
            for (int i = 0; i < 3; i++) {
                t[i] = copy_new(shapes[i], "any", false, NORMAL);
                for_items(&t[i], i == 1, store_item, NULL);
            }
            struct winograd *w;
            assert_int_equal(winograd_new(&r, &w), TACIT_OK);
            void *scratch = memory_new_aligned(winograd_scratch(w), 1);
            winograd_execute(w, t[0].stored, t[1].stored, t[2].stored, scratch);
            int result = kind == CONVOLVE_FORWARD ? 2 : kind == CONVOLVE_DATA ? 0 : 1;
            if (pass) {
                assert_memory_equal(kept[kind], t[result].stored,
                                    (size_t)shape_size(shapes[result]) * sizeof(float));
                memory_free_aligned(kept[kind]);
            } else {
                kept[kind] = t[result].stored;
                t[result].stored = NULL;
            }
            for (int i = 0; i < 3; i++)
                copy_free(&t[i]);
            memory_free_aligned(scratch);
            winograd_free(w);
        }
}

static int run_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_direct_sums),
        cmocka_unit_test(large_sums),
        cmocka_unit_test(scales_and_largest_sums),
        cmocka_unit_test(what_is_not_finite_stays_so),
        cmocka_unit_test(refuses),
        cmocka_unit_test(threads_do_not_matter),
    };
    return cmocka_run_group_tests_name(cpu_isa(), tests, NULL, NULL);
}

/* The table of kernels is chosen once a process, so every instruction set has its own: this program
 * starts itself again under each cap. */
int main(int count, char *words[])
{
    static const char *const caps[] = { "avx2", "avx512", "avx512_bf16" };
    int failures = 0;
    if (count > 1)
        return run_all();
    for (int i = 0; i < 3; i++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            setenv("TACIT_ISA", caps[i], 1);
            execl("/proc/self/exe", words[0], "again", (char *)NULL);
            _exit(127);
        }
        int result = 1;
        failures += child < 0 || waitpid(child, &result, 0) != child || result != 0;
    }
    return failures;
}
