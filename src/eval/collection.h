/* What embeddings say of themselves in FILE.npy.json beside them: of which model and of which
 * samples they are. And how samples to be embedded or searched are opened. */
#ifndef EVAL_COLLECTION_H
#define EVAL_COLLECTION_H

#include "data/source.h"
#include "engine/store.h"
#include "train/model_file.h"

/* Where samples come from. */
struct collection_options {
    const char *data, *labels, *unit, *field; /* NULL: the defaults */
    int channels;
    bool strict;
    enum wanted_kind wanted;
};

/* Opens them; with unit auto each line of a lone plain text is a sample. Errors as source_open. */
status collection_open(const struct collection_options *options, struct source **source);

struct collection {
    const char *model, *data, *unit, *field; /* paths are absolute; "" if unknown */
    const char *pooling;                     /* "" of pictures */
    char fingerprint[17];                    /* of the network's values, see model_fingerprint */
    char content[17]; /* of the samples, see collection_content; "" unknown */
    int64_t samples, dimensions;
    uint32_t *left_out; /* [left_out_count] samples without a row, ascending */
    size_t left_out_count;
    struct arena memory;
};

/* Hash of all values of the store's sealed ranges: other weights, other fingerprint. */
void model_fingerprint(const struct store *store, char fingerprint[17]);

/* A hash of up to 1,024 of the samples, evenly spread: other samples, or another order, have
 * another one. Those that cannot be read count as such. TACIT_RESOURCES. */
status collection_content(struct source *source, char content[17]);

/* Writes PATH.json for embeddings PATH; collection_forget removes it. TACIT_RESOURCES. */
status collection_write(const char *path, const struct collection *collection);
void collection_forget(const char *path);

/* Reads PATH.json; *found is false where there is none. TACIT_BAD_DATA: it is damaged. Free with
 * collection_free, also on failure. */
status collection_read(const char *path, struct collection *collection, bool *found);
void collection_free(struct collection *collection);

/* A path from the root; the path itself where it cannot be resolved. NULL: no memory. */
const char *path_absolute(struct arena *memory, const char *path);

#endif
