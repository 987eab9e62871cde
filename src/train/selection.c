#include "train/selection.h"
#include "base/memory.h"
#include "io/file.h"
#include "train/session.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 64 };

struct selection {
    struct setup *setup;
    struct store *store;
    struct extractor *extractor;
    uint32_t *index, *kept; /* [count] held-out samples with a label */
    float *rows;            /* [count, width] */
    size_t count;
    char path[RUN_PATH_BYTES]; /* of the best model */
    struct selected best;
};

static bool has_label(const struct setup *setup, size_t sample)
{
    const struct source *source = setup->source;
    return setup->method.type->numbers ? source->target && isfinite(source->target[sample])
                                       : source->sample[sample].label >= 0;
}

static status samples_list(struct selection *made)
{
    const struct setup *setup = made->setup;
    made->index = memory_new(setup->held_count, sizeof *made->index);
    made->kept = memory_new(setup->held_count, sizeof *made->kept);
    if (!made->index || !made->kept)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < setup->source->count; i++)
        if (setup->held[i] && has_label(setup, i))
            made->index[made->count++] = (uint32_t)i;
    return TACIT_OK;
}

/* What best.safetensors says of itself. */
static void best_read(struct selection *made)
{
    struct safetensors_file file;
    made->best = (struct selected){ .step = -1, .loss = NAN, .accuracy = NAN };
    if (access(made->path, F_OK) != 0 || safetensors_open(made->path, &file) != TACIT_OK)
        return;
    const char *text = safetensors_metadata(&file, "selected");
    long long step;
    struct selected best = made->best;
    if (text && sscanf(text, "%lld %la %la", &step, &best.loss, &best.accuracy) == 3) {
        best.step = step;
        made->best = best;
    }
    safetensors_close(&file);
}

static status selection_fill(struct selection *made, const struct run *run)
{
    const struct setup *setup = made->setup;
    TRY(samples_list(made));
    snprintf(made->path, sizeof made->path, "%.*s/best.safetensors",
             (int)strnlen(run->checkpoints, RUN_PATH_BYTES - 32), run->checkpoints);
    best_read(made);
    struct target target = { .precision = setup->target.precision };
    TRY(extractor_new(made->store, &setup->method, &setup->input, BATCH, EXTRACT_EMBEDDING, &target,
                      &made->extractor));
    made->rows =
        memory_new(made->count + 1, (size_t)extractor_width(made->extractor) * sizeof *made->rows);
    return made->rows ? TACIT_OK : TACIT_RESOURCES;
}

status selection_new(struct setup *setup, struct store *store, const struct run *run,
                     struct selection **selection)
{
    const struct method_type *type = setup->method.type;
    *selection = NULL;
    if (!type->either || !setup->held_count || !run)
        return TACIT_OK;
    struct selection *made = memory_new(1, sizeof *made);
    if (!made)
        return TACIT_RESOURCES;
    made->setup = setup;
    made->store = store;
    status result = selection_fill(made, run);
    if (result == TACIT_OK && made->count)
        *selection = made;
    else
        selection_free(made);
    return result;
}

void selection_free(struct selection *selection)
{
    if (!selection)
        return;
    extractor_free(selection->extractor);
    memory_free(selection->index);
    memory_free(selection->kept);
    memory_free(selection->rows);
    memory_free(selection);
}

/* -ln softmax(logit)[label]; *right: whether the label has the largest. */
static double class_loss(const float *logit, size_t classes, int32_t label, bool *right)
{
    double sum = 0;
    size_t best = 0;
    for (size_t c = 1; c < classes; c++)
        best = logit[c] > logit[best] ? c : best;
    for (size_t c = 0; c < classes; c++)
        sum += exp((double)logit[c] - (double)logit[best]);
    *right = best == (size_t)label;
    return log(sum) + (double)logit[best] - (double)logit[label];
}

static void judge(const struct selection *selection, size_t count, struct selected *now)
{
    const struct setup *setup = selection->setup;
    const struct method *method = &setup->method;
    size_t width = (size_t)extractor_width(selection->extractor), hits = 0;
    double loss = 0;
    for (size_t i = 0; i < count; i++) {
        const float *row = selection->rows + i * width;
        uint32_t sample = selection->kept[i];
        bool right = false;
        if (method->type->numbers)
            loss += pow(method->number_mean + method->number_deviation * (double)row[0] -
                            setup->source->target[sample],
                        2);
        else
            loss += class_loss(row, width, setup->source->sample[sample].label, &right);
        hits += right;
    }
    now->loss = count ? loss / (double)count : NAN;
    now->accuracy = method->type->numbers || !count ? NAN : (double)hits / (double)count;
}

/* More right answers, or as many at a smaller loss. */
static bool is_better(const struct selected *a, const struct selected *b)
{
    if (b->step < 0)
        return true;
    if (isfinite(a->accuracy) && a->accuracy != b->accuracy)
        return a->accuracy > b->accuracy;
    return a->loss < b->loss;
}

status selection_take(struct selection *selection, int64_t step, struct selected *now)
{
    const struct setup *setup = selection->setup;
    size_t kept = 0;
    char said[128];
    *now = (struct selected){ .step = step };
    TRY(extractor_source(selection->extractor, setup->source, selection->index, selection->count,
                         NULL, NULL, selection->rows, selection->kept, &kept));
    judge(selection, kept, now);
    if (!isfinite(now->loss) || !is_better(now, &selection->best))
        return TACIT_OK;
    snprintf(said, sizeof said, "%lld %a %a", (long long)step, now->loss, now->accuracy);
    TRY(model_save_noted(selection->path, selection->store, &setup->method, &setup->input,
                         setup->source->class_name, "selected", said));
    selection->best = *now;
    return TACIT_OK;
}

const struct selected *selection_best(const struct selection *selection)
{
    return &selection->best;
}

status selection_export(const struct selection *selection, const char *path)
{
    struct file_map map;
    TRY(file_map_open(selection->path, &map));
    status result = file_write(path, map.bytes, map.size);
    file_map_close(&map);
    return result;
}
