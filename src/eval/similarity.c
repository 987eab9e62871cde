/* protocol=similarity: how well the cosines of pairs of texts agree with numbers that people gave
 * them, as semantic textual similarity is judged (Spearman's correlation; Cer et al. 2017,
 * arXiv:1708.00055). Nothing is learned. */
#include "eval/similarity.h"
#include "base/memory.h"
#include "eval/agreement.h"
#include "eval/thing.h"
#include "train/report.h"
#include "train/session.h"

#include <math.h>
#include <string.h>

struct similarity {
    const struct config *config;
    struct thing thing;
    struct source *source;
    uint32_t *index; /* [count] pairs that have a number */
    size_t count;
    float *value[2]; /* [count, width] of the first and the second texts */
    int64_t width;
    double *cosine, *truth; /* [count] */
};

static void similarity_close(struct similarity *s)
{
    memory_free(s->index);
    memory_free(s->value[0]);
    memory_free(s->value[1]);
    memory_free(s->cosine);
    memory_free(s->truth);
    source_close(s->source);
    thing_close(&s->thing);
}

/* The pairs with a number: of the part test, where there is one. */
static status pairs_choose(struct similarity *s)
{
    const struct source *source = s->source;
    if (source->texts != 2 || !source->target)
        return fail(TACIT_USAGE,
                    "%s: protocol=similarity compares pairs of texts with numbers: name them, such "
                    "as field=first,second labels=field:score",
                    source->path);
    s->index = memory_new(source->count, sizeof *s->index);
    s->truth = memory_new(source->count, sizeof *s->truth);
    s->cosine = memory_new(source->count, sizeof *s->cosine);
    if (!s->index || !s->truth || !s->cosine)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < source->count; i++) {
        bool judged = !source->has_parts || source->sample[i].split == SPLIT_TEST;
        if (!judged || !isfinite(source->target[i]))
            continue;
        s->truth[s->count] = source->target[i];
        s->index[s->count++] = (uint32_t)i;
    }
    return s->count > 1
               ? TACIT_OK
               : fail(TACIT_BAD_DATA, "%s: fewer than two pairs have a number", source->path);
}

/* The rows of the first (0) or second (1) texts. */
static status side_embed(struct similarity *s, struct extractor *extractor, int side)
{
    struct bytes *bytes = memory_new(s->count, sizeof *bytes);
    struct text_view *text = memory_new(s->count, sizeof *text);
    s->value[side] = memory_new(s->count * (size_t)s->width, sizeof(float));
    status result = bytes && text && s->value[side] ? TACIT_OK : TACIT_RESOURCES;
    for (size_t i = 0; i < s->count && result == TACIT_OK; i++) {
        result = source_texts(s->source, s->index[i], side, &bytes[i]);
        text[i] = (struct text_view){ bytes[i].bytes, bytes[i].size };
    }
    if (result == TACIT_OK)
        result = extractor_texts(extractor, text, s->count, s->value[side]);
    for (size_t i = 0; bytes && i < s->count; i++)
        bytes_free(&bytes[i]);
    memory_free(bytes);
    memory_free(text);
    return result;
}

static double cosine_of(const float *a, const float *b, int64_t width)
{
    double product = 0, first = 0, second = 0;
    for (int64_t i = 0; i < width; i++) {
        product += (double)a[i] * b[i];
        first += (double)a[i] * a[i];
        second += (double)b[i] * b[i];
    }
    return first > 0 && second > 0 ? product / sqrt(first * second) : 0;
}

static status pairs_compare(struct similarity *s, struct store *store)
{
    struct model_file *model = &s->thing.model;
    struct target target = { 0 };
    struct extractor *extractor;
    if (!config_automatic(s->config, "pooling"))
        model->method.pooling = (enum text_pooling)config_choice(s->config, "pooling");
    TRY(extractor_new(store, &model->method, &model->input, 32, EXTRACT_FEATURES, &target,
                      &extractor));
    s->width = extractor_width(extractor);
    status result = model_file_values(model, store);
    for (int side = 0; side < 2 && result == TACIT_OK; side++)
        result = side_embed(s, extractor, side);
    extractor_free(extractor);
    TRY(result);
    for (size_t i = 0; i < s->count; i++)
        s->cosine[i] = cosine_of(s->value[0] + i * (size_t)s->width,
                                 s->value[1] + i * (size_t)s->width, s->width);
    return TACIT_OK;
}

static status similarity_report(const struct similarity *s, tacit_report **report)
{
    double rank;
    TRY(spearman(s->cosine, s->truth, (int64_t)s->count, &rank));
    tacit_report *made = report_new();
    if (!made)
        return TACIT_RESOURCES;
    double linear = pearson(s->cosine, s->truth, (int64_t)s->count);
    report_text(made, "data", "%s", s->source->path);
    report_text(made, "part", "%s", s->source->has_parts ? "test" : "all");
    report_text(made, "protocol", "similarity");
    report_text(made, "pooling", "%s", pooling_names[s->thing.model.method.pooling]);
    report_number(made, "pairs", (double)s->count, "%zu", s->count);
    report_number(made, "spearman", rank, "%.4f", rank);
    report_number(made, "pearson", linear, "%.4f", linear);
    report_note(made, "cosines of the embeddings against the numbers given; nothing was learned");
    status result = report_status(made);
    if (result == TACIT_OK && report)
        *report = made;
    else
        tacit_report_free(made);
    return result;
}

status similarity_judge(const char *thing, const struct config *config,
                        const tacit_observer *observer, tacit_report **report)
{
    struct similarity s = { .config = config };
    struct source_options options = { .labels = config_text(config, "labels"),
                                      .wanted = WANT_TEXTS,
                                      .field = config_text(config, "field") };
    (void)observer; /* it takes seconds */
    if (!thing || !*thing)
        return fail(TACIT_USAGE, "RUN is missing: tacit eval RUN data=PAIRS protocol=similarity");
    team_settle((int)config_integer(config, "threads"));
    status result = thing_open(thing, &s.thing);
    if (result == TACIT_OK && s.thing.model.input.kind != SAMPLE_TEXT)
        result = fail(TACIT_USAGE, "%s: reads pictures; protocol=similarity compares texts", thing);
    if (result == TACIT_OK)
        result = source_open(config_text(config, "data"), &options, &s.source);
    if (result == TACIT_OK)
        result = pairs_choose(&s);
    struct store *store = result == TACIT_OK ? store_new(0) : NULL;
    if (result == TACIT_OK)
        result = store ? pairs_compare(&s, store) : TACIT_RESOURCES;
    store_free(store);
    if (result == TACIT_OK)
        result = similarity_report(&s, report);
    similarity_close(&s);
    return result;
}
