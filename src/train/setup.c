#include "train/setup.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "data/holdout.h"
#include "train/recipe.h"

#include <stdio.h>
#include <string.h>

void team_settle(int threads)
{
    static bool done;
    if (!done) /* kernels that are ready already know the number of threads */
        parallel_set_threads(threads);
    done = true;
    parallel_flush_denormals();
}

static status data_open(struct setup *setup, const struct setup_request *request)
{
    const struct config *config = setup->config;
    if (request->source) {
        setup->source = request->source;
        return TACIT_OK;
    }
    struct source_options options = { .labels = config_text(config, "labels"),
                                      .cache_bytes = (size_t)1 << 30,
                                      .strict = config_boolean(config, "strict") };
    setup->own_source = true;
    return source_open(config_text(config, "data"), &options, &setup->source);
}

/* Takes out of index[] what holdout= names. */
static status samples_hold_out(struct setup *setup)
{
    size_t left = 0;
    setup->held = memory_new(setup->source->count, sizeof *setup->held);
    if (!setup->held)
        return TACIT_RESOURCES;
    TRY(holdout_mark(setup->source, config_text(setup->config, "holdout"), setup->seed,
                     setup->index, setup->count, setup->held));
    for (size_t i = 0; i < setup->count; i++)
        if (!setup->held[setup->index[i]])
            setup->index[left++] = setup->index[i];
    setup->held_count = setup->count - left;
    setup->count = left;
    return TACIT_OK;
}

/* The part train where there are parts; only labelled samples where labels are needed; less those
 * held out. */
static status samples_choose(struct setup *setup, const struct setup_request *request)
{
    struct source *source = setup->source;
    bool labelled = setup->method.type->labels;
    size_t most = request->index ? request->count : source->count;
    setup->index = memory_new(most ? most : 1, sizeof *setup->index);
    if (!setup->index)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < most; i++) {
        size_t sample = request->index ? request->index[i] : i;
        bool train =
            request->index || !source->has_parts || source->sample[sample].split == SPLIT_TRAIN;
        if (train && (!labelled || source->sample[sample].label >= 0))
            setup->index[setup->count++] = (uint32_t)sample;
    }
    if (labelled && (setup->count == 0 || source->classes < 2))
        return fail(TACIT_BAD_DATA,
                    "%s: method=%s needs labels of at least two classes; say where they are, such "
                    "as labels=folders",
                    source->path, setup->method.type->name);
    if (setup->count == 0)
        return fail(TACIT_BAD_DATA, "%s: has no pictures to learn from%s", source->path,
                    source->has_parts ? " in its part train" : "");
    TRY(samples_hold_out(setup));
    return setup->count ? TACIT_OK
                        : fail(TACIT_BAD_DATA, "holdout=%s: leaves no pictures to learn from",
                               config_text(setup->config, "holdout"));
}

/* Which method, before the rest is resolved: it decides which samples count. */
static status method_choose(struct setup *setup)
{
    const char *name =
        config_automatic(setup->config, "method") ? "simclr" : config_text(setup->config, "method");
    setup->method.type = method_find(name);
    return setup->method.type ? TACIT_OK : fail(TACIT_USAGE, "method=%s: there is none", name);
}

static status method_settle(struct setup *setup)
{
    const struct config *config = setup->config;
    struct method *method = &setup->method;
    method->network = network_find(config_text(config, "model"));
    if (!method->network)
        return fail(TACIT_USAGE, "model=%s: there is none", config_text(config, "model"));
    method->network_options.stem = config_choice(config, "stem");
    method->network_options.width = config_real(config, "width");
    method->classes = setup->source->classes;
    return method->type->configure(method, config);
}

static status input_settle(struct setup *setup)
{
    const struct config *config = setup->config;
    struct input_shape *input = &setup->input;
    TRY(augment_settings_from(config, "augment", setup->method.type->augment, &setup->augment));
    setup->augment.views = setup->method.type->views;
    input->channels = setup->source->channels;
    input->size = (int)config_integer(config, "image_size");
    if (config_automatic(config, "augment.normalize"))
        return views_statistics(setup->source, setup->index, setup->count, input->mean, input->std);
    memcpy(input->mean, setup->augment.mean, sizeof input->mean);
    memcpy(input->std, setup->augment.std, sizeof input->std);
    return TACIT_OK;
}

static void optimizer_settle(struct setup *setup)
{
    const struct config *config = setup->config;
    setup->optimizer = (struct optimizer_options){
        .type = optimizer_find(config_text(config, "optim.name")),
        .momentum = config_real(config, "optim.momentum"),
        .weight_decay = config_real(config, "optim.weight_decay"),
        .beta1 = config_real(config, "optim.beta1"),
        .beta2 = config_real(config, "optim.beta2"),
        .epsilon = config_real(config, "optim.epsilon"),
        .trust = config_real(config, "optim.trust"),
        .clip = config_real(config, "optim.clip"),
        .nesterov = config_boolean(config, "optim.nesterov"),
        .rate_in_buffer = config_choice(config, "optim.lars_rate") == 1,
        .decay_vectors = config_boolean(config, "optim.decay_norms"),
    };
    setup->schedule = (struct schedule){
        .type = schedule_find(config_text(config, "optim.schedule")),
        .form =
            config_choice(config, "optim.warmup_form") == 1 ? WARMUP_SEQUENTIAL : WARMUP_MULTIPLY,
        .base = config_real(config, "optim.lr"),
        .end = config_real(config, "optim.end"),
        .steps = setup->steps,
        .warmup = config_integer(config, "optim.warmup"),
    };
}

