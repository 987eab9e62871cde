/* tacit_embed: pictures or texts to vectors, in a file. */
#include "base/clock.h"
#include "base/memory.h"
#include "eval/collection.h"
#include "eval/features.h"
#include "eval/sink.h"
#include "eval/thing.h"
#include "io/npy.h"
#include "train/observe.h"
#include "train/report.h"
#include "train/session.h"
#include "train/tasks.h"

#include <string.h>
#include <unistd.h>

struct embedding {
    const struct config *config;
    struct audience audience;
    double start, since;
    struct thing thing;
    struct source *source;
    float *value; /* [kept_count, width] */
    uint32_t *index, *kept;
    size_t kept_count;
    int64_t width;
    char fingerprint[17];
};

static void line_append(const struct embedding *embedding, size_t row, char separator,
                        struct text *text)
{
    const struct source *source = embedding->source;
    char name[SAMPLE_NAME_BYTES];
    const float *value = embedding->value + row * (size_t)embedding->width;
    int32_t label = source->sample[embedding->kept[row]].label;
    cell_append(text, source_name(source, embedding->kept[row], name), separator);
    if (source->classes) {
        text_append(text, "%c", separator);
        cell_append(text, label < 0 ? "" : source->class_name[label], separator);
    }
    for (int64_t j = 0; j < embedding->width; j++)
        text_append(text, "%c%.9g", separator, (double)value[j]);
    text_append(text, "\n");
}

/* file[,label],0,1,… and a line a sample. */
static status rows_write(const struct embedding *embedding, char separator, struct sink *sink)
{
    struct text text = { 0 };
    status result = TACIT_OK;
    text_append(&text, "file");
    if (embedding->source->classes)
        text_append(&text, "%clabel", separator);
    for (int64_t j = 0; j < embedding->width; j++)
        text_append(&text, "%c%lld", separator, (long long)j);
    text_append(&text, "\n");
    for (size_t row = 0; row < embedding->kept_count && result == TACIT_OK; row++) {
        line_append(embedding, row, separator, &text);
        result = sink_flow(sink, &text);
    }
    if (result == TACIT_OK)
        result = sink_append(sink, &text);
    text_free(&text);
    return result;
}

static status out_check(const struct config *config)
{
    const char *out = config_text(config, "out");
    if (strcmp(out, "-") != 0 && !file_ends(out, ".npy") && !file_ends(out, ".csv") &&
        !file_ends(out, ".tsv"))
        return fail(TACIT_USAGE,
                    "out=%s: must end in .npy, .csv or .tsv, or be - (standard output, as .tsv)",
                    out);
    return sink_check(config);
}

/* Samples without a row: those of the source that are not in `kept`. */
static status left_out_find(const struct embedding *embedding, struct collection *about)
{
    size_t next = 0;
    about->left_out = memory_new(embedding->source->count + 1, sizeof *about->left_out);
    for (size_t i = 0; about->left_out && i < embedding->source->count; i++) {
        if (next < embedding->kept_count && embedding->kept[next] == i)
            next++;
        else
            about->left_out[about->left_out_count++] = (uint32_t)i;
    }
    return about->left_out ? TACIT_OK : TACIT_RESOURCES;
}

/* What the rows are, beside them. */
static status about_store(const struct embedding *embedding, const char *model, const char *out)
{
    const struct config *config = embedding->config;
    bool texts = embedding->source->kind == SAMPLE_TEXT;
    struct collection about = {
        .unit = texts ? config_value(config, "unit") : "",
        .field = texts ? config_value(config, "field") : "",
        .pooling = texts ? pooling_names[embedding->thing.model.method.pooling] : "",
        .samples = (int64_t)embedding->kept_count,
        .dimensions = embedding->width,
    };
    about.model = path_absolute(&about.memory, model);
    about.data = path_absolute(&about.memory, config_value(config, "data"));
    memcpy(about.fingerprint, embedding->fingerprint, sizeof about.fingerprint);
    status result = about.model && about.data ? left_out_find(embedding, &about) : TACIT_RESOURCES;
    if (result == TACIT_OK)
        result = collection_content(embedding->source, about.content);
    if (result == TACIT_OK)
        result = collection_write(out, &about);
    collection_free(&about);
    return result;
}

static status embedding_store(const struct embedding *embedding, const char *model, const char *out)
{
    struct sink sink;
    int64_t shape[2] = { (int64_t)embedding->kept_count, embedding->width };
    if (file_ends(out, ".npy")) {
        collection_forget(out);
        TRY(npy_write(out, NPY_F32, 2, shape, embedding->value));
        return about_store(embedding, model, out);
    }
    TRY(sink_open(out, &sink));
    return sink_close(&sink, rows_write(embedding, file_ends(out, ".csv") ? ',' : '\t', &sink));
}

static bool embedding_advance(void *argument, size_t done, size_t count)
{
    const struct embedding *embedding = argument;
    tacit_progress progress = progress_unknown("embed");
    double now = clock_seconds(), spent = now - embedding->since;
    progress.step = (int64_t)done;
    progress.steps = (int64_t)count;
    progress.seconds = now - embedding->start;
    if (done && spent > 0) {
        progress.samples_per_second = (double)done / spent;
        progress.seconds_left = spent * (double)(count - done) / (double)done;
    }
    tell_progress(&embedding->audience, &progress);
    return !asked_to_stop(&embedding->audience);
}

