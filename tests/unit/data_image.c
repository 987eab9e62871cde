#include "data_files.h"
#include "data_image_golden.h"

enum { GOLDEN = sizeof golden_images / sizeof *golden_images };

static size_t bytes_of(const char *hexadecimal, uint8_t *bytes)
{
    size_t size = strlen(hexadecimal) / 2;
    for (size_t i = 0; i < size; i++) {
        unsigned byte;
        sscanf(hexadecimal + 2 * i, "%2x", &byte);
        bytes[i] = (uint8_t)byte;
    }
    return size;
}

static const struct golden_image *golden(const char *name)
{
    for (int i = 0; i < GOLDEN; i++)
        if (strcmp(golden_images[i].name, name) == 0)
            return &golden_images[i];
    fail_msg("no picture %s", name);
    return NULL;
}

static void pixels_equal_those_of_pil(void **state)
{
    (void)state;
    static uint8_t file[1 << 16], rgb[1 << 12];
    for (int i = 0; i < GOLDEN; i++) {
        const struct golden_image *wanted = &golden_images[i];
#ifndef TACIT_WEBP
        if (strstr(wanted->name, "webp"))
            continue;
#endif
        struct image image, shape;
        size_t size = bytes_of(wanted->file, file), pixels = bytes_of(wanted->rgb, rgb);
        if (image_decode(file, size, 3, &image) != TACIT_OK)
            fail_msg("%s: %s", wanted->name, status_message());
        assert_int_equal(image.width, wanted->width);
        assert_int_equal(image.height, wanted->height);
        if (memcmp(image.pixels, rgb, pixels) != 0)
            fail_msg("%s: other pixels", wanted->name);
        image_free(&image);
        assert_true(image_recognised(file, size));
        assert_int_equal(image_size(file, size, &shape), TACIT_OK);
        assert_int_equal(shape.width, wanted->width);
        assert_int_equal(shape.height, wanted->height);
        assert_int_equal(shape.channels, wanted->channels);
        assert_int_equal(image_decode(file, size, 0, &image), TACIT_OK);
        assert_int_equal(image.channels, wanted->channels);
        image_free(&image);
    }
}

/* PIL: Image.new('RGB', (1, 1), colour).convert('L'); the last four tell a weight that is off by
 * one. */
static void grey_is_that_of_pil(void **state)
{
    (void)state;
    enum { COLOURS = 9 };
    static const uint8_t colour[COLOURS][3] = {
        { 255, 0, 0 },    { 0, 255, 0 },    { 0, 0, 255 },   { 10, 200, 30 }, { 255, 255, 255 },
        { 228, 205, 35 }, { 232, 240, 11 }, { 41, 48, 176 }, { 217, 162, 66 }
    };
    static const uint8_t grey[COLOURS] = { 76, 150, 29, 124, 255, 192, 212, 60, 168 };
    struct image image;
    assert_int_equal(image_new(&image, COLOURS, 1, 3), TACIT_OK);
    memcpy(image.pixels, colour, sizeof colour);
    assert_int_equal(image_convert(&image, 1), TACIT_OK);
    assert_memory_equal(image.pixels, grey, COLOURS);
    assert_int_equal(image_convert(&image, 3), TACIT_OK);
    for (int i = 0; i < 3 * COLOURS; i++)
        assert_int_equal(image.pixels[i], grey[i / 3]);
    image_free(&image);
}

static void bad(const void *file, size_t size, const char *words)
{
    struct image image;
    assert_int_equal(image_decode(file, size, 3, &image), TACIT_BAD_DATA);
    assert_null(image.pixels);
    if (!strstr(status_message(), words))
        fail_msg("\"%s\" is not in: %s", words, status_message());
}

