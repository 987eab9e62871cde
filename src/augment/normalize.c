/* From grey levels to what networks take, and the statistics for it. */
#include "augment/plan.h"

#include <math.h>
#include <string.h>

/* Known data sets, in units of the full range. */
static const struct {
    const char *name;
    double mean[3], std[3];
} sets[] = {
    { "none", { 0, 0, 0 }, { 1, 1, 1 } },
    { "half", { .5, .5, .5 }, { .5, .5, .5 } },
    { "imagenet", { .485, .456, .406 }, { .229, .224, .225 } },
    { "cifar10", { .4914, .4822, .4465 }, { .2470, .2435, .2616 } },
    { "cifar100", { .5071, .4865, .4409 }, { .2673, .2564, .2762 } },
    { "stl10", { .4914, .4823, .4466 }, { .247, .243, .261 } },
    { "clip", { .48145466, .4578275, .40821073 }, { .26862954, .26130258, .27577711 } },
};

status augment_normalize(const char *name, double mean[3], double std[3])
{
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (strcmp(sets[i].name, name) == 0) {
            memcpy(mean, sets[i].mean, sizeof sets[i].mean);
            memcpy(std, sets[i].std, sizeof sets[i].std);
            return TACIT_OK;
        }
    return fail(TACIT_USAGE, "no pixel statistics are known for '%s'; give mean and std", name);
}

void augment_statistics_add(struct augment_statistics *statistics,
                            const struct augment_picture *picture)
{
    int64_t pixels = (int64_t)picture->width * picture->height;
    for (int c = 0; c < 3; c++) {
        const uint8_t *from = picture->pixels + (picture->channels == 3 ? c : 0);
        uint64_t sum = 0, squares = 0;
        for (int64_t i = 0; i < pixels; i++) {
            uint64_t level = from[i * picture->channels];
            sum += level;
            squares += level * level;
        }
        statistics->sum[c] += (double)sum / 255;
        statistics->squares[c] += (double)squares / (255 * 255);
    }
    statistics->count += (double)pixels;
}

void augment_statistics_get(const struct augment_statistics *statistics, double mean[3],
                            double std[3])
{
    for (int c = 0; c < 3; c++) {
        double count = statistics->count > 0 ? statistics->count : 1;
        mean[c] = statistics->sum[c] / count;
        double variance = statistics->squares[c] / count - mean[c] * mean[c];
        /* Pictures of one grey level would be divided by nothing. */
        std[c] = variance > 1e-6 ? sqrt(variance) : 1;
    }
}

/* A single output channel takes the statistics of gray: their weighted mean is exact for the mean,
 * and the plain mean is near enough for the spread. */
void canvas_normalize(struct canvas *canvas)
{
    const struct augment_plan *plan = canvas->plan;
    const double *mean = plan->settings.mean, *std = plan->settings.std;
    for (int c = 0; c < plan->channels; c++) {
        double m = mean[c], s = std[c];
        if (plan->channels == 1) {
            m = .299 * mean[0] + .587 * mean[1] + .114 * mean[2];
            s = (std[0] + std[1] + std[2]) / 3;
        }
        plan->loops->scale(canvas->plane[canvas->channels == 3 ? c : 0], canvas->count,
                           (float)(1 / (255 * s)), (float)(-m / s),
                           canvas->out + (size_t)c * canvas->count);
    }
}

static void draw_nothing(const struct augment_plan *plan, int width, int height, int view,
                         struct random_stream *stream, struct augment_draw *draw)
{
    (void)plan, (void)width, (void)height, (void)view, (void)stream, (void)draw;
}

static void apply_normalize(const struct augment_draw *draw, struct canvas *canvas)
{
    (void)draw;
    canvas_normalize(canvas);
}

const struct augment_type augment_normalize_pixels = {
    .name = "normalize",
    .doc = "Subtract the mean and divide by the standard deviation.",
    .draw = draw_nothing,
    .apply = apply_normalize,
};
