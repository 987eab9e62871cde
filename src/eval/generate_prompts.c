/* Many prompts, one a text of prompts=, each in its place in prompt=; what comes of them can be
 * written a line a text, and judged against a reference. */
#include "eval/bleu.h"
#include "eval/generate_parts.h"
#include "eval/sink.h"
#include "base/memory.h"
#include "data/source.h"
#include "train/report.h"

#include <string.h>

struct prompts {
    struct source *source; /* its texts, and their references where there are two a sample */
    struct text template;  /* what stands around each */
    size_t place;          /* where in it */
    bool writes, judges;
    struct sink sink;
    struct text line;
    struct bleu sums;
};

enum { MARK = 2 }; /* bytes of {} */

static status template_read(const struct generation *g, struct prompts *prompts)
{
    struct text *template = &prompts->template;
    TRY(prompt_read(g, template));
    char *mark = template->length ? strstr(template->bytes, "{}") : NULL;
    prompts->place = mark ? (size_t)(mark - template->bytes) : template->length;
    if (mark) {
        memmove(mark, mark + MARK, template->length - prompts->place - MARK + 1);
        template->length -= MARK;
    }
    return TACIT_OK;
}

/* The texts alone, or line by line with their references. */
static status texts_find(const struct generation *g, struct prompts *prompts)
{
    const char *reference = config_text(g->config, "reference");
    struct source_options options = { .wanted = WANT_TEXTS,
                                      .unit = "lines",
                                      .field = config_text(g->config, "field") };
    struct text path = { 0 };
    text_append(&path, "%s%s%s", config_text(g->config, "prompts"), *reference ? "," : "",
                reference);
    status result = text_status(&path);
    if (result == TACIT_OK)
        result = source_open(text_string(&path), &options, &prompts->source);
    text_free(&path);
    TRY(result);
    if (prompts->source->texts > 2)
        return fail(TACIT_USAGE,
                    "%s: has %d texts a sample: one is the prompt, another its "
                    "reference, more mean nothing here",
                    prompts->source->path, prompts->source->texts);
    if (prompts->source->note)
        tell(&g->audience, TACIT_NOTICE, "%s", prompts->source->note);
    prompts->judges = prompts->source->texts == 2;
    return TACIT_OK;
}

status prompts_open(const struct generation *g, struct prompts **prompts)
{
    const char *out = config_text(g->config, "out");
    struct prompts *made = *prompts = memory_new(1, sizeof *made);
    if (!made)
        return TACIT_RESOURCES;
    if (config_integer(g->config, "samples") > 1)
        return fail(TACIT_USAGE, "samples=%lld: each of prompts= is gone on with once",
                    (long long)config_integer(g->config, "samples"));
    TRY(template_read(g, made));
    TRY(texts_find(g, made));
    if (*out) {
        TRY(sink_check(g->config));
        TRY(sink_open(out, &made->sink));
        made->writes = true;
    }
    return TACIT_OK;
}

int64_t prompts_count(const struct prompts *prompts)
{
    return (int64_t)prompts->source->count;
}

bool prompts_listed(const struct prompts *prompts)
{
    return !prompts->writes && !prompts->judges;
}

status prompts_encode(struct prompts *prompts, const struct generation *g, int64_t number,
                      struct token_list *list)
{
    const struct text *template = &prompts->template;
    struct bytes bytes = { 0 };
    struct text whole = { 0 };
    TRY(source_text(prompts->source, (size_t)number, &bytes));
    text_append_bytes(&whole, template->bytes, prompts->place);
    text_append_bytes(&whole, bytes.bytes, bytes.size);
    text_append_bytes(&whole, text_string(template) + prompts->place,
                      template->length - prompts->place);
    bytes_free(&bytes);
    status result = text_status(&whole);
    if (result == TACIT_OK)
        result = prompt_encode(g, text_string(&whole), whole.length, g->limit, list);
    text_free(&whole);
    char name[SAMPLE_NAME_BYTES];
    return result == TACIT_OK
               ? TACIT_OK
               : fail_within(result, "%s", source_name(prompts->source, (size_t)number, name));
}

status prompts_take(struct prompts *prompts, int64_t number, const char *text, size_t size)
{
    struct bytes reference = { 0 };
    if (prompts->judges) {
        TRY(source_texts(prompts->source, (size_t)number, 1, &reference));
        status result = bleu_add(&prompts->sums, text, size, reference.bytes, reference.size);
        bytes_free(&reference);
        TRY(result);
    }
    if (!prompts->writes)
        return TACIT_OK;
    /* A text is one line, whatever it holds. */
    for (size_t i = 0; i < size; i++)
        text_append_bytes(&prompts->line, text[i] == '\n' || text[i] == '\r' ? " " : text + i, 1);
    text_append(&prompts->line, "\n");
    return sink_flow(&prompts->sink, &prompts->line);
}

void prompts_report(const struct prompts *prompts, tacit_report *report)
{
    static const char *const precisions[BLEU_ORDER] = { "precision_1", "precision_2", "precision_3",
                                                        "precision_4" };
    const struct bleu *sums = &prompts->sums;
    if (!prompts->judges)
        return;
    struct bleu_score score = bleu_score(sums);
    report_number(report, "bleu", score.bleu, "%.2f", score.bleu);
    for (int n = 0; n < BLEU_ORDER; n++)
        report_number(report, precisions[n], score.precision[n], "%.1f", score.precision[n]);
    report_number(report, "brevity_penalty", score.penalty, "%.3f", score.penalty);
    report_number(report, "words", (double)sums->length, "%lld", (long long)sums->length);
    report_number(report, "reference_words", (double)sums->reference_length, "%lld",
                  (long long)sums->reference_length);
    report_note(report, "BLEU as sacrebleu's nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp");
}

status prompts_close(struct prompts *prompts, status result)
{
    if (!prompts)
        return result;
    if (prompts->writes && result == TACIT_OK)
        result = sink_append(&prompts->sink, &prompts->line);
    if (prompts->writes)
        result = sink_close(&prompts->sink, result);
    text_free(&prompts->line);
    text_free(&prompts->template);
    source_close(prompts->source);
    memory_free(prompts);
    return result;
}
