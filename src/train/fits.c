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
    double bytes = 0;
    for (int i = 0; i < setup->fields; i++)
        bytes += (double)field_bytes(&setup->field[i]);
    return bytes * (double)setup->batch;
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

/* Bytes of a session of so many pictures, in parts of so many; 0 if that cannot be found out. */
static double trial(const struct setup *setup, int64_t pictures, int64_t part)
{
    struct setup other = *setup;
    struct session *session = NULL;
    struct store *store = store_new(0);
    double bytes = 0;
    other.batch = pictures;
    other.microbatch = part;
    if (store && setup_session(&other, store, &session) == TACIT_OK)
        bytes = setup_bytes(&other, session);
    session_free(session);
    store_free(store);
    return bytes;
}

/* Bytes as a straight line: of an empty session, and of every picture in it. */
static bool line_through(const struct setup *setup, double *fixed, double *slope)
{
    double half = TRIAL_PICTURES / 2., small = trial(setup, TRIAL_PICTURES / 2, TRIAL_PICTURES / 2);
    double larger = trial(setup, TRIAL_PICTURES, TRIAL_PICTURES), views = views_bytes(setup);
    /* The views that wait in the loader count by batch, not by micro-batch. */
    views *= BATCHES_AHEAD / (double)setup->batch;
    *slope = (larger - small) / half - views;
    *fixed = small - half * (*slope + views);
    return small > 0 && larger > small && *slope > 0;
}

/* The largest setting that fits: a part of the batch, or else a smaller batch; "" if none does. */
static void what_fits(const struct setup *setup, double available, double fixed, double slope,
                      char *text, size_t size)
{
    const double margin = 1.2; /* for what is not in the plan: pictures, the watch, libraries */
    double views = BATCHES_AHEAD * views_bytes(setup);
    for (int64_t part = setup->microbatch - 1; part >= 1; part--) {
        if (setup->batch % part != 0 || fixed + views + margin * slope * (double)part > available)
            continue;
        double bytes = trial(setup, setup->batch, part); /* parts take programs of their own */
        if (bytes > 0 && margin * bytes < available) {
            snprintf(text, size, "microbatch=%lld would fit", (long long)part);
            return;
        }
    }
    double one = margin * (slope + views / (double)setup->batch);
    int64_t batch = (int64_t)((available - fixed) / one);
    if (batch >= 2 && batch < setup->batch)
        snprintf(text, size, "batch_size=%lld would fit", (long long)batch);
}

status setup_fits(const struct setup *setup, double bytes, double available)
{
    if (bytes > 0 && (available <= 0 || bytes <= available))
        return TACIT_OK;
    char message[256], fitting[64] = "";
    double fixed, slope;
    bool line = line_through(setup, &fixed, &slope), guessed = bytes <= 0;
    if (guessed && line)
        bytes = fixed + slope * (double)setup->microbatch + BATCHES_AHEAD * views_bytes(setup);
    if (bytes > 0)
        snprintf(message, sizeof message, "the plan takes %s%.2f GB and %.2f GB are free",
                 guessed ? "about " : "", bytes / 1e9, available / 1e9);
    else
        snprintf(message, sizeof message, "the plan does not fit into the %.2f GB that are free",
                 available / 1e9);
    if (line && available > 0)
        what_fits(setup, available, fixed, slope, fitting, sizeof fitting);
    return fail(TACIT_RESOURCES, "%s: %s", message,
                fitting[0] ? fitting
                           : "take a smaller model=, batch_size=, image_size= or window=");
}
