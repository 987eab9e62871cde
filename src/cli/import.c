#include "cli/command.h"
#include "cli/signals.h"

static tacit_status run(struct call *call)
{
    tacit_report *report = NULL;
    signals_catch();
    tacit_status outcome = tacit_import(call->thing, call->config, &call->observer, &report);
    return call_finish(call, outcome, report);
}

const struct command command_import = {
    .name = "import",
    .use = "move",
    .thing = "FOLDER",
    .computes = true,
    .summary = "make a run of a published model",
    .detail =
        "FOLDER is one of Hugging Face: config.json, model.safetensors and a tokenizer.json,\n"
        "vocab.txt or vocab.json with merges.txt; of bert, roberta or gpt2. Such a folder also\n"
        "serves directly wherever a run does, and as init=FOLDER.",
    .examples = "tacit import all-MiniLM-L6-v2/ out=runs/minilm\n",
    .run = run,
};
