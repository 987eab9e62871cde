/* Plain text: a file is one document, or each of its lines is a sample. */
#include "data/corpus.h"

static enum record line_next(const struct corpus *corpus, const struct text_file *file, size_t *at,
                             size_t *begin, const char **why)
{
    (void)corpus;
    (void)why;
    if (*at >= file->size)
        return RECORD_NONE;
    *begin = *at;
    size_t end = text_line_end(file->bytes, file->size, *begin, at);
    return text_blank(file->bytes + *begin, end - *begin) ? RECORD_EMPTY : RECORD_TEXT;
}

static status line_value(const struct text_file *file, size_t begin, const char *field,
                         struct bytes *value, bool *found)
{
    size_t next, end = text_line_end(file->bytes, file->size, begin, &next);
    (void)field;
    *value = (struct bytes){ file->bytes + begin, end - begin, NULL };
    *found = true;
    return TACIT_OK;
}

static status document_value(const struct text_file *file, size_t begin, const char *field,
                             struct bytes *value, bool *found)
{
    (void)begin;
    (void)field;
    *value = (struct bytes){ file->bytes, file->size, NULL };
    *found = true;
    return TACIT_OK;
}

const struct text_format format_lines = {
    .type = &source_plain,
    .unit = "line",
    .next = line_next,
    .value = line_value,
};

const struct text_format format_document = {
    .type = &source_plain,
    .unit = "file",
    .value = document_value,
    .whole = true,
};
