#include "cli/command.h"
#include "cli/signals.h"

static tacit_status run(struct call *call)
{
    tacit_report *report = NULL;
    signals_catch();
    tacit_status outcome = tacit_resume(call->thing, call->config, &call->observer, &report);
    return call_finish(call, outcome, report);
}

const struct command command_resume = {
    .name = "resume",
    .use = "learn",
    .thing = "RUN",
    .computes = true,
    .summary = "go on with a run that was stopped, to the same bytes",
    .detail = "",
    .examples = "tacit resume run\n",
    .run = run,
};
