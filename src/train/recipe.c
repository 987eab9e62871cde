#include "train/recipe.h"
#include "train/modality.h"
#include "train/optimizer.h"
#include "methods/methods.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct recipe all_recipes[] = {
    { .name = "thumbnails",
      .doc = "pictures up to 40 pixels on a few cores: a small network",
      .largest = 40,
      .setting = { { "model", "conv4" }, { "optim.name", "sgd" }, { "batch_size", "256" } } },
    { .name = "small",
      .doc = "pictures up to 96 pixels: ResNet-18",
      .largest = 96,
      .setting = { { "model", "resnet18" }, { "optim.name", "sgd" }, { "batch_size", "256" } } },
    { .name = "photographs",
      .doc = "larger pictures: ResNet-18 at 224 pixels with blur and strong colours",
      .setting = { { "model", "resnet18" },
                   { "optim.name", "sgd" },
                   { "batch_size", "128" },
                   { "augment.pipeline", "simclr" } } },
    { .name = "masked-texts",
      .doc = "hidden tokens of texts up to some megabytes: short windows, many guesses, no dropout",
      .kind = SAMPLE_TEXT,
      .method = { "bert", "roberta" },
      .setting = { { "window", "64" },
                   { "batch_size", "32" },
                   { "steps", "2500" },
                   { "dropout", "0" },
                   { "method.mask_rate", "0.4" },
                   { "method.next_sentence", "false" },
                   { "optim.name", "adamw" },
                   { "optim.lr", "0.001" },
                   { "optim.warmup", "200" },
                   { "optim.schedule", "linear" },
                   { "optim.beta2", "0.98" },
                   { "optim.weight_decay", "0.01" },
                   { "optim.clip", "1" } } },
    { .name = "texts",
      .doc = "texts of any kind: a mini network, AdamW, 128 tokens a window",
      .kind = SAMPLE_TEXT,
      .setting = { { "window", "128" },
                   { "batch_size", "32" },
                   { "steps", "5000" },
                   { "optim.name", "adamw" },
                   { "optim.lr", "0.0005" },
                   { "optim.end", "0.00005" },
                   { "optim.beta2", "0.99" },
                   { "optim.weight_decay", "0.1" },
                   { "optim.clip", "1" } } },
    { .name = "finetune-pictures",
      .doc = "trained weights learn from labelled pictures: small steps, few passes",
      .tunes = true,
      .setting = { { "batch_size", "64" },
                   { "optim.name", "sgd" },
                   { "optim.nesterov", "true" },
                   { "optim.weight_decay", "0.0005" },
                   { "augment.pipeline", "supervised" },
                   { "on_collapse", "off" },
                   { "watch.every", "0" } } },
    { .name = "finetune-texts",
      .doc = "trained weights learn from labelled texts: AdamW, few passes, linear decay",
      .kind = SAMPLE_TEXT,
      .tunes = true,
      .setting = { { "batch_size", "16" },
                   { "dropout", "0.1" },
                   { "optim.name", "adamw" },
                   { "optim.weight_decay", "0.01" },
                   { "optim.clip", "1" },
                   { "optim.schedule", "linear" },
                   { "optim.warmup_form", "sequential" },
                   { "on_collapse", "off" },
                   { "watch.every", "0" } } },
#define NANOGPT                                                                                  \
    { "method", "gpt" }, { "method.windows", "random" }, { "tokenizer", "characters" },          \
        { "validation", "0.1" }, { "optim.name", "adamw" }, { "optim.lr", "0.001" },             \
        { "optim.end", "0.0001" }, { "optim.beta2", "0.99" }, { "optim.weight_decay", "0.1" },   \
        { "optim.decay_norms", "false" }, { "optim.clip", "1" }, { "optim.schedule", "cosine" }, \
        { "optim.warmup", "100" },                                                               \
    {                                                                                            \
        "optim.warmup_form", "stepwise"                                                          \
    }
    { .name = "nanogpt-cpu",
      .doc = "nanoGPT's training on characters for a processor: 4 layers, 2,000 steps",
      .kind = SAMPLE_TEXT,
      .by_name = true,
      .setting = { NANOGPT,
                   { "model", "nanogpt-small" },
                   { "window", "64" },
                   { "batch_size", "12" },
                   { "dropout", "0" },
                   { "steps", "2000" } } },
    { .name = "nanogpt-gpu",
      .doc = "nanoGPT's training on characters for a GPU: 6 layers, 5,000 steps",
      .kind = SAMPLE_TEXT,
      .by_name = true,
      .setting = { NANOGPT,
                   { "model", "nanogpt" },
                   { "window", "256" },
                   { "batch_size", "64" },
                   { "dropout", "0.2" },
                   { "steps", "5000" } } },
