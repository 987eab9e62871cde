/* CRC-32C (Castagnoli), as in RFC 3720, and the masked form of TFRecord files. */
#ifndef IO_CRC32C_H
#define IO_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `count` bytes; goes on from `crc`, which is 0 at the start. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t count);

/* Turned and shifted, so that checksums of data that hold checksums stay good. */
uint32_t crc32c_mask(uint32_t crc);

#endif
