#include "eval/score.h"

#include <math.h>

static const double NORMAL_POINT = 1.959963984540054; /* 97.5 % of the normal distribution */

/* Exact for few degrees of freedom, then the expansion of Abramowitz & Stegun 26.7.5. */
double score_student(int degrees_of_freedom)
{
    static const double exact[] = { 12.70620, 4.30265, 3.18245, 2.77645 };
    if (degrees_of_freedom <= 4)
        return exact[degrees_of_freedom > 1 ? degrees_of_freedom - 1 : 0];
    double z = NORMAL_POINT, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z,
           n = degrees_of_freedom;
    return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n) +
           (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n);
}

/* Wilson 1927: the shares p for which |p - observed| <= z sqrt(p (1 - p) / n). */
static void wilson(double share, double n, double *low, double *high)
{
    double square = NORMAL_POINT * NORMAL_POINT / n;
    double centre = (share + square / 2) / (1 + square);
    double half = sqrt(share * (1 - share) * square + square * square / 4) / (1 + square);
    *low = fmax(0, centre - half);
    *high = fmin(1, centre + half);
}

void score_of(const double *accuracy, int draws, int64_t tested, struct score *score)
{
    double mean = 0, square = 0;
    for (int i = 0; i < draws; i++)
        mean += accuracy[i] / draws;
    for (int i = 0; i < draws; i++)
        square += (accuracy[i] - mean) * (accuracy[i] - mean);
    score->draws = draws;
    score->accuracy = mean;
    if (draws < 2) {
        score->sd = NAN;
        wilson(mean, (double)tested, &score->low, &score->high);
        return;
    }
    score->sd = sqrt(square / (draws - 1));
    double half = score_student(draws - 1) * score->sd / sqrt(draws);
    score->low = fmax(0, mean - half);
    score->high = fmin(1, mean + half);
}
