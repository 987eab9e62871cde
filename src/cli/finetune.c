#include "cli/command.h"
#include "cli/signals.h"

static tacit_status run(struct call *call)
{
    tacit_report *report = NULL;
    signals_catch();
    tacit_status outcome = tacit_finetune(call->thing, call->config, &call->observer, &report);
    return call_finish(call, outcome, report);
}

const struct command command_finetune = {
    .name = "finetune",
    .use = "learn",
    .thing = "RUN",
    .computes = true,
    .summary = "learn from labels with the weights of a run or model",
    .detail = "Classes or numbers, of pictures, texts or pairs of texts (field=first,second). "
              "freeze=true\n"
              "trains the head alone. With holdout= the best model on what is held out is kept. "
              "Ctrl-C saves\n"
              "and stops; `tacit resume RUN` goes on.",
    .examples =
        "tacit finetune run data=photos/ labels=folders out=tuned\n"
        "tacit finetune run data=reviews/ labels=folders labels_per_class=50 holdout=0.2 seed=1\n"
        "tacit finetune run data=pairs.csv field=sentence1,sentence2 labels=field:score\n",
    .run = run,
};
