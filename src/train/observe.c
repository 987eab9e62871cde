#include "train/observe.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void tell(const struct audience *audience, tacit_level level, const char *format, ...)
{
    static const char *const words[] = { "", "note: ", "warning: " };
    char text[4096], line[4200], when[32] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (audience->observer && audience->observer->message)
        audience->observer->message(audience->observer->user, level, text);
    if (!audience->log || audience->log->descriptor < 0)
        return;
    time_t now = time(NULL);
    struct tm parts;
    if (localtime_r(&now, &parts))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S ", &parts);
    int length = snprintf(line, sizeof line, "%s%s%s\n", when, words[level], text);
    /* A full disk shows where it matters, at the next checkpoint; this log is for reading only. */
    (void)log_file_append(audience->log, line, (size_t)length);
}

tacit_progress progress_unknown(const char *phase)
{
    return (tacit_progress){ phase, -1, -1, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN };
}

void tell_progress(const struct audience *audience, const tacit_progress *progress)
{
    if (audience->observer && audience->observer->progress)
        audience->observer->progress(audience->observer->user, progress);
}

bool asked_to_stop(const struct audience *audience)
{
    return audience->observer && audience->observer->stop &&
           audience->observer->stop(audience->observer->user);
}
