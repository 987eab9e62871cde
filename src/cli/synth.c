#include "cli/command.h"
#include "cli/signals.h"

static tacit_status run(struct call *call)
{
    tacit_report *report = NULL;
    signals_catch();
    tacit_status outcome = tacit_synth(call->thing, call->config, &call->observer, &report);
    return call_finish(call, outcome, report);
}

const struct command command_synth = {
    .name = "synth",
    .use = "more",
    .thing = "KIND",
    .things = "generators",
    .summary = "generate labelled data for trying things out",
    .detail = "`tacit list generators` tells the kinds.",
    .examples = "tacit synth shapes out=shapes\n",
    .run = run,
};
