#include "cli/command.h"
#include "cli/print.h"

#include <stdio.h>

enum { MOST = 64 };

static tacit_status run(struct call *call)
{
    tacit_row rows[MOST];
    int count = 0;
    while (count < MOST && tacit_build_info(count, &rows[count]))
        count++;
    if (!call->json) {
        printf("tacit %s\n", tacit_version());
        if (!call->quiet)
            print_rows(count, rows, 2);
        return TACIT_OK;
    }
    fputs("{\"version\": 1, \"tacit\": ", stdout);
    print_json_text(tacit_version());
    for (int i = 0; i < count; i++) {
        fputs(",\n  ", stdout);
        print_json_text(rows[i].name);
        fputs(": ", stdout);
        print_json_text(rows[i].summary);
    }
    puts("}");
    return TACIT_OK;
}

const struct command command_version = {
    .name = "version",
    .use = "more",
    .thing = "",
    .summary = "the version, and what it was built with",
    .detail = "",
    .examples = "tacit version\n",
    .run = run,
};