#undef NANOGPT
    { .name = "parallel",
      .doc = "parallel texts, line by line, as a language model of \"source = target\"",
      .kind = SAMPLE_TEXT,
      .by_name = true,
      .setting = { { "method", "gpt" },
                   { "method.windows", "whole" },
                   { "method.documents", "true" },
                   { "window", "128" },
                   { "batch_size", "32" },
                   { "epochs", "10" },
                   { "optim.name", "adamw" },
                   { "optim.lr", "0.0015" },
                   { "optim.end", "0.00005" },
                   { "optim.beta2", "0.98" },
                   { "optim.weight_decay", "0.1" },
                   { "optim.clip", "1" },
                   { "optim.warmup", "200" } } },
    { .name = NULL },
};

const struct recipe *recipe_find(const char *name)
{
    for (const struct recipe *recipe = all_recipes; recipe->name; recipe++)
        if (strcmp(recipe->name, name) == 0)
            return recipe;
    return NULL;
}

const char *recipe_value(const struct recipe *recipe, const char *key)
{
    for (int i = 0; recipe && i < RECIPE_SETTINGS && recipe->setting[i].key; i++)
        if (strcmp(recipe->setting[i].key, key) == 0)
            return recipe->setting[i].value;
    return NULL;
}

const char *recipe_method(const struct config *config)
{
    const char *name = config_value(config, "method"), *recipe = config_value(config, "recipe");
    if (name && strcmp(name, "auto") != 0)
        return name;
    name = recipe ? recipe_value(recipe_find(recipe), "method") : NULL;
    return name ? name : "simclr";
}

struct resolver {
    struct config *config;
    struct text *said;
    const char *samples; /* what they are called */
};

/* Gives an automatic value what it becomes; anything else stays. */
static status become(struct resolver *resolver, const char *key, const char *value)
{
    if (!config_automatic(resolver->config, key))
        return TACIT_OK;
    TRY(config_resolve(resolver->config, key, value));
    return text_append(resolver->said, "%s%s=%s", resolver->said->length ? ", " : "", key, value);
}

static status become_integer(struct resolver *resolver, const char *key, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return become(resolver, key, text);
}

static status become_real(struct resolver *resolver, const char *key, double value)
{
    struct text text = { 0 };
    char rounded[32];
    snprintf(rounded, sizeof rounded, "%.6g", value);
    double kept = value;
    text_read_real(rounded, &kept);
    text_append_real(&text, kept);
    status result = text_status(&text);
    if (result == TACIT_OK)
        result = become(resolver, key, text_string(&text));
    text_free(&text);
    return result;
}

/* The side of the square: that of the pictures if they are small, else a usual size near it. */
static int usual_size(const struct source *source)
{
    static const int usual[] = { 32, 64, 96, 128, 160, 224 };
    int side =
        source->middle_width < source->middle_height ? source->middle_width : source->middle_height;
    bool same = source->width > 0 && source->width == source->height;
    if (same && side <= 96)
        return side < 8 ? 8 : side;
    size_t best = 0;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (usual[i] <= side)
            best = i;
    return usual[best];
}

/* About a million pictures in all, at least 10 passes, at most 200. */
static int64_t usual_epochs(size_t count)
{
    double epochs = floor(1e6 / (double)count);
    return epochs < 10 ? 10 : epochs > 200 ? 200 : (int64_t)epochs;
}

/* Whether weights of init= shall learn from labels. */
static bool is_tuning(const struct config *config)
{
    const char *initial = config_value(config, "init");
    const struct method_type *method = method_find(recipe_method(config));
    return initial && *initial && method && method->either;
}

static bool is_meant(const struct recipe *recipe, const char *method)
{
    for (int i = 0; i < RECIPE_METHODS && recipe->method[i]; i++)
        if (strcmp(recipe->method[i], method) == 0)
            return true;
    return !recipe->method[0];
}

