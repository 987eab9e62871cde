/* One named part of what a batch holds for every sample: "view0" of [C, H, W], "tokens" of [T]. */
#ifndef DATA_FIELD_H
#define DATA_FIELD_H

#include "engine/types.h"

/* What a source holds and a method learns from. */
enum sample_kind { SAMPLE_PICTURE, SAMPLE_TEXT };

/* What a caller wants of data that may hold both. */
enum wanted_kind { WANT_PICTURES, WANT_TEXTS, WANT_EITHER };

enum { FIELDS_MAX = 16, FIELD_NAME_BYTES = 16 };

static inline enum wanted_kind wanted_by(enum sample_kind kind)
{
    return kind == SAMPLE_TEXT ? WANT_TEXTS : WANT_PICTURES;
}

struct field {
    char name[FIELD_NAME_BYTES];
    struct type item; /* of one sample */
};

/* Bytes that one sample takes; 0 when that cannot be counted. */
static inline size_t field_bytes(const struct field *field)
{
    int64_t items = shape_size(field->item.shape);
    return items < 0 ? 0 : (size_t)items * dtype_bytes(field->item.dtype);
}

#endif
