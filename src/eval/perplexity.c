/* tacit_perplexity: how well a language model guesses texts. */
#include "base/clock.h"
#include "base/memory.h"
#include "data/holdout.h"
#include "eval/decode_open.h"
#include "eval/perplexity_windows.h"
#include "eval/thing.h"
#include "train/observe.h"
#include "train/report.h"
#include "train/session.h"
#include "train/tasks.h"
#include "train/token_file.h"

#include <math.h>
#include <string.h>

/* The choices of part= in their order. */
enum part { PART_VALIDATION, PART_TRAIN, PART_HOLDOUT, PART_TEST, PART_ALL };

struct perplexity {
    const struct config *config;
    struct audience audience;
    double start;
    struct thing thing;
    struct source *source;
    uint32_t *index;
    bool *held;
    size_t count;
    enum part part;
    double begin, stop; /* the stretch of all text; stop 0: all */
    struct token_file file;
    struct windows_options how;
    struct decoder *decoder;
    double nats;
    uint64_t tokens;
};

/* A setting of the run, "" if it has none. */
static const char *of_run(const struct perplexity *p, const char *key)
{
    const char *value = p->thing.run[0] ? config_value(&p->thing.config, key) : NULL;
    return value ? value : "";
}

/* What the command line says, or else the run, or else `fallback`. */
static const char *setting(const struct perplexity *p, const char *key, const char *fallback)
{
    const char *run = of_run(p, key);
    if (config_given(p->config, key) && !config_automatic(p->config, key))
        return config_value(p->config, key);
    return *run ? run : fallback;
}

static status part_choose(struct perplexity *p)
{
    static const char *const names[] = { "validation", "train", "holdout" };
    double share = 0;
    bool own = !config_given(p->config, "data");
    if (!text_read_real(of_run(p, "validation"), &share))
        share = 0;
    p->part = config_automatic(p->config, "part") ? (own && share > 0 ? PART_VALIDATION : PART_ALL)
                                                  : (enum part)config_choice(p->config, "part");
    if (!own && p->part <= PART_HOLDOUT)
        return fail(TACIT_USAGE, "part=%s: only the run's own data have it; leave data= out",
                    names[p->part]);
    if (p->part == PART_VALIDATION && share <= 0)
        return fail(TACIT_USAGE, "part=validation: the run kept no text out of training "
                                 "(validation=); take part=all, or give data=");
    if (p->part == PART_VALIDATION)
        p->begin = 1 - share, p->stop = 1;
    else if (p->part == PART_TRAIN && share > 0)
        p->stop = 1 - share;
    return TACIT_OK;
}

static bool wanted(const struct perplexity *p, size_t sample)
{
    bool training = !p->source->has_parts || p->source->sample[sample].split == SPLIT_TRAIN;
    bool out = p->held[sample];
    return p->part == PART_ALL || (p->part == PART_TEST && !training) ||
           (p->part == PART_HOLDOUT && out) || (p->part <= PART_TRAIN && training && !out);
}

static status held_out_find(struct perplexity *p)
{
    struct source *source = p->source;
    size_t count = 0;
    for (size_t i = 0; i < source->count; i++)
        if (!source->has_parts || source->sample[i].split == SPLIT_TRAIN)
            p->index[count++] = (uint32_t)i;
    if (config_given(p->config, "data"))
        return TACIT_OK;
    return holdout_mark(source, of_run(p, "holdout"), p->thing.seed, p->index, count, p->held);
}

static status source_prepare(struct perplexity *p)
{
    const char *data = setting(p, "data", "");
    struct source_options options = { .wanted = WANT_TEXTS,
                                      .labels = "none",
                                      .strict = config_boolean(p->config, "strict"),
                                      .unit = setting(p, "unit", "auto"),
                                      .field = setting(p, "field", "") };
    if (!*data)
        return fail(TACIT_USAGE, "data= is missing: %s does not tell what it was trained on",
                    p->thing.model.path);
    if (!*options.field)
        options.field = NULL;
    TRY(source_open(data, &options, &p->source));
    if (p->source->note)
        tell(&p->audience, TACIT_NOTICE, "%s", p->source->note);
    if (p->source->kind != SAMPLE_TEXT)
        return fail(TACIT_BAD_DATA, "%s: holds no texts", p->source->path);
    p->index = memory_new(p->source->count, sizeof *p->index);
    p->held = memory_new(p->source->count, sizeof *p->held);
    if (!p->index || !p->held)
        return TACIT_RESOURCES;
    TRY(held_out_find(p));
    for (size_t i = 0; i < p->source->count; i++)
        if (wanted(p, i))
            p->index[p->count++] = (uint32_t)i;
    return p->count ? TACIT_OK
                    : fail(TACIT_BAD_DATA, "%s: has no text in that part", p->source->path);
}

static status step_tell(void *argument, uint64_t done)
{
    const struct perplexity *p = argument;
    tacit_progress progress = progress_unknown("perplexity");
    progress.step = (int64_t)done;
    progress.steps = (int64_t)p->file.count;
    progress.seconds = clock_seconds() - p->start;
    tell_progress(&p->audience, &progress);
    return asked_to_stop(&p->audience) ? fail(TACIT_STOPPED, "stopped") : TACIT_OK;
}

static bool encoding_advance(void *argument, double share)
{
    const struct perplexity *p = argument;
    tacit_progress progress = progress_unknown("texts");
    progress.steps = 100;
    progress.step = (int64_t)(share * 100);
    progress.seconds = clock_seconds() - p->start;
    if (progress.seconds > 1)
        tell_progress(&p->audience, &progress);
    return !asked_to_stop(&p->audience);
}

