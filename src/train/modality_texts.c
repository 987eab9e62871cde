#include "base/clock.h"
#include "base/memory.h"
#include "train/initial.h"
#include "train/modality.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static void texts_tell(const struct setup *setup, const struct audience *audience)
{
    const struct source *source = setup->source;
    const char *plural = setup->count == 1 ? "" : "s";
    tell(audience, TACIT_INFO, "data: %s, %zu %s%s%s to learn from%s", source->path, setup->count,
         source->texts > 1 ? "tuple" : "text", plural, source->texts > 1 ? " of texts" : "",
         source->has_parts ? " (the part train)" : "");
}

/* ---- The tokenizer: a file, that of the run, or one learned from the data ---- */

struct reader {
    struct setup *setup;
    const struct audience *audience;
    size_t sample;
    int which;
    const char *join; /* the texts of a sample are one; NULL: each by itself */
    struct bytes bytes;
};

/* Text after text of the training samples. */
static status piece_read(void *state, struct text_piece *piece, bool *found)
{
    struct reader *reader = state;
    struct source *source = reader->setup->source;
    if (asked_to_stop(reader->audience))
        return fail(TACIT_STOPPED, "stopped");
    bytes_free(&reader->bytes);
    reader->bytes = (struct bytes){ 0 };
    while (reader->sample < reader->setup->count) {
        uint32_t sample = reader->setup->index[reader->sample];
        int which = reader->which++;
        if (reader->join || reader->which >= source->texts) {
            reader->which = 0;
            reader->sample++;
        }
        status result = reader->join ? source_joined(source, sample, reader->join, &reader->bytes)
                                     : source_texts(source, sample, which, &reader->bytes);
        if (result == TACIT_BAD_DATA && source_health(source) == TACIT_OK)
            continue;
        TRY(result);
        *piece = (struct text_piece){ { reader->bytes.bytes, reader->bytes.size }, true };
        *found = true;
        return TACIT_OK;
    }
    *found = false;
    return TACIT_OK;
}

/* What stands between the texts of a sample, for methods that read them as one; else NULL. */
static const char *join_of(const struct setup *setup)
{
    return config_value(setup->config, "method.join");
}

/* Fewer tokens for less text: rare ones would be seen too seldom to learn anything about. */
static size_t usual_vocabulary(const struct setup *setup)
{
    double bytes = 0;
    for (size_t i = 0; i < setup->count; i++) {
        struct bytes text = { 0 };
        if (source_joined(setup->source, setup->index[i], join_of(setup), &text) == TACIT_OK)
            bytes += (double)text.size;
        bytes_free(&text);
    }
    return bytes < 1e6 ? 1024 : bytes < 4e6 ? 4096 : 8192;
}

/* The kind of this name, NULL if there is none. */
static const struct tokenizer_kind *kind_named(const char *name)
{
    for (int i = 0; tokenizer_kinds[i]; i++)
        if (strcmp(tokenizer_kind_name(tokenizer_kinds[i]), name) == 0)
            return tokenizer_kinds[i];
    return NULL;
}

static status tokenizer_learn(struct setup *setup, const struct tokenizer_kind *kind,
                              const struct audience *audience)
{
    const struct config *config = setup->config;
    const char *specials = setup->method.type->specials;
    bool learns = tokenizer_kind_learns(kind);
    struct tokenizer_facts facts;
    struct reader reader = { .setup = setup, .audience = audience, .join = join_of(setup) };
    struct text_stream stream = { piece_read, &reader };
    struct tokenizer_options options = {
        .kind = tokenizer_kind_name(kind),
        .specials = learns ? specials : NULL,
        .vocabulary = !config_automatic(config, "vocab") ? (size_t)config_integer(config, "vocab")
                      : learns                           ? usual_vocabulary(setup)
                                                         : 0,
    };
    status result = tokenizer_train(&options, &stream, &facts, &setup->tokenizer);
    bytes_free(&reader.bytes);
    TRY(result);
    tell(audience, TACIT_INFO, "tokenizer: %s of %zu tokens, learned from %.3g MB", options.kind,
         facts.vocabulary, (double)facts.bytes / 1e6);
    return TACIT_OK;
}

static status tokenizer_settle(struct setup *setup, const struct audience *audience)
{
    const struct config *config = setup->config;
    const char *choice = config_text(config, "tokenizer");
    char kept[PATH_BYTES] = "";
    if (config_automatic(config, "tokenizer"))
        choice = setup->method.type->tokenizer;
    if (setup->folder)
        snprintf(kept, sizeof kept, "%s/tokenizer.json", setup->folder);
    if (kept[0] && access(kept, F_OK) == 0)
        return tokenizer_load(kept, &setup->tokenizer);
    const struct tokenizer_kind *kind = kind_named(choice);
    if (kind)
        TRY(tokenizer_learn(setup, kind, audience));
    else
        TRY(tokenizer_load(choice, &setup->tokenizer));
    if (!kind && !config_automatic(config, "vocab"))
        return fail(TACIT_USAGE, "vocab=%lld: tokenizer=%s has a vocabulary of its own, %zu tokens",
                    (long long)config_integer(config, "vocab"), choice,
                    tokenizer_vocabulary(setup->tokenizer));
    return kept[0] ? tokenizer_save(setup->tokenizer, kept) : TACIT_OK;
}

