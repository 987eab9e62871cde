#include "augment/augment.h"
#include "augment/plan.h"
#include "base/memory.h"

#include <string.h>

/* In the order of drawing, which is that of application but for gray_first. Switching an operator
 * off does not change what the others draw. */
static const struct augment_type *const types[] = {
    &augment_resized_crop, &augment_padded_crop, &augment_centre_crop,
    &augment_flip,         &augment_jitter,      &augment_grayscale,
    &augment_blur,         &augment_solarize,    &augment_normalize_pixels,
};
enum { TYPES = sizeof types / sizeof types[0] };

static const struct augment_type *const crops[] = {
    [CROP_RESIZED] = &augment_resized_crop,
    [CROP_PADDED] = &augment_padded_crop,
    [CROP_CENTRE] = &augment_centre_crop,
};
enum { CROPS = sizeof crops / sizeof crops[0] };

const struct augment_type *augment_type(int n)
{
    return n >= 0 && n < TYPES ? types[n] : NULL;
}

static bool is_crop(const struct augment_type *type)
{
    for (int i = 0; i < CROPS; i++)
        if (type == crops[i])
            return true;
    return false;
}

static void plan_order(struct augment_plan *plan)
{
    const struct augment_type *crop = crops[plan->settings.crop];
    int count = 0;
    for (int i = 0; i < TYPES; i++)
        if (!is_crop(types[i]) || types[i] == crop)
            plan->order[count++] = types[i];
}

static status check_reals(const struct augment_settings *s)
{
#define AUGMENT_CHECK(field, smallest, largest, unit, help)                                  \
    if (!(s->field >= (smallest) && s->field <= (largest)))                                  \
        return fail(TACIT_USAGE, "augmentation: " #field " is %g; it must be from %g to %g", \
                    (double)s->field, (double)(smallest), (double)(largest));
    AUGMENT_REALS(AUGMENT_CHECK)
    AUGMENT_INTEGERS(AUGMENT_CHECK)
#undef AUGMENT_CHECK
    if (s->crop_scale_min > s->crop_scale_max || s->crop_ratio_min > s->crop_ratio_max ||
        s->blur_sigma_min > s->blur_sigma_max)
        return fail(TACIT_USAGE, "augmentation: a range of crop_scale, crop_ratio or blur_sigma "
                                 "ends below its start; make the _max at least the _min");
    for (int c = 0; c < 3; c++)
        if (!(s->std[c] > 0))
            return fail(TACIT_USAGE,
                        "augmentation: the standard deviation of channel %d is %g; it "
                        "must be above 0",
                        c, s->std[c]);
    return TACIT_OK;
}

/* A tenth of the view (Chen et al. 2020, appendix A), odd, at least 3, within the reflected view.
 */
static int blur_taps(const struct augment_settings *s, int size)
{
    int taps = s->blur_kernel ? s->blur_kernel : size / 10;
    taps = taps < 3 && !s->blur_kernel ? 3 : taps;
    taps = taps > 255 ? 255 : taps | 1;
    return taps > 2 * size - 1 ? 2 * size - 1 : taps;
}

status augment_plan_new(const struct augment_settings *settings, int out_channels, int size,
                        struct augment_plan **result)
{
    *result = NULL;
    TRY(check_reals(settings));
    if (out_channels != 1 && out_channels != 3)
        return fail(TACIT_USAGE, "views have 1 or 3 channels, not %d", out_channels);
    if (size < 1 || size > 16384)
        return fail(TACIT_USAGE, "a view of %d pixels is not possible; 1 to 16384 are", size);
    if (settings->resize != 0 && settings->resize < size)
        return fail(TACIT_USAGE, "augmentation: resize=%d is less than the view's %d pixels",
                    settings->resize, size);
    struct augment_plan *plan = memory_new(1, sizeof *plan);
    if (!plan)
        return TACIT_RESOURCES;
    struct augment_settings *s = &plan->settings;
    *s = *settings;
    s->resize = s->resize ? s->resize : size;
    s->blur_second = s->blur_second < 0 ? s->blur : s->blur_second;
    s->solarize_second = s->solarize_second < 0 ? s->solarize : s->solarize_second;
    plan->channels = out_channels;
    plan->size = size;
    plan->padded = (size + LANES - 1) / LANES * LANES;
    plan->stride = ((size_t)size * size + plan->padded + LANES - 1) / LANES * LANES;
    plan->blur_taps = blur_taps(s, size);
    s->blur_kernel = plan->blur_taps;
    plan->loops = pixel_loops();
    plan_order(plan);
    *result = plan;
    return TACIT_OK;
}

void augment_plan_free(struct augment_plan *plan)
{
    memory_free(plan);
}

const struct augment_settings *augment_plan_settings(const struct augment_plan *plan)
{
    return &plan->settings;
}

static void *carve(char *block, size_t *used, size_t count, size_t size)
{
    char *piece = block ? block + *used : NULL;
    *used += (count * size + 63) / 64 * 64;
    return piece;
}

