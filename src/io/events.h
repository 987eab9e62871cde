/* Event files that TensorBoard reads: records (length, masked CRC-32C, data, masked CRC-32C) of
 * protocol-buffer messages "Event" with scalar summaries. */
#ifndef IO_EVENTS_H
#define IO_EVENTS_H

#include "base/status.h"
#include "base/text.h"
#include "io/file.h"

#include <stddef.h>
#include <stdint.h>

/* An open event file. Records gather in memory until event_log_flush. */
struct event_log {
    struct log_file log;
    struct text pending;
};

/* Makes a new file in `folder`, named events.out.tfevents.TIME.HOST.PID.0 as TensorBoard expects;
 * `wall` are seconds since 1970. log.path tells the name. */
status event_log_create(struct event_log *events, const char *folder, double wall);

/* Opens a file that was made before, at any path, and cuts it to `size` bytes, an earlier
 * event_log_size. A missing or empty file (size 0) is begun. */
status event_log_open(struct event_log *events, const char *path, uint64_t size, double wall);

/* Adds one event with `count` scalars of a step. */
status event_log_scalars(struct event_log *events, double wall, int64_t step, size_t count,
                         const char *const *tags, const float *values);

/* Bytes of the file with all records added so far. */
uint64_t event_log_size(const struct event_log *events);

/* Writes what has gathered; on failure it stays in memory. Close: without flushing, harmless on a
 * closed log. */
status event_log_flush(struct event_log *events);
void event_log_close(struct event_log *events);

#endif