static status source_prepare(struct embedding *embedding)
{
    const struct config *config = embedding->config;
    struct collection_options options = { .data = config_value(config, "data"),
                                          .labels = config_value(config, "labels"),
                                          .unit = config_value(config, "unit"),
                                          .field = config_value(config, "field"),
                                          .channels = embedding->thing.model.input.channels,
                                          .wanted = wanted_by(embedding->thing.model.input.kind),
                                          .strict = config_boolean(config, "strict") };
    TRY(collection_open(&options, &embedding->source));
    if (embedding->source->note)
        tell(&embedding->audience, TACIT_NOTICE, "%s", embedding->source->note);
    size_t count = embedding->source->count;
    embedding->index = memory_new(count, sizeof *embedding->index);
    embedding->kept = memory_new(count, sizeof *embedding->kept);
    if (!embedding->index || !embedding->kept)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < count; i++)
        embedding->index[i] = (uint32_t)i;
    return TACIT_OK;
}

/* Unit length, where the model says so of its vectors. */
static status rows_normalize(struct embedding *embedding)
{
    struct features rows = { embedding->value, NULL, (int64_t)embedding->kept_count,
                             embedding->width };
    float *inverse = memory_new(embedding->kept_count, sizeof *inverse);
    status result = inverse ? features_inverse_norms(&rows, "model", inverse) : TACIT_RESOURCES;
    for (size_t i = 0; result == TACIT_OK && i < embedding->kept_count; i++)
        for (int64_t j = 0; j < embedding->width; j++)
            embedding->value[i * (size_t)embedding->width + (size_t)j] *= inverse[i];
    memory_free(inverse);
    return result;
}

static status rows_make(struct embedding *embedding, struct store *store)
{
    const struct config *config = embedding->config;
    struct model_file *model = &embedding->thing.model;
    struct target target = { .tune = config_boolean(config, "tune") };
    struct extractor *extractor;
    size_t count = embedding->source->count;
    int64_t batch = config_integer(config, "batch_size");
    if (!config_automatic(config, "pooling"))
        model->method.pooling = (enum text_pooling)config_choice(config, "pooling");
    TRY(extractor_new(store, &model->method, &model->input,
                      batch < (int64_t)count ? batch : (int64_t)count, EXTRACT_FEATURES, &target,
                      &extractor));
    embedding->width = extractor_width(extractor);
    embedding->value = memory_new_aligned(count, (size_t)embedding->width * sizeof(float));
    embedding->since = clock_seconds();
    status result = embedding->value ? model_file_values(model, store) : TACIT_RESOURCES;
    if (result == TACIT_OK) {
        model_fingerprint(store, embedding->fingerprint);
        result = extractor_source(extractor, embedding->source, embedding->index, count,
                                  embedding_advance, embedding, embedding->value, embedding->kept,
                                  &embedding->kept_count);
    }
    extractor_free(extractor);
    if (result == TACIT_OK && embedding->kept_count == 0)
        result = fail(TACIT_BAD_DATA, "%s: nothing in it can be read", embedding->source->path);
    if (result == TACIT_OK && model->normalize)
        result = rows_normalize(embedding);
    return result;
}

/* Which samples are missing from the rows. */
static void tell_broken(const struct embedding *embedding, tacit_report *report)
{
    const struct broken_sample *list;
    char name[SAMPLE_NAME_BYTES];
    size_t listed, broken = source_broken(embedding->source, &list, &listed);
    if (!broken)
        return;
    report_number(report, "unreadable", (double)broken, "%zu", broken);
    for (size_t i = 0; i < listed; i++)
        report_note(report, "no row for %s: %s",
                    source_name(embedding->source, list[i].index, name), list[i].why);
    tell(&embedding->audience, TACIT_NOTICE, "%zu samples cannot be read and have no row", broken);
}

static status embedding_report(const struct embedding *embedding, const char *out,
                               tacit_report **report)
{
    tacit_report *made = report_new();
    if (!made)
        return TACIT_RESOURCES;
    report_text(made, "out", "%s", out);
    report_number(made, "samples", (double)embedding->kept_count, "%zu", embedding->kept_count);
    report_number(made, "dimensions", (double)embedding->width, "%lld",
                  (long long)embedding->width);
    tell_broken(embedding, made);
    if (embedding->source->kind == SAMPLE_TEXT && file_ends(out, ".npy"))
        report_note(made, "next: tacit search %s query=\"…\"", out);
    /* On standard output the rows are the result, and nothing may come between. */
    if (report && strcmp(out, "-") != 0 && report_status(made) == TACIT_OK)
        *report = made;
    else
        tacit_report_free(made);
    return TACIT_OK;
}

static void embedding_close(struct embedding *embedding)
{
    memory_free_aligned(embedding->value);
    memory_free(embedding->index);
    memory_free(embedding->kept);
    source_close(embedding->source);
    thing_close(&embedding->thing);
}

static status embedding_make(struct embedding *embedding, const char *path)
{
    team_settle((int)config_integer(embedding->config, "threads"));
    TRY(thing_open(path, &embedding->thing));
    TRY(source_prepare(embedding));
    struct store *store = store_new(0);
    status result = store ? rows_make(embedding, store) : TACIT_RESOURCES;
    store_free(store);
    return result;
}

tacit_status tacit_embed(const char *thing, tacit_config *config, const tacit_observer *observer,
                         tacit_report **report)
{
    if (report)
        *report = NULL;
    TRY(tacit_config_check(config));
    TRY(out_check(&config->config));
    const char *out = config_text(&config->config, "out");
    if (!thing || !*thing)
        return fail(TACIT_USAGE, "RUN is missing: tacit embed RUN data=DATA out=FILE.npy");
    struct embedding embedding = { .config = &config->config,
                                   .audience = { observer, NULL },
                                   .start = clock_seconds() };
    status result = embedding_make(&embedding, thing);
    if (result == TACIT_OK)
        result = embedding_store(&embedding, thing, out);
    if (result == TACIT_OK)
        result = embedding_report(&embedding, out, report);
    embedding_close(&embedding);
    return result;
}
