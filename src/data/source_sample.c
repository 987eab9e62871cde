/* One sample of a source: its text, its hash, its name. */
#include "base/memory.h"
#include "data/corpus.h"
#include "data/source_type.h"
#include "io/hash.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void bytes_free(struct bytes *bytes)
{
    memory_free(bytes->storage);
    *bytes = (struct bytes){ 0 };
}

status source_say(struct source *source, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    source->note = source->note ? arena_text(&source->state->arena, "%s; %s", source->note, text)
                                : arena_text(&source->state->arena, "%s", text);
    return source->note ? TACIT_OK : TACIT_RESOURCES;
}

static status text_check(const struct source *source)
{
    if (source->kind == SAMPLE_TEXT)
        return TACIT_OK;
    return fail(TACIT_USAGE, "%s holds pictures, but texts are needed", source->path);
}

/* Notes a sample that cannot be read. */
static status text_result(struct source *source, size_t index, status result)
{
    char name[SAMPLE_NAME_BYTES];
    if (result != TACIT_BAD_DATA)
        return result;
    source_note_broken(source, index, status_message());
    return fail_within(result, "%s", source_name(source, index, name));
}

status source_texts(struct source *source, size_t index, int which, struct bytes *text)
{
    *text = (struct bytes){ 0 };
    TRY(text_check(source));
    if (which < 0 || which >= source->texts)
        return fail(TACIT_USAGE, "%s has %d texts a sample, there is no number %d", source->path,
                    source->texts, which);
    return text_result(source, index, corpus_text(source, index, which, text));
}

status source_text(struct source *source, size_t index, struct bytes *text)
{
    return source_texts(source, index, 0, text);
}

/* text = text join more */
static status bytes_join(struct bytes *text, const char *join, const struct bytes *more)
{
    size_t between = strlen(join), size = text->size + between + more->size;
    uint8_t *whole = memory_new(size ? size : 1, 1);
    if (!whole)
        return TACIT_RESOURCES;
    if (text->size)
        memcpy(whole, text->bytes, text->size);
    memcpy(whole + text->size, join, between);
    if (more->size)
        memcpy(whole + text->size + between, more->bytes, more->size);
    bytes_free(text);
    *text = (struct bytes){ whole, size, whole };
    return TACIT_OK;
}

status source_joined(struct source *source, size_t index, const char *join, struct bytes *text)
{
    status result = source_text(source, index, text);
    for (int which = 1; join && which < source->texts && result == TACIT_OK; which++) {
        struct bytes more = { 0 };
        result = source_texts(source, index, which, &more);
        if (result == TACIT_OK)
            result = bytes_join(text, join, &more);
        bytes_free(&more);
    }
    if (result != TACIT_OK) {
        bytes_free(text);
        *text = (struct bytes){ 0 };
    }
    return result;
}

status source_field(struct source *source, size_t index, const char *name, struct bytes *value,
                    bool *found)
{
    *value = (struct bytes){ 0 };
    *found = false;
    TRY(text_check(source));
    return text_result(source, index, corpus_field(source, index, name, value, found));
}

static status texts_hash(struct source *source, size_t index, uint64_t *hash)
{
    uint64_t sum = 0;
    for (int which = 0; which < source->texts; which++) {
        struct bytes text;
        TRY(source_texts(source, index, which, &text));
        sum = hash_bytes(text.bytes ? text.bytes : (const uint8_t *)"", text.size, sum);
        bytes_free(&text);
    }
    *hash = sum;
    return TACIT_OK;
}

status source_hash(struct source *source, size_t index, uint64_t *hash)
{
    struct bytes bytes = { 0 };
    struct image image = { 0 };
    if (source->kind == SAMPLE_TEXT)
        return texts_hash(source, index, hash);
    if (source->type->pixels) {
        TRY(source->type->pixels(source, index, &image));
        bytes.bytes = image.pixels;
        bytes.size = (size_t)image.width * (size_t)image.height * (size_t)image.channels;
    } else {
        TRY(source->type->encoded(source, index, SIZE_MAX, &bytes));
    }
    *hash = hash_bytes(bytes.bytes, bytes.size, 0);
    bytes_free(&bytes);
    image_free(&image);
    return TACIT_OK;
}

const char *source_name(const struct source *source, size_t index, char text[SAMPLE_NAME_BYTES])
{
    const struct sample *sample = &source->sample[index];
    if (sample->number < 0)
        snprintf(text, SAMPLE_NAME_BYTES, "%s", sample->name);
    else
        snprintf(text, SAMPLE_NAME_BYTES, "%s[%lld]", sample->name, (long long)sample->number);
    return text;
}

size_t source_part(const struct source *source, enum split split, uint32_t *index)
{
    size_t count = 0;
    for (size_t i = 0; i < source->count; i++)
        if (source->sample[i].split == split) {
            if (index)
                index[count] = (uint32_t)i;
            count++;
        }
    return count;
}
