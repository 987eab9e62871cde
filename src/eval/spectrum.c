#include "eval/spectrum.h"

#include "base/memory.h"
#include "train/measures.h"

#include <math.h>

/* BLAS by its Fortran name; the lengths of text arguments come last. */
extern void dsyrk_(const char *triangle, const char *trans, const int *n, const int *k,
                   const double *alpha, const double *a, const int *lda, const double *beta,
                   double *c, const int *ldc, size_t triangle_length, size_t trans_length);

enum { ROWS = 1024, WIDEST = 32768 };

static void mean_of(const struct features *features, double *mean)
{
    for (int64_t i = 0; i < features->count; i++)
        for (int64_t j = 0; j < features->width; j++)
            mean[j] += features->value[i * features->width + j];
    for (int64_t j = 0; j < features->width; j++)
        mean[j] /= (double)features->count;
}

/* covariance [width, width], one triangle; centred: room for ROWS rows. */
static void covariance_of(const struct features *features, const double *mean, double *centred,
                          double *covariance)
{
    int width = (int)features->width;
    double scale = 1 / (double)(features->count - 1), keep = 1;
    for (int64_t begin = 0; begin < features->count; begin += ROWS) {
        int rows = (int)(features->count - begin < ROWS ? features->count - begin : ROWS);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < width; j++)
                centred[i * width + j] = features->value[(begin + i) * width + j] - mean[j];
        dsyrk_("U", "N", &width, &rows, &scale, centred, &width, &keep, covariance, &width, 1, 1);
    }
}

status spectrum_of(const struct features *features, double *value)
{
    int64_t width = features->width;
    if (features->count < 2 || width < 1)
        return fail(TACIT_BAD_DATA,
                    "%lld samples of %lld features have no spectrum: give two samples or more",
                    (long long)features->count, (long long)width);
    if (width > WIDEST)
        return fail(TACIT_USAGE, "%lld features are too many for a spectrum: at most %d",
                    (long long)width, (int)WIDEST);
    double *mean = memory_new((size_t)width, sizeof *mean);
    double *centred = memory_new((size_t)width, ROWS * sizeof *centred);
    double *covariance = memory_new((size_t)width * (size_t)width, sizeof *covariance);
    status outcome = TACIT_RESOURCES;
    if (mean && centred && covariance) {
        mean_of(features, mean);
        covariance_of(features, mean, centred, covariance);
        outcome = measure_eigenvalues(covariance, width, value);
    }
    for (int64_t i = 0; outcome == TACIT_OK && i < width / 2; i++) {
        double kept = value[i];
        value[i] = value[width - 1 - i];
        value[width - 1 - i] = kept;
    }
    memory_free(mean);
    memory_free(centred);
    memory_free(covariance);
    return outcome;
}

status spectrum_decay(const double *value, int64_t count, int64_t first, int64_t last,
                      double *alpha)
{
    if (first < 1 || last <= first || last > count)
        return fail(TACIT_USAGE,
                    "ranks %lld to %lld of %lld eigenvalues: the decay needs two ranks or more",
                    (long long)first, (long long)last, (long long)count);
    double weight = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (int64_t rank = first; rank <= last; rank++) {
        if (!(value[rank - 1] > 0))
            return fail(TACIT_NUMERIC,
                        "eigenvalue %lld is %g, not positive: the representation has fewer "
                        "dimensions; use fewer ranks",
                        (long long)rank, value[rank - 1]);
        double w = 1 / (double)rank, u = log((double)rank), v = log(value[rank - 1]);
        weight += w;
        x += w * u;
        y += w * v;
        xx += w * u * u;
        xy += w * u * v;
    }
    *alpha = -(xy - x * y / weight) / (xx - x * x / weight);
    return TACIT_OK;
}

double spectrum_participation(const double *value, int64_t count)
{
    double sum = 0, square = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += value[i];
        square += value[i] * value[i];
    }
    return square > 0 ? sum * sum / square : 1;
}
