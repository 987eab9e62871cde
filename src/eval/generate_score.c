/* Multiple choice: how probable a language model finds given completions. */
#include "base/memory.h"
#include "eval/decode_score.h"
#include "eval/generate_parts.h"
#include "io/json.h"
#include "train/report.h"

#include <math.h>
#include <string.h>

enum { FILE_BYTES = 1 << 30, PROMPTS = 2 };

struct scorer {
    struct generation *g;
    struct decoder *decoder;
    const char *baseline; /* "" for none */
    tacit_report *report;
    struct token_list prompt[PROMPTS]; /* of the item, the baseline */
    struct token_list choice;
    uint32_t *token;   /* [limit] */
    int32_t *sequence; /* [limit] */
    double *nats;      /* [limit] */
    int64_t items, known, right, right_by_token;
};

/* A choice's log-probabilities. */
struct score {
    double sum, baseline;
    int64_t tokens, bytes;
};

static void feed_names(struct scorer *s, int64_t count, int32_t sequence)
{
    for (int64_t i = 0; i < count; i++)
        s->sequence[i] = sequence;
}

/* Puts a prompt before the choices; its last token is fed with each of them. */
static status prompt_feed(struct scorer *s, int which, const char *bytes, int64_t longest)
{
    struct token_list *list = &s->prompt[which];
    list->count = 0;
    decoder_cut(s->decoder, which, 0);
    if (longest > s->g->limit)
        return fail(TACIT_USAGE,
                    "a choice of %lld tokens is longer than the %lld that the model can look at",
                    (long long)longest, (long long)s->g->limit);
    TRY(prompt_encode(s->g, bytes, strlen(bytes), s->g->limit - longest + 1, list));
    feed_names(s, (int64_t)list->count - 1, which);
    return list->count > 1
               ? decoder_feed(s->decoder, (int64_t)list->count - 1, s->sequence, list->id)
               : TACIT_OK;
}

static status choice_encode(struct scorer *s, const char *bytes)
{
    s->choice.count = 0;
    TRY(tokenizer_encode(s->g->tokenizer, bytes, strlen(bytes), false, &s->choice));
    return s->choice.count ? TACIT_OK
                           : fail(TACIT_USAGE, "a choice is empty: there is nothing to score");
}

/* ln p of the choice behind prompt `which`. */
static status choice_follow(struct scorer *s, int which, double *sum)
{
    int64_t count = (int64_t)s->choice.count, before = (int64_t)s->prompt[which].count - 1;
    s->token[0] = s->prompt[which].id[before];
    for (int64_t i = 1; i < count; i++)
        s->token[i] = s->choice.id[i - 1];
    feed_names(s, count, which);
    TRY(decoder_feed(s->decoder, count, s->sequence, s->token));
    decoder_nats(s->decoder, 0, count, s->choice.id, s->nats);
    decoder_cut(s->decoder, which, before);
    *sum = 0;
    for (int64_t i = 0; i < count; i++)
        *sum -= s->nats[i];
    return isfinite(*sum) ? TACIT_OK
                          : fail(TACIT_NUMERIC, "the network gives numbers that are not finite");
}

static void row_report(struct scorer *s, int64_t choice, const char *text,
                       const struct score *score)
{
    tacit_report *report = s->report;
    report_cell_number(report, (double)s->items, "%lld", (long long)s->items);
    report_cell_number(report, (double)choice, "%lld", (long long)choice);
    report_cell_text(report, "%s", text);
    report_cell_number(report, (double)score->tokens, "%lld", (long long)score->tokens);
    report_cell_number(report, score->sum, "%.5f", score->sum);
    report_cell_number(report, score->sum / (double)score->tokens, "%.5f",
                       score->sum / (double)score->tokens);
    report_cell_number(report, score->sum / (double)score->bytes, "%.5f",
                       score->sum / (double)score->bytes);
    if (*s->baseline)
        report_cell_number(report, score->sum - score->baseline, "%.5f",
                           score->sum - score->baseline);
}

/* Ways to choose: the largest sum, mean a token, mean a byte, or gain over the baseline. */
enum way { BY_SUM, BY_TOKEN, BY_BYTE, BY_GAIN, WAYS };

