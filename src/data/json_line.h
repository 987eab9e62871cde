/* One JSON object (RFC 8259) in memory, looked at in place: nothing is copied or allocated, so that
 * files of millions of lines can be checked and searched. Strings may hold invalid UTF-8. */
#ifndef DATA_JSON_LINE_H
#define DATA_JSON_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum member_kind {
    MEMBER_TEXT,
    MEMBER_NUMBER,
    MEMBER_TRUE,
    MEMBER_FALSE,
    MEMBER_NULL,
    MEMBER_OBJECT,
    MEMBER_ARRAY
};

/* A member; of strings (and the key) the bytes between the quotes, escapes and all. */
struct json_member {
    const uint8_t *key, *value;
    size_t key_size, size;
    enum member_kind kind;
};

/* Goes through the members of the outermost object. False if the bytes are anything but one object
 * with white space around it (or nested more than 256 deep); *why says what is wrong. `member` may
 * be NULL. */
bool json_line_scan(const uint8_t *bytes, size_t size,
                    void (*member)(void *argument, const struct json_member *member),
                    void *argument, const char **why);

/* Whether a key is this name. */
bool json_line_is(const struct json_member *member, const char *name);

/* Resolves the escapes of a good string of `size` bytes; `to` has room for as many. Returns the
 * length. A surrogate without its other half becomes U+FFFD, \u0000 a zero byte. */
size_t json_line_text(const uint8_t *bytes, size_t size, uint8_t *to);

#endif
