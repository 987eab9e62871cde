/* tacit_tokenize: tokenizers are learned, applied, and looked at. */
#include "base/clock.h"
#include "base/memory.h"
#include "eval/read_whole.h"
#include "eval/sink.h"
#include "eval/tokenizer_open.h"
#include "data/source.h"
#include "text/tokenizer.h"
#include "train/observe.h"
#include "train/report.h"
#include "train/session.h"
#include "train/tasks.h"

#include <string.h>
#include <sys/stat.h>

enum { PIECE_BYTES = 1 << 20, PATH_BYTES = 4096, NUMBER_BYTES = 16 };

struct tokenizing {
    const struct config *config;
    struct audience audience;
    tacit_report *report;
    double start;
};

/* ---- train ---- */

/* Text after text of a source, in pieces, so that progress can be seen. */
struct reader {
    struct tokenizing *task;
    struct source *source;
    struct bytes bytes;
    size_t sample, at;
    int side;
    bool open;
};

static status text_open(struct reader *reader)
{
    struct source *source = reader->source;
    while (!reader->open && reader->sample < source->count) {
        bytes_free(&reader->bytes);
        status result = source_texts(source, reader->sample, reader->side, &reader->bytes);
        reader->open = result == TACIT_OK;
        reader->at = 0;
        if (result == TACIT_BAD_DATA)
            TRY(source_health(source));
        else
            TRY(result);
        if (++reader->side >= source->texts) {
            reader->side = 0;
            reader->sample++;
        }
    }
    return TACIT_OK;
}

static status piece_read(void *state, struct text_piece *piece, bool *found)
{
    struct reader *reader = state;
    tacit_progress progress = progress_unknown("read");
    TRY(text_open(reader));
    *found = reader->open;
    if (!reader->open)
        return TACIT_OK;
    size_t left = reader->bytes.size - reader->at;
    size_t count = left < PIECE_BYTES ? left : PIECE_BYTES;
    *piece = (struct text_piece){ { reader->bytes.bytes + reader->at, count }, count == left };
    reader->at += count;
    reader->open = count < left;
    progress.step = (int64_t)reader->sample;
    progress.steps = (int64_t)reader->source->count;
    progress.seconds = clock_seconds() - reader->task->start;
    tell_progress(&reader->task->audience, &progress);
    return asked_to_stop(&reader->task->audience) ? fail(TACIT_STOPPED, "stopped") : TACIT_OK;
}

static status tokenizer_learn(struct tokenizing *task, const struct tokenizer_options *options,
                              struct source *source, const char *out)
{
    struct reader reader = { .task = task, .source = source };
    struct text_stream stream = { piece_read, &reader };
    struct tokenizer_facts facts;
    struct tokenizer *tokenizer = NULL;
    tell(&task->audience, TACIT_INFO, "memory: at most %.0f MB, whatever the length of the texts",
         (double)tokenizer_train_bytes(options) / 1e6);
    status result = tokenizer_train(options, &stream, &facts, &tokenizer);
    bytes_free(&reader.bytes);
    TRY(result);
    result = tokenizer_save(tokenizer, out);
    tokenizer_free(tokenizer);
    TRY(result);
    report_text(task->report, "out", "%s", out);
    report_text(task->report, "kind", "%s", options->kind);
    report_number(task->report, "vocabulary", (double)facts.vocabulary, "%zu", facts.vocabulary);
    report_number(task->report, "bytes", (double)facts.bytes, "%llu",
                  (unsigned long long)facts.bytes);
    report_number(task->report, "documents", (double)facts.documents, "%llu",
                  (unsigned long long)facts.documents);
    if (options->vocabulary && facts.vocabulary < options->vocabulary)
        report_note(task->report, "vocab=%zu: the text has no more than %zu tokens in it",
                    options->vocabulary, facts.vocabulary);
    if (facts.left_out)
        report_note(task->report, "%llu rare words did not fit into memory= and were left out",
                    (unsigned long long)facts.left_out);
    report_note(task->report, "next: tacit tokenize show tokenizer=%s text=\"…\"", out);
    return TACIT_OK;
}

static const char *given(const struct config *config, const char *key)
{
    const char *value = config_automatic(config, key) ? NULL : config_text(config, key);
    return value && *value ? value : NULL;
}

