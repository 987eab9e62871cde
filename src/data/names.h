/* Samples by the names that people write in tables. */
#ifndef DATA_NAMES_H
#define DATA_NAMES_H

#include "data/source.h"
#include "base/map.h"
#include "base/memory.h"

/* Names whole and without their folders. */
struct sample_names {
    struct map whole, last;
    struct arena memory;
};

/* Collects the names of a source, which must outlive them. TACIT_RESOURCES. Free with
 * sample_names_free, also on failure. */
status sample_names_new(const struct source *source, struct sample_names *names);
void sample_names_free(struct sample_names *names);

/* The sample that is named by its path in the source, with that of the source in front, or by its
 * last part if only one sample has it. -1: none. */
int64_t sample_named(const struct source *source, const struct sample_names *names,
                     const char *name);

#endif
