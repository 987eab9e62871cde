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
    tacit_status outcome = tacit_search(call->thing, call->config, &call->observer, &report);
    return call_finish(call, outcome, report);
}

const struct command command_search = {
    .name = "search",
    .use = "use",
    .thing = "VECTORS|TEXTS",
    .computes = true,
    .summary = "find the texts that fit a query",
    .detail =
        "VECTORS is a .npy of `tacit embed`, TEXTS a file or folder. Vectors are compared by "
        "their cosine, all of them; words by BM25 as Lucene computes it; hybrid adds up 1 / (60 "
        "+ rank) of both. Equal scores keep the order of the texts.",
    .examples = "tacit search docs.npy query=\"boundary layer heat transfer\"\n"
                "tacit search articles/ query=\"boundary layer\" k=5\n"
                "tacit search docs.npy by=hybrid queries=topics.xml k=1000 out=hybrid.trec\n"
                "tacit eval docs.npy by=bm25,vectors,hybrid queries=topics.xml qrels=qrels.txt\n",
    .run = run,
};
