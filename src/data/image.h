/* Pictures as 8-bit pixels, and their decoding. The format is told by content, never by name. */
#ifndef DATA_IMAGE_H
#define DATA_IMAGE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No picture of more pixels is decoded (PIL's limit for a "decompression bomb"). */
#define IMAGE_MOST_PIXELS 178956970

struct image {
    int width, height, channels; /* channels: 1 grey, 3 RGB */
    uint8_t *pixels;             /* [height, width, channels], interleaved */
    void *storage;               /* the pixels if this image owns them, NULL if they are borrowed */
};

/* Zeroed pixels of that size, owned. TACIT_BAD_DATA above IMAGE_MOST_PIXELS, checked before
 * anything is allocated; TACIT_RESOURCES. */
status image_new(struct image *image, int width, int height, int channels);

/* Frees what the image owns and zeroes it. */
void image_free(struct image *image);

/* Whether the first bytes of a file are those of a picture format that is read here. 16 bytes are
 * enough. */
bool image_recognised(const void *bytes, size_t size);

/* Decodes a JPEG, PNG, WebP, BMP, PPM or PGM file held in memory, as PIL's convert() does: alpha is
 * dropped, CMYK becomes RGB; 16 bits become 8 (the high byte, also of grey, which PIL clips).
 * `channels`: 1 or 3, or 0 for those of the file (1 if it is grey, else 3). On success the caller
 * owns the pixels (image_free); on failure the image is empty: TACIT_BAD_DATA (not a picture,
 * damaged, truncated, too large) or TACIT_RESOURCES. */
status image_decode(const void *bytes, size_t size, int channels, struct image *image);

/* Reads only the header: width, height and own channels, no pixels. `bytes` may be the beginning of
 * the file. TACIT_BAD_DATA as above. */
status image_size(const void *bytes, size_t size, struct image *shape);

/* Makes the image one of `channels` (1 or 3). Grey is (19595 R + 38470 G + 7471 B + 2^15) / 2^16,
 * ITU-R 601 in PIL's rounding. */
status image_convert(struct image *image, int channels);

/* The picture as a PNG file in new memory (memory_free). */
status image_encode_png(const struct image *image, uint8_t **bytes, size_t *size);

#endif
