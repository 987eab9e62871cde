#include "cli/command.h"
#include "cli/signals.h"

#include <string.h>

static tacit_status run(struct call *call)
{
    tacit_report *report = NULL;
    const char *out = tacit_config_get(call->config, "out");
    signals_catch();
    if (out && strcmp(out, "-") == 0)
        signals_end_with_reader();
    tacit_status outcome = tacit_embed(call->thing, call->config, &call->observer, &report);
    return call_finish(call, outcome, report);
}

const struct command command_embed = {
    .name = "embed",
    .use = "use",
    .thing = "RUN",
    .computes = true,
    .summary = "turn pictures or texts into vectors",
    .detail = "RUN is a run folder or its model.safetensors. out= ends in .npy, .csv or .tsv. "
              "FILE.npy.json beside a .npy says what its rows are, for `tacit search`.",
    .examples = "tacit embed run data=photos/ out=photos.npy\n"
                "tacit embed run/model.safetensors data=photos.tar out=photos.tsv\n"
                "tacit embed run data=docs.jsonl field=text pooling=mean out=docs.npy\n",
    .run = run,
};
