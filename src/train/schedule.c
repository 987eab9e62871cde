#include "train/schedule.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

static double cosine_shape(double progress)
{
    return 0.5 * (1 + cos(pi * progress));
}

static double linear_shape(double progress)
{
    return 1 - progress;
}

static double constant_shape(double progress)
{
    (void)progress;
    return 1;
}

const struct schedule_type all_schedules[] = {
    { "cosine", "half a cosine from the rate to optim.end (arXiv:1608.03983)", cosine_shape },
    { "linear", "a straight line from the rate to optim.end", linear_shape },
    { "constant", "the rate, all the way", constant_shape },
    { NULL, NULL, NULL },
};

const struct schedule_type *schedule_find(const char *name)
{
    for (const struct schedule_type *type = all_schedules; type->name; type++)
        if (strcmp(type->name, name) == 0)
            return type;
    return NULL;
}

static double between(const struct schedule *schedule, double progress)
{
    return schedule->end +
           (schedule->base - schedule->end) * schedule->type->shape(progress < 1 ? progress : 1);
}

double schedule_rate(const struct schedule *schedule, int64_t step)
{
    double warmup = (double)schedule->warmup, steps = (double)schedule->steps;
    double whole = between(schedule, steps > 0 ? (double)step / steps : 0);
    if (schedule->form == WARMUP_MULTIPLY) {
        double share = warmup > 0 ? ((double)step + 1) / warmup : 1;
        return whole * (share < 1 ? share : 1);
    }
    double begin = schedule->form == WARMUP_STEPWISE, left = steps - warmup;
    if (step < schedule->warmup)
        return schedule->base * ((double)step + begin) / (warmup + begin);
    if (schedule->form == WARMUP_REPLACE)
        return whole;
    return between(schedule, left > 0 ? ((double)step - warmup) / left : 1);
}

double schedule_momentum(double first, double progress)
{
    return 1 - (1 - first) * cosine_shape(progress);
}
