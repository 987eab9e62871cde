/* Writing a character. */
#ifndef DATA_UTF8_H
#define DATA_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The UTF-8 of a character (at most 4 bytes); what is none becomes U+FFFD. Returns its length. */
static inline size_t utf8_write(uint32_t code, uint8_t *to)
{
    static const uint8_t lead[] = { 0, 0xC0, 0xE0, 0xF0 };
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        code = 0xFFFD;
    if (code < 0x80) {
        to[0] = (uint8_t)code;
        return 1;
    }
    size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    for (size_t i = more; i > 0; i--, code >>= 6)
        to[i] = (uint8_t)(0x80 | (code & 0x3F));
    to[0] = (uint8_t)(lead[more] | code);
    return more + 1;
}

#endif
