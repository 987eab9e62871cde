/* From the tensors of a model file to those of a store. */
#include "base/memory.h"
#include "engine/build.h"
#include "train/hugging_face_parts.h"
#include "train/model_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_SHOWN = 8, PICTURES = 2 };

/* ---- Names ---- */

/* Endings by which files of old, and files that keep a tied tensor under its other name, call a
 * tensor. */
static const struct {
    const char *ours, *theirs;
} endings[] = {
    { "LayerNorm.weight", "LayerNorm.gamma" },
    { "LayerNorm.bias", "LayerNorm.beta" },
    { "cls.predictions.bias", "cls.predictions.decoder.bias" },
    { "lm_head.bias", "lm_head.decoder.bias" },
};

static const struct safetensors_entry *find_by_endings(const struct model_file *model,
                                                       const char *name)
{
    char other[2 * MODEL_NAME_BYTES];
    const struct safetensors_entry *entry = safetensors_find(&model->file, name);
    size_t length = strlen(name);
    for (size_t i = 0; !entry && i < sizeof endings / sizeof *endings; i++) {
        size_t tail = strlen(endings[i].ours);
        if (length < tail || strcmp(name + length - tail, endings[i].ours) != 0)
            continue;
        snprintf(other, sizeof other, "%.*s%s", (int)(length - tail), name, endings[i].theirs);
        entry = safetensors_find(&model->file, other);
    }
    return entry;
}

const struct safetensors_entry *model_file_find(const struct model_file *model, const char *name)
{
    const char *prefix = model->method.network ? model->method.network->prefix : NULL;
    const struct safetensors_entry *entry = find_by_endings(model, name);
    size_t length = prefix ? strlen(prefix) : 0;
    if (!entry && length && strncmp(name, prefix, length) == 0 && name[length] == '.')
        entry = find_by_endings(model, name + length + 1);
    return entry;
}

/* ---- Values ---- */

/* IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits; exact. */
static float from_half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float size = exponent == 31  ? (fraction ? NAN : INFINITY)
                 : exponent == 0 ? ldexpf((float)fraction, -24)
                                 : ldexpf((float)(fraction + 1024), exponent - 25);
    return bits >> 15 ? -size : size;
}

static float read_half(const void *at)
{
    uint16_t bits;
    memcpy(&bits, at, sizeof bits);
    return from_half(bits);
}

/* The upper half of a binary32. */
static float read_brain(const void *at)
{
    uint16_t bits;
    float value;
    memcpy(&bits, at, sizeof bits);
    uint32_t whole = (uint32_t)bits << 16;
    memcpy(&value, &whole, sizeof value);
    return value;
}

static float read_single(const void *at)
{
    float value;
    memcpy(&value, at, sizeof value);
    return value;
}

static float read_double(const void *at)
{
    double value;
    memcpy(&value, at, sizeof value);
    return (float)value;
}

static float read_counter(const void *at)
{
    int64_t value;
    memcpy(&value, at, sizeof value);
    return (float)value;
}

static const struct {
    enum safetensors_dtype dtype;
    bool counter;
    float (*read)(const void *at);
} readers[] = {
    { SAFETENSORS_F32, false, read_single }, { SAFETENSORS_F16, false, read_half },
    { SAFETENSORS_BF16, false, read_brain }, { SAFETENSORS_F64, false, read_double },
    { SAFETENSORS_I64, true, read_counter },
};

enum { READERS = sizeof readers / sizeof *readers };

static size_t reader_of(const struct tensor *tensor, enum safetensors_dtype dtype)
{
    size_t i = 0;
    while (i < READERS && (readers[i].dtype != dtype || readers[i].counter != tensor->counter))
        i++;
    return i;
}

static bool fits(const struct tensor *tensor, const struct safetensors_entry *entry)
{
    bool same = entry->rank == tensor->shape.rank && reader_of(tensor, entry->dtype) < READERS;
    for (int i = 0; same && i < entry->rank; i++)
        same = entry->shape[i] == tensor->shape.dim[i];
    return same;
}

static status values_read(const struct model_file *model, const struct tensor *tensor,
                          const struct safetensors_entry *entry)
{
    size_t items = (size_t)shape_size(tensor->shape), step = safetensors_dtype_size(entry->dtype);
    float (*read)(const void *) = readers[reader_of(tensor, entry->dtype)].read;
    float *value = tensor_value(tensor);
    for (size_t i = 0; i < items; i++) {
        value[i] = read((const char *)entry->data + i * step);
        if (!isfinite(value[i]))
            return fail(TACIT_BAD_DATA, "%s: tensor %s holds a value that is not finite",
                        model->path, entry->name);
    }
    return TACIT_OK;
}

