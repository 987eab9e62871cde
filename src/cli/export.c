#include "cli/command.h"
#include "cli/signals.h"

static tacit_status run(struct call *call)
{
    tacit_report *report = NULL;
    signals_catch();
    tacit_status outcome = tacit_export(call->thing, call->config, &call->observer, &report);
    return call_finish(call, outcome, report);
}

const struct command command_export = {
    .name = "export",
    .use = "move",
    .thing = "RUN",
    .computes = true,
    .summary = "write a model as other programs load it",
    .detail = "format=hf: a folder for from_pretrained, tokenizer included; format=torchvision: a\n"
              "state dict of a residual network. What was written is read back and compared.",
    .examples = "tacit export runs/1 format=hf out=exported/\n",
    .run = run,
};
