#include "io/events.h"
#include "io/crc32c.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Wire types of protocol buffers, and the field numbers of event.proto and summary.proto. */
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_FILE_VERSION = 3, EVENT_SUMMARY = 5 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_SIMPLE = 2 };
enum { CHECKSUM_BYTES = 4, LENGTH_BYTES = 8 };

static void fixed_append(struct text *text, uint64_t value, int bytes)
{
    unsigned char piece[8];
    for (int i = 0; i < bytes; i++)
        piece[i] = (unsigned char)(value >> (8 * i));
    text_append_bytes(text, piece, (size_t)bytes);
}

static void varint_append(struct text *text, uint64_t value)
{
    for (; value > 127; value >>= 7)
        fixed_append(text, (value & 127) | 128, 1);
    fixed_append(text, value, 1);
}

static void key_append(struct text *text, unsigned field, unsigned wire)
{
    varint_append(text, field << 3 | wire);
}

static void bytes_append(struct text *text, unsigned field, const void *bytes, size_t count)
{
    key_append(text, field, BYTES);
    varint_append(text, count);
    text_append_bytes(text, bytes, count);
}

static void double_append(struct text *text, unsigned field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    key_append(text, field, FIXED64);
    fixed_append(text, bits, 8);
}

/* Adds a finished event to the pending records, whole or not at all. */
static status record_append(struct event_log *events, const struct text *event)
{
    struct text *pending = &events->pending;
    TRY(text_status(event));
    if (text_reserve(pending, LENGTH_BYTES + 2 * CHECKSUM_BYTES + event->length) != TACIT_OK) {
        pending->failed = false; /* what gathered before is still good */
        return TACIT_RESOURCES;
    }
    fixed_append(pending, event->length, LENGTH_BYTES);
    const char *length = pending->bytes + pending->length - LENGTH_BYTES;
    fixed_append(pending, crc32c_mask(crc32c(0, length, LENGTH_BYTES)), CHECKSUM_BYTES);
    text_append_bytes(pending, event->bytes, event->length);
    fixed_append(pending, crc32c_mask(crc32c(0, event->bytes, event->length)), CHECKSUM_BYTES);
    return TACIT_OK;
}

/* Every file begins with the event that names the version of the format. */
static status version_append(struct event_log *events, double wall)
{
    static const char version[] = "brain.Event:2";
    struct text event = { 0 };
    double_append(&event, EVENT_WALL_TIME, wall);
    bytes_append(&event, EVENT_FILE_VERSION, version, sizeof version - 1);
    status result = record_append(events, &event);
    text_free(&event);
    return result;
}

status event_log_open(struct event_log *events, const char *path, uint64_t size, double wall)
{
    *events = (struct event_log){ .log = { .descriptor = -1 } };
    TRY(log_file_open(&events->log, path, size));
    if (events->log.size > 0)
        return TACIT_OK;
    status result = version_append(events, wall);
    if (result == TACIT_OK)
        result = event_log_flush(events);
    if (result != TACIT_OK)
        event_log_close(events);
    return result;
}

status event_log_create(struct event_log *events, const char *folder, double wall)
{
    char host[65] = "";
    struct text path = { 0 };
    *events = (struct event_log){ .log = { .descriptor = -1 } };
    if (gethostname(host, sizeof host - 1) != 0 || !*host)
        snprintf(host, sizeof host, "host");
    status result = text_append(&path, "%s/events.out.tfevents.%010lld.%s.%ld.0", folder,
                                (long long)wall, host, (long)getpid());
    if (result == TACIT_OK)
        result = event_log_open(events, text_string(&path), 0, wall);
    text_free(&path);
    return result;
}

status event_log_scalars(struct event_log *events, double wall, int64_t step, size_t count,
                         const char *const *tags, const float *values)
{
    struct text event = { 0 }, summary = { 0 }, value = { 0 };
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        text_clear(&value);
        bytes_append(&value, VALUE_TAG, tags[i], strlen(tags[i]));
        key_append(&value, VALUE_SIMPLE, FIXED32);
        fixed_append(&value, bits, 4);
        if (value.failed)
            summary.failed = true;
        bytes_append(&summary, SUMMARY_VALUE, text_string(&value), value.length);
    }
    double_append(&event, EVENT_WALL_TIME, wall);
    key_append(&event, EVENT_STEP, VARINT);
    varint_append(&event, (uint64_t)step);
    bytes_append(&event, EVENT_SUMMARY, text_string(&summary), summary.length);
    status result = text_status(&summary);
    if (result == TACIT_OK)
        result = record_append(events, &event);
    text_free(&event);
    text_free(&summary);
    text_free(&value);
    return result;
}

uint64_t event_log_size(const struct event_log *events)
{
    return events->log.size + events->pending.length;
}

status event_log_flush(struct event_log *events)
{
    TRY(log_file_append(&events->log, text_string(&events->pending), events->pending.length));
    text_clear(&events->pending);
    return TACIT_OK;
}

void event_log_close(struct event_log *events)
{
    log_file_close(&events->log);
    text_free(&events->pending);
}
