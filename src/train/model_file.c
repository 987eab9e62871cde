#include "train/model_file.h"
#include "base/memory.h"
#include "io/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NAME_BYTES = 256, METADATA = 16, MOST_CLASSES = 1 << 20 };

static const char *const stem_names[] = {
    [STEM_AUTO] = "auto", [STEM_CIFAR] = "cifar", [STEM_IMAGENET] = "imagenet"
};

/* "conv1.weight" of the backbone, "projector.fc1.weight" of another network. */
static void tensor_name(const struct tensor *tensor, char name[NAME_BYTES])
{
    bool backbone = strcmp(tensor->range->name, "backbone") == 0;
    snprintf(name, NAME_BYTES, "%s%s%s", backbone ? "" : tensor->range->name, backbone ? "" : ".",
             tensor->name);
}

struct saver {
    const struct method *method;
    struct arena memory;
    struct safetensors_entry *entry;
    struct safetensors_metadata metadata[METADATA];
    size_t count, capacity, metadata_count;
};

static status saver_tensor(struct saver *saver, const struct tensor *tensor)
{
    char name[NAME_BYTES];
    void *block = saver->entry;
    if (!memory_reserve(&block, &saver->capacity, saver->count, sizeof *saver->entry))
        return TACIT_RESOURCES;
    saver->entry = block;
    tensor_name(tensor, name);
    size_t items = (size_t)shape_size(tensor->shape);
    struct safetensors_entry entry = { .name = arena_text(&saver->memory, "%s", name),
                                       .dtype = SAFETENSORS_F32,
                                       .rank = tensor->shape.rank,
                                       .data = tensor_value(tensor),
                                       .bytes = items * sizeof(float) };
    for (int i = 0; i < entry.rank; i++)
        entry.shape[i] = tensor->shape.dim[i];
    if (tensor->counter) {
        int64_t *counter = arena_new(&saver->memory, items, sizeof *counter);
        if (!counter)
            return TACIT_RESOURCES;
        for (size_t i = 0; i < items; i++)
            counter[i] = (int64_t)llrintf(tensor_value(tensor)[i]);
        entry.dtype = SAFETENSORS_I64;
        entry.data = counter;
        entry.bytes = items * sizeof *counter;
    }
    saver->entry[saver->count++] = entry;
    return entry.name ? TACIT_OK : TACIT_RESOURCES;
}

static void say(struct saver *saver, const char *key, const char *value)
{
    if (value && saver->metadata_count < METADATA)
        saver->metadata[saver->metadata_count++] = (struct safetensors_metadata){ key, value };
}

static const char *numbers(struct saver *saver, const double *value, int count)
{
    struct text text = { 0 };
    for (int i = 0; i < count; i++) {
        text_append(&text, "%s", i ? " " : "");
        text_append_real(&text, value[i]);
    }
    const char *kept = text.failed ? NULL : arena_text(&saver->memory, "%s", text_string(&text));
    text_free(&text);
    return kept;
}

static status saver_classes(struct saver *saver, const struct method *method,
                            const char *const *class_name)
{
    struct text text = { 0 };
    struct json_writer json = { .text = &text };
    if (!class_name || !method->classes || !method->type->labels)
        return TACIT_OK;
    json_write_array(&json);
    for (int64_t i = 0; i < method->classes; i++)
        json_write_text(&json, class_name[i]);
    json_write_end(&json);
    status result = text_status(&text);
    if (result == TACIT_OK)
        say(saver, "classes", arena_text(&saver->memory, "%s", text_string(&text)));
    text_free(&text);
    return result;
}

static void saver_pictures(struct saver *saver, const struct input_shape *input)
{
    const struct method *method = saver->method;
    int stem = (int)method->network_options.stem;
    if (stem == STEM_AUTO)
        stem = input->size < 64 ? STEM_CIFAR : STEM_IMAGENET;
    say(saver, "stem", stem_names[stem]);
    say(saver, "width", numbers(saver, &method->network_options.width, 1));
    say(saver, "channels", arena_text(&saver->memory, "%d", input->channels));
    say(saver, "image_size", arena_text(&saver->memory, "%d", input->size));
    say(saver, "mean", numbers(saver, input->mean, 3));
    say(saver, "std", numbers(saver, input->std, 3));
}

/* The whole numbers of a network on tokens, in this order in "sizes"; "rates" are the others. */
#define SIZES(X) \
    X(vocabulary) X(context) X(layers) X(heads) X(width) X(inner) X(segments) X(band) X(padding_id)
