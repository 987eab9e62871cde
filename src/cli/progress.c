#include "cli/progress.h"

#include "cli/print.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const double seconds_between_redraws = 0.1;

/* Lines in a file come often at first and then ever more rarely: a log of a day stays readable. */
static const double seconds_between_lines[] = { 2, 5, 10, 30, 60 };

void progress_start(struct progress *progress, bool quiet, bool terminal)
{
    *progress = (struct progress){ .quiet = quiet, .terminal = terminal, .shown = -HUGE_VAL };
}

static void append(char *line, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void append(char *line, size_t size, const char *format, ...)
{
    size_t used = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + used, size - used, format, arguments);
    va_end(arguments);
}

void progress_line(const tacit_progress *state, char *line, size_t size)
{
    char text[32];
    snprintf(line, size, "%s", state->phase);
    if (!isnan(state->epoch))
        append(line, size, "  epoch %.2f", state->epoch);
    if (state->step >= 0 && state->steps >= 0)
        append(line, size, "  step %lld/%lld", (long long)state->step, (long long)state->steps);
    else if (state->step >= 0)
        append(line, size, "  step %lld", (long long)state->step);
    if (!isnan(state->samples_per_second))
        append(line, size, "  %.0f/s", state->samples_per_second);
    if (!isnan(state->loss))
        append(line, size, "  loss %.4g", state->loss);
    if (!isnan(state->loss_floor) && !isnan(state->loss_chance))
        append(line, size, " (%.3g to %.3g)", state->loss_floor, state->loss_chance);
    if (!isnan(state->learning_rate))
        append(line, size, "  lr %.3g", state->learning_rate);
    if (!isnan(state->data_wait))
        append(line, size, "  wait %.0f %%", 100 * state->data_wait);
    if (!isnan(state->rank))
        append(line, size, "  rank %.0f", state->rank);
    if (!isnan(state->seconds_left))
        append(line, size, "  %s left", format_seconds(state->seconds_left, text, sizeof text));
}

static void draw(struct progress *progress, char *line)
{
    struct winsize window;
    size_t width = 80;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1)
        width = (size_t)window.ws_col - 1;
    if (strlen(line) > width)
        line[width] = 0;
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
    progress->line_open = true;
    progress->latest[0] = 0;
}

static double pause_of(const struct progress *progress, double seconds)
{
    if (progress->terminal)
        return seconds_between_redraws;
    size_t last = sizeof seconds_between_lines / sizeof *seconds_between_lines - 1, i = 0;
    while (i < last && seconds > 10 * seconds_between_lines[i])
        i++;
    return seconds_between_lines[i];
}

void progress_show(void *user, const tacit_progress *state)
{
    struct progress *progress = user;
    if (progress->quiet)
        return;
    bool other = strncmp(progress->phase, state->phase, sizeof progress->phase - 1) != 0;
    if (other) {
        progress_end(progress);
        snprintf(progress->phase, sizeof progress->phase, "%s", state->phase);
    }
    progress_line(state, progress->latest, sizeof progress->latest);
    if (!other && !(state->seconds - progress->shown >= pause_of(progress, state->seconds)))
        return; /* also where the seconds are unknown */
    progress->shown = state->seconds;
    if (progress->terminal) {
        draw(progress, progress->latest);
    } else {
        fprintf(stderr, "%s\n", progress->latest);
        progress->latest[0] = 0;
    }
}

void progress_end(struct progress *progress)
{
    /* The end of a phase is always shown, however soon it came after the last line. */
    if (progress->latest[0] && progress->terminal)
        draw(progress, progress->latest);
    else if (progress->latest[0])
        fprintf(stderr, "%s\n", progress->latest);
    if (progress->line_open)
        fputc('\n', stderr);
    progress->latest[0] = 0;
    progress->line_open = false;
}

void progress_message(void *user, tacit_level level, const char *text)
{
    struct progress *progress = user;
    static const char *const words[] = { "", "note: ", "warning: " };
    if (progress->quiet && level < TACIT_WARNING)
        return;
    if (progress->line_open) {
        fputs("\r\033[K", stderr);
        progress->line_open = false;
    }
    fprintf(stderr, "%s%s\n", words[level], text);
}
