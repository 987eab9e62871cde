#include "cli/command.h"
#include "cli/print.h"
#include "cli/signals.h"

#include <stdio.h>

tacit_status call_finish(const struct call *call, tacit_status outcome, tacit_report *report)
{
    struct progress progress = call->progress;
    progress_end(&progress);
    if (outcome != TACIT_OK)
        complain(call->command, tacit_message());
    signals_end_with_reader(); /* what had to be stored is */
    if (report && call->json) {
        char *text = NULL;
        tacit_status shown = tacit_report_json(report, &text);
        if (shown == TACIT_OK)
            puts(text);
        else
            complain(call->command, tacit_message());
        tacit_free(text);
        if (outcome == TACIT_OK)
            outcome = shown;
    } else if (report) {
        print_report(report);
    }
    tacit_report_free(report);
    return outcome;
}