static double by(enum way way, const struct score *score)
{
    return way == BY_SUM     ? score->sum
           : way == BY_TOKEN ? score->sum / (double)score->tokens
           : way == BY_BYTE  ? score->sum / (double)score->bytes
                             : score->sum - score->baseline;
}

struct item {
    const char *prompt;
    const char **choice;     /* [choices] */
    int64_t choices, answer; /* answer -1: not known */
};

static status item_score(struct scorer *s, const struct item *item, int64_t best[WAYS])
{
    int64_t longest = 0;
    double most[WAYS];
    for (int64_t c = 0; c < item->choices; c++) {
        TRY(choice_encode(s, item->choice[c]));
        longest = (int64_t)s->choice.count > longest ? (int64_t)s->choice.count : longest;
    }
    TRY(prompt_feed(s, 0, item->prompt, longest));
    if (*s->baseline)
        TRY(prompt_feed(s, 1, s->baseline, longest));
    for (int64_t c = 0; c < item->choices; c++) {
        struct score score = { .bytes = (int64_t)strlen(item->choice[c]) };
        TRY(choice_encode(s, item->choice[c]));
        score.tokens = (int64_t)s->choice.count;
        TRY(choice_follow(s, 0, &score.sum));
        if (*s->baseline)
            TRY(choice_follow(s, 1, &score.baseline));
        row_report(s, c, item->choice[c], &score);
        for (int way = 0; way < WAYS; way++)
            if (c == 0 || by(way, &score) > most[way]) {
                most[way] = by(way, &score);
                best[way] = c;
            }
    }
    s->items++;
    s->known += item->answer >= 0;
    s->right += item->answer >= 0 && best[BY_SUM] == item->answer;
    s->right_by_token += item->answer >= 0 && best[BY_TOKEN] == item->answer;
    return asked_to_stop(&s->g->audience) ? fail(TACIT_STOPPED, "stopped") : TACIT_OK;
}

/* ---- Where items come from ---- */

static status option_score(struct scorer *s, const char *option)
{
    enum { MOST = 1024 };
    struct arena memory = { 0 };
    struct text word = { 0 };
    struct item item = { .prompt = config_text(s->g->config, "prompt"), .answer = -1 };
    int64_t best[WAYS];
    size_t at = 0;
    status result = TACIT_OK;
    item.choice = arena_new(&memory, MOST, sizeof *item.choice);
    while (item.choice && item.choices < MOST && words_next(option, &at, &word)) {
        item.choice[item.choices] = arena_text(&memory, "%s", text_string(&word));
        if (!item.choice[item.choices++])
            result = TACIT_RESOURCES;
    }
    if (!item.choice)
        result = TACIT_RESOURCES;
    if (*config_text(s->g->config, "prompt_file"))
        result = fail(TACIT_USAGE, "choices= takes prompt=, not prompt_file=");
    if (result == TACIT_OK)
        result = item_score(s, &item, best);
    if (result == TACIT_OK) {
        report_text(s->report, "best", "%s", item.choice[best[BY_SUM]]);
        report_text(s->report, "best_per_token", "%s", item.choice[best[BY_TOKEN]]);
        if (*s->baseline)
            report_text(s->report, "best_relative", "%s", item.choice[best[BY_GAIN]]);
    }
    text_free(&word);
    arena_free(&memory);
    return result;
}

static const char *member(const json_t *line, const char *first, const char *second)
{
    const char *value = json_string_value(json_object_get(line, first));
    return value ? value : json_string_value(json_object_get(line, second));
}

/* {"prompt" or "context": text, "choices": [texts] or "completion": text, "answer": number or
 * text}. */
