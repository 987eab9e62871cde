/* Writing the files beside model.safetensors. */
#include "io/file.h"
#include "io/json.h"
#include "train/hugging_face.h"
#include "train/hugging_face_parts.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 4300 };

const char *hugging_face_obstacle(const struct method *method)
{
    if (!hugging_face_family(method->network))
        return "transformers has no such network";
    if (method_text(method).band > 0)
        return "GPT-2 of transformers has no bands (band=)";
    return NULL;
}

static void write_integer(struct json_writer *json, const char *key, int64_t value)
{
    json_write_key(json, key);
    json_write_integer(json, value);
}

static void write_real(struct json_writer *json, const char *key, double value)
{
    json_write_key(json, key);
    json_write_real(json, value);
}

static void write_text(struct json_writer *json, const char *key, const char *value)
{
    json_write_key(json, key);
    json_write_text(json, value);
}

static void write_boolean(struct json_writer *json, const char *key, bool value)
{
    json_write_key(json, key);
    json_write_boolean(json, value);
}

/* The ids of special tokens; those that the tokenizer lacks are null, for transformers would take
 * its own. */
static void roles_write(struct json_writer *json, const struct hugging_face_family *family,
                        const struct tokenizer *tokenizer, const struct method *method)
{
    static const struct {
        const char *key;
        enum tokenizer_role role, otherwise;
    } roles[] = {
        { "bos_token_id", ROLE_BOS, ROLE_CLS },
        { "eos_token_id", ROLE_EOS, ROLE_SEP },
    };
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        int64_t id = tokenizer_role(tokenizer, roles[i].role);
        if (id < 0 && family->padding)
            id = tokenizer_role(tokenizer, roles[i].otherwise);
        json_write_key(json, roles[i].key);
        if (id >= 0)
            json_write_integer(json, id);
        else
            json_write_null(json);
    }
    int64_t pad = tokenizer_role(tokenizer, ROLE_PAD);
    if (pad < 0 && method->type->either) /* transformers' classifiers must have one */
        pad = tokenizer_role(tokenizer, ROLE_EOS);
    json_write_key(json, "pad_token_id");
    if (family->padding || pad >= 0)
        json_write_integer(json, family->padding ? method_text(method).padding_id : pad);
    else
        json_write_null(json);
}

/* Which class of transformers has all that the method trains. */
static const char *class_of(const struct hugging_face_family *family, const struct method *method)
{
    const char *head = method->network->head;
    if (method->type->either)
        return hugging_face_classifies(method) ? family->classifier : family->base;
    if (!head)
        return family->pretraining;
    for (int i = 0; method->type->networks[i]; i++)
        if (strcmp(method->type->networks[i], head) == 0)
            return family->pretraining;
    return family->base;
}

static void sizes_write(struct json_writer *json, const struct method *method,
                        const struct hugging_face_family *family)
{
    struct text_options text = method_text(method);
    if (method->network->positions_after_padding)
        text.context += text.padding_id + 1;
    for (const struct hugging_face_size *size = family->size; size->key; size++) {
        int64_t number;
        memcpy(&number, (const char *)&text + size->offset, sizeof number);
        write_integer(json, size->key, number);
    }
}

static status config_save(const char *path, const struct method *method,
                          const struct input_shape *input, const char *const *class_name)
{
    const struct hugging_face_family *family = hugging_face_family(method->network);
    struct text_options text = method_text(method);
    struct text bytes = { 0 };
    struct json_writer json = { .text = &bytes, .indent = 2 };
    json_write_object(&json);
    json_write_key(&json, "architectures");
    json_write_array(&json);
    json_write_text(&json, class_of(family, method));
    json_write_end(&json);
    write_text(&json, "model_type", family->type);
    sizes_write(&json, method, family);
    write_text(&json, family->activation, activation_name(text.activation));
    write_real(&json, family->epsilon, text.epsilon);
    for (int i = 0; family->dropouts[i]; i++)
        write_real(&json, family->dropouts[i], text.dropout);
    write_real(&json, "initializer_range", 0.02);
    roles_write(&json, family, input->tokenizer, method);
    hugging_face_head_write(&json, method, class_name);
    if (method->network->causal) {
        write_boolean(&json, "scale_attn_weights", true);
        write_boolean(&json, "scale_attn_by_inverse_layer_idx", false);
        write_boolean(&json, "reorder_and_upcast_attn", false);
    } else {
        write_text(&json, "position_embedding_type", "absolute");
    }
    write_boolean(&json, "tie_word_embeddings", true);
    write_boolean(&json, "use_cache", true);
    write_text(&json, "torch_dtype", "float32");
    json_write_end(&json);
    text_append(&bytes, "\n");
    status result = text_status(&bytes);
    if (result == TACIT_OK)
        result = file_write(path, text_string(&bytes), bytes.length);
    text_free(&bytes);
    return result;
}

