/* What chance decides, identities of the operators, and what plans refuse. */
#include "augment/augment.h"
#include "augment/plan.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

enum { DRAWS = 10000, SIDE = 32, PIXELS = SIDE * SIDE };

static struct augment_settings preset(const char *name)
{
    struct augment_settings settings;
    assert_int_equal(augment_preset(name, &settings), TACIT_OK);
    assert_int_equal(augment_normalize("none", settings.mean, settings.std), TACIT_OK);
    return settings;
}

static struct augment_plan *plan_new(const struct augment_settings *settings, int channels)
{
    struct augment_plan *plan;
    assert_int_equal(augment_plan_new(settings, channels, SIDE, &plan), TACIT_OK);
    return plan;
}

/* Uniform levels in all channels, or equal ones when gray. */
static struct augment_picture picture_new(int width, int height, int channels, bool gray)
{
    size_t count = (size_t)width * height;
    uint8_t *pixels = memory_new(count, (size_t)channels);
    struct random_stream stream = random_stream(3, "test", (uint64_t)width, (uint64_t)height);
    for (size_t i = 0; i < count; i++)
        for (int c = 0; c < channels; c++)
            pixels[i * channels + c] =
                gray && c ? pixels[i * channels] : (uint8_t)random_below(&stream, 256);
    return (struct augment_picture){ width, height, channels, pixels };
}

static void picture_free(struct augment_picture *picture)
{
    memory_free((void *)(uintptr_t)picture->pixels);
}

static struct augment_draw whole(const struct augment_picture *picture)
{
    return (struct augment_draw){ .width = picture->width,
                                  .height = picture->height,
                                  .resized_width = SIDE,
                                  .resized_height = SIDE,
                                  .factor = { 1, 1, 1, 0 },
                                  .order = { 0, 1, 2, 3 } };
}

/* The view in grey levels; the caller frees it. */
static float *view_of(const struct augment_plan *plan, const struct augment_picture *picture,
                      const struct augment_draw *draw)
{
    void *scratch =
        memory_new_aligned(augment_scratch_bytes(plan, picture->width, picture->height), 1);
    float *out = memory_new_aligned((size_t)plan->channels * PIXELS, sizeof *out);
    assert_int_equal(augment_apply(plan, picture, draw, out, scratch), TACIT_OK);
    for (int i = 0; i < plan->channels * PIXELS; i++)
        out[i] *= 255;
    memory_free_aligned(scratch);
    return out;
}

static void assert_near(const float *a, const float *b, int count, double tolerance)
{
    for (int i = 0; i < count; i++)
        if (!(fabs((double)a[i] - b[i]) <= tolerance))
            fail_msg("item %d: %g and %g", i, (double)a[i], (double)b[i]);
}

/* Standard errors of 10,000 draws: .005 at p .5, .004 at .2 and .8. */
static void test_proportions(void **state)
{
    (void)state;
    struct augment_settings settings = preset("byol");
    settings.blur = .5;
    struct augment_plan *plan = plan_new(&settings, 3);
    double flip = 0, jitter = 0, gray = 0, blur[2] = { 0 }, solarize[2] = { 0 };
    double first[4] = { 0 }, brightness = 0, hue = 0, sigma = 0;
    for (int i = 0; i < DRAWS; i++) {
        struct augment_draw draw, other;
        augment_draw(plan, SIDE, SIDE, 1, 0, (uint64_t)i, 0, &draw);
        augment_draw(plan, SIDE, SIDE, 1, 0, (uint64_t)i, 1, &other);
        flip += draw.flip;
        jitter += draw.jitter;
        gray += draw.gray;
        blur[0] += draw.sigma > 0;
        blur[1] += other.sigma > 0;
        sigma += draw.sigma;
        solarize[0] += draw.solarize;
        solarize[1] += other.solarize;
        first[draw.order[0]]++;
        brightness += draw.factor[JITTER_BRIGHTNESS];
        hue += draw.factor[JITTER_HUE];
        assert_true(fabs(draw.factor[JITTER_BRIGHTNESS] - 1) <= .4);
        assert_true(fabs(draw.factor[JITTER_SATURATION] - 1) <= .2);
        assert_true(fabs(draw.factor[JITTER_HUE]) <= .1);
        assert_true(draw.sigma == 0 || (draw.sigma >= .1 && draw.sigma <= 2));
    }
    assert_true(fabs(flip / DRAWS - .5) < .02);
    assert_true(fabs(jitter / DRAWS - .8) < .015);
    assert_true(fabs(gray / DRAWS - .2) < .01);
    assert_true(fabs(blur[0] / DRAWS - .5) < .02);
    assert_true(fabs(blur[1] / DRAWS - .1) < .01);
    assert_true(fabs(sigma / blur[0] - 1.05) < .03);
    assert_true(solarize[0] == 0);
    assert_true(fabs(solarize[1] / DRAWS - .2) < .015);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(first[i] / DRAWS - .25) < .02);
    assert_true(fabs(brightness / DRAWS - 1) < .01);
    assert_true(fabs(hue / DRAWS) < .003);
    augment_plan_free(plan);
}

