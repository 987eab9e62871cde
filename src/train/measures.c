#include "train/measures.h"

#include "base/memory.h"

#include <math.h>
#include <stddef.h>

/* LAPACK and BLAS by their Fortran names; the lengths of text arguments come last. */
extern void dsyevd_(const char *job, const char *triangle, const int *n, double *a, const int *lda,
                    double *w, double *work, const int *lwork, int *iwork, const int *liwork,
                    int *info, size_t job_length, size_t triangle_length);
extern void dsyrk_(const char *triangle, const char *trans, const int *n, const int *k,
                   const double *alpha, const double *a, const int *lda, const double *beta,
                   double *c, const int *ldc, size_t triangle_length, size_t trans_length);
extern void dgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k,
                   const double *alpha, const double *a, const int *lda, const double *b,
                   const int *ldb, const double *beta, double *c, const int *ldc,
                   size_t transa_length, size_t transb_length);

enum { PAIR_BLOCK = 256, LARGEST = 1 << 24 };

/* A copy in double, checked; the caller frees it. Rows are unit vectors if `unit`. */
static status copy_new(const float *embedding, int64_t count, int64_t width, int unit, double **out)
{
    *out = NULL;
    if (count < 2 || width < 1)
        return fail(TACIT_BAD_DATA,
                    "%lld samples of %lld features say nothing about a representation: give two "
                    "samples or more",
                    (long long)count, (long long)width);
    if (count > LARGEST || width > LARGEST)
        return fail(TACIT_USAGE,
                    "%lld samples of %lld features are too many for a measure: at most %d of each",
                    (long long)count, (long long)width, (int)LARGEST);
    double *copy = memory_new((size_t)count * (size_t)width, sizeof *copy);
    if (!copy)
        return TACIT_RESOURCES;
    for (int64_t i = 0; i < count; i++) {
        double square = 0, *row = copy + i * width;
        for (int64_t j = 0; j < width; j++) {
            row[j] = embedding[i * width + j];
            square += row[j] * row[j];
        }
        if (!isfinite(square)) {
            memory_free(copy);
            return fail(TACIT_NUMERIC, "the embedding of sample %lld is not finite", (long long)i);
        }
        double scale = unit ? 1 / fmax(sqrt(square), 1e-12) : 1;
        for (int64_t j = 0; j < width; j++)
            row[j] *= scale;
    }
    *out = copy;
    return TACIT_OK;
}

/* Two passes a dimension, row by row, with sums [width] in `room` (2 x width). */
static double deviation_of(const double *z, int64_t count, int64_t width, double *room)
{
    double *mean = room, *square = room + width, total = 0;
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < width; j++)
            mean[j] += z[i * width + j] / (double)count;
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < width; j++)
            square[j] += (z[i * width + j] - mean[j]) * (z[i * width + j] - mean[j]);
    for (int64_t j = 0; j < width; j++)
        total += sqrt(square[j] / (double)(count - 1));
    return total / (double)width;
}

/* sum over i != j of x_i . x_j = ||sum x||^2 - sum ||x||^2. */
static double cosine_of(const double *z, int64_t count, int64_t width, double *sum)
{
    double own = 0, all = 0;
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < width; j++) {
            sum[j] += z[i * width + j];
            own += z[i * width + j] * z[i * width + j];
        }
    for (int64_t j = 0; j < width; j++)
        all += sum[j] * sum[j];
    return (all - own) / ((double)count * (double)(count - 1));
}

static double alignment_of(const double *x, const double *y, int64_t count, int64_t width)
{
    double total = 0;
    for (int64_t i = 0; i < count * width; i++)
        total += (x[i] - y[i]) * (x[i] - y[i]);
    return total / (double)count;
}

/* ||x - y||^2 = 2 - 2 x . y for unit vectors (and for the zero vector it is taken as such). Blocks
 * of rows against all rows up to their own; gram: [PAIR_BLOCK, count]. */
static double uniformity_of(const double *z, int64_t count, int64_t width, double *gram)
{
    double total = 0, one = 1, zero = 0;
    int depth = (int)width;
    for (int64_t begin = 0; begin < count; begin += PAIR_BLOCK) {
        int64_t end = begin + PAIR_BLOCK < count ? begin + PAIR_BLOCK : count;
        int columns = (int)end, rows = (int)(end - begin);
        dgemm_("T", "N", &columns, &rows, &depth, &one, z, &depth, z + begin * width, &depth, &zero,
               gram, &columns, 1, 1);
        for (int64_t i = begin; i < end; i++)
            for (int64_t j = 0; j < i; j++)
                total += exp(4 * gram[(i - begin) * end + j] - 4);
    }
    return log(total / (.5 * (double)count * (double)(count - 1)));
}