/* ---- The network and its samples ---- */

static int64_t given(const struct config *config, const char *key)
{
    return config_automatic(config, key) ? 0 : config_integer(config, key);
}

static void network_settle(struct setup *setup)
{
    const struct config *config = setup->config;
    struct method *method = &setup->method;
    struct text_options *text = &method->network_options.text;
    int64_t pad = tokenizer_role(setup->tokenizer, ROLE_PAD);
    *text = (struct text_options){
        .vocabulary = (int64_t)tokenizer_vocabulary(setup->tokenizer),
        .layers = given(config, "layers"),
        .heads = given(config, "heads"),
        .width = given(config, "hidden"),
        .inner = given(config, "inner"),
        .band = given(config, "band"),
        .padding_id = pad == 0  ? -1
                      : pad > 0 ? pad
                                : 0,
        .biases = config_automatic(config, "biases")     ? BIASES_OF_ROW
                  : config_choice(config, "biases") == 0 ? BIASES
                                                         : NO_BIASES,
        .start = config_automatic(config, "start")     ? START_OF_WIDTH
                 : config_choice(config, "start") == 0 ? START_PUBLISHED
                                                       : START_LOCAL,
    };
    if (!config_automatic(config, "dropout")) {
        double rate = config_real(config, "dropout");
        text->dropout = rate > 0 ? rate : -1;
    }
    method->window = given(config, "window");
    if (method->window > method->network->text.context)
        text->context = method->window;
}

/* Single texts of like length share batches. */
static status lengths_settle(struct setup *setup)
{
    if (!config_boolean(setup->config, "buckets") || !texts_single(&setup->texts))
        return TACIT_OK;
    setup->length = memory_new(setup->count, sizeof *setup->length);
    return setup->length ? texts_lengths(&setup->texts, setup->index, setup->count, setup->length)
                         : TACIT_RESOURCES;
}

struct encoding {
    const struct audience *audience;
    double start;
};

/* Says how far a large corpus is encoded, in hundredths, and asks whether to go on. */
static bool encoding_advance(void *argument, double share)
{
    const struct encoding *encoding = argument;
    tacit_progress progress = progress_unknown("texts");
    progress.seconds = clock_seconds() - encoding->start;
    progress.steps = 100;
    progress.step = (int64_t)(share * 100);
    if (progress.seconds > 1)
        tell_progress(encoding->audience, &progress);
    return !asked_to_stop(encoding->audience);
}

static status texts_settle(struct setup *setup, const struct audience *audience, struct text *said)
{
    struct method *method = &setup->method;
    double validation = config_real(setup->config, "validation");
    if (setup->initial)
        TRY(initial_texts(setup, said));
    else
        TRY(tokenizer_settle(setup, audience));
    if (!setup->initial)
        network_settle(setup);
    TRY(method_fits(method));
    TRY(method->type->configure(method, setup->config));
    TRY(method_pools(method));
    setup->input = (struct input_shape){ .kind = SAMPLE_TEXT,
                                         .tokenizer = setup->tokenizer,
                                         .window = method_window(method),
                                         .texts = method->type->either ? setup->source->texts : 0 };
    struct encoding encoding = { audience, clock_seconds() };
    struct texts_options options = { .source = setup->source,
                                     .index = setup->index,
                                     .count = setup->count,
                                     .tokenizer = setup->tokenizer,
                                     .method = method,
                                     .advance = encoding_advance,
                                     .argument = &encoding,
                                     .stop = validation > 0 ? 1 - validation : 0 };
    TRY(texts_open(&options, &setup->texts));
    if (validation > 0 && !setup->texts.form->file)
        return fail(TACIT_USAGE,
                    "validation=%g: method=%s learns from single texts; keep some out "
                    "with holdout=",
                    validation, method->type->name);
    if (validation > 0) {
        options.begin = options.stop;
        options.stop = 1;
        TRY(texts_open(&options, &setup->kept));
    }
    TRY(lengths_settle(setup));
    setup->fields = method->type->fields(method, setup->field);
    setup->make = texts_make;
    setup->argument = &setup->texts;
    setup->scratch_bytes = setup->texts.scratch_bytes;
    setup->rows = (size_t)setup->texts.samples;
    setup->cut = setup->texts.form->file;
    if (setup->texts.file.count)
        tell(audience, TACIT_INFO, "texts: %.4g million tokens, %.3g bytes each",
             (double)setup->texts.file.count / 1e6,
             (double)setup->texts.file.bytes / (double)setup->texts.file.count);
    if (setup->texts.note)
        tell(audience, TACIT_NOTICE, "%s", setup->texts.note);
    return TACIT_OK;
}

static void texts_end(struct setup *setup)
{
    texts_close(&setup->texts);
    texts_close(&setup->kept);
    tokenizer_free(setup->tokenizer);
}

static status texts_look(struct source *source, uint32_t sample, uint64_t *hash)
{
    TRY(source_hash(source, sample, hash));
    *hash = *hash ? *hash : 1;
    return TACIT_OK;
}

static const char *const foreign[] = { "image_size", "stem", "width", NULL };

const struct modality modality_texts = {
    .kind = SAMPLE_TEXT,
    .samples = "texts",
    .rows = "windows of text",
    .foreign = foreign,
    .tell = texts_tell,
    .settle = texts_settle,
    .close = texts_end,
    .look = texts_look,
};
