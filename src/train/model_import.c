/* tacit_import and tacit_export: models come and go. */
#include "base/memory.h"
#include "io/file.h"
#include "train/hugging_face.h"
#include "train/model_parts.h"
#include "train/report.h"
#include "train/tasks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A model on its way from one folder to another. */
struct passage {
    const struct config *config;
    const char *out;
    struct model_file model;
    struct store *store; /* all that the model has */
    int64_t tensors, parameters;
};

/* One format that models go out in. */
struct model_format {
    const char *name;
    bool unscaled; /* its heads give numbers as they are */
    status (*write)(const struct passage *passage, tacit_report *report);
};

static status passage_open(const char *path, const char *what, struct passage *passage)
{
    struct stat about;
    char inside[MODEL_PATH_BYTES + 32];
    if (!path || !*path)
        return fail(TACIT_USAGE, "%s", what);
    if (!*passage->out)
        return fail(TACIT_USAGE, "out: must be given: the folder to write, such as out=runs/model");
    if (strlen(passage->out) >= MODEL_PATH_BYTES)
        return fail(TACIT_USAGE, "out=%.100s…: the name is too long", passage->out);
    snprintf(inside, sizeof inside, "%s/model.safetensors", passage->out);
    if (stat(inside, &about) == 0 && !config_boolean(passage->config, "overwrite"))
        return fail(TACIT_USAGE,
                    "out=%s: holds a model already; choose another, or say "
                    "overwrite=true",
                    passage->out);
    TRY(model_file_open(path, &passage->model));
    passage->store = store_new(0);
    if (!passage->store)
        return TACIT_RESOURCES;
    TRY(model_file_whole(&passage->model, passage->store));
    for (int64_t r = 0; r < store_ranges(passage->store); r++) {
        passage->tensors += store_range_at(passage->store, r)->tensors;
        passage->parameters += range_parameters(store_range_at(passage->store, r));
    }
    return folder_make(passage->out);
}

static void passage_close(struct passage *passage)
{
    store_free(passage->store);
    if (passage->model.path)
        model_file_close(&passage->model);
}

/* Names of the classes that the model tells apart; NULL without any. Freed with the arena. */
static status classes_list(const struct model_file *model, struct arena *memory, const char ***list)
{
    char name[4096];
    *list = NULL;
    if (model->method.classes < 1)
        return TACIT_OK;
    *list = arena_new(memory, (size_t)model->method.classes, sizeof **list);
    for (int64_t i = 0; *list && i < model->method.classes; i++) {
        if (!model_file_class(model, i, name, sizeof name))
            name[0] = 0;
        (*list)[i] = arena_text(memory, "%s", name);
        if (!(*list)[i])
            return TACIT_RESOURCES;
    }
    return *list ? TACIT_OK : TACIT_RESOURCES;
}

