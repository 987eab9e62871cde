/* NumPy's .npy: one array in a file (numpy/lib/format.py; versions 1 to 3 are read, 1 is written).
 * Python objects are never read. */
#ifndef IO_NPY_H
#define IO_NPY_H

#include "base/status.h"
#include "base/text.h"
#include "io/file.h"

#include <stddef.h>
#include <stdint.h>

enum npy_dtype { NPY_F32, NPY_F64, NPY_I32, NPY_I64, NPY_U8, NPY_DTYPES };

enum { NPY_RANK = 8 };

/* A row-major, little-endian array. `data` is aligned to its elements. */
struct npy_file {
    struct file_map map;
    void *copy; /* of data that lay unaligned, else NULL */
    enum npy_dtype dtype;
    int rank;
    int64_t shape[NPY_RANK];
    const void *data;
    size_t bytes;
};

size_t npy_dtype_size(enum npy_dtype dtype);

/* Maps and checks a file. TACIT_BAD_DATA with "PATH: what is wrong", also for other dtypes,
 * big-endian numbers and Fortran order. Close it after success only. */
status npy_open(const char *path, struct npy_file *file);

/* The same from memory that outlives `file`. */
status npy_parse(const void *bytes, size_t size, struct npy_file *file);
void npy_close(struct npy_file *file);

/* Appends the header of a file of this shape; the data must follow it. For writing piece by piece:
 * through a struct file_writer. */
status npy_header(struct text *header, enum npy_dtype dtype, int rank, const int64_t *shape);

/* Writes a whole array atomically. */
status npy_write(const char *path, enum npy_dtype dtype, int rank, const int64_t *shape,
                 const void *data);

#endif
