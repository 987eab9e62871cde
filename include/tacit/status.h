/* Status codes of the tacit library. They are also the exit codes of the command. */
#ifndef TACIT_STATUS_H
#define TACIT_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/** What a library call came to. Everything but TACIT_OK leaves a message: see tacit_message(). */
typedef enum tacit_status {
    TACIT_OK = 0,        /**< done */
    TACIT_FAILED = 1,    /**< failed for a reason that fits no other code */
    TACIT_USAGE = 2,     /**< wrong call, option or configuration */
    TACIT_BAD_DATA = 3,  /**< input data that cannot be used */
    TACIT_NUMERIC = 4,   /**< NaN, Inf or a collapsed representation */
    TACIT_RESOURCES = 5, /**< out of memory, disk full, folder not writable */
    TACIT_STOPPED = 130  /**< stopped on request, after saving */
} tacit_status;

/** The message of the last failed call of this thread: what, where, what to do. Never NULL. */
const char *tacit_message(void);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
