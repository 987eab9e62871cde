#include "train/labelled.h"
#include "base/memory.h"
#include "train/draws.h"

#include <math.h>
#include <string.h>

status labelled_draw(struct setup *setup)
{
    const struct source *source = setup->source;
    struct draw draw = { 0 };
    if (config_automatic(setup->config, "labels_per_class"))
        return TACIT_OK;
    int64_t per_class = config_integer(setup->config, "labels_per_class");
    if (!setup->method.type->labels)
        return fail(TACIT_USAGE, "labels_per_class=%lld: method=%s learns from no classes",
                    (long long)per_class, setup->method.type->name);
    int32_t *label = memory_new(setup->count ? setup->count : 1, sizeof *label);
    if (!label)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < setup->count; i++)
        label[i] = source->sample[setup->index[i]].label;
    struct labelled samples = { label, (int64_t)setup->count, source->classes, source->class_name };
    status result = draw_labels(&samples, per_class, 0, setup->seed, &draw);
    for (int64_t i = 0; i < draw.count; i++) /* ascending: nothing is overwritten too early */
        setup->index[i] = setup->index[draw.index[i]];
    if (result == TACIT_OK)
        setup->count = (size_t)draw.count;
    draw_free(&draw);
    memory_free(label);
    return result;
}

static status number_make(void *argument, const struct turn *turn, void *const row[], void *scratch)
{
    struct setup *setup = argument;
    const struct method *method = &setup->method;
    float *number = row[setup->fields - 1];
    TRY(setup->make_sample(setup->sample_argument, turn, row, scratch));
    *number = (float)((setup->source->target[turn->used] - method->number_mean) /
                      method->number_deviation);
    return TACIT_OK;
}

static void spread_find(struct setup *setup)
{
    const double *target = setup->source->target;
    double sum = 0, squares = 0, count = (double)setup->count;
    for (size_t i = 0; i < setup->count; i++)
        sum += target[setup->index[i]];
    setup->method.number_mean = sum / count;
    for (size_t i = 0; i < setup->count; i++)
        squares += pow(target[setup->index[i]] - setup->method.number_mean, 2);
    setup->method.number_deviation = sqrt(squares / count);
}

status labelled_number(struct setup *setup, const struct audience *audience)
{
    struct method *method = &setup->method;
    struct field wanted[FIELDS_MAX];
    if (!method->type->numbers)
        return TACIT_OK;
    spread_find(setup);
    if (!(method->number_deviation > 0))
        return fail(TACIT_BAD_DATA, "%s: all numbers to learn are %g", setup->source->path,
                    method->number_mean);
    tell(audience, TACIT_INFO, "numbers: mean %.4g, standard deviation %.4g", method->number_mean,
         method->number_deviation);
    int fields = method->type->fields(method, wanted);
    setup->field[fields - 1] = wanted[fields - 1];
    setup->fields = fields;
    setup->make_sample = setup->make;
    setup->sample_argument = setup->argument;
    setup->make = number_make;
    setup->argument = setup;
    return TACIT_OK;
}