/* Scores of tokens have the table of the tokens. A file that says they have another one must not
 * mean it, where scores are wanted. */
static status tie_check(const struct model_file *model, const struct store *store)
{
    const struct network_type *network = model->method.network;
    const struct hugging_face_family *family = hugging_face_family(network);
    bool scores = !network->head;
    for (int64_t r = 0; network->head && r < store_ranges(store); r++)
        scores = scores || strcmp(store_range_at(store, r)->name, network->head) == 0;
    if (!model->untied || !scores || !family)
        return TACIT_OK;
    char table_name[MODEL_NAME_BYTES];
    snprintf(table_name, sizeof table_name, "%s.%s", family->prefix, family->table);
    const struct safetensors_entry *decoder = safetensors_find(&model->file, family->decoder);
    const struct safetensors_entry *table = model_file_find(model, table_name);
    if (!decoder || !table ||
        (decoder->bytes == table->bytes && memcmp(decoder->data, table->data, table->bytes) == 0))
        return TACIT_OK;
    return fail(TACIT_BAD_DATA,
                "%s: %s is not the table of tokens (tie_word_embeddings is false), which is not "
                "supported",
                model->path, family->decoder);
}

/* Names of tensors for a message: the first few, and how many more. */
struct names {
    struct text text;
    int64_t count;
};

static void names_add(struct names *names, const char *name)
{
    if (names->count < NAMES_SHOWN)
        text_append(&names->text, "%s%s", names->count ? ", " : "", name);
    else if (names->count == NAMES_SHOWN)
        text_append(&names->text, ", …");
    names->count++;
}

static status tensor_read(const struct model_file *model, const struct tensor *tensor,
                          struct names *missing)
{
    char name[MODEL_NAME_BYTES];
    model_tensor_name(tensor, name);
    const struct safetensors_entry *entry = model_file_find(model, name);
    if (!entry) {
        if (!tensor->counter)
            names_add(missing, name);
        return TACIT_OK;
    }
    if (!fits(tensor, entry))
        return fail(TACIT_BAD_DATA, "%s: tensor %s must be %s %s", model->path, name,
                    tensor->counter ? "I64" : "F32", shape_text(tensor->shape));
    return values_read(model, tensor, entry);
}

/* TACIT_BAD_DATA with the names, if there are any. */
static status missing_tell(const struct model_file *model, const struct names *missing)
{
    if (!missing->count)
        return TACIT_OK;
    return fail(TACIT_BAD_DATA, "%s: has no tensor %s (%lld missing)", model->path,
                text_string(&missing->text), (long long)missing->count);
}

status model_file_values(const struct model_file *model, struct store *store)
{
    struct names missing = { 0 };
    status result = tie_check(model, store);
    for (int64_t r = 0; r < store_ranges(store) && result == TACIT_OK; r++) {
        struct range *range = store_range_at(store, r);
        for (int64_t t = 0; range->sealed && t < range->tensors && result == TACIT_OK; t++)
            result = tensor_read(model, range->tensor[t], &missing);
        range->version++;
    }
    if (result == TACIT_OK)
        result = missing_tell(model, &missing);
    text_free(&missing.text);
    return result;
}

/* Heads and poolers may begin anew; a backbone with holes is not what was trained. */
static bool is_needed(const struct range *range, const struct tensor *tensor, const char *name)
{
    return strcmp(range->name, "backbone") == 0 && !tensor->counter && !strstr(name, ".pooler.");
}

static status tensor_copy(const struct model_file *model, const struct range *range,
                          const struct tensor *tensor, struct names *anew, struct names *missing,
                          struct model_copied *copied)
{
    char name[MODEL_NAME_BYTES];
    model_tensor_name(tensor, name);
    const struct safetensors_entry *entry = model_file_find(model, name);
    if (!entry && is_needed(range, tensor, name))
        names_add(missing, name);
    if (!entry || !fits(tensor, entry)) {
        names_add(anew, name);
        return TACIT_OK;
    }
    copied->tensors++;
    copied->items += shape_size(tensor->shape);
    return values_read(model, tensor, entry);
}

