/* Heads on one vector of a text: transformers' classes …ForSequenceClassification. */
#include "base/memory.h"
#include "methods/head.h"
#include "train/hugging_face.h"
#include "train/hugging_face_parts.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_BYTES = 32, NAME_BYTES = 128 };

/* ---- Reading ---- */

/* What transformers calls a class without a name. */
static const char *usual_label(int64_t index, char label[LABEL_BYTES])
{
    snprintf(label, LABEL_BYTES, "LABEL_%lld", (long long)index);
    return label;
}

/* The names of `count` classes as a JSON list. */
static status labels_read(const char *folder, const json_t *config, int64_t count, char **classes)
{
    const json_t *names = json_object_get(config, "id2label");
    struct text text = { 0 };
    struct json_writer json = { .text = &text };
    char label[LABEL_BYTES];
    if (names && !json_is_null(names) && (int64_t)json_object_size(names) != count)
        return fail(TACIT_BAD_DATA,
                    "%s/config.json: id2label names %zu classes, the head has %lld outputs", folder,
                    json_object_size(names), (long long)count);
    json_write_array(&json);
    for (int64_t i = 0; i < count; i++) {
        snprintf(label, sizeof label, "%lld", (long long)i);
        const json_t *name = json_object_get(names, label);
        const char *word = json_string_value(name);
        json_write_text(&json, word ? word : usual_label(i, label));
    }
    json_write_end(&json);
    status result = text_status(&text);
    *classes = result == TACIT_OK ? memory_new(text.length + 1, 1) : NULL;
    if (*classes)
        memcpy(*classes, text_string(&text), text.length);
    text_free(&text);
    return *classes ? TACIT_OK : result == TACIT_OK ? TACIT_RESOURCES : result;
}

static status wrong_head(const char *folder, const char *what)
{
    return fail(TACIT_BAD_DATA, "%s/config.json: %s", folder, what);
}

status hugging_face_head(const char *folder, const json_t *config,
                         const struct hugging_face_family *family, struct model_file *model)
{
    struct method *method = &model->method;
    const json_t *named = json_object_get(config, "architectures");
    const char *class_name = json_string_value(json_array_get(named, 0));
    const char *problem = json_string_value(json_object_get(config, "problem_type"));
    if (!class_name || strcmp(class_name, family->classifier) != 0)
        return TACIT_OK;
    const struct safetensors_entry *outputs = safetensors_find(&model->file, family->outputs);
    if (!outputs || outputs->rank != 2)
        return fail(TACIT_BAD_DATA, "%s: is a %s without a matrix %s", folder, class_name,
                    family->outputs);
    int64_t count = outputs->shape[0];
    bool numbers = problem ? strcmp(problem, "regression") == 0 : count == 1;
    if (problem && strcmp(problem, "multi_label_classification") == 0)
        return wrong_head(folder, "problem_type multi_label_classification is not supported: one "
                                  "class a text is");
    if (numbers && count != 1)
        return wrong_head(folder, "a regression to several numbers is not supported");
    if (!numbers && count < 2)
        return wrong_head(folder, "a classification has two classes at least");
    method->type = method_find(numbers ? "regression" : "supervised");
    method->pooling = head_pooling(method->network);
    method->number_mean = 0;
    method->number_deviation = 1;
    return numbers ? TACIT_OK : labels_read(folder, config, count, &model->classes);
}

/* ---- Writing ---- */

bool hugging_face_classifies(const struct method *method)
{
    const struct hugging_face_family *family = hugging_face_family(method->network);
    bool scaled =
        method->type->numbers && (method->number_mean != 0 || method->number_deviation != 1);
    return family && method->type->either && method->pooling == head_pooling(method->network) &&
           !scaled;
}

void hugging_face_unscale(struct method *method, struct store *store)
{
    const struct hugging_face_family *family = hugging_face_family(method->network);
    const struct range *head = NULL;
    char name[NAME_BYTES];
    for (int64_t r = 0; r < store_ranges(store); r++)
        if (strcmp(store_range_at(store, r)->name, "head") == 0)
            head = store_range_at(store, r);
    if (!head || !family || !method->type->numbers)
        return;
    int stem = (int)(strlen(family->outputs) - strlen("weight"));
    struct tensor *weight = range_find(head, family->outputs);
    snprintf(name, sizeof name, "%.*sbias", stem, family->outputs);
    struct tensor *bias = range_find(head, name);
    if (!weight || !bias) /* without a bias the mean has no place */
        return;
    float deviation = (float)method->number_deviation, *value = tensor_value(weight);
    for (int64_t i = 0; i < shape_size(weight->shape); i++)
        value[i] *= deviation;
    value = tensor_value(bias);
    value[0] = (float)(method->number_mean + method->number_deviation * (double)value[0]);
    method->number_mean = 0;
    method->number_deviation = 1;
}

void hugging_face_head_write(struct json_writer *json, const struct method *method,
                             const char *const *class_name)
{
    char label[LABEL_BYTES], key[LABEL_BYTES];
    int64_t count = method->type->numbers ? 1 : method->classes;
    if (!hugging_face_classifies(method))
        return;
    json_write_key(json, "problem_type");
    json_write_text(json, method->type->numbers ? "regression" : "single_label_classification");
    for (int turned = 0; turned < 2; turned++) {
        json_write_key(json, turned ? "label2id" : "id2label");
        json_write_object(json);
        for (int64_t i = 0; i < count; i++) {
            const char *name =
                class_name && !method->type->numbers ? class_name[i] : usual_label(i, label);
            snprintf(key, sizeof key, "%lld", (long long)i);
            json_write_key(json, turned ? name : key);
            if (turned)
                json_write_integer(json, i);
            else
                json_write_text(json, name);
        }
        json_write_end(json);
    }
}
