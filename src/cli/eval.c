#include "cli/command.h"
#include "cli/signals.h"

static tacit_status run(struct call *call)
{
    tacit_report *report = NULL;
    signals_catch();
    tacit_status outcome = tacit_evaluate(call->thing, call->config, &call->observer, &report);
    return call_finish(call, outcome, report);
}

const struct command command_eval = {
    .name = "eval",
    .use = "judge",
    .thing = "RUN",
    .thing_optional = true,
    .computes = true,
    .summary = "score a run or model with labels, against honest rivals",
    .detail = "Without RUN only the subjects of against= are scored.",
    .examples =
        "tacit eval run\n"
        "tacit eval docs.npy by=bm25,vectors,hybrid queries=topics.xml qrels=qrels.txt\n"
        "tacit eval run data=photos/ labels=folders protocol=knn,linear\n"
        "tacit eval run against=pixels,untrained,labels-only labels_per_class=1,10,all draws=5\n"
        "tacit eval base data=reviews/ labels=folders against=untrained,words "
        "labels_per_class=10,all\n",
    .run = run,
};