#define RATES(X) X(dropout) X(epsilon)
#define AS_NUMBER(member) (double)text.member,

static status saver_texts(struct saver *saver, const struct input_shape *input)
{
    const struct text_options text =
        network_text(saver->method->network, &saver->method->network_options);
    const double sizes[] = { SIZES(AS_NUMBER) }, rates[] = { RATES(AS_NUMBER) };
    struct text json = { 0 };
    TRY(tokenizer_write(input->tokenizer, &json));
    say(saver, "sizes", numbers(saver, sizes, sizeof sizes / sizeof *sizes));
    say(saver, "rates", numbers(saver, rates, sizeof rates / sizeof *rates));
    say(saver, "activation", activation_name(text.activation));
    say(saver, "biases", text.biases == BIASES ? "true" : "false");
    say(saver, "window", arena_text(&saver->memory, "%lld", (long long)input->window));
    say(saver, "pooling", pooling_names[saver->method->pooling]);
    say(saver, "tokenizer", arena_text(&saver->memory, "%s", text_string(&json)));
    status result = text_status(&json);
    text_free(&json);
    return result;
}

static status saver_metadata(struct saver *saver, const struct method *method,
                             const struct input_shape *input, const char *const *class_name)
{
    say(saver, "format", "pt");
    say(saver, "tacit", TACIT_VERSION);
    say(saver, "architecture", method->network->name);
    say(saver, "method", method->type->name);
    if (input->kind == SAMPLE_TEXT)
        TRY(saver_texts(saver, input));
    else
        saver_pictures(saver, input);
    return saver_classes(saver, method, class_name);
}

status model_save(const char *path, const struct store *store, const struct method *method,
                  const struct input_shape *input, const char *const *class_name)
{
    struct saver saver = { .method = method };
    status result = TACIT_OK;
    const char *const *network_name = method->type->networks;
    for (int64_t r = 0; r < store_ranges(store) && result == TACIT_OK; r++) {
        const struct range *range = store_range_at(store, r);
        bool own = false;
        for (int i = 0; network_name[i]; i++)
            own = own || strcmp(network_name[i], range->name) == 0;
        for (int64_t t = 0; own && t < range->tensors && result == TACIT_OK; t++)
            result = saver_tensor(&saver, range->tensor[t]);
    }
    if (result == TACIT_OK)
        result = saver_metadata(&saver, method, input, class_name);
    if (result == TACIT_OK)
        result =
            safetensors_write(path, saver.entry, saver.count, saver.metadata, saver.metadata_count);
    memory_free(saver.entry);
    arena_free(&saver.memory);
    return result;
}

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
        if (stem && strcmp(stem, stem_names[i]) == 0)
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

/* The method's own pooling; models of before it was kept have the mean. */
static bool read_pooling(const struct model_file *model, enum text_pooling *pooling)
{
    const char *name = safetensors_metadata(&model->file, "pooling");
    *pooling = POOL_MEAN;
    for (int i = 0; name && pooling_names[i]; i++)
        if (strcmp(name, pooling_names[i]) == 0) {
            *pooling = (enum text_pooling)i;
            return true;
        }
    return !name;
}

