/* Everything a training needs before its first step: data, method, network, sizes; made from a
 * configuration, in which every `auto` is replaced by what it became. */
#ifndef TRAIN_SETUP_H
#define TRAIN_SETUP_H

#include "train/model_file.h"
#include "train/observe.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include "train/session.h"
#include "train/texts.h"

#include <stdatomic.h>

/* What to learn from. */
struct setup_request {
    bool tune;             /* method=auto: what the labels ask for, classes or numbers */
    struct config *config; /* checked, of the task pretrain; autos are resolved in it */
    struct source *source; /* already open and kept by the caller; NULL: that of data= */
    const uint32_t *index; /* [count] samples to learn from; NULL: the part train, or all */
    size_t count;
    const char *folder; /* of the run, where a tokenizer is kept; NULL: none */
    bool anew;          /* init= gives network, tokenizer and preprocessing, but no weights */
};

struct setup {
    struct config *config;
    const char *folder;
    bool tune, anew;            /* as requested */
    struct model_file *initial; /* where the weights come from, init=; or NULL */
    const struct modality *modality;
    struct source *source;
    bool own_source;
    uint32_t *index; /* [count] samples to learn from */
    size_t count;
    bool *held; /* [source->count] kept out by holdout= */
    size_t held_count;
    _Atomic uint64_t *hash; /* [source->count] of the pictures seen */
    struct method method;
    struct input_shape input;
    struct augment_settings augment; /* of pictures */
    struct views views;
    struct tokenizer *tokenizer;    /* of texts */
    struct texts texts, kept;       /* to learn from; validation= keeps out */
    struct field field[FIELDS_MAX]; /* [fields] of a batch: what the method embeds */
    int fields;
    loader_make *make; /* of rows; its argument; memory it needs */
    void *argument;
    size_t scratch_bytes;
    loader_make *make_sample; /* what `make` calls for a row without its number; its argument */
    void *sample_argument;
    bool cut;         /* rows are cut from all samples together, not a sample each */
    size_t rows;      /* that batches are drawn from */
    uint32_t *row;    /* [rows] their numbers: those of the samples, or 0, 1, 2, … */
    uint32_t *length; /* [rows] tokens of single texts, so that like ones share batches; or NULL */
    struct optimizer_options optimizer;
    struct schedule schedule;
    struct target target;
    int64_t batch, microbatch, batches; /* pictures; batches of an epoch */
    int64_t steps, checkpoint_every, watch_every, watch_pictures;
    bool separate; /* losses of micro-batches */
    int loader_threads;
    uint64_t seed;
};

/* Opens the data and resolves the configuration; says through `audience` what each auto became.
 * Also sets the size of the compute team. TACIT_USAGE: a batch larger than the data, settings that
 * do not go together; TACIT_BAD_DATA; TACIT_RESOURCES. Close it with setup_close, also on failure.
 */
status setup_open(const struct setup_request *request, const struct audience *audience,
                  struct setup *setup);
void setup_close(struct setup *setup);

/* The session and the loader that the setup asks for. */
status setup_session(const struct setup *setup, struct store *store, struct session **session);
status setup_loader(struct setup *setup, struct loader **loader);

/* A hash of what is learned from: the samples' names within the data, their labels and number, and
 * the rows cut from them. Data that were moved keep it; resuming on others would not give the same
 * bits. */
uint64_t setup_identity(const struct setup *setup);

/* What a run takes, in bytes, given its session. */
double setup_bytes(const struct setup *setup, const struct session *session);

/* What this process may still take: free memory of the machine, within the process's limit. */
double setup_available(void);

/* TACIT_RESOURCES when `bytes` are more than `available`, with the number and the microbatch= (or
 * batch_size=) that would fit. bytes 0: nobody knows, for compiling failed. */
status setup_fits(const struct setup *setup, double bytes, double available);

#endif