static status line_item(const json_t *line, struct item *item, struct arena *memory)
{
    json_t *choices = json_object_get(line, "choices"), *answer = json_object_get(line, "answer");
    const char *single = member(line, "completion", "completion");
    item->prompt = member(line, "prompt", "context");
    item->choices = single ? 1 : (int64_t)json_array_size(choices);
    item->answer = json_is_integer(answer) ? (int64_t)json_integer_value(answer) : -1;
    item->choice = arena_new(memory, (size_t)item->choices + 1, sizeof *item->choice);
    if (!item->choice)
        return TACIT_RESOURCES;
    if (!item->prompt || !item->choices)
        return fail(TACIT_BAD_DATA, "must have \"prompt\" and \"choices\", a list of texts");
    for (int64_t c = 0; c < item->choices; c++) {
        item->choice[c] = single ? single : json_string_value(json_array_get(choices, (size_t)c));
        if (!item->choice[c])
            return fail(TACIT_BAD_DATA, "choice %lld is not a text", (long long)c);
        if (json_is_string(answer) && strcmp(json_string_value(answer), item->choice[c]) == 0)
            item->answer = c;
    }
    if (answer && (item->answer < 0 || item->answer >= item->choices))
        return fail(TACIT_BAD_DATA,
                    "\"answer\" is none of the %lld choices: their number, from 0, "
                    "or the text of one",
                    (long long)item->choices);
    return TACIT_OK;
}

static status line_score(struct scorer *s, const char *path, int64_t number, const char *bytes,
                         size_t count)
{
    struct arena memory = { 0 };
    struct item item;
    int64_t best[WAYS];
    json_t *line = NULL;
    status result = json_document_parse("item", bytes, count, &line);
    if (result == TACIT_OK)
        result = line_item(line, &item, &memory);
    if (result == TACIT_OK)
        result = item_score(s, &item, best);
    json_decref(line);
    arena_free(&memory);
    return result == TACIT_OK || result == TACIT_STOPPED
               ? result
               : fail_within(result, "%s, line %lld", path, (long long)number);
}

static status file_score(struct scorer *s, const char *path)
{
    struct text file = { 0 };
    status result = file_read(path, FILE_BYTES, &file);
    const char *at = text_string(&file), *end = at + file.length;
    for (int64_t number = 1; at < end && result == TACIT_OK; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        if ((size_t)(stop - at) > strspn(at, " \t\r\n"))
            result = line_score(s, path, number, at, (size_t)(stop - at));
        at = stop + 1;
    }
    text_free(&file);
    TRY(result);
    if (!s->items)
        return fail(TACIT_BAD_DATA, "%s: has no items", path);
    report_number(s->report, "items", (double)s->items, "%lld", (long long)s->items);
    if (s->known) {
        double share = (double)s->right / (double)s->known;
        double by_token = (double)s->right_by_token / (double)s->known;
        report_number(s->report, "accuracy", share, "%.1f %%", 100 * share);
        report_number(s->report, "accuracy_per_token", by_token, "%.1f %%", 100 * by_token);
    }
    return TACIT_OK;
}

static status scorer_run(struct scorer *s)
{
    static const char *const columns[] = { "item",     "choice",          "text",
                                           "tokens",   "log_probability", "per_token",
                                           "per_byte", "relative" };
    const struct config *config = s->g->config;
    size_t limit = (size_t)s->g->limit;
    struct decoder_options how = { (enum panel_kind)config_choice(config, "weights"), PROMPTS,
                                   s->g->limit };
    s->baseline = config_text(config, "baseline");
    s->token = memory_new(limit, sizeof *s->token);
    s->sequence = memory_new(limit, sizeof *s->sequence);
    s->nats = memory_new(limit, sizeof *s->nats);
    if (!s->token || !s->sequence || !s->nats)
        return TACIT_RESOURCES;
    report_columns(s->report, *s->baseline ? 8 : 7, columns);
    TRY(decoder_open(&s->g->thing.model, &how, &s->decoder));
    report_note(s->report, "log-probabilities in nats; prompt and choices are encoded apart");
    return *config_text(config, "score") ? file_score(s, config_text(config, "score"))
                                         : option_score(s, config_text(config, "choices"));
}

status generation_score(struct generation *g, tacit_report *report)
{
    struct scorer s = { .g = g, .report = report };
    status result = scorer_run(&s);
    for (int i = 0; i < PROMPTS; i++)
        token_list_free(&s.prompt[i]);
    token_list_free(&s.choice);
    memory_free(s.token);
    memory_free(s.sequence);
    memory_free(s.nats);
    decoder_free(s.decoder);
    return result;
}
