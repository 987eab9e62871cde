/* JPEG by libjpeg-turbo, with its default DCT and upsampling, which are PIL's. */
#include "data/image_format.h"

#include <stdio.h>
#include <setjmp.h>
#include <string.h>
#include <jpeglib.h>
#include <jerror.h>

/* A progressive file of a few bytes can ask for any number of passes over a large picture. */
enum { MOST_SCANS = 500 };

struct jpeg_errors {
    struct jpeg_error_mgr base;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    char text[JMSG_LENGTH_MAX];
    bool ended, damaged;
};

static bool recognise(const uint8_t *bytes, size_t size)
{
    return size >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

/* SOF0 … SOF15, without DHT (C4), JPG (C8) and DAC (CC). */
static bool frame_marker(uint8_t marker)
{
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

static status peek(const uint8_t *bytes, size_t size, struct image *shape)
{
    for (size_t at = 2; at + 9 < size;) {
        if (bytes[at] != 0xFF) {
            at++;
            continue;
        }
        uint8_t marker = bytes[at + 1];
        if (frame_marker(marker)) {
            shape->height = (int)read_u16_big(bytes + at + 5);
            shape->width = (int)read_u16_big(bytes + at + 7);
            shape->channels = bytes[at + 9] == 1 ? 1 : 3;
            return TACIT_OK;
        }
        bool alone = marker == 0xFF || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
        at += marker == 0xFF ? 1 : alone ? 2 : 2 + read_u16_big(bytes + at + 2);
    }
    return fail(TACIT_BAD_DATA, "truncated JPEG: no frame header in its %zu bytes", size);
}

static void error_exit(j_common_ptr info)
{
    struct jpeg_errors *errors = (struct jpeg_errors *)info->err;
    errors->base.format_message(info, errors->text);
    longjmp(errors->escape, 1);
}

static void emit_message(j_common_ptr info, int level)
{
    struct jpeg_errors *errors = (struct jpeg_errors *)info->err;
    if (level >= 0)
        return;
    int code = errors->base.msg_code;
    errors->ended |= code == JWRN_JPEG_EOF;
    errors->damaged |=
        code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_MUST_RESYNC;
}

static void output_nothing(j_common_ptr info)
{
    (void)info;
}

static void watch_scans(j_common_ptr info)
{
    if (info->is_decompressor && ((j_decompress_ptr)info)->input_scan_number > MOST_SCANS) {
        struct jpeg_errors *errors = (struct jpeg_errors *)info->err;
        snprintf(errors->text, sizeof errors->text, "more than %d scans", MOST_SCANS);
        longjmp(errors->escape, 1);
    }
}

/* CMYK as Adobe stores it, inverted: R = K' - (255 - C') K' / 255 with PIL's rounding. */
static void row_from_cmyk(uint8_t *to, const uint8_t *from, int width)
{
    for (int x = 0; x < width; x++, from += 4, to += 3) {
        for (int c = 0; c < 3; c++) {
            int product = (255 - from[c]) * from[3] + 128;
            to[c] = (uint8_t)(from[3] - ((product + (product >> 8)) >> 8));
        }
    }
}

/* Leaves by longjmp when libjpeg finds an error. */
static status decode_open(struct jpeg_decompress_struct *info, const uint8_t *bytes, size_t size,
                          struct image *image)
{
    jpeg_mem_src(info, bytes, size);
    jpeg_read_header(info, TRUE);
    bool grey = info->num_components == 1;
    bool cmyk = info->num_components == 4;
    if (!grey && !cmyk && info->num_components != 3)
        return fail(TACIT_BAD_DATA, "JPEG of %d components: 1, 3 or 4 can be read",
                    info->num_components);
    TRY(image_new(image, (int)info->image_width, (int)info->image_height, grey ? 1 : 3));
    info->out_color_space = grey ? JCS_GRAYSCALE : cmyk ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(info);
    size_t stride = (size_t)image->width * (size_t)image->channels;
    JSAMPARRAY row =
        info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE, info->output_width * 4, 1);
    while (info->output_scanline < info->output_height) {
        JSAMPROW to = image->pixels + stride * info->output_scanline;
        jpeg_read_scanlines(info, cmyk ? row : &to, 1);
        if (cmyk)
            row_from_cmyk(to, row[0], image->width);
    }
    return TACIT_OK;
}

static status decode(const uint8_t *bytes, size_t size, struct image *image)
{
    struct jpeg_decompress_struct info = { 0 };
    struct jpeg_errors errors = { 0 };
    info.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = error_exit;
    errors.base.emit_message = emit_message;
    errors.base.output_message = output_nothing;
    errors.progress.progress_monitor = watch_scans;
    if (setjmp(errors.escape)) {
        bool ended = errors.ended;
        jpeg_destroy_decompress(&info);
        return fail(TACIT_BAD_DATA, "%s JPEG: %s", ended ? "truncated" : "damaged", errors.text);
    }
    jpeg_create_decompress(&info);
    info.progress = &errors.progress;
    status result = decode_open(&info, bytes, size, image);
    /* A file that lacks only its last marker is whole; one that lacks scans or rows is not. */
    bool truncated = errors.ended && (errors.damaged || info.progressive_mode);
    jpeg_destroy_decompress(&info);
    TRY(result);
    if (truncated)
        return fail(TACIT_BAD_DATA, "truncated JPEG: %zu bytes do not hold the whole picture",
                    size);
    if (errors.damaged)
        return fail(TACIT_BAD_DATA, "damaged JPEG: its compressed data are corrupt");
    return TACIT_OK;
}

const struct image_format image_jpeg = {
    .name = "JPEG", .recognise = recognise, .peek = peek, .decode = decode
};
