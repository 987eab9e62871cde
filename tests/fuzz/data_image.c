/* All picture formats: the header first, then the pixels of what is not too large to wait for. */
#include "data/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MOST_PIXELS = 1 << 20 };
    struct image shape, image;
    if (image_size(data, size, &shape) != TACIT_OK)
        shape = (struct image){ .width = 1, .height = 1 };
    if (shape.width > MOST_PIXELS / shape.height)
        return 0;
    for (int channels = 0; channels <= 3; channels += 3) {
        image_decode(data, size, channels, &image);
        image_free(&image);
    }
    return 0;
}
