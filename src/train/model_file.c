#include "base/memory.h"
#include "io/json.h"
#include "train/hugging_face.h"
#include "train/hugging_face_parts.h"
#include "train/model_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_CLASSES = 1 << 20 };

static status wrong(const struct model_file *model, const char *key)
{
    return fail(TACIT_BAD_DATA, "%s: its metadata \"%s\" is missing or wrong: not a model of tacit",
                model->path, key);
}

static bool read_whole(const struct model_file *model, const char *key, int64_t least, int64_t most,
                       int *value)
{
    const char *text = safetensors_metadata(&model->file, key);
    int64_t number;
    if (!text || !text_read_integer(text, &number) || number < least || number > most)
        return false;
    *value = (int)number;
    return true;
}

/* Reads `count` numbers separated by single spaces. */
static bool read_numbers(const struct model_file *model, const char *key, int count, double *value)
{
    const char *text = safetensors_metadata(&model->file, key);
    for (int i = 0; text && i < count; i++) {
        char word[64];
        size_t length = strcspn(text, " ");
        snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : 0), text);
        if (!text_read_real(word, &value[i]))
            return false;
        text += length + (text[length] == ' ');
    }
    return text && !*text;
}

static status describe_pictures(struct model_file *model)
{
    struct method *method = &model->method;
    const char *stem = safetensors_metadata(&model->file, "stem");
    for (int i = STEM_CIFAR; i <= STEM_IMAGENET; i++)
        if (stem && strcmp(stem, model_stems[i]) == 0)
            method->network_options.stem = i;
    if (method->network_options.stem == STEM_AUTO)
        return wrong(model, "stem");
    if (!read_numbers(model, "width", 1, &method->network_options.width) ||
        method->network_options.width <= 0 || method->network_options.width > 64)
        return wrong(model, "width");
    if (!read_whole(model, "channels", 1, 3, &model->input.channels) || model->input.channels == 2)
        return wrong(model, "channels");
    if (!read_whole(model, "image_size", 1, 65536, &model->input.size))
        return wrong(model, "image_size");
    if (!read_numbers(model, "mean", 3, model->input.mean))
        return wrong(model, "mean");
    if (!read_numbers(model, "std", 3, model->input.std))
        return wrong(model, "std");
    for (int c = 0; c < 3; c++)
        if (!(model->input.std[c] > 0))
            return wrong(model, "std");
    return TACIT_OK;
}

/* How a text becomes a vector; models of before it was kept have the mean. */
static status describe_vectors(struct model_file *model)
{
    const char *pooling = safetensors_metadata(&model->file, "pooling");
    const char *normalize = safetensors_metadata(&model->file, "normalize");
    const char *spread = safetensors_metadata(&model->file, "long_texts");
    bool found = !pooling;
    model->method.pooling = POOL_MEAN;
    for (int i = 0; pooling && pooling_names[i]; i++)
        if (strcmp(pooling_names[i], pooling) == 0) {
            found = true;
            model->method.pooling = (enum text_pooling)i;
        }
    model->method.spread = spread && strcmp(spread, "windows") == 0;
    const char *similarity = safetensors_metadata(&model->file, "similarity");
    model->products = similarity && strcmp(similarity, "dot") == 0;
    model->sentences = normalize != NULL;
    model->normalize = normalize && strcmp(normalize, "true") == 0;
    return found ? TACIT_OK : wrong(model, "pooling");
}