/* ---- sentence-transformers ---- */

static void module_write(struct json_writer *json, int index, const char *path, const char *type)
{
    char text[96];
    json_write_object(json);
    write_integer(json, "idx", index);
    snprintf(text, sizeof text, "%d", index);
    write_text(json, "name", text);
    write_text(json, "path", path);
    snprintf(text, sizeof text, "sentence_transformers.models.%s", type);
    write_text(json, "type", text);
    json_write_end(json);
}

static status text_save(const char *folder, const char *name, struct text *text)
{
    char path[PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    text_append(text, "\n");
    status result = text_status(text);
    if (result == TACIT_OK)
        result = file_write(path, text_string(text), text->length);
    text_free(text);
    return result;
}

/* The flags of old, which every version of sentence-transformers reads. NULL: it has no such
 * pooling. */
static const char *pooling_flag(enum text_pooling pooling)
{
    return pooling == POOL_CLS    ? "pooling_mode_cls_token"
           : pooling == POOL_MEAN ? "pooling_mode_mean_tokens"
           : pooling == POOL_LAST ? "pooling_mode_lasttoken"
                                  : NULL;
}

static status pooling_write(const char *folder, const struct method *method, const char *flag)
{
    static const char *const flags[] = { "pooling_mode_cls_token", "pooling_mode_mean_tokens",
                                         "pooling_mode_max_tokens",
                                         "pooling_mode_mean_sqrt_len_tokens",
                                         "pooling_mode_lasttoken" };
    char path[PATH_BYTES];
    struct text text = { 0 };
    struct json_writer json = { .text = &text, .indent = 2 };
    snprintf(path, sizeof path, "%s/1_Pooling", folder);
    TRY(folder_make(path));
    json_write_object(&json);
    write_integer(&json, "word_embedding_dimension", method_text(method).width);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        write_boolean(&json, flags[i], strcmp(flags[i], flag) == 0);
    json_write_end(&json);
    return text_save(path, "config.json", &text);
}

/* sentence-transformers always pads, which GPT-2's tokenizers cannot. */
bool hugging_face_pools(const struct method *method, const struct input_shape *input)
{
    return pooling_flag(method->pooling) && tokenizer_role(input->tokenizer, ROLE_PAD) >= 0;
}

status hugging_face_sentences(const char *folder, const struct method *method,
                              const struct input_shape *input, bool normalize)
{
    const char *flag = pooling_flag(method->pooling);
    struct text modules = { 0 }, limits = { 0 };
    struct json_writer json = { .text = &modules, .indent = 2 };
    if (!hugging_face_pools(method, input))
        return TACIT_OK;
    json_write_array(&json);
    module_write(&json, 0, "", "Transformer");
    module_write(&json, 1, "1_Pooling", "Pooling");
    if (normalize)
        module_write(&json, 2, "2_Normalize", "Normalize");
    json_write_end(&json);
    TRY(text_save(folder, "modules.json", &modules));
    json = (struct json_writer){ .text = &limits, .indent = 2 };
    json_write_object(&json);
    write_integer(&json, "max_seq_length", input->window);
    write_boolean(&json, "do_lower_case", false);
    json_write_end(&json);
    TRY(text_save(folder, "sentence_bert_config.json", &limits));
    return pooling_write(folder, method, flag);
}

status hugging_face_beside(const char *folder, const struct method *method,
                           const struct input_shape *input, const char *const *class_name)
{
    char path[PATH_BYTES];
    if (hugging_face_obstacle(method))
        return TACIT_OK;
    snprintf(path, sizeof path, "%s/config.json", folder);
    TRY(config_save(path, method, input, class_name));
    return tokenizer_save_for(input->tokenizer, (size_t)input->window, folder);
}
