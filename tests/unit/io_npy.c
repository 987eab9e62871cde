#include "io/npy.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/temporary_file.h"

static const float matrix[6] = { 1, 2, 3, 4, 5, 6 };
static const int64_t triple[3] = { 1, 2, 3 };
static const double scalar = 2.5;
static const int32_t minus_one = -1;

static const struct {
    enum npy_dtype dtype;
    int rank;
    int64_t shape[2];
    const void *data;
    size_t bytes;
    const char *dictionary;
} arrays[] = {
    { NPY_F32,
      2,
      { 2, 3 },
      matrix,
      24,
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" },
    { NPY_I64, 1, { 3 }, triple, 24, "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }" },
    { NPY_F64, 0, { 0 }, &scalar, 8, "{'descr': '<f8', 'fortran_order': False, 'shape': (), }" },
    { NPY_U8, 2, { 0, 2 }, NULL, 0, "{'descr': '|u1', 'fortran_order': False, 'shape': (0, 2), }" },
    { NPY_I32,
      1,
      { 1 },
      &minus_one,
      4,
      "{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }" },
};
enum { ARRAYS = sizeof arrays / sizeof *arrays };

/* numpy.save 2.4.6 writes these arrays as \x93NUMPY 1 0 'v' 0 (118 bytes of header), the
 * dictionary, spaces up to byte 127, a new line and the data. */
static void bytes_are_numpys(void **state)
{
    (void)state;
    for (int i = 0; i < ARRAYS; i++) {
        char expected[256];
        struct text text = { 0 };
        memset(expected, ' ', sizeof expected);
        memcpy(expected, "\x93NUMPY\x01\x00v\x00", 10);
        memcpy(expected + 10, arrays[i].dictionary, strlen(arrays[i].dictionary));
        expected[127] = '\n';
        if (arrays[i].bytes)
            memcpy(expected + 128, arrays[i].data, arrays[i].bytes);
        assert_int_equal(
            npy_write(path, arrays[i].dtype, arrays[i].rank, arrays[i].shape, arrays[i].data),
            TACIT_OK);
        assert_int_equal(file_read(path, 1000, &text), TACIT_OK);
        assert_int_equal(text.length, 128 + arrays[i].bytes);
        assert_memory_equal(text.bytes, expected, text.length);
        text_free(&text);
    }
}

static void files_are_read(void **state)
{
    (void)state;
    for (int i = 0; i < ARRAYS; i++) {
        struct npy_file file;
        assert_int_equal(
            npy_write(path, arrays[i].dtype, arrays[i].rank, arrays[i].shape, arrays[i].data),
            TACIT_OK);
        assert_int_equal(npy_open(path, &file), TACIT_OK);
        assert_int_equal(file.dtype, arrays[i].dtype);
        assert_int_equal(file.rank, arrays[i].rank);
        assert_memory_equal(file.shape, arrays[i].shape, (size_t)file.rank * 8);
        assert_int_equal(file.bytes, arrays[i].bytes);
        if (file.bytes)
            assert_memory_equal(file.data, arrays[i].data, file.bytes);
        npy_close(&file);
    }
}

/* A version 1 or 2 file with this dictionary and `data` bytes 0, 1, 2, …, at an odd address. */
static status parse(int version, const char *dictionary, size_t data, struct npy_file *file)
{
    static unsigned char buffer[600];
    unsigned char *at = buffer + 1;
    size_t length = strlen(dictionary), prefix = version == 1 ? 10 : 12;
    memset(buffer, 0, sizeof buffer);
    memcpy(at, "\x93NUMPY", 6);
    at[6] = (unsigned char)version;
    at[8] = (unsigned char)length;
    memcpy(at + prefix, dictionary, length);
    for (size_t i = 0; i < data; i++)
        at[prefix + length + i] = (unsigned char)i;
    return npy_parse(at, prefix + length + data, file);
}

static void other_writers_are_read(void **state)
{
    (void)state;
    struct npy_file file;
    assert_int_equal(parse(1, "{'shape':(2,),\"descr\":'<i4','fortran_order':True}", 8, &file),
                     TACIT_OK);
    assert_int_equal((uintptr_t)file.data % 4, 0);
    assert_int_equal(((const int32_t *)file.data)[1], 0x07060504);
    npy_close(&file);
    assert_int_equal(
        parse(2, "{'descr': '<u1', 'fortran_order': False, 'shape': (1, 2), }\n", 2, &file),
        TACIT_OK);
    assert_int_equal(file.rank, 2);
    npy_close(&file);
    assert_int_equal(parse(3, "{'descr': '|u1', 'fortran_order': False, 'shape': (1,2)}", 2, &file),
                     TACIT_OK);
    npy_close(&file);
}

#define ARRAY(descr, order, shape) \
    "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"

static void whatever_is_wrong_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *dictionary;
        size_t data;
        const char *message;
    } bad[] = {
        { "", 0, "cannot be understood" },
        { "{}", 0, "cannot be understood" },
        { "{'descr': '<f4', 'shape': (1,), }", 4, "cannot be understood" },
        { ARRAY("'<f4'", "False", "(1)"), 4, "cannot be understood" },
        { ARRAY("'<f4'", "False", "(1 2)"), 4, "cannot be understood" },
        { ARRAY("'<f4'", "False", "(-1,)"), 4, "cannot be understood" },
        { ARRAY("'<f4'", "False", "(1,"), 4, "cannot be understood" },
        { ARRAY("'<f4'", "0", "(1,)"), 4, "cannot be understood" },
        { ARRAY("'<f4'", "False", "(1,)") "x", 4, "cannot be understood" },
        { ARRAY("[('a', '<f4')]", "False", "(1,)"), 4, "cannot be understood" },
        { ARRAY("'<f4'", "False", "(1,1,1,1,1,1,1,1,1)"), 4, "cannot be understood" },
        { ARRAY("'<f4'", "False", "(9223372036854775808,)"), 4, "cannot be understood" },
        { ARRAY("'<f4", "False", "(1,)"), 4, "cannot be understood" },
        { ARRAY("'|O'", "False", "(1,)"), 4, "type '|O'" },
        { ARRAY("'>f4'", "False", "(1,)"), 4, "type '>f4'" },
        { ARRAY("'<f2'", "False", "(1,)"), 2, "type '<f2'" },
        { ARRAY("'<f4'", "True", "(2, 2)"), 16, "Fortran order" },
        { ARRAY("'<f4'", "False", "(2,)"), 7, "truncated" },
        { ARRAY("'<f4'", "False", "(2,)"), 9, "its shape needs 8" },
        { ARRAY("'<f4'", "False", "(4611686018427387904,)"), 0, "too large" },
        { ARRAY("'|u1'", "False", "(4294967296, 4294967296)"), 0, "too large" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct npy_file file;
        assert_int_equal(parse(1, bad[i].dictionary, bad[i].data, &file), TACIT_BAD_DATA);
        if (!strstr(status_message(), bad[i].message))
            fail_msg("%s: %s", bad[i].dictionary, status_message());
    }
    struct npy_file file;
    assert_int_equal(parse(4, "{}", 0, &file), TACIT_BAD_DATA);
    assert_int_equal(npy_parse("\x93NUMPY\2\0\1\0", 10, &file), TACIT_BAD_DATA);
    assert_int_equal(npy_parse("\x93NUMPY\1\0\xFF\xFF{", 11, &file), TACIT_BAD_DATA);
    assert_int_equal(npy_open("/nowhere/a.npy", &file), TACIT_BAD_DATA);
    assert_int_equal(npy_write("/nowhere/a.npy", NPY_U8, 1, (int64_t[]){ -1 }, NULL), TACIT_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_numpys),
        cmocka_unit_test(files_are_read),
        cmocka_unit_test(other_writers_are_read),
        cmocka_unit_test(whatever_is_wrong_is_refused),
    };
    return cmocka_run_group_tests(tests, file_begin, file_end);
}