static status describe_texts(struct model_file *model)
{
    enum { MOST_ITEMS = 1 << 28 };
    struct text_options text = { 0 };
    double sizes[] = { MODEL_SIZES(MODEL_NUMBER) }, rates[] = { MODEL_RATES(MODEL_NUMBER) };
    enum { COUNT = sizeof sizes / sizeof *sizes };
    const char *activation = safetensors_metadata(&model->file, "activation");
    const char *biases = safetensors_metadata(&model->file, "biases");
    const char *json = safetensors_metadata(&model->file, "tokenizer");
    int window, texts = 0, next = 0;
    if (!read_numbers(model, "sizes", COUNT, sizes))
        return wrong(model, "sizes");
    for (int i = 0; i < COUNT; i++)
        if (!(sizes[i] >= 0 && sizes[i] <= MOST_ITEMS && floor(sizes[i]) == sizes[i]))
            return wrong(model, "sizes");
    if (!read_numbers(model, "rates", 2, rates) || !(rates[0] >= 0 && rates[0] < 1) ||
        !(rates[1] > 0))
        return wrong(model, "rates");
#define FROM_SIZES(member) text.member = (int64_t)sizes[next++];
    MODEL_SIZES(FROM_SIZES)
#undef FROM_SIZES
    text.dropout = rates[0] > 0 ? rates[0] : -1;
    text.epsilon = rates[1];
    text.band = text.band > 0 ? text.band : -1;
    text.padding_id = text.padding_id > 0 ? text.padding_id : -1;
    text.activation = activation ? activation_find(activation) : ACTIVATION_OF_ROW;
    text.biases = biases && strcmp(biases, "true") == 0 ? BIASES : NO_BIASES;
    if (text.activation == ACTIVATION_OF_ROW)
        return wrong(model, "activation");
    if (!read_whole(model, "window", 1, 1 << 20, &window) || window > text.context)
        return wrong(model, "window");
    if (safetensors_metadata(&model->file, "texts") &&
        !read_whole(model, "texts", 1, 1 << 10, &texts))
        return wrong(model, "texts");
    if (!json)
        return wrong(model, "tokenizer");
    TRY(tokenizer_read(model->path, (struct text_view){ json, strlen(json) }, &model->tokenizer));
    if ((int64_t)tokenizer_vocabulary(model->tokenizer) > text.vocabulary)
        return fail(TACIT_BAD_DATA, "%s: its tokenizer has %zu tokens, its network %lld",
                    model->path, tokenizer_vocabulary(model->tokenizer),
                    (long long)text.vocabulary);
    model->method.network_options.text = text;
    model->method.window = window;
    model->input = (struct input_shape){
        .kind = SAMPLE_TEXT, .tokenizer = model->tokenizer, .window = window, .texts = texts
    };
    return describe_vectors(model);
}

/* What the outputs of a head mean. */
static status describe_head(struct model_file *model)
{
    struct method *method = &model->method;
    double spread[2];
    if (!method->type->numbers)
        return TACIT_OK;
    if (!read_numbers(model, "numbers", 2, spread) || !(spread[1] > 0))
        return wrong(model, "numbers");
    method->number_mean = spread[0];
    method->number_deviation = spread[1];
    return TACIT_OK;
}

static status model_describe(struct model_file *model)
{
    struct method *method = &model->method;
    const char *architecture = safetensors_metadata(&model->file, "architecture");
    const char *name = safetensors_metadata(&model->file, "method");
    method->network = architecture ? network_find(architecture) : NULL;
    method->type = name ? method_find(name) : NULL;
    if (!method->network)
        return wrong(model, "architecture");
    if (!method->type)
        return wrong(model, "method");
    TRY(describe_head(model));
    return method->network->input == INPUT_TOKENS ? describe_texts(model)
                                                  : describe_pictures(model);
}

/* The list of class names, NULL if there is none; json_decref frees it. */
static json_t *classes_read(const struct model_file *model)
{
    const char *text = safetensors_metadata(&model->file, "classes");
    json_t *list = NULL;
    text = text ? text : model->classes;
    if (!text || json_document_parse("classes", text, strlen(text), &list) != TACIT_OK)
        return NULL;
    if (json_is_array(list) && json_array_size(list) <= MOST_CLASSES)
        return list;
    json_decref(list);
    return NULL;
}

/* What else such folders hold in place of the one file, and what to do. */
static status no_model(const char *path)
{
    static const struct {
        const char *name, *advice;
    } others[] = {
        { "model.safetensors.index.json",
          "is in several files; write it as one (save_pretrained with a larger max_shard_size)" },
        { "pytorch_model.bin",
          "is a pickle, which is not read; write it as model.safetensors (save_pretrained)" },
    };
    char inside[MODEL_PATH_BYTES + 64];
    struct stat about;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(inside, sizeof inside, "%s/%s", path, others[i].name);
        if (stat(inside, &about) == 0)
            return fail(TACIT_BAD_DATA, "%s: has no model.safetensors; its model %s", path,
                        others[i].advice);
    }
    snprintf(inside, sizeof inside, "%s/config.yaml", path);
    if (stat(inside, &about) != 0)
        return fail(TACIT_BAD_DATA, "%s: has no model.safetensors and is no run of tacit", path);
    return fail(TACIT_BAD_DATA,
                "%s: has no model.safetensors; a run that was cut short gets one by `tacit resume "
                "%s`",
                path, path);
}

