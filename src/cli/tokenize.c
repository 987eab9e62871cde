#include "cli/command.h"
#include "cli/signals.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Pieces side by side, in turn on two backgrounds, on a terminal; else with bars between. */
static void show_pieces(const tacit_report *report)
{
    static const char *const colour[] = { "\033[30;106m", "\033[30;103m" };
    int terminal = isatty(STDOUT_FILENO), rows = tacit_report_rows(report);
    tacit_value piece;
    for (int row = 0; row < rows && tacit_report_cell(report, row, 0, &piece); row++) {
        if (terminal)
            printf("%s%s\033[0m", colour[row % 2], piece.text);
        else
            printf("%s%s", row ? "|" : "", piece.text);
    }
    putchar('\n');
}

static tacit_status run(struct call *call)
{
    tacit_report *report = NULL;
    const char *out = tacit_config_get(call->config, "out");
    signals_catch();
    if (out && strcmp(out, "-") == 0)
        signals_end_with_reader();
    tacit_status outcome = tacit_tokenize(call->thing, call->config, &call->observer, &report);
    if (report && !call->json && strcmp(call->thing, "show") == 0) {
        show_pieces(report);
        tacit_report_free(report);
        report = NULL;
    }
    return call_finish(call, outcome, report);
}

const struct command command_tokenize = {
    .name = "tokenize",
    .use = "more",
    .thing = "ACTION",
    .computes = true,
    .summary = "learn a tokenizer, encode and decode with it",
    .detail =
        "ACTION is train, encode, decode, count or show. encode takes a file as one text, line "
        "ends and all, and adds no special tokens; decode takes numbers. tokenizer= may be a "
        "run or a folder of Hugging Face.",
    .examples = "tacit tokenize train data=books/ kind=bpe vocab=8192 out=books.json\n"
                "tacit tokenize encode tokenizer=books.json data=emma.txt > ids\n"
                "tacit tokenize decode tokenizer=books.json data=ids\n"
                "tacit tokenize count tokenizer=books.json data=books/\n"
                "tacit tokenize show tokenizer=books.json text=\"It was a dark night\"\n",
    .run = run,
};
