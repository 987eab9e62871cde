/* What the kind of the samples decides about a training: one row a kind. Other files of this room
 * ask for the kind only where a file of a model holds what just one kind has (a tokenizer, mean and
 * deviation of colours), where the rows of one model are fed to it, and to refuse the other kind.
 */
#ifndef TRAIN_MODALITY_H
#define TRAIN_MODALITY_H

#include "train/setup.h"

struct modality {
    enum sample_kind kind;
    const char *samples;        /* "pictures" */
    const char *rows;           /* what batches are made of: "pictures", "windows of text" */
    const char *const *foreign; /* options that mean nothing here, ended by NULL */
    /* Says what the data are. */
    void (*tell)(const struct setup *setup, const struct audience *audience);
    /* What the network takes, and how rows are made, once the recipe, the method and the network
     * are chosen: fills method, input, field, make, argument, scratch_bytes and rows. `said`
     * collects what became of every auto. */
    status (*settle)(struct setup *setup, const struct audience *audience, struct text *said);
    void (*close)(struct setup *setup);
    /* A number that tells the content of a sample, never 0. TACIT_BAD_DATA: it cannot be read. */
    status (*look)(struct source *source, uint32_t sample, uint64_t *hash);
};

extern const struct modality modality_pictures, modality_texts;

const struct modality *modality_of(enum sample_kind kind);

#endif
