#include "base/text.h"
#include "train/hugging_face.h"
#include "io/json.h"
#include "train/hugging_face_parts.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_BYTES = 1 << 22, PATH_BYTES = 4200, MOST_SIZE = 1 << 28 };

#define SIZE(key, member, otherwise)                          \
    {                                                         \
        key, offsetof(struct text_options, member), otherwise \
    }
#define ENCODER_SIZES(words, kinds)                                                       \
    SIZE("vocab_size", vocabulary, words), SIZE("max_position_embeddings", context, 512), \
        SIZE("num_hidden_layers", layers, 12), SIZE("num_attention_heads", heads, 12),    \
        SIZE("hidden_size", width, 768), SIZE("intermediate_size", inner, 3072),          \
        SIZE("type_vocab_size", segments, kinds)
#define ENCODER_KEYS                                                            \
    .activation = "hidden_act", .epsilon = "layer_norm_eps", .smallest = 1e-12, \
    .dropouts = { "hidden_dropout_prob", "attention_probs_dropout_prob" }

const struct hugging_face_family hugging_face_families[] = {
    { .type = "bert",
      .prefix = "bert",
      .network = "bert-base",
      .method = "bert",
      .usual_activation = "gelu",
      .base = "BertModel",
      .masked = "BertForMaskedLM",
      .pretraining = "BertForPreTraining",
      .classifier = "BertForSequenceClassification",
      .outputs = "classifier.weight",
      .decoder = "cls.predictions.decoder.weight",
      .table = "embeddings.word_embeddings.weight",
      .size = { ENCODER_SIZES(30522, 2) },
      ENCODER_KEYS },
    { .type = "roberta",
      .prefix = "roberta",
      .network = "roberta-base",
      .method = "roberta",
      .usual_activation = "gelu",
      .base = "RobertaModel",
      .masked = "RobertaForMaskedLM",
      .pretraining = "RobertaForMaskedLM",
      .classifier = "RobertaForSequenceClassification",
      .outputs = "classifier.out_proj.weight",
      .decoder = "lm_head.decoder.weight",
      .table = "embeddings.word_embeddings.weight",
      .size = { ENCODER_SIZES(50265, 2) },
      .padding = 1,
      ENCODER_KEYS },
    { .type = "gpt2",
      .prefix = "transformer",
      .network = "gpt2",
      .method = "gpt",
      .usual_activation = "gelu_new",
      .base = "GPT2Model",
      .masked = "GPT2LMHeadModel",
      .pretraining = "GPT2LMHeadModel",
      .classifier = "GPT2ForSequenceClassification",
      .outputs = "score.weight",
      .decoder = "lm_head.weight",
      .table = "wte.weight",
      .size = { SIZE("vocab_size", vocabulary, 50257), SIZE("n_positions", context, 1024),
                SIZE("n_layer", layers, 12), SIZE("n_head", heads, 12), SIZE("n_embd", width, 768),
                SIZE("n_inner", inner, 0) },
      .activation = "activation_function",
      .epsilon = "layer_norm_epsilon",
      .smallest = 1e-5,
      .dropouts = { "resid_pdrop", "embd_pdrop", "attn_pdrop" } },
    { .type = NULL },
};

const struct hugging_face_family *hugging_face_family(const struct network_type *network)
{
    for (const struct hugging_face_family *family = hugging_face_families; family->type; family++)
        if (network->prefix && strcmp(network->prefix, family->prefix) == 0)
            return family;
    return NULL;
}

/* A folder that is read. */
struct folder_reading {
    const char *folder;
    const json_t *config;
    const struct hugging_face_family *family;
    struct model_file *model;
};

