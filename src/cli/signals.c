#include "cli/signals.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t requested;

static void request(int number)
{
    static const char text[] = "\nstopping in good order; once more kills at once\n";
    requested = 1;
    signal(number, SIG_DFL);
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        return; /* nobody to tell */
}

void signals_catch(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = request;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void signals_end_with_reader(void)
{
    signal(SIGPIPE, SIG_DFL);
}

int signals_stop_requested(void *user)
{
    (void)user;
    return requested;
}
