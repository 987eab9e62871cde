/* PGM and PPM (Netpbm), plain (P2, P3) and raw (P5, P6), of up to 16 bits. */
#include "data/image_format.h"

struct netpbm {
    const uint8_t *next, *end;
    int width, height, channels;
    uint32_t most; /* the value of white */
    bool raw;
};

static bool white(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool recognise(const uint8_t *bytes, size_t size)
{
    return size >= 3 && bytes[0] == 'P' &&
           (bytes[1] == '2' || bytes[1] == '3' || bytes[1] == '5' || bytes[1] == '6') &&
           (white(bytes[2]) || bytes[2] == '#');
}

/* The next number in text, after white space and comments; false at the end or at anything else. */
static bool number_read(struct netpbm *file, uint32_t *number)
{
    while (file->next < file->end && (white(*file->next) || *file->next == '#')) {
        if (*file->next == '#')
            while (file->next < file->end && *file->next != '\n')
                file->next++;
        else
            file->next++;
    }
    const uint8_t *begin = file->next;
    uint64_t value = 0;
    while (file->next < file->end && *file->next >= '0' && *file->next <= '9') {
        value = value * 10 + (uint64_t)(*file->next++ - '0');
        if (value > INT32_MAX)
            return false;
    }
    *number = (uint32_t)value;
    return file->next > begin;
}

static status header_read(const uint8_t *bytes, size_t size, struct netpbm *file)
{
    uint32_t width, height;
    char digit = (char)bytes[1];
    *file = (struct netpbm){ .next = bytes + 2, .end = bytes + size, .raw = digit >= '5' };
    file->channels = digit == '3' || digit == '6' ? 3 : 1;
    if (!number_read(file, &width) || !number_read(file, &height) ||
        !number_read(file, &file->most) || file->next == file->end || !white(*file->next))
        return fail(TACIT_BAD_DATA, "truncated or damaged PGM or PPM: no whole header");
    file->next++;
    if (file->most < 1 || file->most > 65535)
        return fail(TACIT_BAD_DATA, "damaged PGM or PPM: a white of %u, 1 to 65535 are allowed",
                    file->most);
    file->width = (int)width;
    file->height = (int)height;
    return TACIT_OK;
}

static status peek(const uint8_t *bytes, size_t size, struct image *shape)
{
    struct netpbm file;
    TRY(header_read(bytes, size, &file));
    *shape =
        (struct image){ .width = file.width, .height = file.height, .channels = file.channels };
    return TACIT_OK;
}

static bool value_read(struct netpbm *file, uint32_t *value)
{
    if (!file->raw)
        return number_read(file, value);
    size_t bytes = file->most > 255 ? 2 : 1;
    if ((size_t)(file->end - file->next) < bytes)
        return false;
    *value = bytes == 2 ? read_u16_big(file->next) : *file->next;
    file->next += bytes;
    return true;
}

static status decode(const uint8_t *bytes, size_t size, struct image *image)
{
    struct netpbm file;
    TRY(header_read(bytes, size, &file));
    TRY(image_new(image, file.width, file.height, file.channels));
    size_t count = (size_t)file.width * (size_t)file.height * (size_t)file.channels;
    for (size_t i = 0; i < count; i++) {
        uint32_t value;
        if (!value_read(&file, &value))
            return fail(TACIT_BAD_DATA, "truncated PGM or PPM: %zu of %zu values", i, count);
        if (value > file.most)
            return fail(TACIT_BAD_DATA, "damaged PGM or PPM: a value of %u above its white %u",
                        value, file.most);
        /* To the nearest, halves to even, as PIL rounds. */
        uint32_t scaled = value * 255 / file.most, rest = value * 255 % file.most;
        scaled += 2 * rest > file.most || (2 * rest == file.most && scaled % 2 == 1);
        image->pixels[i] = (uint8_t)scaled;
    }
    return TACIT_OK;
}

const struct image_format image_pnm = {
    .name = "PPM or PGM", .recognise = recognise, .peek = peek, .decode = decode
};