static status decoder_prepare(struct perplexity *p)
{
    const struct model_file *model = &p->thing.model;
    const struct tokenizer *tokenizer = model->tokenizer;
    struct decoder_options need = { 0 };
    if (!model->method.network->causal || !tokenizer)
        return fail(TACIT_USAGE,
                    "%s: %s does not guess the next token: take a language model, such as one "
                    "trained with method=gpt",
                    model->path, model->method.network->name);
    p->how.window = config_automatic(p->config, "window") ? model->input.window
                                                          : config_integer(p->config, "window");
    p->how.stride = config_automatic(p->config, "stride") ? (p->how.window + 1) / 2
                                                          : config_integer(p->config, "stride");
    p->how.start = tokenizer_role(tokenizer, ROLE_EOS);
    p->how.advance = step_tell;
    p->how.argument = p;
    windows_need(&p->how, &need);
    need.weights = (enum panel_kind)config_choice(p->config, "weights");
    return decoder_open(model, &need, &p->decoder);
}

/* The file's texts may be pieces of a document: pieces of one sample belong together. */
static status texts_count(struct perplexity *p, struct windows *windows)
{
    const struct token_file *file = &p->file;
    uint64_t begin = 0;
    for (uint64_t t = 0; t < file->texts; t++) {
        if (t + 1 < file->texts && file->sample[t + 1] == file->sample[t])
            continue;
        TRY(windows_text(windows, file->id + begin, file->end[t] - begin));
        begin = file->end[t];
    }
    return windows_total(windows, &p->nats, &p->tokens);
}

static status perplexity_count(struct perplexity *p)
{
    struct windows *windows;
    const char *join = of_run(p, "method.join"); /* the texts of a tuple are one, as in training */
    struct token_file_options options = { .source = p->source,
                                          .index = p->index,
                                          .count = p->count,
                                          .tokenizer = p->thing.model.tokenizer,
                                          .join = *join ? join : NULL,
                                          .separator = -1,
                                          .advance = encoding_advance,
                                          .argument = p,
                                          .begin = p->begin,
                                          .stop = p->stop };
    TRY(token_file_make(&options, &p->file));
    TRY(windows_new(p->decoder, &p->how, &windows));
    status result = texts_count(p, windows);
    windows_free(windows);
    return result;
}

static status perplexity_report(const struct perplexity *p, tacit_report **report)
{
    static const char *const parts[] = { "validation", "train", "holdout", "test", "all" };
    double nats = p->nats / (double)p->tokens, bytes = (double)p->file.bytes;
    tacit_report *made = report_new();
    if (!made)
        return TACIT_RESOURCES;
    report_text(made, "data", "%s", p->source->path);
    report_text(made, "part", "%s", parts[p->part]);
    report_number(made, "nats_per_token", nats, "%.4f", nats);
    report_number(made, "bits_per_byte", p->nats / log(2) / bytes, "%.4f",
                  p->nats / log(2) / bytes);
    report_number(made, "perplexity", exp(nats), "%.6g", exp(nats));
    report_number(made, "tokens", (double)p->tokens, "%llu", (unsigned long long)p->tokens);
    report_number(made, "bytes", bytes, "%.0f", bytes);
    report_number(made, "window", (double)p->how.window, "%lld", (long long)p->how.window);
    report_number(made, "stride", (double)p->how.stride, "%lld", (long long)p->how.stride);
    report_text(made, "weights", "%s", config_value(p->config, "weights"));
    report_note(made,
                "windows of %lld tokens, %lld apart; every token is counted once, with at "
                "least %lld before it where its text has as many",
                (long long)p->how.window, (long long)p->how.stride,
                (long long)(p->how.window - p->how.stride));
    if (p->how.start < 0)
        report_note(made, "the first token of a text has no context and counts as ln(vocabulary): "
                          "the tokenizer has no token to begin with");
    else
        report_note(made, "every text begins behind the token that ends texts");
    if (!isfinite(nats))
        report_note(made, "the network gives numbers that are not finite: it has diverged");
    status result = report_status(made);
    if (report && result == TACIT_OK)
        *report = made;
    else
        tacit_report_free(made);
    return result;
}

static void perplexity_close(struct perplexity *p)
{
    decoder_free(p->decoder);
    token_file_close(&p->file);
    memory_free(p->index);
    memory_free(p->held);
    source_close(p->source);
    thing_close(&p->thing);
}

static status perplexity_run(struct perplexity *p, const char *thing, tacit_report **report)
{
    team_settle((int)config_integer(p->config, "threads"));
    TRY(thing_open(thing, &p->thing));
    TRY(part_choose(p));
    TRY(decoder_prepare(p));
    TRY(source_prepare(p));
    TRY(perplexity_count(p));
    TRY(perplexity_report(p, report));
    return isfinite(p->nats)
               ? TACIT_OK
               : fail(TACIT_NUMERIC, "%s: gives numbers that are not finite", p->thing.model.path);
}

tacit_status tacit_perplexity(const char *thing, tacit_config *config,
                              const tacit_observer *observer, tacit_report **report)
{
    if (report)
        *report = NULL;
    TRY(tacit_config_check(config));
    if (!thing || !*thing)
        return fail(TACIT_USAGE, "THING is missing: tacit perplexity RUN data=TEXTS");
    struct perplexity p = { .config = &config->config,
                            .audience = { observer, NULL },
                            .start = clock_seconds() };
    status result = perplexity_run(&p, thing, report);
    perplexity_close(&p);
    return result;
}
