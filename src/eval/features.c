#include "eval/features.h"

#include "base/parallel.h"

#include <math.h>

status features_check(const struct features *features, const char *what, int32_t classes)
{
    if (features->count <= 0 || features->width <= 0)
        return fail(TACIT_BAD_DATA,
                    "the %s is empty (%lld samples of %lld features): give at least one sample",
                    what, (long long)features->count, (long long)features->width);
    if (classes <= 0)
        return TACIT_OK;
    for (int64_t i = 0; i < features->count; i++)
        if (features->label[i] < 0 || features->label[i] >= classes)
            return fail(
                TACIT_BAD_DATA,
                "%s: sample %lld has label %d, outside 0 … %d: leave out samples without a label",
                what, (long long)i, (int)features->label[i], (int)classes - 1);
    return TACIT_OK;
}

int32_t features_classes(const struct features *features, int32_t classes, int64_t *count_of)
{
    int32_t present = 0;
    for (int64_t i = 0; i < features->count; i++)
        count_of[features->label[i]]++;
    for (int32_t c = 0; c < classes; c++)
        present += count_of[c] > 0;
    return present;
}

bool features_one_class(const struct features *features)
{
    for (int64_t i = 1; i < features->count; i++)
        if (features->label[i] != features->label[0])
            return false;
    return true;
}

struct norms {
    const struct features *features;
    float *inverse;
};

/* A bad row gets the inverse -1. */
static void norms_range(void *argument, int64_t begin, int64_t end)
{
    const struct norms *norms = argument;
    int64_t width = norms->features->width;
    for (int64_t i = begin; i < end; i++) {
        const float *row = norms->features->value + i * width;
        double sum[8] = { 0 };
        int64_t j = 0;
        for (; j + 8 <= width; j += 8)
            for (int lane = 0; lane < 8; lane++)
                sum[lane] += (double)row[j + lane] * row[j + lane];
        for (; j < width; j++)
            sum[0] += (double)row[j] * row[j];
        double norm =
            sqrt(((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7])));
        bool usable = isfinite(norm) && norm <= 1e30;
        norms->inverse[i] = usable ? (float)(1 / fmax(norm, 1e-12)) : -1;
    }
}

status features_inverse_norms(const struct features *features, const char *what, float *inverse)
{
    struct norms norms = { features, inverse };
    parallel_for(features->count, (double)features->width, norms_range, &norms);
    for (int64_t i = 0; i < features->count; i++)
        if (inverse[i] < 0)
            return fail(TACIT_BAD_DATA,
                        "%s: the features of sample %lld are not finite or too large: the network "
                        "that made them has diverged",
                        what, (long long)i);
    return TACIT_OK;
}
