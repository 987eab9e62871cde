#include "cli/command.h"
#include "cli/signals.h"

static tacit_status run(struct call *call)
{
    tacit_report *report = NULL;
    signals_catch();
    tacit_status outcome = tacit_plan(call->config, &call->observer, &report);
    return call_finish(call, outcome, report);
}

const struct command command_plan = {
    .name = "plan",
    .use = "look",
    .thing = "",
    .no_thing = "data",
    .summary = "what pretrain would do: parameters, memory, time; writes nothing",
    .detail = "Takes what pretrain takes and shows what every `auto` becomes.",
    .examples = "tacit plan data=photos/ model=resnet50 batch_size=256\n",
    .run = run,
};
