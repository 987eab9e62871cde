/* tacit_generate: a language model goes on with a text, or scores what might come next. */
#include "eval/generate_parts.h"
#include "base/clock.h"
#include "io/file.h"
#include "train/report.h"
#include "train/session.h"
#include "train/tasks.h"

#include <string.h>

enum { PROMPT_BYTES = 64 << 20 };

bool words_next(const char *option, size_t *at, struct text *text)
{
    text_clear(text);
    if (!option[*at])
        return false;
    for (const char *p = option + *at; *p && *p != '|'; p++, (*at)++) {
        static const char from[] = "nt|\\", to[] = "\n\t|\\";
        const char *escape = *p == '\\' && p[1] ? strchr(from, p[1]) : NULL;
        text_append_bytes(text, escape ? &to[escape - from] : p, 1);
        if (escape) {
            p++;
            (*at)++;
        }
    }
    *at += option[*at] == '|';
    return true;
}

status prompt_encode(const struct generation *g, const void *bytes, size_t count, int64_t limit,
                     struct token_list *list)
{
    TRY(token_list_reserve(list, 1));
    TRY(tokenizer_encode(g->tokenizer, bytes, count, false, list));
    if (!list->count && g->end < 0)
        return fail(TACIT_USAGE, "prompt= is empty, and the tokenizer has no token that a text "
                                 "could begin with: give a prompt");
    if (!list->count)
        list->id[list->count++] = (uint32_t)g->end;
    if ((int64_t)list->count <= limit)
        return TACIT_OK;
    if (!config_boolean(g->config, "crop"))
        return fail(TACIT_USAGE,
                    "the prompt has %zu tokens, and %lld are what the model can look at: shorten "
                    "it, or keep its end with crop=true",
                    list->count, (long long)limit);
    memmove(list->id, list->id + list->count - limit, (size_t)limit * sizeof *list->id);
    list->count = (size_t)limit;
    return TACIT_OK;
}

status prompt_read(const struct generation *g, struct text *prompt)
{
    const char *path = config_text(g->config, "prompt_file");
    const char *words = config_text(g->config, "prompt");
    if (!*path)
        return text_append_bytes(prompt, words, strlen(words));
    if (*words)
        return fail(TACIT_USAGE, "prompt= and prompt_file= are both given: one of them is enough");
    TRY(file_read(path, PROMPT_BYTES, prompt));
    if (prompt->length && prompt->bytes[prompt->length - 1] == '\n')
        prompt->bytes[--prompt->length] = 0;
    return TACIT_OK;
}

static status generation_prepare(struct generation *g)
{
    const struct model_file *model = &g->thing.model;
    if (!model->tokenizer)
        return fail(TACIT_USAGE, "%s: has no tokenizer: only language models generate texts",
                    model->path);
    if (!model->method.network->causal)
        return fail(TACIT_USAGE,
                    "%s: %s does not guess the next token: take a language model, such as one "
                    "trained with method=gpt",
                    model->path, model->method.network->name);
    g->tokenizer = model->tokenizer;
    g->limit = model->input.window;
    g->end = tokenizer_role(g->tokenizer, ROLE_EOS);
    return TACIT_OK;
}

/* Options that mean something with prompts= only. */
static status prompts_unwanted(const struct generation *g)
{
    static const char *const keys[] = { "reference", "field", "out" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (*config_text(g->config, keys[i]))
            return fail(TACIT_USAGE, "%s=%s: goes with prompts=, which is not given", keys[i],
                        config_text(g->config, keys[i]));
    return TACIT_OK;
}

static status generation_run(struct generation *g, const char *thing, tacit_report *report)
{
    struct text prompt = { 0 };
    bool score = *config_text(g->config, "score"), choices = *config_text(g->config, "choices");
    bool many = *config_text(g->config, "prompts");
    if (score + choices + many > 1)
        return fail(TACIT_USAGE, "of score=, choices= and prompts= only one can be given");
    if (!many)
        TRY(prompts_unwanted(g));
    team_settle((int)config_integer(g->config, "threads"));
    TRY(thing_open(thing, &g->thing));
    TRY(generation_prepare(g));
    status result = score || many ? TACIT_OK : prompt_read(g, &prompt);
    if (result == TACIT_OK && !score && !many)
        result = prompt_encode(g, text_string(&prompt), prompt.length, g->limit, &g->prompt);
    text_free(&prompt);
    TRY(result);
    return score || choices ? generation_score(g, report) : generation_continue(g, report);
}

tacit_status tacit_generate(const char *thing, tacit_config *config, const tacit_observer *observer,
                            tacit_text text, void *user, tacit_report **report)
{
    if (report)
        *report = NULL;
    TRY(tacit_config_check(config));
    if (!thing || !*thing)
        return fail(TACIT_USAGE, "THING is missing: tacit generate RUN prompt=TEXT");
    tacit_report *made = report_new();
    if (!made)
        return TACIT_RESOURCES;
    struct generation g = { .config = &config->config,
                            .audience = { observer, NULL },
                            .start = clock_seconds(),
                            .text = text,
                            .user = user };
    status result = generation_run(&g, thing, made);
    if (result == TACIT_OK)
        result = report_status(made);
    if (report && (result == TACIT_OK || result == TACIT_STOPPED))
        *report = made;
    else
        tacit_report_free(made);
    token_list_free(&g.prompt);
    thing_close(&g.thing);
    return result;
}