static status folder_write(const struct passage *passage)
{
    const struct model_file *model = &passage->model;
    struct arena memory = { 0 };
    const char **classes;
    char path[MODEL_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/model.safetensors", passage->out);
    status result = classes_list(model, &memory, &classes);
    if (result == TACIT_OK)
        result = model_save_noted(path, passage->store, &model->method, &model->input, classes,
                                  "normalize",
                                  !model->sentences  ? NULL
                                  : model->normalize ? "true"
                                                     : "false");
    arena_free(&memory);
    if (result == TACIT_OK && model->sentences)
        result =
            hugging_face_sentences(passage->out, &model->method, &model->input, model->normalize);
    return result;
}

/* ---- Verification ---- */

static status differs(const struct passage *passage, const char *what)
{
    return fail(TACIT_FAILED, "%s: reads back with another %s than was written", passage->out,
                what);
}

static bool same_values(const struct tensor *a, const struct tensor *b)
{
    return b && shape_equal(a->shape, b->shape) &&
           memcmp(tensor_value(a), tensor_value(b), (size_t)shape_size(a->shape) * sizeof(float)) ==
               0;
}

static bool same_text(const struct text_options *a, const struct text_options *b)
{
    return a->vocabulary == b->vocabulary && a->context == b->context && a->layers == b->layers &&
           a->heads == b->heads && a->width == b->width && a->inner == b->inner &&
           a->segments == b->segments && a->band == b->band && a->dropout == b->dropout &&
           a->epsilon == b->epsilon && a->activation == b->activation;
}

/* The range of this name, NULL if there is none. */
static const struct range *range_named(const struct store *store, const char *name)
{
    for (int64_t r = 0; r < store_ranges(store); r++)
        if (strcmp(store_range_at(store, r)->name, name) == 0)
            return store_range_at(store, r);
    return NULL;
}

/* The tensors that were written against those that were read again. A stranger knows backbone and
 * head of the network, not what else a method trains. */
static status tensors_compare(const struct passage *passage, struct store *again)
{
    const char *head = passage->model.method.network->head;
    for (int64_t r = 0; r < store_ranges(passage->store); r++) {
        const struct range *range = store_range_at(passage->store, r);
        const struct range *other = range_named(again, range->name);
        bool needed =
            strcmp(range->name, "backbone") == 0 || (head && !strcmp(range->name, head)) ||
            (strcmp(range->name, "head") == 0 && hugging_face_classifies(&passage->model.method));
        if (!other && needed)
            return differs(passage, range->name);
        for (int64_t t = 0; other && t < range->tensors; t++)
            if (!same_values(range->tensor[t], range_find(other, range->tensor[t]->name)))
                return differs(passage, range->tensor[t]->name);
    }
    return TACIT_OK;
}

/* Reads the folder as a stranger would: config.json instead of our own metadata. */
static status verify_foreign(const struct passage *passage)
{
    struct model_file model = { .path = passage->out };
    char path[MODEL_PATH_BYTES + 32];
    struct text_options own = method_text(&passage->model.method), read;
    snprintf(path, sizeof path, "%s/model.safetensors", passage->out);
    TRY(safetensors_open(path, &model.file));
    model.foreign = true;
    status result = hugging_face_describe(passage->out, &model);
    struct store *again = result == TACIT_OK ? store_new(1) : NULL;
    if (result == TACIT_OK) {
        read = method_text(&model.method);
        result = !same_text(&own, &read) ? differs(passage, "config.json")
                 : tokenizer_vocabulary(model.tokenizer) !=
                         tokenizer_vocabulary(passage->model.tokenizer)
                     ? differs(passage, "tokenizer")
                     : TACIT_OK;
    }
    if (result == TACIT_OK)
        result = again ? model_file_whole(&model, again) : TACIT_RESOURCES;
    if (result == TACIT_OK)
        result = tensors_compare(passage, again);
    store_free(again);
    model_file_close(&model);
    return result;
}

/* ---- Formats ---- */

static status write_hugging_face(const struct passage *passage, tacit_report *report)
{
    const struct method *method = &passage->model.method;
    const char *obstacle = hugging_face_obstacle(method);
    if (passage->model.input.kind != SAMPLE_TEXT)
        return fail(TACIT_USAGE, "format=hf: %s reads pictures; take format=torchvision",
                    method->network->name);
    if (obstacle)
        return fail(TACIT_USAGE, "format=hf: %s", obstacle);
    /* What makes vectors of texts here shall do so elsewhere. */
    bool pools = !method->type->either && hugging_face_pools(method, &passage->model.input);
    TRY(folder_write(passage));
    if (pools && !passage->model.sentences) /* of a sentence model it is there */
        TRY(hugging_face_sentences(passage->out, method, &passage->model.input,
                                   passage->model.normalize));
    TRY(verify_foreign(passage));
    bool whole = hugging_face_classifies(method);
    report_note(report, "loads with %s and AutoTokenizer.from_pretrained(\"%s\")",
                whole ? "AutoModelForSequenceClassification" : "AutoModel", passage->out);
    if (method->type->either && !whole)
        report_note(report, "without its head, for transformers' classifiers have no such one "
                            "(pooling=auto of a network that is not frozen gives theirs)");
    if (pools)
        report_note(report, "loads with SentenceTransformer(\"%s\")", passage->out);
    return TACIT_OK;
}

/* torchvision's networks are the residual ones in full width; a small first layer has to be put in
 * by hand. */
static status write_torchvision(const struct passage *passage, tacit_report *report)
{
    const struct model_file *model = &passage->model;
    const struct network_type *network = model->method.network;
    struct store *again;
    char path[MODEL_PATH_BYTES + 32];
    if (model->input.kind != SAMPLE_PICTURE || !network->blocks[0] ||
        model->method.network_options.width != 1)
        return fail(TACIT_USAGE, "format=torchvision: it has no %s%s", network->name,
                    network->blocks[0] ? " of this width" : "");
    TRY(folder_write(passage));
    snprintf(path, sizeof path, "%s/model.safetensors", passage->out);
    struct model_file read;
    TRY(model_file_open(path, &read));
    again = store_new(1);
    status result = again ? model_file_whole(&read, again) : TACIT_RESOURCES;
    if (result == TACIT_OK)
        result = tensors_compare(passage, again);
    store_free(again);
    model_file_close(&read);
    TRY(result);
    report_note(report,
                "torchvision.models.%s().load_state_dict(safetensors.torch.load_file(\"%s\"), "
                "strict=False)",
                network->name, path);
    if (model->method.network_options.stem == STEM_CIFAR)
        report_note(report,
                    "before that: model.conv1 = torch.nn.Conv2d(%d, 64, 3, 1, 1, bias=False); "
                    "model.maxpool = torch.nn.Identity()",
                    model->input.channels);
    return TACIT_OK;
}

static const struct model_format formats[] = { { "hf", true, write_hugging_face },
                                               { "torchvision", false, write_torchvision } };

/* ---- Tasks ---- */

static status passage_report(const struct passage *passage, tacit_report *made,
                             tacit_report **report)
{
    report_text(made, "out", "%s", passage->out);
    report_text(made, "model", "%s", passage->model.method.network->name);
    report_text(made, "method", "%s", passage->model.method.type->name);
    report_number(made, "tensors", (double)passage->tensors, "%lld", (long long)passage->tensors);
    report_number(made, "parameters", (double)passage->parameters, "%lld",
                  (long long)passage->parameters);
    TRY(report_status(made));
    if (report)
        *report = made;
    else
        tacit_report_free(made);
    return TACIT_OK;
}

/* Writes with `format` (NULL: as a run has it), and tells of it. */
static status passage_end(const struct passage *passage, const struct model_format *format,
                          tacit_report **report)
{
    tacit_report *made = report_new();
    if (!made)
        return TACIT_RESOURCES;
    status result = format ? format->write(passage, made) : folder_write(passage);
    if (result == TACIT_OK && !format)
        report_note(made, "next: tacit embed %s data=FILE out=FILE.npy, or finetune, eval, export",
                    passage->out);
    if (result == TACIT_OK)
        result = passage_report(passage, made, report);
    if (result != TACIT_OK)
        tacit_report_free(made);
    return result;
}

tacit_status tacit_import(const char *thing, tacit_config *config, const tacit_observer *observer,
                          tacit_report **report)
{
    (void)observer;
    if (report)
        *report = NULL;
    TRY(tacit_config_check(config));
    struct passage passage = { .config = &config->config,
                               .out = config_text(&config->config, "out") };
    status result =
        passage_open(thing, "FOLDER is missing: tacit import FOLDER out=runs/model", &passage);
    if (result == TACIT_OK)
        result = passage_end(&passage, NULL, report);
    passage_close(&passage);
    return result;
}

tacit_status tacit_export(const char *thing, tacit_config *config, const tacit_observer *observer,
                          tacit_report **report)
{
    (void)observer;
    if (report)
        *report = NULL;
    TRY(tacit_config_check(config));
    struct passage passage = { .config = &config->config,
                               .out = config_text(&config->config, "out") };
    status result =
        passage_open(thing, "RUN is missing: tacit export RUN format=hf out=FOLDER", &passage);
    if (result == TACIT_OK) {
        int choice = config_choice(passage.config, "format");
        if (choice < 0)
            choice = passage.model.input.kind == SAMPLE_TEXT ? 0 : 1;
        if (formats[choice].unscaled)
            hugging_face_unscale(&passage.model.method, passage.store);
        result = passage_end(&passage, &formats[choice], report);
    }
    passage_close(&passage);
    return result;
}
