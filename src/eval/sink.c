#include "eval/sink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLOW_BYTES = 1 << 16, SINK_PATH_BYTES = 4096 };

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

status sink_check(const struct config *config)
{
    const char *out = config_text(config, "out");
    struct stat about;
    const char *slash = strrchr(out, '/');
    char folder[SINK_PATH_BYTES] = ".";
    if (!*out || strcmp(out, "-") == 0)
        return TACIT_OK;
    if (strlen(out) >= SINK_PATH_BYTES - 16)
        return fail(TACIT_USAGE, "out=%.100s…: the name is too long", out);
    if (stat(out, &about) == 0 && !S_ISREG(about.st_mode))
        return fail(TACIT_USAGE, "out=%s: is no file that could be replaced; name a file", out);
    if (slash)
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - out) + 1, out);
    if (stat(folder, &about) != 0 || !S_ISDIR(about.st_mode))
        return fail(TACIT_USAGE, "out=%s: there is no folder %s; make it first", out, folder);
    if (access(folder, W_OK) != 0)
        return fail(TACIT_USAGE, "out=%s: nothing can be written into the folder %s", out, folder);
    if (access(out, F_OK) == 0 && !config_boolean(config, "overwrite"))
        return fail(TACIT_USAGE, "out=%s: exists already; choose another, or say overwrite=true",
                    out);
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

void cell_append(struct text *text, const char *name, char separator)
{
    bool quote = separator == ',' && strpbrk(name, ",\"\r\n");
    if (quote)
        text_append(text, "\"");
    for (; *name; name++) {
        bool space = separator == '\t' && strchr("\t\r\n", *name);
        char plain = space ? ' ' : *name;
        if (quote && *name == '"')
            text_append(text, "\"");
        text_append_bytes(text, &plain, 1);
    }
    if (quote)
        text_append(text, "\"");
}

bool file_ends(const char *name, const char *ending)
{
    return strlen(name) > strlen(ending) && text_ends(name, ending);
}
