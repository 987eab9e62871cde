#include "cli/command.h"
#include "cli/signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first text is shown as it comes, the others when all are done. */
struct show {
    struct progress *progress;
    char **text; /* [samples] */
    size_t *length;
    int64_t samples;
    bool open;   /* the last line shown has no end yet */
    bool failed; /* standard output cannot be written */
};

static int show(void *user, int64_t sample, const char *bytes, size_t count)
{
    struct show *s = user;
    if (sample == 0) {
        progress_end(s->progress);
        s->open = true;
        s->failed = fwrite(bytes, 1, count, stdout) != count || fflush(stdout) != 0;
        return s->failed;
    }
    char *grown = realloc(s->text[sample], s->length[sample] + count);
    if (!grown)
        return 1;
    memcpy(grown + s->length[sample], bytes, count);
    s->text[sample] = grown;
    s->length[sample] += count;
    return 0;
}

static void show_rest(struct show *s)
{
    if (s->open)
        putchar('\n');
    for (int64_t i = 1; i < s->samples; i++) {
        if (s->open || s->text[i])
            puts("---");
        if (s->text[i]) {
            fwrite(s->text[i], 1, s->length[i], stdout);
            putchar('\n');
        }
        free(s->text[i]);
    }
    free(s->text);
    free(s->length);
}

static bool is_given(const struct call *call, const char *key)
{
    const char *value = tacit_config_get(call->config, key);
    return value && *value;
}

static tacit_status run(struct call *call)
{
    const char *samples = tacit_config_get(call->config, "samples");
    struct show s = { .progress = &call->progress, .samples = samples ? atoll(samples) : 1 };
    tacit_report *report = NULL;
    bool many = is_given(call, "prompts");
    bool texts = !many && !call->json && !is_given(call, "choices") && !is_given(call, "score");
    bool lines = many && !call->json && !is_given(call, "reference") && !is_given(call, "out");
    s.text = calloc((size_t)s.samples, sizeof *s.text);
    s.length = calloc((size_t)s.samples, sizeof *s.length);
    signals_catch();
    signals_end_with_reader();
    tacit_status outcome = TACIT_RESOURCES;
    if (lines)
        tacit_config_set(call->config, "out", "-");
    if (s.text && s.length)
        outcome = tacit_generate(call->thing, call->config, &call->observer, texts ? show : NULL,
                                 &s, &report);
    else
        complain(call->command, "out of memory");
    show_rest(&s);
    if (s.failed) { /* the program says so when it ends */
        progress_end(&call->progress);
        tacit_report_free(report);
        return TACIT_RESOURCES;
    }
    if (texts || lines) {
        tacit_report_free(report);
        report = NULL;
    }
    return call_finish(call, outcome, report);
}

const struct command command_generate = {
    .name = "generate",
    .use = "use",
    .thing = "THING",
    .computes = true,
    .summary = "go on with a text as a language model would, or score what may come next",
    .detail = "THING is a run or a model. Texts come to standard output as they grow; several are\n"
              "parted by lines of ---. Order: repetition_penalty, temperature, top_k, top_p (the "
              "token\nthat crosses top_p is kept), then a draw. Lines of score= are {\"prompt\": "
              "text,\n\"choices\": [texts], \"answer\": number or text}, the answer optional.\n"
              "Of prompts= each line becomes a line; those that are empty, or whose reference is, "
              "are left out.",
    .examples = "tacit generate run prompt=\"It was\" tokens=100\n"
                "tacit generate run prompt=\"It was\" temperature=0.8 top_p=0.9 samples=3 seed=7\n"
                "tacit generate run prompt_file=examples.txt stop='\\n' temperature=0\n"
                "tacit generate run prompt=\"2 + 2 =\" choices=\" 3| 4\"\n"
                "tacit generate run score=questions.jsonl --json\n"
                "tacit generate run prompts=test.de.gz prompt=\"{} =\" temperature=0 "
                "reference=test.en.gz\n",
    .run = run,
};
