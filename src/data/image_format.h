/* Inside the decoders: a row of the table of picture formats. */
#ifndef DATA_IMAGE_FORMAT_H
#define DATA_IMAGE_FORMAT_H

#include "data/image.h"
#include "data/byteorder.h"

struct image_format {
    const char *name;
    bool (*recognise)(const uint8_t *bytes, size_t size);
    /* Width, height and channels (1 or 3) that decode() will give. */
    status (*peek)(const uint8_t *bytes, size_t size, struct image *shape);
    /* Into an empty image; 1 channel where the file is grey, else 3. */
    status (*decode)(const uint8_t *bytes, size_t size, struct image *image);
};

extern const struct image_format image_jpeg, image_png, image_webp, image_bmp, image_pnm;

#endif
