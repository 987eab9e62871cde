/* The trained thing of a command: its model, and what its run folder tells. */
#ifndef EVAL_THING_H
#define EVAL_THING_H

#include "base/config.h"
#include "train/model_file.h"

enum { THING_PATH_BYTES = 4096 };

struct thing {
    struct model_file model;
    char run[THING_PATH_BYTES]; /* folder of the run; "" if there is only a model */
    struct config config;       /* config.yaml of the run, unchecked: config_value only */
    int64_t pictures;           /* that its pretraining went through in all; 0: unknown */
    double epochs;              /* the same in epochs; NaN: unknown */
    uint64_t seed;              /* of its initial weights; 0 if unknown */
};

/* Opens a run folder or a model file; a file model.safetensors beside a config.yaml stands for its
 * run. Close it with thing_close, also on failure. TACIT_BAD_DATA: there is no model, or a damaged
 * one; TACIT_USAGE: an unreadable config.yaml. */
status thing_open(const char *path, struct thing *thing);
void thing_close(struct thing *thing);

#endif