static void damage_is_told(void **state)
{
    (void)state;
    bad("", 0, "0 bytes");
    bad("abc", 3, "only 3 bytes");
    bad("These are words, no picture", 27, "not a picture");
    bad("GIF89a\1\0\1\0\0\0\0", 13, "47 49 46 38");
    static uint8_t file[1 << 16];
    for (int i = 0; i < GOLDEN; i++) {
        size_t size = bytes_of(golden_images[i].file, file);
        /* Cut anywhere: never a read beyond the end; cut in half: never a picture. */
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *exact = malloc(cut ? cut : 1);
            memcpy(exact, file, cut);
            struct image image;
            status result = image_decode(exact, cut, 0, &image);
            assert_true(result == TACIT_OK || result == TACIT_BAD_DATA);
            assert_true(result == TACIT_BAD_DATA || cut > size / 2);
            image_free(&image);
            image_size(exact, cut, &image);
            free(exact);
        }
    }
    size_t size = bytes_of(golden("jpeg 4:2:0")->file, file);
    bad(file, size - 20, "truncated JPEG");
    struct image image; /* only the end marker is missing: PIL reads it, and so do we */
    assert_int_equal(image_decode(file, size - 2, 3, &image), TACIT_OK);
    image_free(&image);
    size = bytes_of(golden("jpeg progressive")->file, file);
    bad(file, size - 60, "truncated JPEG");
    size = bytes_of(golden("png rgb")->file, file);
    bad(file, size / 2, "truncated PNG");
    file[size / 2] ^= 0xFF;
    bad(file, size, "damaged PNG");
    size = bytes_of(golden("bmp 24 bit")->file, file);
    bad(file, size - 1, "truncated BMP");
    size = bytes_of(golden("ppm")->file, file);
    bad(file, size - 1, "truncated PGM or PPM");
}

/* 178,956,970 = 2 x 5 x 17895697: one row more is too many, and no memory is asked for. */
static void bombs_are_refused_before_memory(void **state)
{
    (void)state;
    static uint8_t file[1 << 16];
    size_t size = bytes_of(golden("bmp 24 bit")->file, file);
    memcpy(file + 18, (uint8_t[]){ 0x11, 0x11, 0x11, 0x01, 11, 0, 0, 0 }, 8); /* 17895697 x 11 */
    int64_t before = memory_allocations();
    bad(file, size, "178956970 pixels allowed");
    bad("P6 40000 4474 255\n", 18, "178956970 pixels allowed");
    size = bytes_of(golden("jpeg 4:4:4")->file, file);
    for (size_t at = 0; at + 9 < size; at++)
        if (file[at] == 0xFF && file[at + 1] == 0xC0)
            memcpy(file + at + 5, (uint8_t[]){ 0xFE, 0, 0xFE, 0 }, 4); /* 65024 x 65024 */
    bad(file, size, "178956970 pixels allowed");
    struct image shape;
    assert_int_equal(image_size(file, size, &shape), TACIT_BAD_DATA);
    assert_int_equal(memory_allocations(), before);
}

static void memory_failures_leave_nothing_behind(void **state)
{
    (void)state;
    static uint8_t file[1 << 16];
    size_t size = bytes_of(golden("jpeg cmyk")->file, file);
    struct image image;
    for (int n = 1;; n++) {
        memory_fail_at(n);
        status result = image_decode(file, size, 1, &image);
        memory_fail_at(0);
        if (result == TACIT_OK)
            break;
        assert_int_equal(result, TACIT_RESOURCES);
        assert_null(image.pixels);
    }
    image_free(&image);
}

static void png_comes_back(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        struct image image, again;
        uint8_t *bytes;
        size_t size;
        assert_int_equal(image_new(&image, 33, 17, channels), TACIT_OK);
        for (int i = 0; i < 33 * 17 * channels; i++)
            image.pixels[i] = (uint8_t)(i * 37);
        assert_int_equal(image_encode_png(&image, &bytes, &size), TACIT_OK);
        assert_int_equal(image_decode(bytes, size, 0, &again), TACIT_OK);
        assert_int_equal(again.channels, channels);
        assert_memory_equal(image.pixels, again.pixels, (size_t)(33 * 17 * channels));
        image_free(&image);
        image_free(&again);
        memory_free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_equal_those_of_pil),
        cmocka_unit_test(grey_is_that_of_pil),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(bombs_are_refused_before_memory),
        cmocka_unit_test(memory_failures_leave_nothing_behind),
        cmocka_unit_test(png_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