status measure_eigenvalues(double *matrix, int64_t size, double *value)
{
    for (int64_t i = 0; i < size * size; i++)
        if (!isfinite(matrix[i]))
            return fail(TACIT_NUMERIC,
                        "a matrix with a value that is not finite has no eigenvalues");
    int n = (int)size, work_size = 2 * n + 1 > 64 * n ? 2 * n + 1 : 64 * n, integer_size = 1,
        info = 0;
    int integer = 0;
    double *work = memory_new((size_t)work_size, sizeof *work);
    if (!work)
        return TACIT_RESOURCES;
    dsyevd_("N", "U", &n, matrix, &n, value, work, &work_size, &integer, &integer_size, &info, 1,
            1);
    memory_free(work);
    if (info != 0)
        return fail(TACIT_NUMERIC, "the eigenvalues of a %d x %d matrix did not converge (%d)", n,
                    n, info);
    return TACIT_OK;
}

/* exp of the entropy of p_k = s_k / sum s + 1e-7, from the eigenvalues s_k^2. */
static double rank_of(double *eigenvalue, int64_t size)
{
    double sum = 0, entropy = 0;
    for (int64_t k = 0; k < size; k++) {
        eigenvalue[k] = sqrt(fmax(eigenvalue[k], 0));
        sum += eigenvalue[k];
    }
    if (sum == 0)
        return 1;
    for (int64_t k = 0; k < size; k++) {
        double p = eigenvalue[k] / sum + 1e-7;
        entropy -= p * log(p);
    }
    return exp(entropy);
}

/* The smaller of Z^T Z and Z Z^T has all the singular values that are not zero. */
static status rank_take(const double *z, int64_t count, int64_t width, double *out)
{
    int64_t size = count < width ? count : width;
    double *gram = memory_new((size_t)size * (size_t)size, sizeof *gram);
    double *value = memory_new((size_t)size, sizeof *value);
    status outcome = TACIT_RESOURCES;
    if (gram && value) {
        int n = (int)size, depth = (int)(count < width ? width : count), stride = (int)width;
        double one = 1, zero = 0;
        dsyrk_("U", count < width ? "T" : "N", &n, &depth, &one, z, &stride, &zero, gram, &n, 1, 1);
        outcome = measure_eigenvalues(gram, size, value);
    }
    if (outcome == TACIT_OK)
        *out = rank_of(value, size);
    memory_free(gram);
    memory_free(value);
    return outcome;
}

status measure_rank(const float *embedding, int64_t count, int64_t width, double *out)
{
    double *z;
    TRY(copy_new(embedding, count, width, 0, &z));
    status outcome = rank_take(z, count, width, out);
    memory_free(z);
    return outcome;
}

status measure_deviation(const float *embedding, int64_t count, int64_t width, double *out)
{
    double *z;
    TRY(copy_new(embedding, count, width, 1, &z));
    double *room = memory_new((size_t)width, 2 * sizeof *room);
    if (room)
        *out = deviation_of(z, count, width, room);
    memory_free(room);
    memory_free(z);
    return room ? TACIT_OK : TACIT_RESOURCES;
}

status measure_cosine(const float *embedding, int64_t count, int64_t width, double *out)
{
    double *z;
    TRY(copy_new(embedding, count, width, 1, &z));
    double *room = memory_new((size_t)width, sizeof *room);
    if (room)
        *out = cosine_of(z, count, width, room);
    memory_free(room);
    memory_free(z);
    return room ? TACIT_OK : TACIT_RESOURCES;
}

status measure_uniformity(const float *embedding, int64_t count, int64_t width, double *out)
{
    double *z;
    TRY(copy_new(embedding, count, width, 1, &z));
    double *room = memory_new((size_t)count, PAIR_BLOCK * sizeof *room);
    if (room)
        *out = uniformity_of(z, count, width, room);
    memory_free(room);
    memory_free(z);
    return room ? TACIT_OK : TACIT_RESOURCES;
}

status measure_alignment(const float *embedding, const float *other, int64_t count, int64_t width,
                         double *out)
{
    double *x, *y;
    TRY(copy_new(embedding, count, width, 1, &x));
    status outcome = copy_new(other, count, width, 1, &y);
    if (outcome == TACIT_OK)
        *out = alignment_of(x, y, count, width);
    memory_free(x);
    memory_free(y);
    return outcome;
}

status measures_take(const float *embedding, const float *other, int64_t count, int64_t width,
                     struct measures *out)
{
    out->ideal = 1 / sqrt((double)width);
    out->alignment = NAN;
    TRY(measure_deviation(embedding, count, width, &out->deviation));
    TRY(measure_rank(embedding, count, width, &out->rank));
    TRY(measure_uniformity(embedding, count, width, &out->uniformity));
    TRY(measure_cosine(embedding, count, width, &out->cosine));
    if (other)
        TRY(measure_alignment(embedding, other, count, width, &out->alignment));
    return TACIT_OK;
}
