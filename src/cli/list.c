#include "cli/command.h"
#include "cli/print.h"

#include <stdio.h>

enum { MOST = 512 };

static int collect(const char *kind, tacit_row rows[MOST])
{
    int count = 0;
    while (count < MOST && tacit_list(kind, count, &rows[count]))
        count++;
    return count;
}

static void print_json(int count, const tacit_row rows[])
{
    printf("{\"version\": 1, \"results\": [");
    for (int i = 0; i < count; i++) {
        fputs(i ? ",\n  {\"name\": " : "\n  {\"name\": ", stdout);
        print_json_text(rows[i].name);
        fputs(", \"summary\": ", stdout);
        print_json_text(rows[i].summary);
        fputs(", \"detail\": ", stdout);
        print_json_text(rows[i].detail);
        putchar('}');
    }
    puts("\n]}");
}

static tacit_status run(struct call *call)
{
    tacit_row rows[MOST];
    const char *kind = call->thing ? call->thing : "kinds";
    int count = collect(kind, rows);
    if (count == 0) {
        char text[512];
        const char *near = tacit_nearest("kinds", kind);
        snprintf(text, sizeof text,
                 "there is no list of '%.200s'%s%s%s (`tacit list` tells what there is)", kind,
                 near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        complain(call->command, text);
        return TACIT_USAGE;
    }
    if (call->json) {
        print_json(count, rows);
        return TACIT_OK;
    }
    if (!call->thing && !call->quiet)
        puts("tacit list KIND, where KIND is one of");
    print_rows(count, rows, call->thing ? 0 : 2);
    return TACIT_OK;
}

const struct command command_list = {
    .name = "list",
    .use = "more",
    .thing = "KIND",
    .things = "kinds",
    .thing_optional = true,
    .summary = "what can be named: methods, models, augmentations, …",
    .detail = "",
    .examples = "tacit list\ntacit list methods\n",
    .run = run,
};
