#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 4096, PREFIX_BYTES = 1024 };

static _Thread_local char message[MESSAGE_BYTES];

status fail(status code, const char *format, ...)
{
    /* Formatted aside: an argument may be the current message itself. */
    char text[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(message, text, sizeof text);
    return code;
}

status fail_within(status code, const char *format, ...)
{
    char prefix[PREFIX_BYTES], text[PREFIX_BYTES + MESSAGE_BYTES + 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    snprintf(text, sizeof text, "%s: %s", prefix, message);
    memcpy(message, text, sizeof message - 1);
    return code;
}

const char *status_message(void)
{
    return message;
}

const char *tacit_message(void)
{
    return message;
}
