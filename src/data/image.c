#include "data/image.h"
#include "data/image_format.h"
#include "base/memory.h"

#include <string.h>

static const struct image_format *const formats[] = { &image_jpeg, &image_png, &image_webp,
                                                      &image_bmp, &image_pnm };
enum { FORMATS = sizeof formats / sizeof *formats };

static const struct image_format *format_of(const void *bytes, size_t size)
{
    for (int i = 0; i < FORMATS; i++)
        if (formats[i]->recognise(bytes, size))
            return formats[i];
    return NULL;
}

static status size_check(int64_t width, int64_t height)
{
    if (width < 1 || height < 1)
        return fail(TACIT_BAD_DATA, "a picture of %lld x %lld pixels has no pixels",
                    (long long)width, (long long)height);
    if (width > IMAGE_MOST_PIXELS / height)
        return fail(TACIT_BAD_DATA,
                    "a picture of %lld x %lld pixels is larger than the %d pixels allowed: "
                    "make it smaller",
                    (long long)width, (long long)height, IMAGE_MOST_PIXELS);
    return TACIT_OK;
}

status image_new(struct image *image, int width, int height, int channels)
{
    *image = (struct image){ 0 };
    TRY(size_check(width, height));
    uint8_t *pixels = memory_new((size_t)width * (size_t)height, (size_t)channels);
    if (!pixels)
        return TACIT_RESOURCES;
    *image = (struct image){ width, height, channels, pixels, pixels };
    return TACIT_OK;
}

void image_free(struct image *image)
{
    memory_free(image->storage);
    *image = (struct image){ 0 };
}

bool image_recognised(const void *bytes, size_t size)
{
    return format_of(bytes, size) != NULL;
}

static status format_find(const void *bytes, size_t size, const struct image_format **format)
{
    const uint8_t *head = bytes;
    if (size == 0)
        return fail(TACIT_BAD_DATA, "empty: 0 bytes");
    *format = format_of(bytes, size);
    if (!*format && size < 4)
        return fail(TACIT_BAD_DATA, "not a picture: only %zu bytes", size);
    if (!*format)
        return fail(TACIT_BAD_DATA,
                    "not a picture that can be read (JPEG, PNG, WebP, BMP, PPM, PGM): it begins "
                    "with the bytes %02x %02x %02x %02x",
                    head[0], head[1], head[2], head[3]);
    return TACIT_OK;
}

status image_size(const void *bytes, size_t size, struct image *shape)
{
    const struct image_format *format;
    *shape = (struct image){ 0 };
    TRY(format_find(bytes, size, &format));
    struct image found = { 0 };
    TRY(format->peek(bytes, size, &found));
    TRY(size_check(found.width, found.height));
    *shape = found;
    return TACIT_OK;
}

status image_decode(const void *bytes, size_t size, int channels, struct image *image)
{
    const struct image_format *format;
    *image = (struct image){ 0 };
    TRY(format_find(bytes, size, &format));
    status result = format->decode(bytes, size, image);
    if (result == TACIT_OK && channels)
        result = image_convert(image, channels);
    if (result != TACIT_OK)
        image_free(image);
    return result;
}

status image_convert(struct image *image, int channels)
{
    if (image->channels == channels)
        return TACIT_OK;
    struct image other;
    TRY(image_new(&other, image->width, image->height, channels));
    size_t count = (size_t)image->width * (size_t)image->height;
    const uint8_t *from = image->pixels;
    uint8_t *to = other.pixels;
    if (channels == 3) {
        for (size_t i = 0; i < count; i++, to += 3)
            to[0] = to[1] = to[2] = from[i];
    } else {
        for (size_t i = 0; i < count; i++, from += 3)
            to[i] =
                (uint8_t)((from[0] * 19595u + from[1] * 38470u + from[2] * 7471u + 0x8000u) >> 16);
    }
    image_free(image);
    *image = other;
    return TACIT_OK;
}
