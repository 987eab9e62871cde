#include "io/hash.h"

static const uint64_t prime1 = 0x9E3779B185EBCA87u, prime2 = 0xC2B2AE3D27D4EB4Fu,
                      prime3 = 0x165667B19E3779F9u, prime4 = 0x85EBCA77C2B2AE63u,
                      prime5 = 0x27D4EB2F165667C5u;

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t little_endian(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    while (bytes--)
        value = value << 8 | at[bytes];
    return value;
}

static uint64_t lane_round(uint64_t lane, uint64_t input)
{
    return rotate(lane + input * prime2, 31) * prime1;
}

uint64_t hash_bytes(const void *bytes, size_t count, uint64_t seed)
{
    static const int turns[4] = { 1, 7, 12, 18 };
    const unsigned char *at = bytes;
    size_t left = count;
    uint64_t hash = seed + prime5;
    if (count >= 32) {
        uint64_t lane[4] = { seed + prime1 + prime2, seed + prime2, seed, seed - prime1 };
        for (; left >= 32; left -= 32)
            for (int i = 0; i < 4; i++, at += 8)
                lane[i] = lane_round(lane[i], little_endian(at, 8));
        hash = 0;
        for (int i = 0; i < 4; i++)
            hash += rotate(lane[i], turns[i]);
        for (int i = 0; i < 4; i++)
            hash = (hash ^ lane_round(0, lane[i])) * prime1 + prime4;
    }
    hash += count;
    for (; left >= 8; left -= 8, at += 8)
        hash = rotate(hash ^ lane_round(0, little_endian(at, 8)), 27) * prime1 + prime4;
    for (; left >= 4; left -= 4, at += 4)
        hash = rotate(hash ^ little_endian(at, 4) * prime1, 23) * prime2 + prime3;
    for (; left; left--, at++)
        hash = rotate(hash ^ *at * prime5, 11) * prime1;
    hash = (hash ^ hash >> 33) * prime2;
    hash = (hash ^ hash >> 29) * prime3;
    return hash ^ hash >> 32;
}
