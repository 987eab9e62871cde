#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "eval/generate_parts.h"
#include "eval/sample.h"
#include "train/report.h"

#include <stdio.h>
#include <string.h>

/* Texts that go on side by side. */
enum { SIDE_BY_SIDE = 16 };

enum full { FULL_SLIDE, FULL_EXACT, FULL_STOP };

struct growing {
    struct token_list ids; /* of prompt and text */
    struct text bytes;     /* the text, perhaps with the prompt before it */
    size_t prompt;         /* bytes of it */
    size_t said;           /* bytes handed out */
    size_t searched;       /* bytes in which no text of stop= begins */
    int64_t tokens;        /* generated */
    const char *end;       /* why it ended, NULL: it goes on */
};

struct writer {
    struct generation *g;
    struct decoder *decoder;
    struct sampling sampling;
    struct text *stop; /* [stops] */
    size_t stops;
    enum full full;
    int64_t tokens, first, count; /* most of a text; the texts side by side */
    uint64_t seed;
    bool whole;              /* the text of a token depends on those before it */
    struct prompts *prompts; /* NULL: all go on with one prompt */
    int64_t prompt_tokens;
    struct growing growing[SIDE_BY_SIDE];
    struct candidate *candidate; /* [vocabulary] */
    int32_t *sequence;           /* [limit], zeroes: what goes on alone is handed in one by one */
    int64_t made;
};

/* ---- The bytes of a text ---- */

/* Bytes at the end that may be the beginning of a text of stop=, or of a character. */
static size_t held_back(const struct writer *w, const struct growing *text)
{
    const char *bytes = text_string(&text->bytes);
    size_t length = text->bytes.length, held = 0, room = length - text->searched;
    for (size_t s = 0; s < w->stops; s++) {
        size_t longest = w->stop[s].length - 1 < room ? w->stop[s].length - 1 : room;
        for (size_t n = longest; n > held; n--)
            if (memcmp(bytes + length - n, w->stop[s].bytes, n) == 0)
                held = n;
    }
    for (size_t n = 1; n <= 3 && n <= length - text->said; n++) {
        unsigned char byte = (unsigned char)bytes[length - n];
        size_t needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        if (needed > n && n > held)
            held = n;
        if (byte >= 0xc0 || byte < 0x80)
            break;
    }
    return held < length - text->said ? held : length - text->said;
}

/* Where the first text of stop= begins, or the length. */
static size_t stop_find(const struct writer *w, const struct growing *text)
{
    size_t least = text->bytes.length;
    for (size_t s = 0; s < w->stops; s++) {
        const char *from = text_string(&text->bytes) + text->searched;
        const char *found =
            memmem(from, text->bytes.length - text->searched, w->stop[s].bytes, w->stop[s].length);
        if (found && text->searched + (size_t)(found - from) < least)
            least = text->searched + (size_t)(found - from);
    }
    return least;
}

static status say(struct writer *w, int64_t k, size_t until)
{
    struct growing *text = &w->growing[k];
    const char *from = text_string(&text->bytes) + text->said;
    size_t count = until - text->said;
    text->said = until;
    if (count && w->g->text && !w->prompts && w->g->text(w->g->user, w->first + k, from, count))
        return fail(TACIT_STOPPED, "stopped");
    return TACIT_OK;
}

static void text_end(struct growing *text, const char *why)
{
    if (!text->end)
        text->end = why;
}

/* Adds the bytes of the last id and hands out what is certain. */
static status bytes_grow(struct writer *w, int64_t k)
{
    struct growing *text = &w->growing[k];
    const struct tokenizer *tokenizer = w->g->tokenizer;
    size_t begin = text->ids.count - (w->whole ? (size_t)text->tokens : 1);
    struct text piece = { 0 };
    status result =
        tokenizer_decode(tokenizer, text->ids.id + begin, text->ids.count - begin, true, &piece);
    size_t known = w->whole ? text->bytes.length - text->prompt : 0;
    if (result == TACIT_OK && piece.length > known)
        result = text_append_bytes(&text->bytes, text_string(&piece) + known, piece.length - known);
    text_free(&piece);
    TRY(result);
    size_t stop = stop_find(w, text);
    if (stop < text->bytes.length) {
        text_end(text, "stop");
        text->bytes.length = stop;
        text->bytes.bytes[stop] = 0;
    }
    size_t certain = text->bytes.length - (text->end ? 0 : held_back(w, text));
    text->searched = certain > text->searched ? certain : text->searched;
    return say(w, k, certain);
}

/* ---- Token by token ---- */

static status text_advance(struct writer *w, int64_t k, const float *logits)
{
    struct growing *text = &w->growing[k];
    struct random_stream stream =
        random_stream(w->seed, "generate", (uint64_t)text->tokens, (uint64_t)(w->first + k));
    uint32_t token;
    TRY(sample_token(&w->sampling, logits, decoder_vocabulary(w->decoder), text->ids.id,
                     text->ids.count, random_double(&stream), w->candidate, &token));
    if ((int64_t)token == w->g->end) {
        text_end(text, "text");
        return say(w, k, text->bytes.length);
    }
    TRY(token_list_reserve(&text->ids, 1));
    text->ids.id[text->ids.count++] = token;
    text->tokens++;
    w->made++;
    if (text->tokens == w->tokens)
        text_end(text, "length");
    else if (w->full == FULL_STOP && (int64_t)text->ids.count > w->g->limit)
        text_end(text, "context");
    return bytes_grow(w, k);
}

