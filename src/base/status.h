/* Status and messages. A function that can fail returns a status; fail() records the message of
 * this thread. TRY carries a status up. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "tacit/status.h"

typedef tacit_status status;

/* Records the message and returns `code`, so that a failing function reads `return fail(...)`. */
status fail(status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts a prefix "what: " before the current message and returns `code`: context on the way up. */
status fail_within(status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The message of the last failure in this thread. */
const char *status_message(void);

#define TRY(expression)                    \
    do {                                   \
        status try_status_ = (expression); \
        if (try_status_ != TACIT_OK)       \
            return try_status_;            \
    } while (0)

#endif