static status family_find(struct folder_reading *reading)
{
    const char *type = json_string_value(json_object_get(reading->config, "model_type"));
    const json_t *classes = json_object_get(reading->config, "architectures");
    const char *class_name = json_string_value(json_array_get(classes, 0));
    for (const struct hugging_face_family *family = hugging_face_families; family->type; family++) {
        /* Files of old have no model_type. The base class's name without "Model" begins all. */
        size_t stem = strlen(family->base) - strlen("Model");
        bool named = type ? strcmp(type, family->type) == 0
                          : class_name && strncmp(class_name, family->base, stem) == 0;
        if (named)
            reading->family = family;
    }
    if (reading->family)
        return TACIT_OK;
    return fail(TACIT_BAD_DATA,
                "%s/config.json: the architecture %s is not known; bert, roberta and gpt2 are",
                reading->folder,
                type         ? type
                : class_name ? class_name
                             : "(without a model_type)");
}

static status wrong_key(const struct folder_reading *reading, const char *key, const char *what)
{
    return fail(TACIT_BAD_DATA, "%s/config.json: %s %s", reading->folder, key, what);
}

static status sizes_read(const struct folder_reading *reading, struct text_options *text)
{
    for (const struct hugging_face_size *size = reading->family->size; size->key; size++) {
        const json_t *value = json_object_get(reading->config, size->key);
        int64_t number = size->otherwise;
        if (json_is_integer(value))
            number = (int64_t)json_integer_value(value);
        else if (value && !json_is_null(value))
            return wrong_key(reading, size->key, "is no whole number");
        if (number < (size->otherwise ? 1 : 0) || number > MOST_SIZE)
            return wrong_key(reading, size->key, "is out of range");
        memcpy((char *)text + size->offset, &number, sizeof number);
    }
    if (text->width % text->heads != 0)
        return fail(TACIT_BAD_DATA,
                    "%s/config.json: a width of %lld cannot be divided among %lld heads",
                    reading->folder, (long long)text->width, (long long)text->heads);
    return TACIT_OK;
}

/* A number within [least, most), or the usual one where it is absent or null. */
static status real_read(const struct folder_reading *reading, const char *key, double usual,
                        double most, double *number)
{
    const json_t *value = json_object_get(reading->config, key);
    *number = usual;
    if (json_is_number(value))
        *number = json_number_value(value);
    else if (value && !json_is_null(value))
        return wrong_key(reading, key, "is no number");
    return *number >= 0 && *number < most ? TACIT_OK : wrong_key(reading, key, "is out of range");
}

/* What other values than these would compute is not in our networks. */
static status parts_check(const struct folder_reading *reading)
{
    static const struct {
        const char *key, *text;
        bool truth;
    } parts[] = {
        { "position_embedding_type", "absolute", false },
        { "is_decoder", NULL, false },
        { "add_cross_attention", NULL, false },
        { "scale_attn_weights", NULL, true },
        { "scale_attn_by_inverse_layer_idx", NULL, false },
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const json_t *value = json_object_get(reading->config, parts[i].key);
        const char *text = json_string_value(value);
        bool fits = parts[i].text ? text && strcmp(text, parts[i].text) == 0
                                  : json_is_boolean(value) && json_is_true(value) == parts[i].truth;
        if (value && !json_is_null(value) && !fits)
            return fail(TACIT_BAD_DATA, "%s/config.json: %s is not supported, only %s",
                        reading->folder, parts[i].key,
                        parts[i].text    ? parts[i].text
                        : parts[i].truth ? "true"
                                         : "false");
    }
    return TACIT_OK;
}