static const struct recipe *recipe_for(const struct config *config, enum sample_kind kind,
                                       int64_t size)
{
    bool tunes = is_tuning(config);
    if (!config_automatic(config, "recipe"))
        return recipe_find(config_text(config, "recipe"));
    const struct recipe *recipe = all_recipes;
    while (recipe->name && (recipe->kind != kind || recipe->by_name || recipe->tunes != tunes ||
                            !is_meant(recipe, config_text(config, "method")) ||
                            (recipe->largest && recipe->largest < size)))
        recipe++;
    return recipe;
}

/* The last rate is the recipe's share of the first one, whatever that became. */
static status end_set(struct resolver *resolver, const struct recipe *recipe, const char *value)
{
    double end = 0, usual = 0;
    const char *rate = recipe_value(recipe, "optim.lr");
    if (config_automatic(resolver->config, "optim.lr") || !rate || !text_read_real(value, &end) ||
        !text_read_real(rate, &usual))
        return config_resolve(resolver->config, "optim.end", value);
    char text[32];
    snprintf(text, sizeof text, "%.6g", end / usual * config_real(resolver->config, "optim.lr"));
    return config_resolve(resolver->config, "optim.end", text);
}

/* A recipe's value counts where nobody gave one. */
static status recipe_set(struct resolver *resolver, const struct recipe *recipe,
                         const struct recipe_setting *setting)
{
    struct config *config = resolver->config;
    bool length = strcmp(setting->key, "steps") == 0 && config_given(config, "epochs");
    if (config_automatic(config, setting->key) && !length)
        return become(resolver, setting->key, setting->value);
    if (length || config_given(config, setting->key) || !config_value(config, setting->key))
        return TACIT_OK;
    if (strcmp(setting->key, "optim.end") == 0)
        return end_set(resolver, recipe, setting->value);
    return config_resolve(config, setting->key, setting->value);
}

/* The usual batch, or the largest power of two that fits twice into few pictures. */
static status resolve_batch(struct resolver *resolver, size_t count)
{
    struct config *config = resolver->config;
    int64_t part = 0;
    if (config_automatic(config, "batch_size")) {
        int64_t batch = 256;
        while (batch > 2 && (size_t)batch * 2 > count)
            batch /= 2;
        if (!config_automatic(config, "microbatch"))
            part = config_integer(config, "microbatch");
        if (part > 0)
            batch = batch > part ? batch / part * part : part;
        TRY(become_integer(resolver, "batch_size", batch));
    }
    int64_t batch = config_integer(config, "batch_size");
    if ((size_t)batch > count)
        return fail(TACIT_USAGE,
                    "batch_size=%lld: must not be larger than the data, which have %zu %s to learn "
                    "from",
                    (long long)batch, count, resolver->samples);
    TRY(become_integer(resolver, "microbatch", batch));
    part = config_integer(config, "microbatch");
    if (batch % part != 0)
        return fail(TACIT_USAGE, "microbatch=%lld: must divide batch_size=%lld", (long long)part,
                    (long long)batch);
    return TACIT_OK;
}

/* Of fine-tuning: 3 passes over many samples, up to 20 over few (Mosbach et al. 2021,
 * arXiv:2006.04884), more where those would be fewer than 200 steps. */
static int64_t tuning_epochs(size_t count, int64_t batches)
{
    int64_t epochs = 8000 / (int64_t)count, least = (200 + batches - 1) / batches;
    epochs = epochs < 3 ? 3 : epochs > 20 ? 20 : epochs;
    return epochs < least ? least : epochs;
}

static status resolve_length(struct resolver *resolver, size_t count, bool tunes)
{
    struct config *config = resolver->config;
    int64_t batches = (int64_t)count / config_integer(config, "batch_size");
    if (config_automatic(config, "steps"))
        TRY(become_integer(resolver, "epochs",
                           tunes ? tuning_epochs(count, batches) : usual_epochs(count)));
    int64_t steps = config_automatic(config, "steps") ? batches * config_integer(config, "epochs")
                                                      : config_integer(config, "steps");
    int64_t warmup = tunes ? steps / 10 : steps / 20 < 100 ? steps / 20 : 100;
    TRY(become_integer(resolver, "optim.warmup", warmup));
    int64_t every = batches < 50 ? 50 : batches > 1000 ? 1000 : batches;
    TRY(become_integer(resolver, "checkpoint_every", every));
    return become_integer(resolver, "watch.every", batches / 10 < 10 ? 10 : batches / 10);
}