size_t workspace_carve(const struct augment_plan *plan, int width, int height, void *block,
                       struct workspace *w)
{
    enum augment_interpolation interpolation = plan->settings.interpolation;
    size_t used = 0, size = (size_t)plan->size, padded = (size_t)plan->padded;
    size_t across = (size_t)resize_most_taps(interpolation, width, plan->size);
    size_t down = (size_t)resize_most_taps(interpolation, height, plan->size);
    size_t rows = ((size_t)height + LANES - 1) / LANES * LANES;
    size_t bytes = ((size_t)width * 3 + LANES - 1) / LANES * LANES;
    w->planes = carve(block, &used, 3 * plan->stride, sizeof(float));
    w->spare = carve(block, &used, plan->stride, sizeof(float));
    w->row = carve(block, &used, size + (size_t)plan->blur_taps, sizeof(float));
    w->columns = carve(block, &used, 3 * rows * padded, 1);
    w->lanes = carve(block, &used, bytes * LANES, 1);
    w->band = carve(block, &used, 3 * padded * LANES, 1);
    w->taps = carve(block, &used, 2 * size, sizeof(struct taps));
    w->weights = carve(block, &used, size * (across + down), sizeof(int32_t));
    w->filter = carve(block, &used, across > down ? across : down, sizeof(double));
    return used;
}

size_t augment_scratch_bytes(const struct augment_plan *plan, int max_width, int max_height)
{
    struct workspace unused;
    return workspace_carve(plan, max_width, max_height, NULL, &unused);
}

void augment_draw(const struct augment_plan *plan, int width, int height, uint64_t seed,
                  uint64_t epoch, uint64_t sample, int view, struct augment_draw *draw)
{
    uint64_t item = sample * (uint64_t)plan->settings.views + (uint64_t)view;
    struct random_stream stream = random_stream(seed, "augment", epoch, item);
    *draw = (struct augment_draw){ 0 };
    for (int i = 0; plan->order[i]; i++)
        plan->order[i]->draw(plan, width, height, view, &stream, draw);
}

static status check_input(const struct augment_plan *plan, const struct augment_picture *picture,
                          const struct augment_draw *draw)
{
    if (!picture->pixels || picture->width < 1 || picture->height < 1 ||
        (picture->channels != 1 && picture->channels != 3))
        return fail(TACIT_BAD_DATA, "a picture of %d x %d pixels with %d channels cannot be used",
                    picture->width, picture->height, picture->channels);
    bool inside = draw->left >= 0 && draw->top >= 0 && draw->width > 0 && draw->height > 0 &&
                  draw->width <= picture->width - draw->left &&
                  draw->height <= picture->height - draw->top;
    bool window = draw->window_left >= 0 && draw->window_top >= 0 &&
                  draw->window_left <= draw->resized_width - plan->size &&
                  draw->window_top <= draw->resized_height - plan->size;
    if (!inside || !window)
        return fail(TACIT_USAGE,
                    "the box %d x %d at (%d, %d) does not lie in the picture of %d x %d pixels",
                    draw->width, draw->height, draw->left, draw->top, picture->width,
                    picture->height);
    return TACIT_OK;
}

static void apply_all(const struct augment_plan *plan, const struct augment_draw *draw,
                      struct canvas *canvas)
{
    const struct augment_type *early = plan->settings.gray_first ? &augment_grayscale : NULL;
    for (int i = 0; plan->order[i]; i++) {
        const struct augment_type *type = plan->order[i];
        if (early && type == &augment_jitter)
            early->apply(draw, canvas);
        if (type->apply && type != early)
            type->apply(draw, canvas);
    }
}

status augment_apply(const struct augment_plan *plan, const struct augment_picture *picture,
                     const struct augment_draw *draw, float *out, void *scratch)
{
    TRY(check_input(plan, picture, draw));
    struct workspace w;
    workspace_carve(plan, picture->width, picture->height, scratch, &w);
    resize_picture(plan, picture, draw, &w);
    struct canvas canvas = {
        .plan = plan,
        .plane = { w.planes, w.planes + plan->stride, w.planes + 2 * plan->stride },
        .channels = picture->channels,
        .size = plan->size,
        .count = (size_t)plan->size * plan->size,
        .spare = w.spare,
        .row = w.row,
        .out = out,
    };
    if (canvas.channels > plan->channels) {
        canvas_gray(&canvas);
        canvas.channels = plan->channels;
    }
    apply_all(plan, draw, &canvas);
    return TACIT_OK;
}

status augment_view(const struct augment_plan *plan, const struct augment_picture *picture,
                    uint64_t seed, uint64_t epoch, uint64_t sample, int view, float *out,
                    void *scratch)
{
    struct augment_draw draw;
    if (picture->width < 1 || picture->height < 1)
        return fail(TACIT_BAD_DATA, "a picture of %d x %d pixels cannot be used", picture->width,
                    picture->height);
    augment_draw(plan, picture->width, picture->height, seed, epoch, sample, view, &draw);
    return augment_apply(plan, picture, &draw, out, scratch);
}
