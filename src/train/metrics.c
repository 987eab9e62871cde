#include "train/metrics.h"
#include "base/clock.h"
#include "io/json.h"
#include "io/safetensors.h"

#include <math.h>
#include <stdio.h>

enum { SCALARS = 16 };

struct scalars {
    const char *tag[SCALARS], *key[SCALARS];
    double value[SCALARS];
    size_t count;
};

static void scalar_add(struct scalars *scalars, const char *key, const char *tag, double value)
{
    scalars->key[scalars->count] = key;
    scalars->tag[scalars->count] = tag;
    scalars->value[scalars->count++] = value;
}

static void scalars_fill(const struct fit *fit, const struct step_times *times, bool watched,
                         struct scalars *scalars)
{
    const struct measures *seen = &fit->position.watched;
    scalar_add(scalars, "loss", "train/loss", times->loss);
    scalar_add(scalars, "lr", "train/lr", times->rate);
    scalar_add(scalars, "gradient_norm", "train/gradient_norm", times->norm);
    scalar_add(scalars, "step_seconds", "speed/step_seconds", times->step);
    scalar_add(scalars, "data_wait_seconds", "speed/data_wait_seconds", times->wait);
    scalar_add(scalars, "samples_per_second", "speed/samples_per_second",
               times->samples_per_second);
    if (!watched)
        return;
    scalar_add(scalars, "deviation", "watch/deviation", seen->deviation);
    scalar_add(scalars, "rank", "watch/rank", seen->rank);
    scalar_add(scalars, "alignment", "watch/alignment", seen->alignment);
    scalar_add(scalars, "uniformity", "watch/uniformity", seen->uniformity);
    scalar_add(scalars, "cosine", "watch/cosine", seen->cosine);
    if (isfinite(seen->validation))
        scalar_add(scalars, "validation_loss", "validation/loss", seen->validation);
}

status metrics_line(struct fit *fit, const struct step_times *times, bool watched,
                    const struct selected *now)
{
    struct scalars scalars = { .count = 0 };
    struct json_writer json = { .text = &fit->line };
    float value[SCALARS];
    text_clear(&fit->line);
    scalars_fill(fit, times, watched, &scalars);
    if (now->step >= 0)
        scalar_add(&scalars, "held_out_loss", "held_out/loss", now->loss);
    if (now->step >= 0 && isfinite(now->accuracy))
        scalar_add(&scalars, "held_out_accuracy", "held_out/accuracy", now->accuracy);
    json_write_object(&json);
    json_write_key(&json, "step");
    json_write_integer(&json, fit->position.step);
    json_write_key(&json, "epoch");
    json_write_real(&json, (double)fit->position.step / (double)fit->setup->batches);
    for (size_t i = 0; i < scalars.count; i++) {
        json_write_key(&json, scalars.key[i]);
        json_write_real(&json, scalars.value[i]);
        value[i] = (float)scalars.value[i];
    }
    json_write_end(&json);
    text_append(&fit->line, "\n");
    TRY(text_status(&fit->line));
    TRY(log_file_append(&fit->run->metrics, fit->line.bytes, fit->line.length));
    return event_log_scalars(&fit->run->events, clock_wall(), fit->position.step, scalars.count,
                             scalars.tag, value);
}

status metrics_save_batch(const char *path, const struct batch *batch, const struct setup *setup)
{
    struct safetensors_entry entry[FIELDS_MAX + 2] = { 0 };
    int count = 0;
    for (; count < setup->fields; count++) {
        const struct field *field = &setup->field[count];
        entry[count] = (struct safetensors_entry){
            .name = field->name,
            .dtype = field->item.dtype == I32 ? SAFETENSORS_I32 : SAFETENSORS_F32,
            .rank = field->item.shape.rank + 1,
            .shape = { batch->count },
            .data = batch->field[count],
            .bytes = (size_t)batch->count * field_bytes(field),
        };
        for (int axis = 0; axis < field->item.shape.rank; axis++)
            entry[count].shape[axis + 1] = field->item.shape.dim[axis];
    }
    const char *const lists[] = { "index", "label" };
    const void *const data[] = { batch->index, batch->label };
    for (int i = 0; i < 2; i++, count++)
        entry[count] =
            (struct safetensors_entry){ .name = lists[i],
                                        .dtype = i ? SAFETENSORS_I32 : SAFETENSORS_U32,
                                        .rank = 1,
                                        .shape = { batch->count },
                                        .data = data[i],
                                        .bytes = (size_t)batch->count * sizeof(int32_t) };
    return safetensors_write(path, entry, (size_t)count, NULL, 0);
}