static status task_train(struct tokenizing *task)
{
    const struct config *config = task->config;
    const char *out = config_text(config, "out"), *data = config_text(config, "data");
    struct source_options how = { .wanted = WANT_TEXTS,
                                  .unit = given(config, "unit"),
                                  .field = given(config, "field"),
                                  .strict = config_boolean(config, "strict") };
    struct tokenizer_options options = {
        .kind = config_text(config, "kind"),
        .pattern = given(config, "pattern"),
        .specials = given(config, "specials"),
        .vocabulary =
            config_automatic(config, "vocab") ? 0 : (size_t)config_integer(config, "vocab"),
        .least = (uint64_t)config_integer(config, "least"),
        .cased = config_boolean(config, "cased"),
        .memory = (size_t)config_integer(config, "memory") << 20,
    };
    struct source *source;
    struct stat about;
    if (!*data)
        return fail(TACIT_USAGE, "data: must be given: the texts to learn from");
    if (strcmp(out, "-") == 0)
        return fail(TACIT_USAGE, "out: must be given: FILE.json, or a folder to write");
    if (stat(out, &about) != 0 || !S_ISDIR(about.st_mode))
        TRY(sink_check(config));
    TRY(source_open(data, &how, &source));
    if (source->note)
        tell(&task->audience, TACIT_NOTICE, "%s", source->note);
    status result = source->kind == SAMPLE_TEXT
                        ? tokenizer_learn(task, &options, source, out)
                        : fail(TACIT_USAGE, "%s: holds pictures, but texts are needed", data);
    source_close(source);
    return result;
}

/* ---- encode, decode, count, show ---- */

/* The text that the task is about, whole: text=, or the file data=. */
static status whole_read(const struct tokenizing *task, struct text *text)
{
    const char *words = config_text(task->config, "text"),
               *data = config_text(task->config, "data");
    if (*words && *data)
        return fail(TACIT_USAGE, "text=, data=%s: give one of the two", data);
    if (*words)
        return text_append_bytes(text, words, strlen(words));
    if (!*data)
        return fail(TACIT_USAGE,
                    "data: must be given: a file, - for standard input, or text=\"…\"");
    return whole_file_read(data, text);
}

static status ids_write(struct sink *sink, const struct token_list *list)
{
    struct text text = { 0 };
    status result = TACIT_OK;
    for (size_t i = 0; i < list->count && result == TACIT_OK; i++) {
        char digits[NUMBER_BYTES], *first = digits + sizeof digits;
        uint32_t id = list->id[i];
        *--first = i + 1 < list->count ? ' ' : '\n';
        do
            *--first = (char)('0' + id % 10);
        while (id /= 10);
        text_append_bytes(&text, first, (size_t)(digits + sizeof digits - first));
        result = sink_flow(sink, &text);
    }
    if (result == TACIT_OK)
        result = sink_append(sink, &text);
    text_free(&text);
    return result;
}

static status task_encode(struct tokenizing *task, const struct tokenizer *tokenizer,
                          const struct text *whole)
{
    struct token_list list = { 0 };
    struct sink sink;
    struct text_view view = { text_string(whole), whole->length };
    const char *out = config_text(task->config, "out");
    status result = tokenizer_encode_many(
        tokenizer, &view, 1, config_boolean(task->config, "special_tokens"), &list, NULL);
    if (result == TACIT_OK)
        result = sink_open(out, &sink);
    if (result == TACIT_OK)
        result = sink_close(&sink, ids_write(&sink, &list));
    report_text(task->report, "out", "%s", out);
    report_number(task->report, "tokens", (double)list.count, "%zu", list.count);
    token_list_free(&list);
    return result;
}

/* Numbers with white space or commas between. */
static status ids_read(const struct text *whole, struct token_list *list)
{
    const char *at = text_string(whole), *end = at + whole->length;
    while (at < end) {
        at += strspn(at, " \t\r\n,[]");
        size_t length = strcspn(at, " \t\r\n,[]");
        char word[NUMBER_BYTES];
        int64_t id = -1;
        if (!length && at >= end)
            break;
        if (length && length < sizeof word) {
            memcpy(word, at, length);
            word[length] = 0;
        }
        if (!length || length >= sizeof word || !text_read_integer(word, &id) || id < 0 ||
            id > UINT32_MAX)
            return fail(TACIT_BAD_DATA, "\"%.*s\" is not the number of a token",
                        (int)(length < 40 ? length : 40), at);
        TRY(token_list_reserve(list, 1));
        list->id[list->count++] = (uint32_t)id;
        at += length;
    }
    return TACIT_OK;
}

