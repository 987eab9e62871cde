/* Plain text: a file is one document, or each of its lines or paragraphs is a sample. */
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

/* The end of the paragraph that begins with a line that is not blank: that of its last line; *next:
 * behind it. */
static size_t paragraph_end(const struct text_file *file, size_t begin, size_t *next)
{
    size_t end = begin;
    for (size_t at = begin; at < file->size; *next = at) {
        size_t line = at, stop = text_line_end(file->bytes, file->size, line, &at);
        if (text_blank(file->bytes + line, stop - line))
            break;
        end = stop;
    }
    return end;
}

static enum record paragraph_next(const struct corpus *corpus, const struct text_file *file,
                                  size_t *at, size_t *begin, const char **why)
{
    (void)corpus;
    (void)why;
    while (*at < file->size) {
        size_t line = *at, end = text_line_end(file->bytes, file->size, line, at);
        if (text_blank(file->bytes + line, end - line))
            continue;
        *begin = line;
        paragraph_end(file, line, at);
        return RECORD_TEXT;
    }
    return RECORD_NONE;
}

static status paragraph_value(const struct text_file *file, size_t begin, const char *field,
                              struct bytes *value, bool *found)
{
    size_t next, end = paragraph_end(file, begin, &next);
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

const struct text_format format_paragraphs = {
    .type = &source_plain,
    .unit = "paragraph",
    .next = paragraph_next,
    .value = paragraph_value,
};

const struct text_format format_document = {
    .type = &source_plain,
    .unit = "file",
    .value = document_value,
    .whole = true,
};
