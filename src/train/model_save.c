/* Writing model.safetensors. */
#include "base/memory.h"
#include "io/json.h"
#include "train/hugging_face.h"
#include "train/model_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { METADATA = 20 };

const char *const model_stems[] = {
    [STEM_AUTO] = "auto", [STEM_CIFAR] = "cifar", [STEM_IMAGENET] = "imagenet"
};

void model_tensor_name(const struct tensor *tensor, char name[MODEL_NAME_BYTES])
{
    const char *range = tensor->range->name;
    bool published = strcmp(range, "backbone") == 0 || strcmp(range, "head") == 0;
    snprintf(name, MODEL_NAME_BYTES, "%s%s%s", published ? "" : range, published ? "" : ".",
             tensor->name);
}

void model_folder(const char *path, char folder[MODEL_PATH_BYTES])
{
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) : 0;
    snprintf(folder, MODEL_PATH_BYTES, "%.*s", length, path);
    if (!slash)
        snprintf(folder, MODEL_PATH_BYTES, ".");
    else if (!length)
        snprintf(folder, MODEL_PATH_BYTES, "/");
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
    char name[MODEL_NAME_BYTES];
    void *block = saver->entry;
    if (!memory_reserve(&block, &saver->capacity, saver->count, sizeof *saver->entry))
        return TACIT_RESOURCES;
    saver->entry = block;
    model_tensor_name(tensor, name);
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
    say(saver, "stem", model_stems[stem]);
    say(saver, "width", numbers(saver, &method->network_options.width, 1));
    say(saver, "channels", arena_text(&saver->memory, "%d", input->channels));
    say(saver, "image_size", arena_text(&saver->memory, "%d", input->size));
    say(saver, "mean", numbers(saver, input->mean, 3));
    say(saver, "std", numbers(saver, input->std, 3));
}

static status saver_texts(struct saver *saver, const struct input_shape *input)
{
    const struct text_options text =
        network_text(saver->method->network, &saver->method->network_options);
    const double sizes[] = { MODEL_SIZES(MODEL_NUMBER) }, rates[] = { MODEL_RATES(MODEL_NUMBER) };
    struct text json = { 0 };
    TRY(tokenizer_write(input->tokenizer, &json));
    say(saver, "sizes", numbers(saver, sizes, sizeof sizes / sizeof *sizes));
    say(saver, "rates", numbers(saver, rates, sizeof rates / sizeof *rates));
    say(saver, "activation", activation_name(text.activation));
    say(saver, "biases", text.biases == BIASES ? "true" : "false");
    say(saver, "window", arena_text(&saver->memory, "%lld", (long long)input->window));
    if (input->texts)
        say(saver, "texts", arena_text(&saver->memory, "%d", input->texts));
    say(saver, "pooling", pooling_names[saver->method->pooling]);
    if (saver->method->spread)
        say(saver, "long_texts", "windows");
    if (saver->method->type->products && saver->method->type->products(saver->method))
        say(saver, "similarity", "dot");
    say(saver, "tokenizer", arena_text(&saver->memory, "%s", text_string(&json)));
    status result = text_status(&json);
    text_free(&json);
    return result;
}

/* What the outputs of a head mean. */
static void saver_head(struct saver *saver)
{
    const struct method *method = saver->method;
    const double spread[] = { method->number_mean, method->number_deviation };
    if (method->type->numbers)
        say(saver, "numbers", numbers(saver, spread, 2));
}

static status saver_metadata(struct saver *saver, const struct input_shape *input,
                             const char *const *class_name)
{
    const struct method *method = saver->method;
    say(saver, "format", "pt");
    say(saver, "tacit", TACIT_VERSION);
    say(saver, "architecture", method->network->name);
    say(saver, "method", method->type->name);
    if (input->kind == SAMPLE_TEXT)
        TRY(saver_texts(saver, input));
    else
        saver_pictures(saver, input);
    saver_head(saver);
    return saver_classes(saver, method, class_name);
}

static status saver_tensors(struct saver *saver, const struct store *store)
{
    const char *const *network_name = saver->method->type->networks;
    for (int64_t r = 0; r < store_ranges(store); r++) {
        const struct range *range = store_range_at(store, r);
        bool own = false;
        for (int i = 0; network_name[i]; i++)
            own = own || strcmp(network_name[i], range->name) == 0;
        for (int64_t t = 0; own && t < range->tensors; t++)
            TRY(saver_tensor(saver, range->tensor[t]));
    }
    return TACIT_OK;
}

/* Hugging Face's classes have biases everywhere: where the network has none they are 0. Tables have
 * none there either; GPT-2's matrices are stored [in, out], the others [out, in]. */
static status saver_biases(struct saver *saver)
{
    static const char ending[] = ".weight";
    bool columns = saver->method->network->causal;
    size_t weights = saver->count, tail = sizeof ending - 1;
    for (size_t i = 0; i < weights; i++) {
        const struct safetensors_entry weight = saver->entry[i];
        size_t length = strlen(weight.name);
        bool table = strstr(weight.name, "embeddings.weight") ||
                     strstr(weight.name, "wte.weight") || strstr(weight.name, "wpe.weight") ||
                     strcmp(weight.name, "score.weight") == 0;
        if (length <= tail || strcmp(weight.name + length - tail, ending) != 0 || table)
            continue;
        char *name = arena_text(&saver->memory, "%.*s.bias", (int)(length - tail), weight.name);
        bool there = false;
        for (size_t k = 0; name && k < weights; k++)
            there = there || strcmp(saver->entry[k].name, name) == 0;
        if (there)
            continue;
        int64_t units = weight.shape[columns && weight.rank == 2];
        float *zeros = arena_new(&saver->memory, (size_t)units, sizeof *zeros);
        void *block = saver->entry;
        if (!name || !zeros ||
            !memory_reserve(&block, &saver->capacity, saver->count, sizeof *saver->entry))
            return TACIT_RESOURCES;
        saver->entry = block;
        saver->entry[saver->count++] =
            (struct safetensors_entry){ .name = name,
                                        .dtype = SAFETENSORS_F32,
                                        .rank = 1,
                                        .shape = { units },
                                        .data = zeros,
                                        .bytes = (size_t)units * sizeof *zeros };
    }
    return TACIT_OK;
}

/* Whether the file is the one that loaders look for in its folder. */
static bool is_usual_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash ? slash + 1 : path, "model.safetensors") == 0;
}

status model_save_noted(const char *path, const struct store *store, const struct method *method,
                        const struct input_shape *input, const char *const *class_name,
                        const char *key, const char *value)
{
    struct saver saver = { .method = method };
    char folder[MODEL_PATH_BYTES];
    bool texts = input->kind == SAMPLE_TEXT;
    say(&saver, key, value);
    status result = saver_tensors(&saver, store);
    if (result == TACIT_OK && texts)
        result = saver_biases(&saver);
    if (result == TACIT_OK)
        result = saver_metadata(&saver, input, class_name);
    if (result == TACIT_OK)
        result =
            safetensors_write(path, saver.entry, saver.count, saver.metadata, saver.metadata_count);
    memory_free(saver.entry);
    arena_free(&saver.memory);
    if (result != TACIT_OK || !texts || !is_usual_name(path))
        return result;
    model_folder(path, folder);
    return hugging_face_beside(folder, method, input, class_name);
}

status model_save(const char *path, const struct store *store, const struct method *method,
                  const struct input_shape *input, const char *const *class_name)
{
    return model_save_noted(path, store, method, input, class_name, "format", NULL);
}