static status resolve_optimizer(struct resolver *resolver)
{
    struct config *config = resolver->config;
    const struct optimizer_type *type = optimizer_find(config_text(config, "optim.name"));
    double batch = (double)config_integer(config, "batch_size");
    if (!type)
        return fail(TACIT_FAILED, "no optimiser %s", config_text(config, "optim.name"));
    TRY(become_real(resolver, "optim.lr", type->rate * batch / 256));
    TRY(become_real(resolver, "optim.weight_decay", type->decay));
    TRY(become_real(resolver, "optim.epsilon", type->epsilon > 0 ? type->epsilon : 1e-8));
    TRY(become(resolver, "optim.decay_norms", type->decay_vectors ? "true" : "false"));
    return become(resolver, "optim.schedule", "cosine");
}

/* A recipe or method that is for samples of the other kind; names those that are for this one. */
static status kind_check(const struct config *config, const struct source *source)
{
    struct text names = { 0 };
    const char *name = config_text(config, "recipe"), *holds = modality_of(source->kind)->samples;
    const struct recipe *recipe = recipe_find(name);
    status result = TACIT_OK;
    if (recipe && recipe->kind != source->kind) {
        for (const struct recipe *other = all_recipes; other->name; other++)
            if (other->kind == source->kind && other->tunes == recipe->tunes)
                text_append(&names, "%s%s", names.length ? ", " : "", other->name);
        result =
            fail(TACIT_USAGE, "recipe=%s: is for %s, %s holds %s; for these there are %s", name,
                 modality_of(recipe->kind)->samples, source->path, holds, text_string(&names));
        text_free(&names);
        return result;
    }
    const struct method_type *method = method_find(recipe_method(config));
    if (!method || method->either || method->kind == source->kind)
        return TACIT_OK;
    for (int i = 0; all_methods[i]; i++)
        if (!all_methods[i]->either && all_methods[i]->kind == source->kind)
            text_append(&names, "%s%s", names.length ? ", " : "", all_methods[i]->name);
    if (config_given(config, "method") && !config_automatic(config, "method"))
        result = fail(TACIT_BAD_DATA, "%s: holds %s, method=%s learns from %s; say method=%s",
                      source->path, holds, method->name, modality_of(method->kind)->samples,
                      text_string(&names));
    else
        result = fail(TACIT_BAD_DATA, "%s: holds %s: say from which method= they shall learn: %s",
                      source->path, holds, text_string(&names));
    text_free(&names);
    return result;
}

status recipe_apply(struct config *config, const struct source *source, struct text *said)
{
    struct resolver resolver = { config, said, NULL };
    bool pictures = source->kind == SAMPLE_PICTURE;
    TRY(kind_check(config, source));
    TRY(become(&resolver, "method", recipe_method(config)));
    if (pictures)
        TRY(become_integer(&resolver, "image_size", usual_size(source)));
    const struct recipe *recipe =
        recipe_for(config, source->kind, pictures ? config_integer(config, "image_size") : 0);
    if (!recipe || !recipe->name)
        return fail(TACIT_FAILED, "no recipe %s", config_text(config, "recipe"));
    TRY(become(&resolver, "recipe", recipe->name));
    const struct method_type *method = method_find(config_text(config, "method"));
    if (!method)
        return fail(TACIT_FAILED, "no method %s", config_text(config, "method"));
    for (int i = 0; i < RECIPE_SETTINGS && recipe->setting[i].key; i++)
        if (strcmp(recipe->setting[i].key, "batch_size") != 0)
            TRY(recipe_set(&resolver, recipe, &recipe->setting[i]));
    if (method->model)
        TRY(become(&resolver, "model", method->model));
    if (!pictures)
        TRY(become(&resolver, "model", "bert-mini"));
    TRY(become(&resolver, "precision", "f32"));
    TRY(become(&resolver, "loader_threads", "1"));
    return become(&resolver, "augment.pipeline", pictures ? method->augment : "none");
}

status recipe_resolve(struct config *config, size_t count, const char *samples, struct text *said)
{
    struct resolver resolver = { config, said, samples };
    const struct recipe *recipe = recipe_find(config_text(config, "recipe"));
    const char *batch = recipe_value(recipe, "batch_size");
    if (batch && (size_t)strtoll(batch, NULL, 10) * 2 <= count)
        TRY(become(&resolver, "batch_size", batch));
    TRY(resolve_batch(&resolver, count));
    TRY(resolve_optimizer(&resolver));
    return resolve_length(&resolver, count, recipe && recipe->tunes);
}
