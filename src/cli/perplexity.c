#include "cli/command.h"
#include "cli/signals.h"

static tacit_status run(struct call *call)
{
    tacit_report *report = NULL;
    signals_catch();
    tacit_status outcome = tacit_perplexity(call->thing, call->config, &call->observer, &report);
    return call_finish(call, outcome, report);
}

const struct command command_perplexity = {
    .name = "perplexity",
    .use = "judge",
    .thing = "THING",
    .computes = true,
    .summary = "how well a language model guesses texts",
    .detail =
        "THING is a run or a model. Without data= the run's own texts are taken, of them what\n"
        "validation= kept out of training. bits_per_byte compares models of any tokenizer.",
    .examples = "tacit perplexity run\n"
                "tacit perplexity run data=emma.txt stride=64 --json\n",
    .run = run,
};
