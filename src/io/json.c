#include "io/json.h"
#include "io/file.h"

#include <math.h>
#include <string.h>

static void line_begin(struct json_writer *json)
{
    if (json->indent > 0)
        text_append(json->text, "\n%*s", json->indent * json->depth, "");
}

/* What comes before a value or a key: a comma, a new line. */
static void item_begin(struct json_writer *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->depth == 0)
        return;
    if (json->filled[json->depth - 1])
        text_append(json->text, ",");
    json->filled[json->depth - 1] = true;
    line_begin(json);
}

static void open_level(struct json_writer *json, bool array)
{
    item_begin(json);
    text_append(json->text, "%s", array ? "[" : "{");
    if (json->depth == JSON_DEPTH) {
        json->text->failed = true;
        return;
    }
    json->array[json->depth] = array;
    json->filled[json->depth++] = false;
}

void json_write_object(struct json_writer *json)
{
    open_level(json, false);
}

void json_write_array(struct json_writer *json)
{
    open_level(json, true);
}

void json_write_end(struct json_writer *json)
{
    if (json->depth == 0)
        return;
    json->depth--;
    if (json->filled[json->depth])
        line_begin(json);
    text_append(json->text, "%s", json->array[json->depth] ? "]" : "}");
}

static void string_write(struct text *text, const char *value)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    size_t left = strlen(value);
    text_append_bytes(text, "\"", 1);
    while (left) {
        const char *escape = strchr(from, *value);
        size_t length = text_utf8_length(value, left);
        if (escape)
            text_append(text, "\\%c", to[escape - from]);
        else if (length == 0)
            text_append(text, "\xEF\xBF\xBD");
        else if ((unsigned char)*value < 0x20)
            text_append(text, "\\u%04x", (unsigned)*value);
        else
            text_append_bytes(text, value, length);
        value += length ? length : 1;
        left -= length ? length : 1;
    }
    text_append_bytes(text, "\"", 1);
}

void json_write_key(struct json_writer *json, const char *key)
{
    item_begin(json);
    string_write(json->text, key);
    text_append(json->text, json->indent > 0 ? ": " : ":");
    json->after_key = true;
}

void json_write_text(struct json_writer *json, const char *value)
{
    item_begin(json);
    string_write(json->text, value);
}

void json_write_integer(struct json_writer *json, int64_t value)
{
    item_begin(json);
    text_append(json->text, "%lld", (long long)value);
}

void json_write_real(struct json_writer *json, double value)
{
    item_begin(json);
    if (isfinite(value))
        text_append_real(json->text, value);
    else
        text_append(json->text, "null");
}

void json_write_boolean(struct json_writer *json, bool value)
{
    item_begin(json);
    text_append(json->text, "%s", value ? "true" : "false");
}

void json_write_null(struct json_writer *json)
{
    item_begin(json);
    text_append(json->text, "null");
}

status json_document_parse(const char *name, const char *bytes, size_t count, json_t **root)
{
    json_error_t error;
    size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    *root = json_loadb(bytes, count, flags, &error);
    if (!*root && json_error_code(&error) == json_error_numeric_overflow)
        *root = json_loadb(bytes, count, flags | JSON_DECODE_INT_AS_REAL, &error);
    if (*root)
        return TACIT_OK;
    if (json_error_code(&error) == json_error_out_of_memory)
        return fail(TACIT_RESOURCES, "%s: out of memory while reading JSON", name);
    return fail(TACIT_BAD_DATA, "%s, line %d: not good JSON: %s", name, error.line, error.text);
}

status json_document_read(const char *path, size_t limit, json_t **root)
{
    struct text text = { 0 };
    *root = NULL;
    status result = file_read(path, limit, &text);
    if (result == TACIT_OK)
        result = json_document_parse(path, text_string(&text), text.length, root);
    text_free(&text);
    return result;
}
