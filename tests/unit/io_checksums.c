#include "io/crc32c.h"
#include "io/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* RFC 3720, appendix B.4, and the check value of the CRC catalogue. */
static void crc32c_is_that_of_the_rfc(void **state)
{
    (void)state;
    unsigned char bytes[32] = { 0 };
    assert_int_equal(crc32c(0, bytes, 32), 0x8A9136AA);
    memset(bytes, 0xFF, 32);
    assert_int_equal(crc32c(0, bytes, 32), 0x62A8AB43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(crc32c(0, bytes, 32), 0x46DD794E);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)(31 - i);
    assert_int_equal(crc32c(0, bytes, 32), 0x113FDB5C);
    assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283);
    assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xE3069283);
    assert_int_equal(crc32c(0, "", 0), 0);
}

/* The empty record's checksum is 0, so that its masked form is the constant. */
static void masks_turn_and_shift(void **state)
{
    (void)state;
    assert_int_equal(crc32c_mask(0), 0xA282EAD8);
    assert_int_equal(crc32c_mask(0x00008000), 0xA282EAD9);
    assert_int_equal(crc32c_mask(1), 0xA284EAD8);
}

/* Vectors of the xxHash sanity checks: bytes of its generator (PRIME32, then squared: high byte of
 * a 64-bit state that is multiplied by PRIME64), seeds 0 and PRIME32. */
static void hashes_are_xxh64(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        uint64_t plain, seeded;
    } vectors[] = {
        { 0, 0xEF46DB3751D8E999u, 0xAC75FDA2929B17EFu },
        { 1, 0xE934A84ADB052768u, 0x5014607643A9B4C3u },
        { 4, 0x9136A0DCA57457EEu, 0xCAAB286BD8E9FDB5u },
        { 14, 0x8282DCC4994E35C8u, 0xC3BD6BF63DEB6DF0u },
        { 222, 0xB641AE8CB691C174u, 0x20CB8AB7AE10C14Au },
    };
    unsigned char bytes[222];
    uint64_t generator = 2654435761u;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(generator >> 56);
        generator *= 11400714785074694797u;
    }
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        assert_true(hash_bytes(bytes, vectors[i].count, 0) == vectors[i].plain);
        assert_true(hash_bytes(bytes, vectors[i].count, 2654435761u) == vectors[i].seeded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_is_that_of_the_rfc),
        cmocka_unit_test(masks_turn_and_shift),
        cmocka_unit_test(hashes_are_xxh64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
