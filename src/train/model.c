/* tacit_model_*: a trained model inside another program. */
#include "base/memory.h"
#include "train/modality.h"
#include "train/model_file.h"
#include "tacit/tacit.h"
#include "train/session.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { PICTURES_AT_ONCE = 32, TEXTS_AT_ONCE = 1024 };

struct tacit_model {
    struct model_file file;
    struct store *store;
    struct extractor *extractor;
    float *normalised; /* [PICTURES_AT_ONCE, channels, size, size] */
};

static size_t picture_items(const struct input_shape *input)
{
    return (size_t)input->channels * (size_t)input->size * (size_t)input->size;
}

static status model_fill(tacit_model *model, const char *path)
{
    const struct target target = { .precision = PRECISION_F32 };
    TRY(model_file_open(path, &model->file));
    model->store = store_new(0);
    model->normalised =
        memory_new(PICTURES_AT_ONCE * picture_items(&model->file.input) + 1, sizeof(float));
    if (!model->store || !model->normalised)
        return TACIT_RESOURCES;
    TRY(extractor_new(model->store, &model->file.method, &model->file.input, PICTURES_AT_ONCE,
                      EXTRACT_FEATURES, &target, &model->extractor));
    return model_file_values(&model->file, model->store);
}

tacit_status tacit_model_open(const char *path, int threads, tacit_model **model)
{
    *model = NULL;
    tacit_model *made = memory_new(1, sizeof *made);
    if (!made)
        return TACIT_RESOURCES;
    team_settle(threads);
    status result = model_fill(made, path);
    if (result == TACIT_OK)
        *model = made;
    else
        tacit_model_free(made);
    return result;
}

void tacit_model_free(tacit_model *model)
{
    if (!model)
        return;
    extractor_free(model->extractor);
    store_free(model->store);
    model_file_close(&model->file);
    memory_free(model->normalised);
    memory_free(model);
}

void tacit_model_describe(const tacit_model *model, tacit_model_shape *shape)
{
    const struct input_shape *input = &model->file.input;
    *shape = (tacit_model_shape){ input->channels, input->size, input->size,
                                  (int)extractor_width(model->extractor) };
}

/* To unit length, as PyTorch's normalize. */
static void row_normalize(float *row, int64_t width)
{
    double sum = 0;
    for (int64_t j = 0; j < width; j++)
        sum += (double)row[j] * row[j];
    for (int64_t j = 0; j < width; j++)
        row[j] = (float)(row[j] / fmax(sqrt(sum), 1e-12));
}

tacit_status tacit_model_embed_texts(tacit_model *model, int64_t count, const char *const texts[],
                                     float *embeddings)
{
    int64_t width = extractor_width(model->extractor);
    if (model->file.input.kind != SAMPLE_TEXT || count < 0)
        return fail(TACIT_USAGE, "%s",
                    count < 0 ? "a negative number of texts cannot be embedded"
                              : "a model of pictures cannot embed texts");
    for (int64_t first = 0; first < count; first += TEXTS_AT_ONCE) {
        struct text_view view[TEXTS_AT_ONCE];
        int64_t part = count - first < TEXTS_AT_ONCE ? count - first : TEXTS_AT_ONCE;
        for (int64_t i = 0; i < part; i++)
            view[i] = (struct text_view){ texts[first + i], strlen(texts[first + i]) };
        TRY(extractor_texts(model->extractor, view, (size_t)part, embeddings + first * width));
    }
    for (int64_t i = 0; model->file.normalize && i < count; i++)
        row_normalize(embeddings + i * width, width);
    return TACIT_OK;
}

tacit_status tacit_model_embed(tacit_model *model, int64_t count, const float *pixels,
                               float *embeddings)
{
    const struct input_shape *input = &model->file.input;
    size_t items = picture_items(input), plane = (size_t)input->size * (size_t)input->size;
    int64_t width = extractor_width(model->extractor);
    if (count < 0 || input->kind != SAMPLE_PICTURE)
        return fail(TACIT_USAGE, "%lld pictures cannot be embedded by a model of %s",
                    (long long)count, modality_of(input->kind)->samples);
    for (int64_t first = 0; first < count; first += PICTURES_AT_ONCE) {
        int64_t part = count - first < PICTURES_AT_ONCE ? count - first : PICTURES_AT_ONCE;
        const float *from = pixels + (size_t)first * items;
        for (size_t i = 0; i < (size_t)part * items; i++) {
            size_t channel = i / plane % (size_t)input->channels;
            model->normalised[i] =
                (float)(((double)from[i] - input->mean[channel]) / input->std[channel]);
        }
        TRY(extractor_run(model->extractor, (void *[]){ model->normalised }, part,
                          embeddings + first * width));
    }
    return TACIT_OK;
}