status model_file_copy(const struct model_file *model, struct store *store,
                       struct model_copied *copied)
{
    struct names anew = { 0 }, missing = { 0 };
    status result = TACIT_OK;
    *copied = (struct model_copied){ 0 };
    for (int64_t r = 0; r < store_ranges(store) && result == TACIT_OK; r++) {
        struct range *range = store_range_at(store, r);
        for (int64_t t = 0; range->sealed && t < range->tensors && result == TACIT_OK; t++)
            result = tensor_copy(model, range, range->tensor[t], &anew, &missing, copied);
        range->version++;
    }
    copied->anew = anew.count;
    copied->names = anew.text;
    if (result == TACIT_OK && copied->tensors)
        result = missing_tell(model, &missing);
    text_free(&missing.text);
    return result;
}

/* ---- All that the file has ---- */

/* The backbone of texts with what belongs to it; pooler and head where the file has them. */
static void texts_declare(const struct model_file *model, struct graph *g)
{
    const struct method *method = &model->method;
    const struct network_type *network = method->network;
    char pooler[MODEL_NAME_BYTES];
    struct text_input in = { .tokens = input(g, "tokens", I32, SHAPE(1, 2)) };
    net backbone = method_network(method, g, "backbone", 1);
    val hidden = method_hidden(method, g, in);
    if (is_none(hidden))
        return;
    val first = reshape(slice(hidden, 1, 0, 1), SHAPE(1, dim(hidden, 2)));
    snprintf(pooler, sizeof pooler, "%s.pooler.dense.weight", network->prefix);
    if (network->pool && model_file_find(model, pooler))
        network->pool(backbone, network, &method->network_options, first);
    char bias[MODEL_NAME_BYTES];
    snprintf(bias, sizeof bias, "%s%s.bias", network->head ? network->head : "",
             network->head && strcmp(network->head, "cls") == 0 ? ".predictions" : "");
    if (!network->head || model_file_find(model, bias))
        output(method_logits(method, g, hidden), "scores");
}

static void pictures_declare(const struct model_file *model, struct graph *g)
{
    const struct input_shape *shape = &model->input;
    val pictures =
        input(g, "view0", F32, SHAPE(PICTURES, shape->channels, shape->size, shape->size));
    method_encode(&model->method, g, pictures, 1);
}

/* The name of a tensor within its range: "fc1.weight" of "projector.fc1.weight". NULL: the entry is
 * not of this range. */
static const char *name_within(const char *name, const char *range)
{
    static const char *const head[] = { "fc.", "classifier.", "score." };
    size_t length = strlen(range);
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        if (strcmp(range, "head") == 0 && strncmp(name, head[i], strlen(head[i])) == 0)
            return name;
    return strncmp(name, range, length) == 0 && name[length] == '.' ? name + length + 1 : NULL;
}

/* The other networks of the method, tensor by tensor as the file has them: a projector, a head. */
static status others_declare(const struct model_file *model, struct store *store)
{
    const char *const *network = model->method.type->networks + 1;
    for (; *network; network++)
        for (size_t i = 0; i < model->file.count; i++) {
            const struct safetensors_entry *entry = &model->file.entry[i];
            const char *name = name_within(entry->name, *network);
            bool tied = name && strstr(name, "decoder.");
            struct tensor *made;
            if (!name || tied || entry->rank > RANK_MAX)
                continue;
            struct range *range = store_range(store, *network);
            struct shape shape = { .rank = entry->rank };
            for (int k = 0; k < entry->rank; k++)
                shape.dim[k] = entry->shape[k];
            if (!range)
                return TACIT_RESOURCES;
            if (range_find(range, name))
                continue;
            bool counter = entry->dtype == SAFETENSORS_I64,
                 state = strstr(name, "running_") != NULL;
            TRY(range_declare(range, name, counter || state ? TENSOR_STATE : TENSOR_PARAMETER,
                              shape, init_constant(0), &made));
            made->counter = counter;
        }
    return TACIT_OK;
}

status model_file_whole(const struct model_file *model, struct store *store)
{
    struct model_file evaluated = *model;
    struct graph *g = graph_new(store);
    if (!g)
        return TACIT_RESOURCES;
    evaluated.method.training = evaluated.method.update = false;
    if (model->input.kind == SAMPLE_TEXT)
        texts_declare(&evaluated, g);
    else
        pictures_declare(&evaluated, g);
    status result = graph_status(g);
    graph_free(g);
    if (result == TACIT_OK)
        result = others_declare(model, store);
    for (int64_t r = 0; r < store_ranges(store) && result == TACIT_OK; r++)
        result = range_seal(store_range_at(store, r));
    return result == TACIT_OK ? model_file_values(model, store) : result;
}
