/* PNG by libpng, without colour management: the stored values, as PIL gives them. */
#include "data/image_format.h"
#include "base/memory.h"

#include <string.h>
#include <png.h>

struct png_bytes {
    const uint8_t *next;
    size_t left;
    bool ended;
    char text[160];
};

static bool recognise(const uint8_t *bytes, size_t size)
{
    static const uint8_t magic[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n' };
    return size >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

static status peek(const uint8_t *bytes, size_t size, struct image *shape)
{
    if (size < 26 || memcmp(bytes + 12, "IHDR", 4) != 0)
        return fail(TACIT_BAD_DATA, "truncated PNG: no header in its %zu bytes", size);
    uint32_t width = read_u32_big(bytes + 16), height = read_u32_big(bytes + 20);
    if (width > INT32_MAX || height > INT32_MAX)
        return fail(TACIT_BAD_DATA, "damaged PNG: a size of %u x %u", width, height);
    shape->width = (int)width;
    shape->height = (int)height;
    shape->channels = bytes[25] & PNG_COLOR_MASK_COLOR ? 3 : 1;
    return TACIT_OK;
}

static void on_error(png_structp png, png_const_charp text)
{
    struct png_bytes *input = png_get_error_ptr(png);
    strncpy(input->text, text, sizeof input->text - 1);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep to, size_t count)
{
    struct png_bytes *input = png_get_io_ptr(png);
    if (count > input->left) {
        input->ended = true;
        png_error(png, "the data end early");
    }
    memcpy(to, input->next, count);
    input->next += count;
    input->left -= count;
}

/* Leaves by png_longjmp when libpng finds an error. */
static status decode_rows(png_structp png, png_infop info, struct image *image)
{
    png_set_sig_bytes(png, 0);
    png_read_info(png, info);
    int type = png_get_color_type(png, info);
    uint32_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
    TRY(image_new(image, (int)width, (int)height, type & PNG_COLOR_MASK_COLOR ? 3 : 1));
    png_set_strip_16(png);
    png_set_expand(png); /* palette to RGB, 1, 2, 4 bits to 8, tRNS to alpha */
    png_set_strip_alpha(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t stride = (size_t)width * (size_t)image->channels;
    if (png_get_rowbytes(png, info) != stride)
        png_error(png, "rows of an unexpected size");
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < height; y++)
            png_read_row(png, image->pixels + stride * y, NULL);
    return TACIT_OK;
}

static status decode(const uint8_t *bytes, size_t size, struct image *image)
{
    struct png_bytes input = { .next = bytes, .left = size };
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &input, on_error, on_warning);
    if (!png)
        return fail(TACIT_RESOURCES, "out of memory for a PNG decoder");
    png_infop info = png_create_info_struct(png);
    if (!info || setjmp(png_jmpbuf(png))) {
        bool ended = input.ended, memory = !info;
        png_destroy_read_struct(&png, &info, NULL);
        if (memory)
            return fail(TACIT_RESOURCES, "out of memory for a PNG decoder");
        return fail(TACIT_BAD_DATA, "%s PNG: %s", ended ? "truncated" : "damaged", input.text);
    }
    png_set_read_fn(png, &input, on_read);
    png_set_user_limits(png, INT32_MAX, INT32_MAX);
    status result = decode_rows(png, info, image);
    png_destroy_read_struct(&png, &info, NULL);
    return result;
}

const struct image_format image_png = {
    .name = "PNG", .recognise = recognise, .peek = peek, .decode = decode
};

struct png_output {
    uint8_t *bytes;
    size_t size, capacity;
};

static void on_write(png_structp png, png_bytep from, size_t count)
{
    struct png_output *output = png_get_io_ptr(png);
    if (output->capacity - output->size < count) {
        size_t wanted = 2 * (output->size + count);
        uint8_t *grown = memory_resize(output->bytes, wanted, 1);
        if (!grown)
            png_longjmp(png, 1);
        output->bytes = grown;
        output->capacity = wanted;
    }
    memcpy(output->bytes + output->size, from, count);
    output->size += count;
}

static void on_flush(png_structp png)
{
    (void)png;
}

status image_encode_png(const struct image *image, uint8_t **bytes, size_t *size)
{
    struct png_bytes errors = { 0 };
    struct png_output output = { 0 };
    *bytes = NULL;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &errors, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        memory_free(output.bytes);
        return fail(TACIT_RESOURCES, "a PNG of %d x %d could not be written: %s", image->width,
                    image->height, errors.text[0] ? errors.text : "out of memory");
    }
    png_set_write_fn(png, &output, on_write, on_flush);
    png_set_IHDR(png, info, (uint32_t)image->width, (uint32_t)image->height, 8,
                 image->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    size_t stride = (size_t)image->width * (size_t)image->channels;
    for (int y = 0; y < image->height; y++)
        png_write_row(png, image->pixels + stride * (size_t)y);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    *bytes = output.bytes;
    *size = output.size;
    return TACIT_OK;
}