static status details_read(const struct folder_reading *reading, struct text_options *text)
{
    const struct hugging_face_family *family = reading->family;
    const json_t *named = json_object_get(reading->config, family->activation);
    const char *activation = named ? json_string_value(named) : family->usual_activation;
    double rate;
    text->activation = activation ? activation_find(activation) : ACTIVATION_OF_ROW;
    if (text->activation == ACTIVATION_OF_ROW)
        return fail(TACIT_BAD_DATA, "%s/config.json: %s %s is not known", reading->folder,
                    family->activation, activation ? activation : "(no text)");
    TRY(real_read(reading, family->epsilon, family->smallest, 1, &text->epsilon));
    TRY(real_read(reading, family->dropouts[0], 0.1, 1, &rate));
    if (!(text->epsilon > 0))
        return wrong_key(reading, family->epsilon, "must be above 0");
    text->dropout = rate > 0 ? rate : -1;
    text->band = -1;
    text->biases = BIASES;
    const json_t *padding = json_object_get(reading->config, "pad_token_id");
    text->padding_id = family->padding;
    if (json_is_integer(padding) && json_integer_value(padding) >= 0 &&
        json_integer_value(padding) < text->vocabulary)
        text->padding_id = (int64_t)json_integer_value(padding);
    return parts_check(reading);
}

/* The row whose published size it is, else that of the family. */
static const struct network_type *row_find(const struct hugging_face_family *family,
                                           const struct text_options *text)
{
    for (int i = 0; all_networks[i]; i++) {
        const struct network_type *row = all_networks[i];
        if (row->prefix && strcmp(row->prefix, family->prefix) == 0 && !row->text.band &&
            row->text.layers == text->layers && row->text.heads == text->heads &&
            row->text.width == text->width)
            return row;
    }
    return network_find(family->network);
}

static status network_read(struct folder_reading *reading)
{
    struct method *method = &reading->model->method;
    struct text_options text = { 0 };
    TRY(sizes_read(reading, &text));
    TRY(details_read(reading, &text));
    method->network = row_find(reading->family, &text);
    method->type = method_find(reading->family->method);
    if (!method->network || !method->type)
        return fail(TACIT_FAILED, "no network %s", reading->family->network);
    if (method->network->positions_after_padding) {
        /* RoBERTa's tables of positions begin with rows that no token uses. */
        if (text.context <= text.padding_id + 1)
            return wrong_key(reading, "pad_token_id", "leaves no positions");
        text.context -= text.padding_id + 1;
    }
    text.padding_id = text.padding_id ? text.padding_id : -1;
    method->network_options.text = text;
    const json_t *tied = json_object_get(reading->config, "tie_word_embeddings");
    reading->model->untied = json_is_false(tied);
    return TACIT_OK;
}

/* ---- sentence-transformers ---- */

/* A JSON file of the folder that need not be there: *root stays NULL then. */
static status beside_read(const char *folder, const char *name, json_t **root)
{
    char path[PATH_BYTES + 64];
    *root = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0 ? json_document_read(path, CONFIG_BYTES, root) : TACIT_OK;
}

/* Poolings as sentence-transformers calls them, in its files of old and now. */
static const struct {
    const char *flag, *name;
    int pooling; /* -1: not supported */
} poolings[] = {
    { "pooling_mode_cls_token", "cls", POOL_CLS },
    { "pooling_mode_mean_tokens", "mean", POOL_MEAN },
    { "pooling_mode_lasttoken", "lasttoken", POOL_LAST },
    { "pooling_mode_max_tokens", "max", -1 },
    { "pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", -1 },
    { "pooling_mode_weightedmean_tokens", "weightedmean", -1 },
};

static status pooling_choose(const char *folder, const char *path, const json_t *config,
                             struct model_file *model)
{
    const json_t *mode = json_object_get(config, "pooling_mode");
    const char *name = json_string_value(mode);
    const char *refused = mode && !name ? "several modes at once" : NULL;
    int chosen = 0;
    for (size_t i = 0; i < sizeof poolings / sizeof *poolings; i++) {
        if (name ? strcmp(name, poolings[i].name) != 0
                 : !json_is_true(json_object_get(config, poolings[i].flag)))
            continue;
        model->method.pooling = (enum text_pooling)poolings[i].pooling;
        chosen++;
        if (poolings[i].pooling < 0)
            refused = poolings[i].name;
    }
    if (chosen > 1)
        refused = "several modes at once";
    if (name && !chosen)
        refused = name;
    if (refused)
        return fail(TACIT_BAD_DATA,
                    "%s/%s/config.json: the pooling %s is not supported; without its modules.json "
                    "the folder is a plain network",
                    folder, path, refused);
    if (!chosen)
        model->method.pooling = POOL_MEAN;
    model->sentences = true;
    return TACIT_OK;
}