static void test_blur_may_be_certain(void **state)
{
    (void)state;
    struct augment_settings settings = preset("byol");
    struct augment_plan *plan = plan_new(&settings, 3);
    struct augment_draw draw;
    for (int i = 0; i < 1000; i++) {
        augment_draw(plan, SIDE, SIDE, 1, 0, (uint64_t)i, 0, &draw);
        assert_true(draw.sigma > 0);
    }
    augment_plan_free(plan);
}

/* On a large square, shapes never fail below an area of 3/4: uniform there. Boxes lie inside. */
static void test_crop_boxes(void **state)
{
    (void)state;
    struct augment_settings settings = preset("simclr");
    settings.crop_scale_max = .75;
    struct augment_plan *plan = plan_new(&settings, 3);
    int side = 1000, bin[10] = { 0 };
    double wide = 0, left = 0, top = 0;
    for (int i = 0; i < DRAWS; i++) {
        struct augment_draw draw;
        augment_draw(plan, side, side, 5, 2, (uint64_t)i, 1, &draw);
        assert_true(draw.left >= 0 && draw.top >= 0 && draw.width > 0 && draw.height > 0);
        assert_true(draw.left + draw.width <= side && draw.top + draw.height <= side);
        double area = (double)draw.width * draw.height / side / side;
        double ratio = (double)draw.width / draw.height;
        assert_true(ratio > .745 && ratio < 1.34);
        assert_true(area > .078 && area < .752);
        int place = (int)((area - .08) / (.75 - .08) * 10);
        bin[place < 0 ? 0 : place > 9 ? 9 : place]++;
        wide += ratio > 1;
        left += (double)draw.left / (side - draw.width);
        top += (double)draw.top / (side - draw.height);
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(bin[i], 880, 1120);
    assert_true(fabs(wide / DRAWS - .5) < .02);
    assert_true(fabs(left / DRAWS - .5) < .012);
    assert_true(fabs(top / DRAWS - .5) < .012);
    augment_plan_free(plan);
}

/* torchvision's fallback: no box of area >= .9 and ratio <= 4/3 fits in 100 x 10. */
static void test_crop_fallback(void **state)
{
    (void)state;
    struct augment_settings settings = preset("simclr");
    settings.crop_scale_min = .9;
    struct augment_plan *plan = plan_new(&settings, 3);
    struct augment_draw draw;
    augment_draw(plan, 100, 10, 1, 0, 0, 0, &draw);
    assert_int_equal(draw.height, 10);
    assert_int_equal(draw.width, 13);
    assert_int_equal(draw.left, 43);
    augment_draw(plan, 10, 100, 1, 0, 0, 0, &draw);
    assert_int_equal(draw.width, 10);
    assert_int_equal(draw.height, 13);
    assert_int_equal(draw.top, 43);
    augment_plan_free(plan);
}

static void test_padded_shifts(void **state)
{
    (void)state;
    struct augment_settings settings = preset("supervised");
    struct augment_plan *plan = plan_new(&settings, 3);
    int seen[9] = { 0 };
    for (int i = 0; i < DRAWS; i++) {
        struct augment_draw draw;
        augment_draw(plan, SIDE, SIDE, 1, 0, (uint64_t)i, 0, &draw);
        assert_in_range(draw.shift_x + 4, 0, 8);
        assert_in_range(draw.shift_y + 4, 0, 8);
        seen[draw.shift_x + 4]++;
    }
    for (int i = 0; i < 9; i++)
        assert_in_range(seen[i], 950, 1280);
    augment_plan_free(plan);
}

/* Resize 40 of 100 x 50: 80 x 40; the offsets (80 - 32) / 2 and (40 - 32) / 2. With 37 the offset
 * 2.5 rounds to the even 2, with 35 the offset 1.5 too, as in Python. */
static void test_centre_crop(void **state)
{
    (void)state;
    struct augment_settings settings = preset("eval");
    settings.resize = 40;
    struct augment_plan *plan = plan_new(&settings, 3);
    struct augment_draw draw;
    augment_draw(plan, 100, 50, 1, 0, 0, 0, &draw);
    assert_int_equal(draw.resized_width, 80);
    assert_int_equal(draw.resized_height, 40);
    assert_int_equal(draw.window_left, 24);
    assert_int_equal(draw.window_top, 4);
    augment_plan_free(plan);
    settings.resize = 37;
    plan = plan_new(&settings, 3);
    augment_draw(plan, 50, 100, 1, 0, 0, 0, &draw);
    assert_int_equal(draw.window_left, 2);
    assert_int_equal(draw.resized_height, 74);
    augment_plan_free(plan);
    settings.resize = 35;
    plan = plan_new(&settings, 3);
    augment_draw(plan, 50, 50, 1, 0, 0, 0, &draw);
    assert_int_equal(draw.window_left, 2);
    assert_int_equal(draw.window_top, 2);
    augment_plan_free(plan);
}

/* A strength above 1 still has no factor below 0. */
static void test_factors_are_not_negative(void **state)
{
    (void)state;
    struct augment_settings settings = preset("simclr");
    settings.contrast = 3;
    struct augment_plan *plan = plan_new(&settings, 3);
    double largest = 0;
    for (int i = 0; i < 1000; i++) {
        struct augment_draw draw;
        augment_draw(plan, SIDE, SIDE, 1, 0, (uint64_t)i, 0, &draw);
        assert_true(draw.factor[JITTER_CONTRAST] >= 0);
        largest = fmax(largest, draw.factor[JITTER_CONTRAST]);
    }
    assert_true(largest > 3.9 && largest <= 4);
    augment_plan_free(plan);
}

static void test_same_numbers_same_view(void **state)
{
    (void)state;
    struct augment_settings settings = preset("simclr");
    struct augment_plan *plan = plan_new(&settings, 3);
    struct augment_picture picture = picture_new(50, 41, 3, false);
    void *scratch = memory_new_aligned(augment_scratch_bytes(plan, 50, 41), 1);
    static float view[6][3 * PIXELS];
    const uint64_t numbers[6][4] = { { 1, 2, 3, 0 }, { 1, 2, 3, 0 }, { 2, 2, 3, 0 },
                                     { 1, 3, 3, 0 }, { 1, 2, 4, 0 }, { 1, 2, 3, 1 } };
    for (int i = 0; i < 6; i++) {
        const uint64_t *n = numbers[i];
        assert_int_equal(
            augment_view(plan, &picture, n[0], n[1], n[2], (int)n[3], view[i], scratch), TACIT_OK);
    }
    assert_memory_equal(view[0], view[1], sizeof view[0]);
    for (int i = 1; i < 6; i++)
        for (int j = i + 1; j < 6; j++)
            assert_true(memcmp(view[i], view[j], sizeof view[i]) != 0);
    memory_free_aligned(scratch);
    picture_free(&picture);
    augment_plan_free(plan);
}

/* Scratch memory full of NaN changes nothing, and a view allocates nothing. */
static void test_scratch_is_scratch(void **state)
{
    (void)state;
    struct augment_settings settings = preset("byol");
    struct augment_plan *plan = plan_new(&settings, 3);
    struct augment_picture picture = picture_new(61, 33, 3, false);
    size_t bytes = augment_scratch_bytes(plan, 61, 33);
    void *scratch = memory_new_aligned(bytes, 1);
    static float view[2][3 * PIXELS];
    for (int sample = 0; sample < 20; sample++) {
        for (int fill = 0; fill < 2; fill++) {
            memset(scratch, fill ? 0xFF : 0, bytes);
            int64_t before = memory_allocations();
            assert_int_equal(augment_view(plan, &picture, 1, 0, (uint64_t)sample, sample % 2,
                                          view[fill], scratch),
                             TACIT_OK);
            assert_int_equal(memory_allocations(), before);
        }
        assert_memory_equal(view[0], view[1], sizeof view[0]);
    }
    memory_free_aligned(scratch);
    picture_free(&picture);
    augment_plan_free(plan);
}

static void test_jitter_identities(void **state)
{
    (void)state;
    struct augment_settings settings = preset("simclr");
    struct augment_plan *plan = plan_new(&settings, 3);
    struct augment_picture colour = picture_new(SIDE, SIDE, 3, false);
    struct augment_picture gray = picture_new(SIDE, SIDE, 3, true);
    struct augment_draw draw = whole(&colour);
    float *plain = view_of(plan, &colour, &draw), *plain_gray = view_of(plan, &gray, &draw);
    for (int i = 0; i < PIXELS; i++)
        for (int c = 0; c < 3; c++)
            assert_true(fabs((double)plain[c * PIXELS + i] - colour.pixels[3 * i + c]) < 1e-4);
    draw.jitter = true;
    for (int change = 0; change < 3; change++) {
        draw.factor[JITTER_HUE] = change == 1 ? 1e-9 : change == 2 ? .3 : 0;
        draw.factor[JITTER_SATURATION] = change == 2 ? .4 : 1;
        const struct augment_picture *picture = change == 2 ? &gray : &colour;
        float *view = view_of(plan, picture, &draw);
        assert_near(view, change == 2 ? plain_gray : plain, 3 * PIXELS, 1e-3);
        memory_free_aligned(view);
    }
    memory_free_aligned(plain);
    memory_free_aligned(plain_gray);
    picture_free(&colour);
    picture_free(&gray);
    augment_plan_free(plan);
}

/* A single pixel by hand. Red (200, 100, 50), turned by a third, becomes (50, 200, 100). */
static void test_colours_by_hand(void **state)
{
    (void)state;
    struct augment_settings settings = preset("simclr");
    struct augment_plan *plan = plan_new(&settings, 3);
    float plane[3][1];
    struct canvas canvas = { .plan = plan,
                             .plane = { plane[0], plane[1], plane[2] },
                             .channels = 3,
                             .size = 1,
                             .count = 1 };
    const struct {
        void (*change)(struct canvas *, double);
        double factor;
        float want[3];
    } cases[] = {
        { canvas_hue, 1. / 3, { 50, 200, 100 } },
        { canvas_hue, -1. / 3, { 100, 50, 200 } },
        { canvas_hue, .5, { 50, 150, 200 } },
        { canvas_brightness, 1.5, { 255, 150, 75 } },
        { canvas_saturation, 0, { 124.2f, 124.2f, 124.2f } },
        { canvas_saturation, 2, { 255, 75.8f, 0 } },
        { canvas_contrast, .5, { 162.1f, 112.1f, 87.1f } },
        { canvas_solarize, 100, { 55, 155, 50 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        plane[0][0] = 200;
        plane[1][0] = 100;
        plane[2][0] = 50;
        cases[i].change(&canvas, cases[i].factor);
        for (int c = 0; c < 3; c++)
            assert_true(fabs((double)plane[c][0] - cases[i].want[c]) < 1e-3);
    }
    augment_plan_free(plan);
}

static void test_solarize_and_flip_twice(void **state)
{
    (void)state;
    struct augment_settings settings = preset("byol");
    struct augment_plan *plan = plan_new(&settings, 3);
    struct augment_picture picture = picture_new(SIDE, SIDE, 3, false);
    struct augment_draw draw = whole(&picture);
    float *plain = view_of(plan, &picture, &draw);
    draw.flip = true;
    float *flipped = view_of(plan, &picture, &draw);
    for (int row = 0; row < 3 * SIDE; row++)
        for (int x = 0; x < SIDE; x++)
            assert_true(plain[row * SIDE + x] == flipped[row * SIDE + SIDE - 1 - x]);
    struct canvas canvas = {
        .plan = plan, .plane = { flipped }, .channels = 1, .size = SIDE, .count = PIXELS
    };
    memcpy(flipped, plain, PIXELS * sizeof *plain);
    canvas_solarize(&canvas, 0);
    canvas_solarize(&canvas, 0);
    assert_near(flipped, plain, PIXELS, 1e-4);
    memory_free_aligned(plain);
    memory_free_aligned(flipped);
    picture_free(&picture);
    augment_plan_free(plan);
}

/* The Gaussian keeps constants and, away from borders, the mean of a single bright pixel. */
static void test_blur_identities(void **state)
{
    (void)state;
    struct augment_settings settings = preset("simclr");
    settings.blur_kernel = 23;
    struct augment_plan *plan = plan_new(&settings, 1);
    static float plane[PIXELS], spare[PIXELS], row[SIDE + 23];
    struct canvas canvas = { .plan = plan,
                             .plane = { plane },
                             .channels = 1,
                             .size = SIDE,
                             .count = PIXELS,
                             .spare = spare,
                             .row = row };
    for (int i = 0; i < PIXELS; i++)
        plane[i] = 100;
    canvas_blur(&canvas, 1.5, 23);
    for (int i = 0; i < PIXELS; i++)
        assert_true(fabs((double)plane[i] - 100) < 1e-3);
    memset(plane, 0, sizeof plane);
    plane[16 * SIDE + 16] = 1000;
    canvas_blur(&canvas, 1.5, 23);
    double peak = 1000 / (2 * 3.14159265 * 1.5 * 1.5);
    assert_true(fabs((double)plane[16 * SIDE + 16] - peak) < .01 * peak);
    assert_true(fabs((double)plane[16 * SIDE + 19] - peak * exp(-2)) < .01 * peak);
    assert_true(fabs((double)plane[13 * SIDE + 16] - peak * exp(-2)) < .01 * peak);
    augment_plan_free(plan);
}

/* One channel: colours are left alone, three outputs repeat it; three channels give one of gray. */
static void test_channels(void **state)
{
    (void)state;
    struct augment_settings settings = preset("simclr");
    struct augment_plan *three = plan_new(&settings, 3), *one = plan_new(&settings, 1);
    struct augment_picture gray = picture_new(SIDE, SIDE, 1, true);
    struct augment_picture colour = picture_new(SIDE, SIDE, 3, false);
    struct augment_draw draw = whole(&gray);
    draw.jitter = draw.gray = true;
    draw.factor[JITTER_HUE] = .2;
    draw.factor[JITTER_SATURATION] = .5;
    float *view = view_of(three, &gray, &draw), *single = view_of(one, &gray, &draw);
    for (int i = 0; i < PIXELS; i++)
        assert_true(fabs((double)single[i] - gray.pixels[i]) < 1e-3);
    for (int c = 0; c < 3; c++)
        assert_near(view + c * PIXELS, single, PIXELS, 1e-6);
    memory_free_aligned(single);
    draw.jitter = draw.gray = false;
    single = view_of(one, &colour, &draw);
    for (int i = 0; i < PIXELS; i++) {
        const uint8_t *p = colour.pixels + 3 * i;
        assert_true(fabs((double)single[i] - (.299 * p[0] + .587 * p[1] + .114 * p[2])) < 1e-3);
    }
    memory_free_aligned(view);
    memory_free_aligned(single);
    picture_free(&gray);
    picture_free(&colour);
    augment_plan_free(three);
    augment_plan_free(one);
}

static void test_normalize(void **state)
{
    (void)state;
    struct augment_settings settings = preset("none");
    assert_int_equal(augment_normalize("cifar10", settings.mean, settings.std), TACIT_OK);
    struct augment_plan *plan = plan_new(&settings, 3);
    struct augment_picture picture = picture_new(SIDE, SIDE, 3, false);
    struct augment_draw draw = whole(&picture);
    float *view = view_of(plan, &picture, &draw);
    const double mean[3] = { .4914, .4822, .4465 }, std[3] = { .2470, .2435, .2616 };
    for (int i = 0; i < PIXELS; i++)
        for (int c = 0; c < 3; c++) {
            double want = (picture.pixels[3 * i + c] / 255. - mean[c]) / std[c];
            assert_true(fabs((double)view[c * PIXELS + i] / 255 - want) < 1e-5);
        }
    memory_free_aligned(view);
    picture_free(&picture);
    augment_plan_free(plan);
    assert_int_equal(augment_normalize("cifar11", settings.mean, settings.std), TACIT_USAGE);
}

/* Half 0, half 255 in red; 51 in green; 0, 102 in blue. */
static void test_statistics(void **state)
{
    (void)state;
    const uint8_t pixels[] = { 0, 51, 0, 255, 51, 102 };
    struct augment_picture picture = { 2, 1, 3, pixels };
    struct augment_statistics statistics = { 0 };
    double mean[3], std[3];
    augment_statistics_add(&statistics, &picture);
    augment_statistics_add(&statistics, &picture);
    augment_statistics_get(&statistics, mean, std);
    const double want_mean[3] = { .5, .2, .2 }, want_std[3] = { .5, 1, .2 };
    for (int c = 0; c < 3; c++) {
        assert_true(fabs(mean[c] - want_mean[c]) < 1e-12);
        assert_true(fabs(std[c] - want_std[c]) < 1e-12);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    struct augment_settings good = preset("simclr"), bad = good;
    struct augment_plan *plan;
    assert_int_equal(augment_preset("simclear", &bad), TACIT_USAGE);
    assert_int_equal(augment_plan_new(&good, 2, SIDE, &plan), TACIT_USAGE);
    assert_int_equal(augment_plan_new(&good, 3, 0, &plan), TACIT_USAGE);
    bad.flip = 1.5;
    assert_int_equal(augment_plan_new(&bad, 3, SIDE, &plan), TACIT_USAGE);
    assert_non_null(strstr(status_message(), "flip"));
    bad = good;
    bad.crop_scale_max = .01;
    assert_int_equal(augment_plan_new(&bad, 3, SIDE, &plan), TACIT_USAGE);
    bad = good;
    bad.std[1] = 0;
    assert_int_equal(augment_plan_new(&bad, 3, SIDE, &plan), TACIT_USAGE);
    bad = good;
    bad.resize = SIDE - 1;
    assert_int_equal(augment_plan_new(&bad, 3, SIDE, &plan), TACIT_USAGE);
    memory_fail_at(1);
    assert_int_equal(augment_plan_new(&good, 3, SIDE, &plan), TACIT_RESOURCES);
    memory_fail_at(0);
    plan = plan_new(&good, 3);
    struct augment_picture picture = picture_new(SIDE, SIDE, 3, false);
    struct augment_draw draw = whole(&picture);
    draw.left = 1;
    assert_int_equal(augment_apply(plan, &picture, &draw, NULL, NULL), TACIT_USAGE);
    draw = whole(&picture);
    draw.window_top = 1;
    assert_int_equal(augment_apply(plan, &picture, &draw, NULL, NULL), TACIT_USAGE);
    picture.channels = 4;
    assert_int_equal(augment_view(plan, &picture, 1, 0, 0, 0, NULL, NULL), TACIT_BAD_DATA);
    picture.width = 0;
    assert_int_equal(augment_view(plan, &picture, 1, 0, 0, 0, NULL, NULL), TACIT_BAD_DATA);
    picture_free(&picture);
    augment_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proportions),
        cmocka_unit_test(test_blur_may_be_certain),
        cmocka_unit_test(test_crop_boxes),
        cmocka_unit_test(test_crop_fallback),
        cmocka_unit_test(test_padded_shifts),
        cmocka_unit_test(test_centre_crop),
        cmocka_unit_test(test_factors_are_not_negative),
        cmocka_unit_test(test_same_numbers_same_view),
        cmocka_unit_test(test_scratch_is_scratch),
        cmocka_unit_test(test_jitter_identities),
        cmocka_unit_test(test_colours_by_hand),
        cmocka_unit_test(test_solarize_and_flip_twice),
        cmocka_unit_test(test_blur_identities),
        cmocka_unit_test(test_channels),
        cmocka_unit_test(test_normalize),
        cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
