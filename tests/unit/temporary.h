/* A folder that a test has to itself and that is gone afterwards: for set-up and tear-down of one
 * test or of all. */
#ifndef TESTS_TEMPORARY_H
#define TESTS_TEMPORARY_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

enum { TEMPORARY_BYTES = 64 };

static const char temporary_template[] = "/tmp/tacit-test-XXXXXX";

UNUSED static char folder[TEMPORARY_BYTES];

UNUSED static int folder_begin(void **state)
{
    (void)state;
    strcpy(folder, temporary_template);
    return mkdtemp(folder) == NULL;
}

UNUSED static int folder_entry_remove(const char *name, const struct stat *about, int type,
                                      struct FTW *ftw)
{
    (void)about, (void)type, (void)ftw;
    return remove(name);
}

UNUSED static int folder_end(void **state)
{
    (void)state;
    return nftw(folder, folder_entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* The same, with the folder as the current one. */
UNUSED static int folder_enter(void **state)
{
    return folder_begin(state) || chdir(folder);
}

UNUSED static int folder_leave(void **state)
{
    return chdir("/") || folder_end(state);
}

#endif
