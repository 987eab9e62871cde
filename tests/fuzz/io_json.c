/* Whatever the bytes: no crash; and any text, written as JSON, is good JSON of the same text if it
 * was UTF-8. */
#include "io/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct text input = { 0 }, output = { 0 };
    struct json_writer json = { .text = &output };
    json_t *root;
    if (json_document_parse("x.json", (const char *)bytes, size, &root) == TACIT_OK)
        json_decref(root);
    if (text_append_bytes(&input, bytes, size) != TACIT_OK)
        return 0;
    json_write_text(&json, text_string(&input));
    if (json_document_parse("back", text_string(&output), output.length, &root) != TACIT_OK)
        abort();
    if (text_is_utf8(text_string(&input), strlen(text_string(&input))) &&
        strcmp(json_string_value(root), text_string(&input)) != 0)
        abort();
    json_decref(root);
    text_free(&input);
    text_free(&output);
    return 0;
}