static status task_decode(struct tokenizing *task, const struct tokenizer *tokenizer,
                          const struct text *whole)
{
    struct token_list list = { 0 };
    struct text text = { 0 };
    struct sink sink;
    const char *out = config_text(task->config, "out");
    status result = ids_read(whole, &list);
    if (result == TACIT_OK)
        result = tokenizer_decode(tokenizer, list.id, list.count, false, &text);
    size_t bytes = text.length;
    if (result == TACIT_OK)
        result = sink_open(out, &sink);
    if (result == TACIT_OK)
        result = sink_close(&sink, sink_append(&sink, &text));
    report_text(task->report, "out", "%s", out);
    report_number(task->report, "bytes", (double)bytes, "%zu", bytes);
    token_list_free(&list);
    text_free(&text);
    return result;
}

/* The first line, piece by piece. */
static status task_show(struct tokenizing *task, const struct tokenizer *tokenizer,
                        const struct text *whole)
{
    static const char *const columns[] = { "piece", "id" };
    struct token_list list = { 0 };
    status result =
        tokenizer_encode(tokenizer, text_string(whole), strcspn(text_string(whole), "\n"),
                         config_boolean(task->config, "special_tokens"), &list);
    report_columns(task->report, 2, columns);
    for (size_t i = 0; i < list.count && result == TACIT_OK; i++) {
        struct text_view piece = tokenizer_piece(tokenizer, list.id[i]);
        report_cell_text(task->report, "%.*s", (int)piece.count, (const char *)piece.bytes);
        report_cell_number(task->report, list.id[i], "%u", list.id[i]);
    }
    token_list_free(&list);
    return result;
}

static void report_counts(struct tokenizing *task, double texts, double bytes, double tokens)
{
    report_number(task->report, "texts", texts, "%.0f", texts);
    report_number(task->report, "bytes", bytes, "%.0f", bytes);
    report_number(task->report, "tokens", tokens, "%.0f", tokens);
    report_number(task->report, "bytes_per_token", tokens > 0 ? bytes / tokens : 0, "%.4f",
                  tokens > 0 ? bytes / tokens : 0);
}

/* All texts of data=, one after another. */
/* Tokens of a text, which is encoded in parts: it may be longer than memory. */
static status text_count(const struct tokenizer *tokenizer, const struct bytes *text, bool specials,
                         double *tokens)
{
    enum { PART_BYTES = 16 << 20 };
    struct token_list list = { 0 };
    status result = TACIT_OK;
    for (size_t at = 0; at < text->size && result == TACIT_OK;) {
        size_t left = text->size - at;
        size_t part =
            specials ? left : tokenizer_cut(tokenizer, text->bytes + at, left, PART_BYTES);
        struct text_view view = { text->bytes + at, part };
        bool goes_on = at > 0;
        list.count = 0;
        result = specials ? tokenizer_encode_many(tokenizer, &view, 1, true, &list, NULL)
                          : tokenizer_encode_parts(tokenizer, &view, &goes_on, 1, &list, NULL);
        *tokens += (double)list.count;
        at += part;
    }
    token_list_free(&list);
    return result;
}

static status source_count(struct tokenizing *task, const struct tokenizer *tokenizer,
                           struct source *source)
{
    bool specials = config_boolean(task->config, "special_tokens");
    double bytes = 0, tokens = 0;
    size_t texts = 0, count = source->count * (size_t)source->texts;
    for (size_t i = 0; i < count; i++) {
        struct bytes text = { 0 };
        status result = source_texts(source, i / (size_t)source->texts,
                                     (int)(i % (size_t)source->texts), &text);
        if (result == TACIT_BAD_DATA && source_health(source) == TACIT_OK)
            continue;
        if (result == TACIT_OK)
            result = text_count(tokenizer, &text, specials, &tokens);
        bytes += (double)text.size;
        texts++;
        bytes_free(&text);
        TRY(result);
        if (asked_to_stop(&task->audience))
            return fail(TACIT_STOPPED, "stopped");
    }
    report_counts(task, (double)texts, bytes, tokens);
    return TACIT_OK;
}

