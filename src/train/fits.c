/* Whether a training fits into memory, and what would. */
#include "train/setup.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { BATCHES_AHEAD = 2, TRIAL_PICTURES = 8 };

static double views_bytes(const struct setup *setup)
{
    double side = setup->input.size;
    return sizeof(float) * (double)setup->batch * setup->method.type->views *
           setup->input.channels * side * side;
}

double setup_bytes(const struct setup *setup, const struct session *session)
{
    struct session_size size;
    session_describe(session, &size);
    double parameter = sizeof(float) * 2 + (double)optimizer_bytes(setup->optimizer.type, 1);
    return size.temporary_bytes + parameter * (double)size.parameters +
           BATCHES_AHEAD * views_bytes(setup);
}

double setup_available(void)
{
    double available = clock_available_bytes();
    struct rlimit limit;
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        double left = (double)limit.rlim_cur - (double)pages * (double)sysconf(_SC_PAGESIZE);
        if (available <= 0 || left < available)
            available = left > 0 ? left : 1;
    }
    return available;
}

/* Bytes of a session of so many pictures, 0 if that cannot be found out. */
static double trial(const struct setup *setup, int64_t pictures)
{
    struct setup other = *setup;
    struct session *session = NULL;
    struct store *store = store_new(0);
    double bytes = 0;
    other.batch = other.microbatch = pictures;
    if (store && setup_session(&other, store, &session) == TACIT_OK)
        bytes = setup_bytes(&other, session);
    session_free(session);
    store_free(store);
    return bytes;
}

/* The largest divisor of the batch that fits, by a straight line through two small sizes. */
static int64_t part_that_fits(const struct setup *setup, double available)
{
    double small = trial(setup, TRIAL_PICTURES / 2), larger = trial(setup, TRIAL_PICTURES);
    double slope = (larger - small) / (TRIAL_PICTURES / 2.);
    double fixed = small - slope * (TRIAL_PICTURES / 2.) + BATCHES_AHEAD * views_bytes(setup);
    if (small <= 0 || slope <= 0)
        return 0;
    for (int64_t part = setup->batch; part >= 1; part--)
        if (setup->batch % part == 0 && fixed + 1.1 * slope * (double)part < available)
            return part;
    return 0;
}

status setup_fits(const struct setup *setup, double bytes, double available)
{
    if (bytes > 0 && (available <= 0 || bytes <= available))
        return TACIT_OK;
    char message[256];
    if (bytes > 0)
        snprintf(message, sizeof message, "the plan takes %.2f GB and %.2f GB are free",
                 bytes / 1e9, available / 1e9);
    else
        snprintf(message, sizeof message, "the plan does not fit into the %.2f GB that are free",
                 available / 1e9);
    int64_t part = available > 0 ? part_that_fits(setup, available) : 0;
    if (part > 0 && part < setup->microbatch)
        return fail(TACIT_RESOURCES, "%s: microbatch=%lld would fit (or a batch_size= of that)",
                    message, (long long)part);
    return fail(TACIT_RESOURCES, "%s: take a smaller model=, width= or image_size=", message);
}
