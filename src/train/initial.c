#include "train/initial.h"
#include "train/modality.h"
#include "base/memory.h"
#include "train/recipe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MANY_NUMBERS = 20, TEXTS_LOOKED_AT = 1000, WINDOW_STEP = 16, VALUE_BYTES = 64 };

status initial_open(struct setup *setup)
{
    const char *path = config_text(setup->config, "init");
    if (!*path)
        return TACIT_OK;
    setup->initial = memory_new(1, sizeof *setup->initial);
    if (!setup->initial)
        return TACIT_RESOURCES;
    return model_file_open(path, setup->initial);
}

void initial_close(struct setup *setup)
{
    if (setup->initial)
        model_file_close(setup->initial);
    memory_free(setup->initial);
    setup->initial = NULL;
}

/* Whether the labels are a quantity: some are no whole numbers, or there are many. */
static bool is_quantity(const struct source *source)
{
    if (!source->target)
        return false;
    for (size_t i = 0; i < source->count; i++)
        if (isfinite(source->target[i]) && source->target[i] != floor(source->target[i]))
            return true;
    return source->classes > MANY_NUMBERS;
}

status initial_method(struct setup *setup, const struct audience *audience)
{
    if (!config_automatic(setup->config, "method"))
        return TACIT_OK;
    bool quantity = is_quantity(setup->source);
    tell(audience, TACIT_INFO, "labels: %s",
         quantity                 ? "numbers (method=regression)"
         : setup->source->classes ? "classes (method=supervised)"
                                  : "none");
    return config_resolve(setup->config, "method", quantity ? "regression" : "supervised");
}

static status resolve(struct setup *setup, struct text *said, const char *key, const char *value)
{
    TRY(config_resolve(setup->config, key, value));
    return text_append(said, "%s%s=%s", said->length ? ", " : "", key, value);
}

/* What the model is; somebody who says otherwise is mistaken. */
static status settle(struct setup *setup, struct text *said, const char *key, const char *value)
{
    const char *asked = config_value(setup->config, key);
    if (asked && strcmp(asked, value) == 0)
        return TACIT_OK;
    if (config_given(setup->config, key) && !config_automatic(setup->config, key))
        return fail(TACIT_USAGE, "%s=%s: init=%s has %s=%s, which cannot be changed", key, asked,
                    setup->initial->path, key, value);
    return resolve(setup, said, key, value);
}

/* Sizes of networks on tokens, which come with the weights. */
static status sizes_check(const struct setup *setup)
{
    static const char *const keys[] = { "tokenizer", "vocab", "layers", "heads",  "hidden",
                                        "inner",     "band",  "biases", "recipe", NULL };
    for (int i = 0; keys[i]; i++)
        if (strcmp(keys[i], "recipe") != 0 && config_given(setup->config, keys[i]) &&
            !config_automatic(setup->config, keys[i]))
            return fail(TACIT_USAGE, "%s=%s: comes from init=%s and cannot be changed", keys[i],
                        config_value(setup->config, keys[i]), setup->initial->path);
    return TACIT_OK;
}

status initial_settle(struct setup *setup, struct text *said)
{
    static const char *const stems[] = {
        [STEM_AUTO] = "auto", [STEM_CIFAR] = "cifar", [STEM_IMAGENET] = "imagenet"
    };
    char value[VALUE_BYTES];
    const struct model_file *initial = setup->initial;
    if (!initial)
        return TACIT_OK;
    if (initial->input.kind != setup->source->kind)
        return fail(TACIT_USAGE, "%s: holds %s, which init=%s does not read", setup->source->path,
                    setup->modality->samples, initial->path);
    TRY(sizes_check(setup));
    TRY(settle(setup, said, "model", initial->method.network->name));
    if (initial->input.kind == SAMPLE_TEXT)
        return TACIT_OK;
    TRY(settle(setup, said, "stem", stems[initial->method.network_options.stem]));
    snprintf(value, sizeof value, "%.15g", initial->method.network_options.width);
    TRY(settle(setup, said, "width", value));
    snprintf(value, sizeof value, "%d", initial->input.size);
    return config_automatic(setup->config, "image_size") ? resolve(setup, said, "image_size", value)
                                                         : TACIT_OK;
}

/* Tokens of the longest of some texts, spread over all, in their frames. */
static status longest_find(const struct setup *setup, int64_t most, int64_t *longest)
{
    size_t count = setup->count < TEXTS_LOOKED_AT ? setup->count : TEXTS_LOOKED_AT;
    int32_t *tokens = memory_new((size_t)most, sizeof *tokens);
    status result = tokens ? TACIT_OK : TACIT_RESOURCES;
    *longest = 0;
    for (size_t i = 0; i < count && result == TACIT_OK; i++) {
        int64_t length = 0;
        result =
            texts_frame(setup->source, setup->tokenizer, setup->index[i * setup->count / count], 0,
                        setup->source->texts > 1, NULL, most, tokens, NULL, NULL, &length);
        if (result == TACIT_BAD_DATA && source_health(setup->source) == TACIT_OK)
            result = TACIT_OK;
        *longest = length > *longest ? length : *longest;
    }
    memory_free(tokens);
    return result;
}

