#include "io/yaml.h"
#include "io/file.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { FILE_LIMIT = 1 << 20, DEPTH = 8 };

/* Walks the parser's events. libyaml's document tree is not used: it follows aliases, and keeps
 * the last of two equal keys. */
struct walk {
    yaml_parser_t parser;
    yaml_event_t event;
    const char *name;
    struct config *config;
    char key[OPTION_KEY_BYTES];
    size_t length; /* of the key's prefix so far */
};

static status event_next(struct walk *walk)
{
    const yaml_parser_t *parser = &walk->parser;
    yaml_event_delete(&walk->event);
    if (yaml_parser_parse(&walk->parser, &walk->event))
        return TACIT_OK;
    if (parser->error == YAML_MEMORY_ERROR)
        return fail(TACIT_RESOURCES, "%s: out of memory while reading YAML", walk->name);
    size_t line = parser->problem_mark.line + 1;
    return fail(TACIT_USAGE, "%s:%zu: not good YAML: %s%s%s", walk->name, line,
                parser->problem ? parser->problem : "unknown error", parser->context ? ", " : "",
                parser->context ? parser->context : "");
}

static status complain(struct walk *walk, const char *what)
{
    return config_problem(walk->config, "%s (%s:%zu): %s", walk->length ? walk->key : "(file)",
                          walk->name, walk->event.start_mark.line + 1, what);
}

/* Passes over the value that begins with the present event. */
static status value_skip(struct walk *walk)
{
    int depth = 0;
    for (;;) {
        yaml_event_type_t type = walk->event.type;
        depth += type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
        depth -= type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT;
        if (depth <= 0)
            return TACIT_OK;
        TRY(event_next(walk));
    }
}

static status value_set(struct walk *walk, size_t line, const char *value)
{
    char where[512];
    snprintf(where, sizeof where, "%s:%zu", walk->name, line);
    return config_set(walk->config, walk->key, value, CONFIG_FILE, where);
}

static bool scalar_is_null(const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (!*value || strcmp(value, "~") == 0 || strcmp(value, "null") == 0);
}

static bool scalar_has_zero(const yaml_event_t *event)
{
    return strlen((const char *)event->data.scalar.value) != event->data.scalar.length;
}

/* A list of scalars becomes "a,b,c". */
static status sequence_read(struct walk *walk)
{
    size_t line = walk->event.start_mark.line + 1;
    struct text list = { 0 };
    bool good = true;
    status result = event_next(walk);
    for (; result == TACIT_OK && walk->event.type != YAML_SEQUENCE_END_EVENT;
         result = event_next(walk)) {
        if (walk->event.type == YAML_SCALAR_EVENT && !scalar_has_zero(&walk->event)) {
            result = text_append(&list, "%s%s", list.length ? "," : "",
                                 (const char *)walk->event.data.scalar.value);
        } else {
            good = false;
            result = value_skip(walk);
        }
        if (result != TACIT_OK)
            break;
    }
    if (result == TACIT_OK)
        result = good ? value_set(walk, line, text_string(&list))
                      : complain(walk, "a list may hold plain words only");
    text_free(&list);
    return result;
}

static status mapping_read(struct walk *walk, int depth);

static status value_read(struct walk *walk, int depth)
{
    switch (walk->event.type) {
    case YAML_SCALAR_EVENT:
        if (scalar_is_null(&walk->event))
            return complain(walk, "has no value");
        if (scalar_has_zero(&walk->event))
            return complain(walk, "holds a zero byte");
        return value_set(walk, walk->event.start_mark.line + 1,
                         (const char *)walk->event.data.scalar.value);
    case YAML_SEQUENCE_START_EVENT:
        return sequence_read(walk);
    case YAML_MAPPING_START_EVENT:
        if (depth < DEPTH)
            return mapping_read(walk, depth + 1);
        TRY(complain(walk, "maps are nested too deeply"));
        return value_skip(walk);
    default:
        return complain(walk, "aliases (*name) are not read; write the value itself");
    }
}

/* Appends a member's key to the prefix; false if it is not a short text. */
static bool key_extend(struct walk *walk, size_t prefix)
{
    const yaml_event_t *event = &walk->event;
    if (event->type != YAML_SCALAR_EVENT || scalar_has_zero(event))
        return false;
    int length = snprintf(walk->key + prefix, sizeof walk->key - prefix, "%s%s", prefix ? "." : "",
                          (const char *)event->data.scalar.value);
    walk->length = prefix + (size_t)length;
    bool fits = walk->length < sizeof walk->key;
    if (!fits)
        walk->length = sizeof walk->key - 1;
    return fits && text_is_utf8(walk->key, walk->length);
}

static status mapping_read(struct walk *walk, int depth)
{
    size_t prefix = walk->length;
    TRY(event_next(walk));
    while (walk->event.type != YAML_MAPPING_END_EVENT) {
        bool good = key_extend(walk, prefix);
        if (!good) {
            TRY(complain(walk, "a key must be a short text"));
            TRY(value_skip(walk));
        }
        TRY(event_next(walk));
        TRY(good ? value_read(walk, depth) : value_skip(walk));
        walk->length = prefix;
        walk->key[prefix] = 0;
        TRY(event_next(walk));
    }
    return TACIT_OK;
}

static status document_read(struct walk *walk)
{
    TRY(event_next(walk)); /* the stream's start */
    TRY(event_next(walk));
    if (walk->event.type == YAML_STREAM_END_EVENT)
        return TACIT_OK; /* an empty file sets nothing */
    TRY(event_next(walk));
    if (walk->event.type == YAML_SCALAR_EVENT && scalar_is_null(&walk->event)) {
        TRY(event_next(walk));
    } else if (walk->event.type == YAML_MAPPING_START_EVENT) {
        TRY(mapping_read(walk, 1));
        TRY(event_next(walk));
    } else {
        return fail(TACIT_USAGE, "%s: is not a configuration: lines \"key: value\" are needed",
                    walk->name);
    }
    TRY(event_next(walk));
    if (walk->event.type != YAML_STREAM_END_EVENT)
        return fail(TACIT_USAGE, "%s:%zu: a second document begins; one is allowed", walk->name,
                    walk->event.start_mark.line + 1);
    return TACIT_OK;
}

status yaml_parse(const char *name, const char *bytes, size_t count, struct config *config)
{
    struct walk walk = { .name = name, .config = config };
    if (!yaml_parser_initialize(&walk.parser))
        return fail(TACIT_RESOURCES, "%s: out of memory while reading YAML", name);
    yaml_parser_set_input_string(&walk.parser, (const unsigned char *)bytes, count);
    status result = document_read(&walk);
    yaml_event_delete(&walk.event);
    yaml_parser_delete(&walk.parser);
    return result;
}

status yaml_read(const char *path, struct config *config)
{
    struct text text = { 0 };
    status result = file_read(path, FILE_LIMIT, &text);
    if (result == TACIT_OK)
        result = yaml_parse(path, text_string(&text), text.length, config);
    else if (result == TACIT_BAD_DATA)
        result = fail(TACIT_USAGE, "%s", status_message());
    text_free(&text);
    return result;
}
