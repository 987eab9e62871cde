/* JSON lines: our scanner accepts an object exactly where Jansson does (but for invalid UTF-8,
 * repeated keys, depth and numbers out of range, which it is strict about), and sees the same
 * strings. Then the whole source. */
#include "data_file.h"
#include "data/json_line.h"

#include <jansson.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void member_check(void *argument, const struct json_member *member)
{
    json_t *object = argument;
    enum { MOST = 4096 };
    uint8_t key[MOST], text[MOST];
    if (member->key_size > MOST || member->size > MOST)
        return;
    size_t length = json_line_text(member->key, member->key_size, key);
    json_t *value = json_object_getn(object, (const char *)key, length);
    if (!value)
        __builtin_trap();
    if (json_is_string(value) != (member->kind == MEMBER_TEXT))
        __builtin_trap();
    if (member->kind != MEMBER_TEXT)
        return;
    length = json_line_text(member->value, member->size, text);
    if (length != json_string_length(value) || memcmp(text, json_string_value(value), length) != 0)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why;
    json_error_t error;
    json_t *object =
        json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    bool good = json_line_scan(data, size, NULL, NULL, &why);
    if (json_is_object(object)) {
        if (!good)
            __builtin_trap();
        json_line_scan(data, size, member_check, object, &why);
    } else if (good &&
               (json_is_array(object) || json_error_code(&error) == json_error_invalid_syntax)) {
        /* Only a lone surrogate, which we replace, is bad syntax to one and not to the other. */
        if (!strstr(error.text, "surrogate") && !strstr(error.text, "invalid Unicode"))
            __builtin_trap();
    }
    json_decref(object);
    return fuzz_texts(".jsonl", data, size);
}
