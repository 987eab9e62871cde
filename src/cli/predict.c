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
    tacit_status outcome = tacit_predict(call->thing, call->config, &call->observer, &report);
    return call_finish(call, outcome, report);
}

const struct command command_predict = {
    .name = "predict",
    .use = "use",
    .thing = "RUN",
    .computes = true,
    .summary = "tell classes or numbers of new samples with a fine-tuned run",
    .detail = "One row a sample: its name, the prediction and the probability of every class. "
              "Where labels\n"
              "are known (labels=), it also tells how right they are. out= ends in .csv, .tsv or "
              ".jsonl.",
    .examples =
        "tacit predict tuned data=new-photos/ out=predictions.csv\n"
        "tacit predict tuned data=reviews.jsonl field=text labels=field:stars out=- --json\n"
        "tacit predict tuned out=held-out.tsv\n",
    .run = run,
};
