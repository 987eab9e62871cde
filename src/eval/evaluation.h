/* What the parts of the command eval share: the thing that is judged, the data, the subjects. */
#ifndef EVAL_EVALUATION_H
#define EVAL_EVALUATION_H

#include "eval/features.h"
#include "eval/pool.h"
#include "eval/score.h"
#include "eval/thing.h"
#include "train/observe.h"
#include "train/session.h"

enum { EVAL_LABELS_MAX = 32, VIEWS_OF_RUN = 1 /* choice of views= */ };

struct evaluation {
    const struct config *config; /* checked, of the task eval */
    struct audience audience;
    double start;       /* clock */
    const char *path;   /* of the thing as given; NULL: only subjects that need no network */
    struct thing thing; /* if there is a path */
    struct source *source;
    struct input_shape input; /* of the model, else of the pictures as they are */
    size_t held; /* samples that the run had held out and that are the part test here */
    struct pool pool;
    bool settled;                       /* the pool is */
    int64_t per_class[EVAL_LABELS_MAX]; /* numbers of labels; 0: all */
    int label_counts, draws;
    uint64_t seed; /* of draws and folds */
    struct target target;
    struct score *score; /* [scores] */
    size_t scores, score_capacity;
};

/* Who is compared. `rows` gives features [*kept_count, *width] of the pool's samples, which the
 * caller frees with memory_free_aligned, and which of them could be read; `predict` learns from
 * some rows of the settled pool and predicts the classes of others. A row has one of the two. */
struct subject {
    const char *name;
    enum wanted_kind reads; /* samples that it is of */
    bool network;           /* needs that of the thing */
    bool plain;             /* its features are to be taken as they are, not standardised */
    status (*rows)(struct evaluation *e, float **value, int64_t *width, uint32_t *kept,
                   size_t *kept_count);
    status (*predict)(struct evaluation *e, const struct draw *learn, const struct draw *judge,
                      int trial, int32_t *predicted);
};

extern const struct subject all_subjects[]; /* "run" first; ends with a row without a name */

/* How features are judged: those of the labelled samples, those to be classified, and those of the
 * whole training side, whose labels are not looked at. */
struct protocol {
    const char *name;
    status (*classify)(const struct evaluation *e, const struct subject *subject,
                       const struct features *learn, const struct features *judge,
                       const struct features *side, int32_t *predicted);
    /* Instead: predicts by the thing itself, for the subject "run" alone; see struct subject. */
    status (*predict)(struct evaluation *e, const struct draw *learn, const struct draw *judge,
                      int trial, int32_t *predicted);
};

extern const struct protocol all_protocols[]; /* ends with a row without a name */

/* The protocol "head". */
status head_predict(struct evaluation *e, const struct draw *learn, const struct draw *judge,
                    int trial, int32_t *predicted);

/* labels-only, see struct subject. */
status supervised_predict(struct evaluation *e, const struct draw *learn, const struct draw *judge,
                          int trial, int32_t *predicted);

/* The protocol "finetune": as labels-only, but from the weights of the thing; texts only. */
status finetune_predict(struct evaluation *e, const struct draw *learn, const struct draw *judge,
                        int trial, int32_t *predicted);

/* How labels-only trains on `count` labelled samples. */
struct supervised_plan {
    int64_t batch, steps;
    double rate, decay;
    int shift; /* pixels by which pictures are moved, besides mirroring */
};
struct supervised_plan supervised_plan(const struct evaluation *e, int64_t count);

/* What the kind of the samples decides about an evaluation: one row a kind. Nothing else in this
 * command asks whether there are pictures or texts. */
struct evaluated {
    const char *one;                          /* "picture" */
    const char *learns;                       /* rule of labels-only: "SGD with momentum .9" */
    const char *falls;                        /* and of its rate: "as a cosine" */
    int64_t batch, least;                     /* of labels-only: largest batch, fewest steps */
    double rate, decay;                       /* for the largest batch */
    bool scaled;                              /* a smaller batch has a rate smaller by as much */
    int (*shift)(const struct evaluation *e); /* pixels, see struct supervised_plan */
    /* The input of subjects that need no network, from the data. */
    void (*guess)(struct evaluation *e);
    /* The network of labels-only and how it sees samples, in a configuration of "pretrain". */
    status (*configure)(const struct evaluation *e, const struct supervised_plan *plan,
                        tacit_config *config);
    /* Says what the network is, how samples are shown to the subjects and to labels-only. */
    void (*network)(const struct evaluation *e, tacit_report *report);
    void (*input)(const struct evaluation *e, bool rival, tacit_report *report);
    void (*views)(const struct evaluation *e, const struct supervised_plan *plan,
                  tacit_report *report);
};

/* The row for the kind of the input, which is the model's, else that of the data. */
const struct evaluated *evaluated_kind(const struct evaluation *e);

/* The value that counts of a setting about data: the command's, and where that leaves it open
 * (auto, nothing) the one that the run was made with, if `run_too`. */
const char *setting_of(const struct evaluation *e, const char *key, bool run_too);

/* How to open data for the thing, by the command and by what the run was made with; labels of the
 * run count only for its own data. */
struct source_options texts_or_pictures(const struct evaluation *e, bool own_data);

/* TACIT_USAGE: the thing's head has learned from other samples, pairs instead of single texts or
 * the other way round. */
status texts_check(const struct evaluation *e);

/* The rival "words", see struct subject: TF-IDF as scikit-learn's TfidfVectorizer has it by
 * default, times ln((1 + texts) / (1 + texts with the word)) + 1, rows of length 1. */
status words_rows(struct evaluation *e, float **value, int64_t *width, uint32_t *kept,
                  size_t *kept_count);

/* Side of the square pictures that the subject pixels is made of: that of the input, but at most
 * 32, which is where neighbours and linear classifiers of pixels stop gaining. */
int pixels_side(const struct input_shape *input);

/* Makes the samples that the run held out the part test, and the others the part train; e->held
 * counts them. Only where the data, which must be those of the run, have no parts of their own.
 * Errors: TACIT_RESOURCES, TACIT_BAD_DATA for an unreadable samples.tsv. */
status held_apply(struct evaluation *e);

/* How many of the samples that are judged pretraining had seen, by the hashes of samples.tsv; -1
 * when nobody knows. */
status seen_count(const struct evaluation *e, int64_t *seen);

/* The same of any samples of a source, index [samples]. */
status seen_among(const struct thing *thing, struct source *source, const uint32_t *index,
                  size_t samples, int64_t *seen);

/* Makes the report of a finished evaluation; `seen` is seen_count's. */
status evaluation_report(const struct evaluation *e, int64_t seen, const char *stored,
                         tacit_report **report);

/* Says how far a phase ("run: features") is; false when the caller wants to stop. `since`: when it
 * began. */
bool evaluation_advance(const struct evaluation *e, const char *phase, int64_t step, int64_t steps,
                        double since);

#endif