/* A text whose context is full begins anew with its last tokens. */
static status text_refill(struct writer *w, int64_t k)
{
    struct growing *text = &w->growing[k];
    int64_t kept = w->full == FULL_EXACT ? w->g->limit : (w->g->limit + 1) / 2, step;
    for (int64_t i = 0; i < kept; i++)
        w->sequence[i] = (int32_t)k;
    decoder_cut(w->decoder, k, 0);
    TRY(decoder_feed(w->decoder, kept, w->sequence, text->ids.id + text->ids.count - kept));
    return text_advance(w, k, decoder_logits(w->decoder, kept - 1, 1, &step));
}

/* A token more for every text that goes on. */
static status texts_step(struct writer *w, bool *going)
{
    int32_t sequence[SIDE_BY_SIDE];
    uint32_t token[SIDE_BY_SIDE];
    int64_t rows = 0, step;
    for (int64_t k = 0; k < w->count; k++)
        if (!w->growing[k].end && decoder_length(w->decoder, k) < w->g->limit) {
            sequence[rows] = (int32_t)k;
            token[rows++] = w->growing[k].ids.id[w->growing[k].ids.count - 1];
        } else if (!w->growing[k].end) {
            TRY(text_refill(w, k));
        }
    if (rows) {
        TRY(decoder_feed(w->decoder, rows, sequence, token));
        const float *logits = decoder_logits(w->decoder, 0, rows, &step);
        for (int64_t r = 0; r < rows; r++)
            TRY(text_advance(w, sequence[r], logits + r * step));
    }
    *going = false;
    for (int64_t k = 0; k < w->count; k++)
        *going = *going || !w->growing[k].end;
    return asked_to_stop(&w->g->audience) ? fail(TACIT_STOPPED, "stopped") : TACIT_OK;
}

/* Text k begins with that prompt, of which nothing is fed yet. */
static status text_begin(struct writer *w, int64_t k, const struct token_list *prompt)
{
    struct growing *text = &w->growing[k];
    TRY(token_list_reserve(&text->ids, prompt->count));
    memcpy(text->ids.id, prompt->id, prompt->count * sizeof *prompt->id);
    text->ids.count = prompt->count;
    if (config_boolean(w->g->config, "echo"))
        TRY(tokenizer_decode(w->g->tokenizer, prompt->id, prompt->count, true, &text->bytes));
    text->prompt = text->searched = text->bytes.length;
    TRY(say(w, k, text->bytes.length));
    decoder_cut(w->decoder, k, 0);
    return TACIT_OK;
}

/* Feeds the prompt of text k but its last token, which is fed by the first step. */
static status prompt_feed(struct writer *w, int64_t k)
{
    const struct token_list *ids = &w->growing[k].ids;
    w->prompt_tokens += (int64_t)ids->count;
    for (size_t i = 0; i < ids->count; i++)
        w->sequence[i] = (int32_t)k;
    return ids->count > 1 ? decoder_feed(w->decoder, (int64_t)ids->count - 1, w->sequence, ids->id)
                          : TACIT_OK;
}

/* All texts go on with one prompt, which is fed once. */
static status texts_begin(struct writer *w)
{
    for (int64_t k = 0; k < w->count; k++)
        TRY(text_begin(w, k, &w->g->prompt));
    TRY(prompt_feed(w, 0));
    for (int64_t k = 1; k < w->count; k++)
        decoder_copy(w->decoder, 0, k);
    return TACIT_OK;
}

/* Each text goes on with a prompt of its own. */
static status prompts_begin(struct writer *w)
{
    struct token_list *prompt = &w->g->prompt;
    for (int64_t k = 0; k < w->count; k++) {
        prompt->count = 0;
        TRY(prompts_encode(w->prompts, w->g, w->first + k, prompt));
        TRY(text_begin(w, k, prompt));
        TRY(prompt_feed(w, k));
    }
    return TACIT_OK;
}

static void text_report(const struct writer *w, int64_t k, tacit_report *report)
{
    const struct growing *text = &w->growing[k];
    report_cell_number(report, (double)(w->first + k), "%lld", (long long)(w->first + k));
    report_cell_text(report, "%s", text_string(&text->bytes));
    report_cell_number(report, (double)text->tokens, "%lld", (long long)text->tokens);
    report_cell_text(report, "%s", text->end ? text->end : "cut");
}

