/* WebP by libwebp, where the build has it. */
#include "data/image_format.h"

#include <string.h>

static bool recognise(const uint8_t *bytes, size_t size)
{
    return size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0;
}

#ifdef TACIT_WEBP

#include <webp/decode.h>

static status peek(const uint8_t *bytes, size_t size, struct image *shape)
{
    WebPBitstreamFeatures features;
    VP8StatusCode code = WebPGetFeatures(bytes, size, &features);
    if (code != VP8_STATUS_OK)
        return fail(TACIT_BAD_DATA, "%s WebP",
                    code == VP8_STATUS_NOT_ENOUGH_DATA ? "truncated" : "damaged");
    if (features.has_animation)
        return fail(TACIT_BAD_DATA, "an animated WebP: only still pictures can be read");
    *shape = (struct image){ .width = features.width, .height = features.height, .channels = 3 };
    return TACIT_OK;
}

static status decode(const uint8_t *bytes, size_t size, struct image *image)
{
    struct image shape = { 0 };
    TRY(peek(bytes, size, &shape));
    TRY(image_new(image, shape.width, shape.height, 3));
    size_t stride = (size_t)shape.width * 3;
    if (!WebPDecodeRGBInto(bytes, size, image->pixels, stride * (size_t)shape.height, (int)stride))
        return fail(TACIT_BAD_DATA, "truncated or damaged WebP of %zu bytes", size);
    return TACIT_OK;
}

#else

static status peek(const uint8_t *bytes, size_t size, struct image *shape)
{
    (void)bytes;
    (void)size;
    (void)shape;
    return fail(TACIT_BAD_DATA, "a WebP picture, which this build cannot read: build with libwebp");
}

static status decode(const uint8_t *bytes, size_t size, struct image *image)
{
    return peek(bytes, size, image);
}

#endif

const struct image_format image_webp = {
    .name = "WebP", .recognise = recognise, .peek = peek, .decode = decode
};
