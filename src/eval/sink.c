#include "eval/sink.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { FLOW_BYTES = 1 << 16 };

static status standard_write(const char *bytes, size_t count)
{
    while (count) {
        ssize_t done = write(STDOUT_FILENO, bytes, count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return fail(TACIT_RESOURCES, "standard output cannot be written: %s", strerror(errno));
        bytes += done;
        count -= (size_t)done;
    }
    return TACIT_OK;
}

status sink_open(const char *path, struct sink *sink)
{
    *sink = (struct sink){ .standard = strcmp(path, "-") == 0 };
    return sink->standard ? TACIT_OK : file_writer_open(&sink->writer, path);
}

status sink_append(struct sink *sink, struct text *text)
{
    TRY(text_status(text));
    status result = sink->standard
                        ? standard_write(text_string(text), text->length)
                        : file_writer_append(&sink->writer, text_string(text), text->length);
    text_clear(text);
    return result;
}

status sink_flow(struct sink *sink, struct text *text)
{
    return text->length >= FLOW_BYTES || text->failed ? sink_append(sink, text) : TACIT_OK;
}

status sink_close(struct sink *sink, status result)
{
    if (sink->standard)
        return result;
    if (result == TACIT_OK)
        return file_writer_commit(&sink->writer);
    file_writer_discard(&sink->writer);
    return result;
}