static status describe_texts(struct model_file *model)
{
    enum { MOST_ITEMS = 1 << 28 };
    struct text_options text = { 0 };
    double sizes[] = { SIZES(AS_NUMBER) }, rates[] = { RATES(AS_NUMBER) };
    enum { COUNT = sizeof sizes / sizeof *sizes };
    const char *activation = safetensors_metadata(&model->file, "activation");
    const char *biases = safetensors_metadata(&model->file, "biases");
    const char *json = safetensors_metadata(&model->file, "tokenizer");
    int window, next = 0;
    if (!read_numbers(model, "sizes", COUNT, sizes))
        return wrong(model, "sizes");
    for (int i = 0; i < COUNT; i++)
        if (!(sizes[i] >= 0 && sizes[i] <= MOST_ITEMS && floor(sizes[i]) == sizes[i]))
            return wrong(model, "sizes");
    if (!read_numbers(model, "rates", 2, rates) || !(rates[0] >= 0 && rates[0] < 1) ||
        !(rates[1] > 0))
        return wrong(model, "rates");
#define FROM_SIZES(member) text.member = (int64_t)sizes[next++];
    SIZES(FROM_SIZES)
#undef FROM_SIZES
    text.dropout = rates[0] > 0 ? rates[0] : -1;
    text.epsilon = rates[1];
    text.band = text.band > 0 ? text.band : -1;
    text.activation = activation ? activation_find(activation) : ACTIVATION_OF_ROW;
    text.biases = biases && strcmp(biases, "true") == 0 ? BIASES : NO_BIASES;
    if (text.activation == ACTIVATION_OF_ROW)
        return wrong(model, "activation");
    if (!read_whole(model, "window", 1, 1 << 20, &window) || window > text.context)
        return wrong(model, "window");
    if (!read_pooling(model, &model->method.pooling))
        return wrong(model, "pooling");
    if (!json)
        return wrong(model, "tokenizer");
    TRY(tokenizer_read(model->path, (struct text_view){ json, strlen(json) }, &model->tokenizer));
    if ((int64_t)tokenizer_vocabulary(model->tokenizer) > text.vocabulary)
        return fail(TACIT_BAD_DATA, "%s: its tokenizer has %zu tokens, its network %lld",
                    model->path, tokenizer_vocabulary(model->tokenizer),
                    (long long)text.vocabulary);
    model->method.network_options.text = text;
    model->method.window = window;
    model->input = (struct input_shape){ .kind = SAMPLE_TEXT,
                                         .tokenizer = model->tokenizer,
                                         .window = window };
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
    return method->network->input == INPUT_TOKENS ? describe_texts(model)
                                                  : describe_pictures(model);
}

/* The list of class names, NULL if there is none; json_decref frees it. */
static json_t *classes_read(const struct model_file *model)
{
    const char *text = safetensors_metadata(&model->file, "classes");
    json_t *list = NULL;
    if (!text || json_document_parse("classes", text, strlen(text), &list) != TACIT_OK)
        return NULL;
    if (json_is_array(list) && json_array_size(list) <= MOST_CLASSES)
        return list;
    json_decref(list);
    return NULL;
}

status model_file_open(const char *path, struct model_file *model)
{
    struct stat about;
    char inside[4096];
    *model = (struct model_file){ .path = path };
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode)) {
        snprintf(inside, sizeof inside, "%s/model.safetensors", path);
        if (stat(inside, &about) != 0)
            return fail(TACIT_BAD_DATA,
                        "%s: has no model.safetensors; a run that was cut short gets one by "
                        "`tacit resume %s`",
                        path, path);
        path = inside;
    }
    TRY(safetensors_open(path, &model->file));
    status result = model_describe(model);
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
    model->tokenizer = NULL;
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

static status tensor_read(const struct model_file *model, const struct tensor *tensor)
{
    char name[NAME_BYTES];
    tensor_name(tensor, name);
    const struct safetensors_entry *entry = safetensors_find(&model->file, name);
    size_t items = (size_t)shape_size(tensor->shape);
    if (!entry)
        return tensor->counter ? TACIT_OK
                               : fail(TACIT_BAD_DATA, "%s: has no tensor %s", model->path, name);
    bool same = entry->rank == tensor->shape.rank;
    for (int i = 0; same && i < entry->rank; i++)
        same = entry->shape[i] == tensor->shape.dim[i];
    if (!same || entry->dtype != (tensor->counter ? SAFETENSORS_I64 : SAFETENSORS_F32))
        return fail(TACIT_BAD_DATA, "%s: tensor %s must be %s %s", model->path, name,
                    tensor->counter ? "I64" : "F32", shape_text(tensor->shape));
    for (size_t i = 0; i < items; i++) {
        int64_t counter;
        float value;
        if (tensor->counter) {
            memcpy(&counter, (const char *)entry->data + i * sizeof counter, sizeof counter);
            value = (float)counter;
        } else {
            memcpy(&value, (const char *)entry->data + i * sizeof value, sizeof value);
        }
        if (!isfinite(value))
            return fail(TACIT_BAD_DATA, "%s: tensor %s holds a value that is not finite",
                        model->path, name);
        tensor_value(tensor)[i] = value;
    }
    return TACIT_OK;
}

status model_file_values(const struct model_file *model, struct store *store)
{
    for (int64_t r = 0; r < store_ranges(store); r++) {
        struct range *range = store_range_at(store, r);
        for (int64_t t = 0; range->sealed && t < range->tensors; t++)
            TRY(tensor_read(model, range->tensor[t]));
        range->version++;
    }
    return TACIT_OK;
}
