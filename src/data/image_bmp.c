/* Windows and OS/2 bitmaps without compression: 1, 4, 8 bits with a palette, 24 and 32 bits. */
#include "data/image_format.h"

#include <stdlib.h>
#include <string.h>

struct bitmap {
    int64_t width, height; /* height < 0: the rows run from the top down */
    uint32_t bits, colours, palette_entry;
    size_t palette, pixels; /* offsets in the file */
    uint8_t colour[256][3]; /* red, green, blue */
    bool grey;
};

static bool recognise(const uint8_t *bytes, size_t size)
{
    return size >= 18 && bytes[0] == 'B' && bytes[1] == 'M' &&
           (read_u32_little(bytes + 14) == 12 ||
            (read_u32_little(bytes + 14) >= 40 && read_u32_little(bytes + 14) <= 124));
}

static status header_core(const uint8_t *bytes, struct bitmap *bitmap)
{
    bitmap->width = read_u16_little(bytes + 18);
    bitmap->height = read_u16_little(bytes + 20);
    bitmap->bits = read_u16_little(bytes + 24);
    bitmap->palette = 26;
    bitmap->palette_entry = 3;
    return TACIT_OK;
}

static status header_info(const uint8_t *bytes, size_t size, struct bitmap *bitmap)
{
    uint32_t header = read_u32_little(bytes + 14), compression = read_u32_little(bytes + 30);
    bitmap->width = (int32_t)read_u32_little(bytes + 18);
    bitmap->height = (int32_t)read_u32_little(bytes + 22);
    bitmap->bits = read_u16_little(bytes + 28);
    bitmap->colours = read_u32_little(bytes + 46);
    bitmap->palette = 14 + header;
    bitmap->palette_entry = 4;
    if (compression == 0)
        return TACIT_OK;
    bool plain_masks = compression == 3 && bitmap->bits == 32 && size >= 66 &&
                       read_u32_little(bytes + 54) == 0xFF0000 &&
                       read_u32_little(bytes + 58) == 0xFF00 && read_u32_little(bytes + 62) == 0xFF;
    if (!plain_masks)
        return fail(TACIT_BAD_DATA,
                    "a BMP with compression %u, which cannot be read: save it without compression",
                    compression);
    return TACIT_OK;
}

static status palette_read(const uint8_t *bytes, size_t size, struct bitmap *bitmap)
{
    uint32_t most = 1u << bitmap->bits;
    uint32_t colours = bitmap->colours && bitmap->colours < most ? bitmap->colours : most;
    if (bitmap->palette + (size_t)colours * bitmap->palette_entry > size)
        return fail(TACIT_BAD_DATA, "truncated BMP: its palette is cut off");
    bitmap->grey = true;
    for (uint32_t i = 0; i < colours; i++) {
        const uint8_t *entry = bytes + bitmap->palette + (size_t)i * bitmap->palette_entry;
        for (int c = 0; c < 3; c++)
            bitmap->colour[i][c] = entry[2 - c];
        bitmap->grey &= entry[0] == entry[1] && entry[1] == entry[2];
    }
    return TACIT_OK;
}

static status header_read(const uint8_t *bytes, size_t size, struct bitmap *bitmap)
{
    bool core = read_u32_little(bytes + 14) == 12;
    if (size < (core ? 26 : 54))
        return fail(TACIT_BAD_DATA, "truncated BMP: no header in its %zu bytes", size);
    TRY(core ? header_core(bytes, bitmap) : header_info(bytes, size, bitmap));
    bitmap->pixels = read_u32_little(bytes + 10);
    uint32_t bits = bitmap->bits;
    if (bits != 1 && bits != 4 && bits != 8 && bits != 24 && bits != 32)
        return fail(TACIT_BAD_DATA, "a BMP of %u bits a pixel: 1, 4, 8, 24 and 32 can be read",
                    bits);
    if (bitmap->height == INT32_MIN)
        return fail(TACIT_BAD_DATA, "damaged BMP: a height of %lld", (long long)bitmap->height);
    return bits <= 8 ? palette_read(bytes, size, bitmap) : TACIT_OK;
}

static void shape_set(const struct bitmap *bitmap, struct image *shape)
{
    shape->width = bitmap->width > 0 ? (int)bitmap->width : 0;
    shape->height = (int)llabs(bitmap->height);
    shape->channels = bitmap->grey ? 1 : 3;
}

static status peek(const uint8_t *bytes, size_t size, struct image *shape)
{
    struct bitmap bitmap = { 0 };
    TRY(header_read(bytes, size, &bitmap));
    shape_set(&bitmap, shape);
    return TACIT_OK;
}

static void row_decode(const struct bitmap *bitmap, const uint8_t *from, struct image *image,
                       uint8_t *to)
{
    for (int x = 0; x < image->width; x++, to += image->channels) {
        if (bitmap->bits >= 24) {
            const uint8_t *pixel = from + (size_t)x * (bitmap->bits / 8);
            to[0] = pixel[2];
            to[1] = pixel[1];
            to[2] = pixel[0];
            continue;
        }
        size_t bit = (size_t)x * bitmap->bits;
        unsigned shift = 8 - bitmap->bits - (unsigned)(bit & 7);
        unsigned index = (from[bit / 8] >> shift) & ((1u << bitmap->bits) - 1);
        memcpy(to, bitmap->colour[index], (size_t)image->channels);
    }
}

static status decode(const uint8_t *bytes, size_t size, struct image *image)
{
    struct bitmap bitmap = { 0 };
    struct image shape = { 0 };
    TRY(header_read(bytes, size, &bitmap));
    shape_set(&bitmap, &shape);
    TRY(image_new(image, shape.width, shape.height, shape.channels));
    size_t stride = ((size_t)shape.width * bitmap.bits + 31) / 32 * 4;
    if (bitmap.pixels > size || (size - bitmap.pixels) / stride < (size_t)shape.height)
        return fail(TACIT_BAD_DATA, "truncated BMP: %zu bytes do not hold %d rows of %zu bytes",
                    size, shape.height, stride);
    for (int y = 0; y < shape.height; y++) {
        int stored = bitmap.height < 0 ? y : shape.height - 1 - y;
        row_decode(&bitmap, bytes + bitmap.pixels + stride * (size_t)stored, image,
                   image->pixels + (size_t)y * (size_t)shape.width * (size_t)shape.channels);
    }
    return TACIT_OK;
}

const struct image_format image_bmp = {
    .name = "BMP", .recognise = recognise, .peek = peek, .decode = decode
};
