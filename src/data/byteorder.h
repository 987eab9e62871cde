/* Numbers of either byte order in files. */
#ifndef DATA_BYTEORDER_H
#define DATA_BYTEORDER_H

#include <stdint.h>

static inline uint32_t read_u16_little(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static inline uint32_t read_u32_little(const uint8_t *bytes)
{
    return read_u16_little(bytes) | read_u16_little(bytes + 2) << 16;
}

static inline uint32_t read_u16_big(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static inline uint32_t read_u32_big(const uint8_t *bytes)
{
    return read_u16_big(bytes) << 16 | read_u16_big(bytes + 2);
}

#endif
