#include "cli/waiting.h"

#include <stdlib.h>
#include <unistd.h>

void waiting_settle(char *const words[])
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    if (setenv("GOMP_SPINCOUNT", "2000", 1) == 0)
        execv("/proc/self/exe", words); /* where it fails, we go on as we are */
}
