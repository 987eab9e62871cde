/* Inside the extractor: programs, and the two ways in which samples become their inputs. */
#ifndef TRAIN_EXTRACTOR_H
#define TRAIN_EXTRACTOR_H

#include "train/session.h"

/* A program for texts of up to `window` tokens, `batch` at a time; pictures have one, window 0. */
struct extractor_stage {
    struct program *program; /* NULL: not needed so far */
    int64_t window, batch;
    struct field field[FIELDS_MAX];
};

enum { EXTRACTOR_STAGES = 24 };

struct extractor {
    struct extractor_stage stage[EXTRACTOR_STAGES]; /* [stages], the last for the whole window */
    int stages, fields;
    struct store *store;
    struct method method;
    struct input_shape input;
    enum extract what;
    struct target target;
    int64_t width;
};

/* Makes the program of a stage where there is none yet. Errors as extractor_new. */
status extractor_compile(struct extractor *extractor, struct extractor_stage *stage);

/* extractor_source of texts. */
status extractor_text_source(struct extractor *extractor, struct source *source,
                             const uint32_t *index, size_t count, extract_advance *advance,
                             void *argument, float *rows, uint32_t *kept, size_t *kept_count);

#endif
