#include "train/recipe.h"
#include "train/optimizer.h"
#include "methods/methods.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct recipe all_recipes[] = {
    { "thumbnails",
      "pictures up to 40 pixels on a few cores: a small network",
      40,
      { { "model", "conv4" }, { "optim.name", "sgd" }, { "batch_size", "256" } } },
    { "small",
      "pictures up to 96 pixels: ResNet-18",
      96,
      { { "model", "resnet18" }, { "optim.name", "sgd" }, { "batch_size", "256" } } },
    { "photographs",
      "larger pictures: ResNet-18 at 224 pixels with blur and strong colours",
      0,
      { { "model", "resnet18" },
        { "optim.name", "sgd" },
        { "batch_size", "128" },
        { "augment.pipeline", "simclr" } } },
    { NULL, NULL, 0, { { NULL, NULL } } },
};

const struct recipe *recipe_find(const char *name)
{
    for (const struct recipe *recipe = all_recipes; recipe->name; recipe++)
        if (strcmp(recipe->name, name) == 0)
            return recipe;
    return NULL;
}

struct resolver {
    struct config *config;
    struct text *said;
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

static const struct recipe *recipe_for(const struct config *config, int64_t size)
{
    if (!config_automatic(config, "recipe"))
        return recipe_find(config_text(config, "recipe"));
    const struct recipe *recipe = all_recipes;
    while (recipe->largest && recipe->largest < size)
        recipe++;
    return recipe;
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
                    "batch_size=%lld: must not be larger than the data, which have %zu pictures "
                    "to learn from",
                    (long long)batch, count);
    TRY(become_integer(resolver, "microbatch", batch));
    part = config_integer(config, "microbatch");
    if (batch % part != 0)
        return fail(TACIT_USAGE, "microbatch=%lld: must divide batch_size=%lld", (long long)part,
                    (long long)batch);
    return TACIT_OK;
}

static status resolve_length(struct resolver *resolver, size_t count)
{
    struct config *config = resolver->config;
    int64_t batches = (int64_t)count / config_integer(config, "batch_size");
    if (config_automatic(config, "steps"))
        TRY(become_integer(resolver, "epochs", usual_epochs(count)));
    int64_t steps = config_automatic(config, "steps") ? batches * config_integer(config, "epochs")
                                                      : config_integer(config, "steps");
    int64_t warmup = steps / 20 < 100 ? steps / 20 : 100;
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
    TRY(become(resolver, "optim.decay_norms", type->decay_vectors ? "true" : "false"));
    return become(resolver, "optim.schedule", "cosine");
}

status recipe_resolve(struct config *config, const struct source *source, size_t count,
                      struct text *said)
{
    struct resolver resolver = { config, said };
    TRY(become(&resolver, "method", "simclr"));
    TRY(become_integer(&resolver, "image_size", usual_size(source)));
    const struct recipe *recipe = recipe_for(config, config_integer(config, "image_size"));
    if (!recipe)
        return fail(TACIT_FAILED, "no recipe %s", config_text(config, "recipe"));
    TRY(become(&resolver, "recipe", recipe->name));
    for (int i = 0; i < RECIPE_SETTINGS && recipe->setting[i].key; i++)
        if (strcmp(recipe->setting[i].key, "batch_size") != 0 ||
            (size_t)strtoll(recipe->setting[i].value, NULL, 10) * 2 <= count)
            TRY(become(&resolver, recipe->setting[i].key, recipe->setting[i].value));
    TRY(resolve_batch(&resolver, count));
    TRY(resolve_optimizer(&resolver));
    TRY(resolve_length(&resolver, count));
    TRY(become(&resolver, "precision", "f32"));
    TRY(become(&resolver, "loader_threads", "1"));
    const struct method_type *method = method_find(config_text(config, "method"));
    if (!method)
        return fail(TACIT_FAILED, "no method %s", config_text(config, "method"));
    return become(&resolver, "augment.pipeline", method->augment);
}