/* One module; its type is the path of a class. */
static status module_read(const char *folder, const json_t *module, struct model_file *model)
{
    const char *type = json_string_value(json_object_get(module, "type"));
    const char *path = json_string_value(json_object_get(module, "path"));
    char name[PATH_BYTES];
    json_t *config;
    if (!type || !path || strlen(path) > 200 || strstr(path, ".."))
        return fail(TACIT_BAD_DATA, "%s/modules.json: a module without type or path", folder);
    if (text_ends(type, ".Transformer"))
        return TACIT_OK;
    if (text_ends(type, ".Normalize")) {
        model->normalize = true;
        return TACIT_OK;
    }
    if (!text_ends(type, ".Pooling"))
        return fail(TACIT_BAD_DATA,
                    "%s/modules.json: the module %s is not supported; without modules.json the "
                    "folder is a plain network",
                    folder, type);
    snprintf(name, sizeof name, "%s/config.json", path);
    TRY(beside_read(folder, name, &config));
    status result = config ? pooling_choose(folder, path, config, model)
                           : fail(TACIT_BAD_DATA, "%s/%s: is missing", folder, name);
    json_decref(config);
    return result;
}

static status vectors_read(struct folder_reading *reading)
{
    struct model_file *model = reading->model;
    json_t *modules, *limits;
    TRY(beside_read(reading->folder, "modules.json", &modules));
    status result = TACIT_OK;
    for (size_t i = 0; i < json_array_size(modules) && result == TACIT_OK; i++)
        result = module_read(reading->folder, json_array_get(modules, i), model);
    json_decref(modules);
    TRY(result);
    TRY(beside_read(reading->folder, "sentence_bert_config.json", &limits));
    int64_t most = (int64_t)json_integer_value(json_object_get(limits, "max_seq_length"));
    json_decref(limits);
    if (most > 1 && most < model->method.network_options.text.context)
        model->method.window = most;
    return TACIT_OK;
}

static status tokenizer_open(struct folder_reading *reading)
{
    struct model_file *model = reading->model;
    int64_t vocabulary = model->method.network_options.text.vocabulary;
    TRY(tokenizer_load(reading->folder, &model->tokenizer));
    if ((int64_t)tokenizer_vocabulary(model->tokenizer) > vocabulary)
        return fail(TACIT_BAD_DATA,
                    "%s: its tokenizer has %zu tokens, its config.json a vocab_size of %lld: they "
                    "do not belong together",
                    reading->folder, tokenizer_vocabulary(model->tokenizer), (long long)vocabulary);
    return TACIT_OK;
}

status hugging_face_describe(const char *folder, struct model_file *model)
{
    char path[PATH_BYTES + 64];
    json_t *config;
    struct folder_reading reading = { .folder = folder, .model = model };
    snprintf(path, sizeof path, "%s/config.json", folder);
    TRY(json_document_read(path, CONFIG_BYTES, &config));
    reading.config = config;
    status result = family_find(&reading);
    if (result == TACIT_OK)
        result = network_read(&reading);
    model->method.pooling = POOL_MEAN;
    if (result == TACIT_OK)
        result = vectors_read(&reading);
    if (result == TACIT_OK)
        result = hugging_face_head(folder, config, reading.family, model);
    json_decref(config);
    TRY(result);
    TRY(tokenizer_open(&reading));
    model->input = (struct input_shape){ .kind = SAMPLE_TEXT,
                                         .tokenizer = model->tokenizer,
                                         .window = method_window(&model->method) };
    model->method.window = model->input.window;
    return TACIT_OK;
}
