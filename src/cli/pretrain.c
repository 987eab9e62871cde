#include "cli/command.h"
#include "cli/signals.h"

static tacit_status run(struct call *call)
{
    tacit_report *report = NULL;
    signals_catch();
    tacit_status outcome = tacit_pretrain(call->config, &call->observer, &report);
    return call_finish(call, outcome, report);
}

const struct command command_pretrain = {
    .name = "pretrain",
    .use = "learn",
    .thing = "",
    .no_thing = "data",
    .computes = true,
    .summary = "learn from pictures or texts without labels",
    .detail = "Writes a run folder: the model, its configuration, metrics, checkpoints. Ctrl-C "
              "saves and\n"
              "stops; `tacit resume RUN` goes on to the same bytes.",
    .examples =
        "tacit pretrain data=photos/ out=run\n"
        "tacit pretrain data=photos.tar.gz out=run method=simclr model=resnet18 epochs=100\n"
        "tacit pretrain data=books/ method=gpt model=gpt-mini out=novels\n"
        "tacit pretrain data=books/ method=bert tokenizer=books.json steps=20000 out=reader\n"
        "tacit pretrain config=run/config.yaml out=again seed=2\n",
    .run = run,
};
