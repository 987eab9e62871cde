/* A file that a test has to itself and that is gone afterwards. */
#ifndef TESTS_TEMPORARY_FILE_H
#define TESTS_TEMPORARY_FILE_H

#include "unit/temporary.h"

static char path[TEMPORARY_BYTES];

static int file_begin(void **state)
{
    (void)state;
    strcpy(path, temporary_template);
    int descriptor = mkstemp(path);
    return descriptor < 0 || close(descriptor);
}

static int file_end(void **state)
{
    (void)state;
    return unlink(path);
}

#endif