/* Hands on the texts of a round that went well, and forgets them all. */
static status texts_end(struct writer *w, tacit_report *report, status result)
{
    for (int64_t k = 0; k < w->count; k++) {
        struct growing *text = &w->growing[k];
        if (w->prompts && result == TACIT_OK)
            result = prompts_take(w->prompts, w->first + k, text_string(&text->bytes),
                                  text->bytes.length);
        if (!w->prompts || prompts_listed(w->prompts))
            text_report(w, k, report);
        token_list_free(&text->ids);
        text_free(&text->bytes);
        *text = (struct growing){ 0 };
    }
    return result;
}

static void progress_show(const struct writer *w, int64_t done, int64_t all, double seconds)
{
    tacit_progress progress = progress_unknown("generate");
    progress.step = done;
    progress.steps = all;
    progress.seconds = seconds;
    progress.seconds_left = done ? seconds / (double)done * (double)(all - done) : 0;
    tell_progress(&w->g->audience, &progress);
}

static status texts_write(struct writer *w, tacit_report *report)
{
    static const char *const columns[] = { "sample", "text", "tokens", "end" };
    int64_t all = w->prompts ? prompts_count(w->prompts) : config_integer(w->g->config, "samples");
    double since = clock_seconds(), prompts = 0;
    status result = TACIT_OK;
    report_columns(report, 4, columns);
    for (w->first = 0; w->first < all && result == TACIT_OK; w->first += SIDE_BY_SIDE) {
        bool going = true;
        double begun = clock_seconds();
        w->count = all - w->first < SIDE_BY_SIDE ? all - w->first : SIDE_BY_SIDE;
        result = w->prompts ? prompts_begin(w) : texts_begin(w);
        prompts += clock_seconds() - begun;
        while (result == TACIT_OK && going)
            result = texts_step(w, &going);
        result = texts_end(w, report, result);
        if (w->prompts && result == TACIT_OK)
            progress_show(w, w->first + w->count, all, clock_seconds() - since);
    }
    double seconds = clock_seconds() - since - prompts;
    double speed = seconds > 0 ? (double)w->made / seconds : 0;
    if (w->prompts)
        report_number(report, "prompts", (double)all, "%lld", (long long)all);
    report_number(report, "prompt_tokens", (double)w->prompt_tokens, "%lld",
                  (long long)w->prompt_tokens);
    report_number(report, "tokens", (double)w->made, "%lld", (long long)w->made);
    report_number(report, "tokens_per_second", speed, "%.1f", speed);
    report_text(report, "weights", "%s", config_value(w->g->config, "weights"));
    if (w->prompts)
        prompts_report(w->prompts, report);
    return result;
}

static status stops_read(struct writer *w)
{
    const char *option = config_text(w->g->config, "stop");
    struct text word = { 0 };
    size_t at = 0, count = 1;
    for (const char *p = option; *p; p++)
        count += *p == '|';
    w->stop = memory_new(count, sizeof *w->stop);
    status result = w->stop ? TACIT_OK : TACIT_RESOURCES;
    while (result == TACIT_OK && words_next(option, &at, &word))
        if (word.length)
            result = text_append_bytes(&w->stop[w->stops++], word.bytes, word.length);
    text_free(&word);
    return result;
}

static status writer_open(struct writer *w)
{
    const struct config *config = w->g->config;
    if (*config_text(config, "prompts"))
        TRY(prompts_open(w->g, &w->prompts));
    int64_t samples = w->prompts ? prompts_count(w->prompts) : config_integer(config, "samples");
    struct decoder_options how = { .weights = (enum panel_kind)config_choice(config, "weights"),
                                   .sequences = samples < SIDE_BY_SIDE ? samples : SIDE_BY_SIDE,
                                   .rows = w->g->limit };
    w->full = (enum full)config_choice(config, "full");
    w->tokens = config_integer(config, "tokens");
    w->seed = (uint64_t)config_integer(config, "seed");
    w->whole = tokenizer_joins(w->g->tokenizer);
    w->sampling =
        (struct sampling){ .repetition_penalty = config_real(config, "repetition_penalty"),
                           .temperature = config_real(config, "temperature"),
                           .top_k = config_integer(config, "top_k"),
                           .top_p = config_real(config, "top_p") };
    if (how.rows < how.sequences)
        how.rows = how.sequences;
    TRY(stops_read(w));
    w->sequence = memory_new((size_t)w->g->limit, sizeof *w->sequence);
    if (!w->sequence)
        return TACIT_RESOURCES;
    TRY(decoder_open(&w->g->thing.model, &how, &w->decoder));
    w->candidate = memory_new((size_t)decoder_vocabulary(w->decoder), sizeof *w->candidate);
    return w->candidate ? TACIT_OK : TACIT_RESOURCES;
}

status generation_continue(struct generation *g, tacit_report *report)
{
    struct writer *w = memory_new(1, sizeof *w);
    if (!w)
        return TACIT_RESOURCES;
    w->g = g;
    status result = writer_open(w);
    if (result == TACIT_OK)
        result = texts_write(w, report);
    result = prompts_close(w->prompts, result);
    for (size_t s = 0; s < w->stops; s++)
        text_free(&w->stop[s]);
    memory_free(w->stop);
    memory_free(w->sequence);
    memory_free(w->candidate);
    decoder_free(w->decoder);
    memory_free(w);
    return result;
}
