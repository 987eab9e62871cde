/* JSON (RFC 8259): a streaming writer into a text, and reading through Jansson. */
#ifndef IO_JSON_H
#define IO_JSON_H

#include "base/status.h"
#include "base/text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH = 32 };

/* Starts as `struct json_writer json = { .text = &text };`. Failures stick to the text: check
 * text_status() at the end. `indent` > 0 writes one member a line; 0 writes no spaces at all. */
struct json_writer {
    struct text *text;
    int indent, depth;
    bool array[JSON_DEPTH], filled[JSON_DEPTH], after_key;
};

/* Open an object or an array (at most JSON_DEPTH deep), and close the innermost one. */
void json_write_object(struct json_writer *json);
void json_write_array(struct json_writer *json);
void json_write_end(struct json_writer *json);

/* The key of the next value of an object. Bytes that are not UTF-8 become U+FFFD. */
void json_write_key(struct json_writer *json, const char *key);

/* Values. Reals read back as the same double; what is not finite becomes null. */
void json_write_text(struct json_writer *json, const char *value);
void json_write_integer(struct json_writer *json, int64_t value);
void json_write_real(struct json_writer *json, double value);
void json_write_boolean(struct json_writer *json, bool value);
void json_write_null(struct json_writer *json);

/* Reads one JSON text; free it with json_decref(). Repeated keys, bytes after the end, and more
 * than Jansson's 2,048 levels are errors: TACIT_BAD_DATA with "NAME, line N: what". Where a whole
 * number has more than 64 bits all numbers are reals. */
status json_document_parse(const char *name, const char *bytes, size_t count, json_t **root);

/* The same from a file of at most `limit` bytes. */
status json_document_read(const char *path, size_t limit, json_t **root);

#endif