/* A pooler that pretraining here has not used is none; published networks are left to the method.
 */
static void pooling_take(struct setup *setup)
{
    const struct model_file *initial = setup->initial;
    char name[VALUE_BYTES];
    const char *prefix = initial->method.network->prefix;
    snprintf(name, sizeof name, "%s.pooler.dense.weight", prefix ? prefix : "");
    setup->method.pooled =
        !initial->foreign && !initial->method.network->causal && !model_file_find(initial, name);
    if (setup->method.pooled)
        setup->method.pooling = initial->method.pooling;
}

status initial_texts(struct setup *setup, struct text *said)
{
    struct model_file *initial = setup->initial;
    struct text_options *text = &setup->method.network_options.text;
    char value[VALUE_BYTES];
    int64_t window = initial->input.window, longest;
    setup->tokenizer = initial->tokenizer;
    initial->tokenizer = NULL; /* it is the setup's from here on */
    *text = initial->method.network_options.text;
    pooling_take(setup);
    if (!config_automatic(setup->config, "dropout")) {
        double rate = config_real(setup->config, "dropout");
        text->dropout = rate > 0 ? rate : -1;
    }
    if (config_automatic(setup->config, "window")) {
        if (setup->method.type->either) {
            TRY(longest_find(setup, window, &longest));
            longest = (longest + WINDOW_STEP - 1) / WINDOW_STEP * WINDOW_STEP;
            window = longest > WINDOW_STEP && longest < window ? longest : window;
        }
        snprintf(value, sizeof value, "%lld", (long long)window);
        TRY(resolve(setup, said, "window", value));
    }
    setup->method.window = config_integer(setup->config, "window");
    return TACIT_OK;
}

/* 5e-5 for the width of BERT-base (Devlin et al. 2019, arXiv:1810.04805), more for smaller ones: up
 * to 5e-4, as the authors of the smaller BERTs advise 1e-4 and 3e-4 (arXiv:1908.08962). A head by
 * itself learns faster. */
static double text_rate(const struct setup *setup)
{
    double rate = 5e-5 * pow(768 / (double)method_text(&setup->method).width, 1.5);
    if (setup->method.frozen)
        return 1e-2;
    return rate < 2e-5 ? 2e-5 : rate > 5e-4 ? 5e-4 : rate;
}

static double picture_rate(const struct setup *setup)
{
    return setup->method.frozen ? 0.05 : 0.01;
}

status initial_rate(struct setup *setup, struct text *said)
{
    static double (*const rates[])(
        const struct setup *setup) = { [SAMPLE_PICTURE] = picture_rate, [SAMPLE_TEXT] = text_rate };
    const struct recipe *recipe = recipe_find(config_text(setup->config, "recipe"));
    char value[VALUE_BYTES];
    if (!recipe || !recipe->tunes || !config_automatic(setup->config, "optim.lr"))
        return TACIT_OK;
    snprintf(value, sizeof value, "%.2g", rates[setup->source->kind](setup));
    return resolve(setup, said, "optim.lr", value);
}

/* A head is worth keeping where it told the same classes apart, in the same order. */
static bool same_classes(const struct setup *setup)
{
    const struct model_file *initial = setup->initial;
    char name[512];
    if (initial->method.classes != setup->source->classes)
        return false;
    for (int i = 0; i < setup->source->classes; i++)
        if (!model_file_class(initial, i, name, sizeof name) ||
            strcmp(name, setup->source->class_name[i]) != 0)
            return false;
    return true;
}

/* The head of another task begins anew, even where its shape would fit. */
static status head_keep(const struct setup *setup, struct store *store, float **values)
{
    struct range *head = store_range(store, "head");
    *values = NULL;
    if (!setup->method.type->either || !head || (setup->method.type->labels && same_classes(setup)))
        return TACIT_OK;
    *values = memory_new((size_t)head->size + 1, sizeof **values);
    if (!*values)
        return TACIT_RESOURCES;
    memcpy(*values, head->value, (size_t)head->size * sizeof **values);
    return TACIT_OK;
}

status initial_fill(const struct setup *setup, struct store *store, const struct audience *audience)
{
    struct model_copied copied;
    float *head;
    TRY(head_keep(setup, store, &head));
    status result = model_file_copy(setup->initial, store, &copied);
    if (head) {
        struct range *range = store_range(store, "head");
        memcpy(range->value, head, (size_t)range->size * sizeof *head);
        range->version++;
    }
    memory_free(head);
    if (result == TACIT_OK && copied.tensors == 0)
        result = fail(TACIT_BAD_DATA, "init=%s: has no tensor of model=%s", setup->initial->path,
                      setup->method.network->name);
    if (result == TACIT_OK)
        tell(audience, TACIT_INFO, "init: %s, %lld tensors%s%s", setup->initial->path,
             (long long)copied.tensors, copied.anew ? "; new ones: " : "",
             text_string(&copied.names));
    text_free(&copied.names);
    return result;
}
