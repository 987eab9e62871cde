/* Views against torchvision's (tests/golden/augment.py), in every instruction set of this machine.
 */
#include "augment/augment.h"
#include "augment/plan.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_PICTURES = 8, FILE_BYTES = 1 << 20 };

struct golden {
    uint8_t *bytes;
    size_t length, at;
    struct augment_picture picture[MOST_PICTURES];
    int cases;
};

struct golden_case {
    int32_t picture, size, bicubic, left, top, width, height, resized_width, resized_height;
    int32_t window_left, window_top, shift_x, shift_y, flip, jitter, gray, gray_first, taps;
    int32_t solarize, channels, order[4];
    double factor[4], sigma;
};

static const void *take(struct golden *golden, size_t bytes)
{
    assert_true(golden->at + bytes <= golden->length);
    golden->at += bytes;
    return golden->bytes + golden->at - bytes;
}

static int32_t take_integer(struct golden *golden)
{
    int32_t value;
    memcpy(&value, take(golden, sizeof value), sizeof value);
    return value;
}

static void golden_open(struct golden *golden)
{
    *golden = (struct golden){ .bytes = memory_new(FILE_BYTES, 1) };
    FILE *file = fopen(TEST_FOLDER "/golden/augment.bin", "rb");
    assert_non_null(golden->bytes);
    assert_non_null(file);
    golden->length = fread(golden->bytes, 1, FILE_BYTES, file);
    fclose(file);
    assert_memory_equal(take(golden, 8), "AUGMENT1", 8);
    int pictures = take_integer(golden);
    golden->cases = take_integer(golden);
    assert_in_range(pictures, 1, MOST_PICTURES);
    for (int i = 0; i < pictures; i++) {
        struct augment_picture *picture = &golden->picture[i];
        picture->width = take_integer(golden);
        picture->height = take_integer(golden);
        picture->channels = take_integer(golden);
        picture->pixels =
            take(golden, (size_t)picture->width * picture->height * picture->channels);
    }
}

static struct augment_plan *plan_of(const struct golden_case *want, const char *isa)
{
    struct augment_settings settings;
    struct augment_plan *plan;
    assert_int_equal(augment_preset("none", &settings), TACIT_OK);
    settings.crop = CROP_PADDED;
    settings.interpolation = want->bicubic ? INTERPOLATION_BICUBIC : INTERPOLATION_BILINEAR;
    settings.gray_first = want->gray_first;
    settings.blur_kernel = want->taps;
    assert_int_equal(augment_normalize("none", settings.mean, settings.std), TACIT_OK);
    assert_int_equal(augment_plan_new(&settings, want->channels, want->size, &plan), TACIT_OK);
    plan->loops = pixel_loops_named(isa);
    return plan;
}

static struct augment_draw draw_of(const struct golden_case *want)
{
    struct augment_draw draw = {
        .left = want->left,
        .top = want->top,
        .width = want->width,
        .height = want->height,
        .resized_width = want->resized_width,
        .resized_height = want->resized_height,
        .window_left = want->window_left,
        .window_top = want->window_top,
        .shift_x = want->shift_x,
        .shift_y = want->shift_y,
        .flip = want->flip,
        .jitter = want->jitter,
        .gray = want->gray,
        .sigma = want->sigma,
        .solarize = want->solarize,
    };
    for (int i = 0; i < 4; i++) {
        draw.order[i] = want->order[i];
        draw.factor[i] = want->factor[i];
    }
    return draw;
}

/* Geometry must agree exactly, the rest within one grey level on 99.9 % of the pixels. (The stored
 * values are rounded: half a level of the one is theirs.) */
static void check_case(const struct golden *golden, const struct golden_case *want,
                       const uint8_t *expected, int number, const char *isa)
{
    const struct augment_picture *picture = &golden->picture[want->picture];
    struct augment_plan *plan = plan_of(want, isa);
    struct augment_draw draw = draw_of(want);
    size_t count = (size_t)want->channels * want->size * want->size, wrong = 0;
    size_t bytes = augment_scratch_bytes(plan, picture->width, picture->height);
    void *scratch = memory_new_aligned(bytes, 1);
    float *out = memory_new_aligned(count, sizeof *out);
    bool geometry = !want->jitter && !want->gray && want->sigma == 0 && !want->solarize;
    double tolerance = geometry ? 1e-3 : 0.6, worst = 0;
    assert_int_equal(augment_apply(plan, picture, &draw, out, scratch), TACIT_OK);
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)out[i] * 255 - expected[i]);
        worst = difference > worst ? difference : worst;
        wrong += !(difference <= tolerance);
    }
    if (wrong > (geometry ? 0 : count / 1000))
        fail_msg("case %d, %s: %zu of %zu pixels differ by up to %g grey levels", number, isa,
                 wrong, count, worst);
    memory_free_aligned(out);
    memory_free_aligned(scratch);
    augment_plan_free(plan);
}

static void check_all(const char *isa)
{
    if (!pixel_loops_named(isa)) {
        print_message("this machine has no %s\n", isa);
        skip();
    }
    struct golden golden;
    golden_open(&golden);
    for (int i = 0; i < golden.cases; i++) {
        struct golden_case want;
        memcpy(&want, take(&golden, sizeof want), sizeof want);
        const uint8_t *expected = take(&golden, (size_t)want.channels * want.size * want.size);
        check_case(&golden, &want, expected, i, isa);
    }
    assert_int_equal(golden.at, golden.length);
    assert_true(golden.cases > 100);
    memory_free(golden.bytes);
}

static void test_baseline(void **state)
{
    (void)state;
    check_all("baseline");
}

static void test_avx2(void **state)
{
    (void)state;
    check_all("avx2");
}

static void test_avx512(void **state)
{
    (void)state;
    check_all("avx512");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_baseline),
        cmocka_unit_test(test_avx2),
        cmocka_unit_test(test_avx512),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
