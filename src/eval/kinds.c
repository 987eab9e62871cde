/* What the kind of the samples decides about an evaluation, and how data are opened for a thing. */
#include "eval/evaluation.h"
#include "nn/pooling.h"
#include "train/report.h"
#include "train/tasks.h"

#include <stdio.h>
#include <string.h>

enum { LARGEST_PIXELS = 224, SHIFT_SHARE = 16 };

static status settings_put(tacit_config *config, const char *const setting[][2])
{
    for (int i = 0; setting[i][0]; i++)
        TRY(tacit_config_set(config, setting[i][0], setting[i][1]));
    return TACIT_OK;
}

/* ---- pictures ---- */

static const char *const stem_words[] = {
    [STEM_AUTO] = "auto", [STEM_CIFAR] = "cifar", [STEM_IMAGENET] = "imagenet"
};

/* Without a model the pixels are those of the pictures. */
static void pictures_guess(struct evaluation *e)
{
    const struct source *source = e->source;
    int side =
        source->middle_width < source->middle_height ? source->middle_width : source->middle_height;
    side = side < 1 ? 1 : side > LARGEST_PIXELS ? LARGEST_PIXELS : side;
    e->input =
        (struct input_shape){ .channels = source->channels, .size = side, .std = { 1, 1, 1 } };
}

static int pictures_shift(const struct evaluation *e)
{
    return e->input.size < SHIFT_SHARE ? 1 : e->input.size / SHIFT_SHARE;
}

/* The augmentation of the run's pretraining, as its config.yaml has it. */
static status views_of_run(const struct evaluation *e, tacit_config *config)
{
    const struct config *run = &e->thing.config;
    static const char prefix[] = "augment.";
    size_t found = 0;
    for (size_t i = 0; i < run->count; i++)
        if (strncmp(run->entry[i].key, prefix, sizeof prefix - 1) == 0) {
            TRY(tacit_config_set(config, run->entry[i].key, run->entry[i].value));
            found++;
        }
    return found ? TACIT_OK
                 : fail(TACIT_USAGE, "views=run: %s tells nothing about its augmentation", e->path);
}

static status pictures_configure(const struct evaluation *e, const struct supervised_plan *plan,
                                 tacit_config *config)
{
    const struct network_options *network = &e->thing.model.method.network_options;
    char width[32], size[32], shift[32];
    const char *const setting[][2] = { { "stem", stem_words[network->stem] },
                                       { "width", width },
                                       { "image_size", size },
                                       { "optim.name", "sgd" },
                                       { "optim.nesterov", "true" },
                                       { "augment.pipeline", "supervised" },
                                       { "augment.crop_padding", shift },
                                       { NULL, NULL } };
    snprintf(width, sizeof width, "%.17g", network->width);
    snprintf(size, sizeof size, "%d", e->input.size);
    snprintf(shift, sizeof shift, "%d", plan->shift);
    TRY(settings_put(config, setting));
    return config_choice(e->config, "views") == VIEWS_OF_RUN ? views_of_run(e, config) : TACIT_OK;
}

static void pictures_network(const struct evaluation *e, tacit_report *report)
{
    report_text(report, "stem", "%s", stem_words[e->thing.model.method.network_options.stem]);
    report_text(report, "frozen", "yes: features of the backbone, running statistics");
}

static void pictures_input(const struct evaluation *e, bool rival, tacit_report *report)
{
    int side = e->input.size, pixels = pixels_side(&e->input);
    const char *crop = "shorter side to %d pixels, middle %d x %d";
    if (e->path)
        report_text(report, "resize", crop, side, side, side);
    if (rival)
        report_text(report, "pixels", crop, pixels, pixels, pixels);
}

static void pictures_views(const struct evaluation *e, const struct supervised_plan *plan,
                           tacit_report *report)
{
    if (config_choice(e->config, "views") == VIEWS_OF_RUN)
        report_note(report, "labels-only sees views as of the run's pretraining (%s)",
                    config_value(&e->thing.config, "augment.pipeline"));
    else
        report_note(
            report,
            "labels-only sees pictures moved by up to %d pixel%s and mirrored, not the views "
            "of pretraining",
            plan->shift, plan->shift == 1 ? "" : "s");
}

/* ---- texts ---- */

static void texts_guess(struct evaluation *e)
{
    e->input = (struct input_shape){ .kind = SAMPLE_TEXT };
}

static int texts_shift(const struct evaluation *e)
{
    (void)e;
    return 0;
}