/* A model of tacit says so in its metadata; any other may have a config.json of Hugging Face beside
 * it. */
static bool is_foreign(const struct model_file *model, const char *folder)
{
    char beside[MODEL_PATH_BYTES + 16];
    struct stat about;
    snprintf(beside, sizeof beside, "%s/config.json", folder);
    return !safetensors_metadata(&model->file, "architecture") && stat(beside, &about) == 0;
}

/* Sizes that are told but that the file cannot hold are refused before a network is made of them:
 * every block has tensors, every table its `width` numbers a row, of two bytes at least. */
static status sizes_check(const struct model_file *model)
{
    const struct network_type *network = model->method.network;
    const struct hugging_face_family *family = hugging_face_family(network);
    struct text_options text = model->method.network_options.text;
    char name[MODEL_NAME_BYTES];
    if (model->input.kind != SAMPLE_TEXT)
        return TACIT_OK;
    snprintf(name, sizeof name, "%s.%s", network->prefix, family ? family->table : "");
    const struct safetensors_entry *table = model_file_find(model, name);
    if (table &&
        (table->rank != 2 || table->shape[0] != text.vocabulary || table->shape[1] != text.width))
        return fail(TACIT_BAD_DATA,
                    "%s: it is told to have %lld tokens and a width of %lld, but its tensor %s is "
                    "another: configuration and weights do not belong together",
                    model->path, (long long)text.vocabulary, (long long)text.width, name);
    double rows = (double)(text.inner > text.context ? text.inner : text.context);
    if (text.layers > (int64_t)model->file.count ||
        2 * rows * (double)text.width > (double)model->file.map.size)
        return fail(TACIT_BAD_DATA,
                    "%s: it is told to have %lld layers, %lld positions and an inner width of "
                    "%lld, which its file of %zu tensors cannot hold: configuration and weights "
                    "do not belong together",
                    model->path, (long long)text.layers, (long long)text.context,
                    (long long)text.inner, model->file.count);
    return TACIT_OK;
}

status model_file_open(const char *path, struct model_file *model)
{
    struct stat about;
    char inside[MODEL_PATH_BYTES + 32], folder[MODEL_PATH_BYTES];
    *model = (struct model_file){ .path = path };
    if (strlen(path) >= MODEL_PATH_BYTES)
        return fail(TACIT_BAD_DATA, "%.100s…: the name is too long", path);
    model_folder(path, folder);
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode)) {
        snprintf(folder, sizeof folder, "%s", path);
        snprintf(inside, sizeof inside, "%s/model.safetensors", path);
        if (stat(inside, &about) != 0)
            return no_model(path);
        path = inside;
    }
    TRY(safetensors_open(path, &model->file));
    model->foreign = is_foreign(model, folder);
    status result = model->foreign ? hugging_face_describe(folder, model) : model_describe(model);
    if (result == TACIT_OK)
        result = sizes_check(model);
    json_t *classes = classes_read(model);
    model->method.classes = classes ? (int64_t)json_array_size(classes) : 0;
    json_decref(classes);
    if (result != TACIT_OK)
        model_file_close(model);
    return result;
}

void model_file_close(struct model_file *model)
{
    safetensors_close(&model->file);
    tokenizer_free(model->tokenizer);
    memory_free(model->classes);
    model->tokenizer = NULL;
    model->classes = NULL;
}

bool model_file_class(const struct model_file *model, int64_t index, char *name, size_t size)
{
    json_t *classes = classes_read(model);
    const char *text = index < 0 ? NULL : json_string_value(json_array_get(classes, (size_t)index));
    if (text)
        snprintf(name, size, "%s", text);
    json_decref(classes);
    return text != NULL;
}