static status task_count(struct tokenizing *task, const struct tokenizer *tokenizer)
{
    const struct config *config = task->config;
    const char *data = config_text(config, "data");
    struct source_options how = { .wanted = WANT_TEXTS,
                                  .unit = given(config, "unit"),
                                  .field = given(config, "field"),
                                  .strict = config_boolean(config, "strict") };
    struct text whole = { 0 };
    struct token_list list = { 0 };
    struct source *source;
    if (!*config_text(config, "text") && strcmp(data, "-") != 0 && *data) {
        TRY(source_open(data, &how, &source));
        status result = source_count(task, tokenizer, source);
        source_close(source);
        return result;
    }
    status result = whole_read(task, &whole);
    struct text_view view = { text_string(&whole), whole.length };
    if (result == TACIT_OK)
        result = tokenizer_encode_many(tokenizer, &view, 1,
                                       config_boolean(config, "special_tokens"), &list, NULL);
    report_counts(task, 1, (double)whole.length, (double)list.count);
    text_free(&whole);
    token_list_free(&list);
    return result;
}

/* ---- the task ---- */

static const struct {
    const char *name;
    /* One of the three: learns; is given one whole text; reads data= by itself. */
    status (*learn)(struct tokenizing *task);
    status (*whole)(struct tokenizing *task, const struct tokenizer *tokenizer,
                    const struct text *whole);
    status (*read)(struct tokenizing *task, const struct tokenizer *tokenizer);
} actions[] = {
    { "train", task_train, NULL, NULL },   { "encode", NULL, task_encode, NULL },
    { "decode", NULL, task_decode, NULL }, { "count", NULL, NULL, task_count },
    { "show", NULL, task_show, NULL },
};

static status action_run(struct tokenizing *task, size_t action)
{
    const char *path = config_text(task->config, "tokenizer");
    struct tokenizer *tokenizer = NULL;
    struct text whole = { 0 };
    if (actions[action].learn)
        return actions[action].learn(task);
    if (!*path)
        return fail(TACIT_USAGE, "tokenizer: must be given: a file, a folder or a run");
    if (actions[action].whole)
        TRY(sink_check(task->config));
    TRY(tokenizer_open(path, &tokenizer));
    status result = actions[action].whole ? whole_read(task, &whole) : TACIT_OK;
    if (result == TACIT_OK)
        result = actions[action].whole ? actions[action].whole(task, tokenizer, &whole)
                                       : actions[action].read(task, tokenizer);
    tokenizer_free(tokenizer);
    text_free(&whole);
    return result;
}

tacit_status tacit_tokenize(const char *action, tacit_config *config,
                            const tacit_observer *observer, tacit_report **report)
{
    enum { ACTIONS = sizeof actions / sizeof *actions };
    size_t chosen = 0;
    if (report)
        *report = NULL;
    TRY(tacit_config_check(config));
    while (chosen < ACTIONS && (!action || strcmp(actions[chosen].name, action) != 0))
        chosen++;
    if (chosen == ACTIONS)
        return fail(TACIT_USAGE,
                    "there is no \"tokenize %.100s\"; there are train, encode, decode, count, show",
                    action ? action : "");
    struct tokenizing task = { .config = &config->config,
                               .audience = { observer, NULL },
                               .report = report_new(),
                               .start = clock_seconds() };
    if (!task.report)
        return TACIT_RESOURCES;
    team_settle((int)config_integer(task.config, "threads"));
    status result = action_run(&task, chosen);
    if (result == TACIT_OK)
        result = report_status(task.report);
    /* What goes to standard output is the result, and nothing may come after it. */
    bool silent = actions[chosen].whole && actions[chosen].whole != task_show &&
                  strcmp(config_text(task.config, "out"), "-") == 0;
    if (report && !silent && result == TACIT_OK)
        *report = task.report;
    else
        tacit_report_free(task.report);
    return result;
}
