/* Checkpoints: the store with its optimiser slots, and where the run is. A checkpoint takes effect
 * whole or not at all, and the one before is kept. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "engine/store.h"
#include "train/measures.h"

/* What a run is besides its store. */
struct position {
    int64_t step;             /* steps done */
    uint64_t data;            /* what is learned from (setup_identity) */
    uint64_t metrics, events; /* sizes of the logs */
    double loss, seconds;     /* running mean of the loss; time spent so far */
    double last_loss;         /* of the last step */
    struct measures watched;  /* latest */
    int64_t watched_step;     /* when; -1: never */
    bool warned;              /* of a collapse */
};

/* Writes FOLDER/last.safetensors; what was there becomes FOLDER/previous.safetensors. `slots` of
 * optimiser memory are saved. TACIT_RESOURCES: nothing is lost. */
status checkpoint_save(const char *folder, const struct store *store, int slots,
                       const struct position *position);

/* Fills the sealed ranges of the store from the newest good checkpoint, making the slots it holds.
 * *found: false if there is none at all (TACIT_OK; the store is as it was). When the newest one is
 * damaged, `why` (size bytes) says so, else it is "". TACIT_BAD_DATA: there are checkpoints and all
 * are damaged or of another network. */
status checkpoint_load(const char *folder, struct store *store, struct position *position,
                       bool *found, char *why, size_t size);

#endif