static status sizes_settle(struct setup *setup)
{
    const struct config *config = setup->config;
    setup->batch = config_integer(config, "batch_size");
    setup->microbatch = config_integer(config, "microbatch");
    setup->separate = config_choice(config, "microbatch_loss") == 1;
    setup->batches = (int64_t)setup->count / setup->batch;
    int64_t epochs = config_integer(config, "epochs");
    setup->steps = config_integer(config, "steps");
    if (config_automatic(config, "steps")) {
        if (epochs > INT64_MAX / setup->batches)
            return fail(TACIT_USAGE, "epochs=%lld: that many steps cannot be counted",
                        (long long)epochs);
        setup->steps = epochs * setup->batches;
    }
    bool compares = setup->method.type->views > 1;
    if (compares && setup->batch < 2)
        return fail(TACIT_USAGE, "batch_size=1: method=%s needs another picture to compare with",
                    setup->method.type->name);
    if (compares && setup->separate && setup->microbatch < 2)
        return fail(TACIT_USAGE, "microbatch=1: has no other picture to compare with; take at "
                                 "least 2, or microbatch_loss=exact");
    setup->checkpoint_every = config_integer(config, "checkpoint_every");
    setup->watch_every = config_integer(config, "watch.every");
    setup->watch_pictures = config_integer(config, "watch.pictures");
    setup->loader_threads = (int)config_integer(config, "loader_threads");
    return TACIT_OK;
}

/* What must be known before the data are. */
static void machine_settle(struct setup *setup)
{
    const struct config *config = setup->config;
    setup->seed = (uint64_t)config_integer(config, "seed");
    setup->target = (struct target){ .profile = config_boolean(config, "profile"),
                                     .tune = config_boolean(config, "tune"),
                                     .seed = setup->seed };
    team_settle((int)config_integer(config, "threads"));
}

static void tell_data(const struct setup *setup, const struct audience *audience)
{
    const struct source *source = setup->source;
    char sizes[64];
    if (source->width)
        snprintf(sizes, sizeof sizes, "%d x %d pixels", source->width, source->height);
    else
        snprintf(sizes, sizeof sizes, "about %d x %d pixels", source->middle_width,
                 source->middle_height);
    tell(audience, TACIT_INFO, "data: %s, %zu pictures to learn from%s, %s, %s", source->path,
         setup->count, source->has_parts ? " (the part train)" : "", sizes,
         source->channels == 1 ? "grey" : "colour");
    if (setup->held_count)
        tell(audience, TACIT_INFO, "holdout: %zu pictures are kept out", setup->held_count);
    if (source->note)
        tell(audience, TACIT_NOTICE, "%s", source->note);
}

status setup_open(const struct setup_request *request, const struct audience *audience,
                  struct setup *setup)
{
    struct text said = { 0 };
    *setup = (struct setup){ .config = request->config };
    machine_settle(setup);
    TRY(method_choose(setup));
    TRY(data_open(setup, request));
    TRY(samples_choose(setup, request));
    tell_data(setup, audience);
    status result = recipe_resolve(setup->config, setup->source, setup->count, &said);
    if (result == TACIT_OK && said.length)
        tell(audience, TACIT_INFO, "auto: %s", text_string(&said));
    text_free(&said);
    TRY(result);
    setup->target.precision =
        config_choice(setup->config, "precision") == 1 ? PRECISION_BF16 : PRECISION_F32;
    TRY(method_settle(setup));
    TRY(input_settle(setup));
    TRY(sizes_settle(setup));
    optimizer_settle(setup);
    TRY(views_new(&setup->augment, &setup->input, setup->source, &setup->views));
    setup->hash = memory_new(setup->source->count, sizeof *setup->hash);
    setup->views.hash = setup->hash;
    setup->fields = views_fields(&setup->input, setup->views.count, setup->field);
    return setup->hash ? TACIT_OK : TACIT_RESOURCES;
}

void setup_close(struct setup *setup)
{
    views_free(&setup->views);
    memory_free(setup->index);
    memory_free(setup->held);
    memory_free((void *)setup->hash);
    if (setup->own_source)
        source_close(setup->source);
    *setup = (struct setup){ 0 };
}

status setup_session(const struct setup *setup, struct store *store, struct session **session)
{
    struct session_options options = { .method = setup->method,
                                       .field = setup->field,
                                       .fields = setup->fields,
                                       .batch = setup->batch,
                                       .microbatch = setup->microbatch,
                                       .separate = setup->separate,
                                       .target = setup->target };
    return session_new(&options, store, session);
}

status setup_loader(struct setup *setup, struct loader **loader)
{
    struct loader_options options = { .source = setup->source,
                                      .index = setup->index,
                                      .count = setup->count,
                                      .batch = (int)setup->batch,
                                      .field = setup->field,
                                      .fields = setup->fields,
                                      .threads = setup->loader_threads,
                                      .seed = setup->seed,
                                      .make = views_make,
                                      .argument = &setup->views,
                                      .scratch_bytes = setup->views.scratch_bytes };
    return loader_new(&options, loader);
}