/* Sizes and tokenizer are the model's own, the rest is what fine-tuning does (init= without its
 * weights). */
static status texts_configure(const struct evaluation *e, const struct supervised_plan *plan,
                              tacit_config *config)
{
    const char *const setting[][2] = { { "init", e->path }, { NULL, NULL } };
    (void)plan;
    if (config_choice(e->config, "views") == VIEWS_OF_RUN)
        return fail(TACIT_USAGE, "views=run: texts have no views, and %s reads texts", e->path);
    return settings_put(config, setting);
}

static void texts_network(const struct evaluation *e, tacit_report *report)
{
    report_text(report, "pooling", "%s", pooling_names[e->thing.model.method.pooling]);
    report_text(report, "frozen", "yes: features of the backbone");
}

static void texts_input(const struct evaluation *e, bool rival, tacit_report *report)
{
    if (e->path)
        report_number(report, "window", (double)e->input.window, "%lld tokens, longer texts cut",
                      (long long)e->input.window);
    if (rival)
        report_text(report, "words",
                    "TF-IDF of words in small letters, rows of length 1, not standardised; "
                    "texts with a word are counted among all, labelled or not");
}

static void texts_views(const struct evaluation *e, const struct supervised_plan *plan,
                        tacit_report *report)
{
    (void)e, (void)plan;
    report_note(report, "labels-only has the run's tokenizer, but none of its weights");
}

/* Pictures: at this rate, with pictures moved by up to a sixteenth of their side, 72 % of
 * Fashion-MNIST were right with 10 labels a class; with .1 or an eighth it was 1 to 3 points less.
 * The run's own views (views=run; crops from .3, colours) gave 72.9 against 71.7 on three draws. */
static const struct evaluated kinds[] = {
    [SAMPLE_PICTURE] = { .one = "picture",
                         .learns = "SGD with momentum .9",
                         .falls = "as a cosine",
                         .batch = 128,
                         .least = 400,
                         .rate = 0.03,
                         .decay = 5e-4,
                         .scaled = true,
                         .shift = pictures_shift,
                         .guess = pictures_guess,
                         .configure = pictures_configure,
                         .network = pictures_network,
                         .input = pictures_input,
                         .views = pictures_views },
    [SAMPLE_TEXT] = { .one = "text",
                      .learns = "AdamW",
                      .falls = "linearly",
                      .batch = 16,
                      .least = 200,
                      .rate = 5e-4,
                      .decay = 0.01,
                      .shift = texts_shift,
                      .guess = texts_guess,
                      .configure = texts_configure,
                      .network = texts_network,
                      .input = texts_input,
                      .views = texts_views },
};

const struct evaluated *evaluated_kind(const struct evaluation *e)
{
    return &kinds[e->input.kind];
}

/* ---- data ---- */

const char *setting_of(const struct evaluation *e, const char *key, bool run_too)
{
    const char *given = config_value(e->config, key);
    const char *own = e->thing.run[0] ? config_value(&e->thing.config, key) : NULL;
    if (given && *given && strcmp(given, "auto") != 0)
        return given;
    return run_too && own && *own ? own : given;
}

struct source_options texts_or_pictures(const struct evaluation *e, bool own_data)
{
    const char *given = config_value(e->config, "field"), *field = setting_of(e, "field", true);
    const char *asked = config_value(e->config, "labels");
    const char *labels = setting_of(e, "labels", own_data);
    if (strcmp(labels, "none") == 0) /* the run could do without */
        labels = asked;
    return (struct source_options){
        .labels = labels,
        .channels = e->input.channels,
        .cache_bytes = (size_t)1 << 30,
        .strict = config_boolean(e->config, "strict"),
        .wanted = wanted_by(e->input.kind),
        .unit = setting_of(e, "unit", true),
        .field = strcmp(field, "auto") == 0 ? "" : field,
        .field_usual = !*given || strcmp(given, "auto") == 0,
    };
}

status texts_check(const struct evaluation *e)
{
    int learned = e->thing.model.input.texts, given = e->source->texts;
    if (!learned || learned == given)
        return TACIT_OK;
    return fail(
        TACIT_USAGE,
        "%s: gives %d text%s a sample, but the head of %s has learned from %d: name %s with "
        "field=%s",
        e->source->path, given, given == 1 ? "" : "s", e->path, learned,
        learned == 1 ? "it" : "them", learned == 1 ? "NAME" : "FIRST,SECOND");
}
