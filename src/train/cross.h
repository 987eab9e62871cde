/* Contradictions between options, which no single row can tell. */
#ifndef TRAIN_CROSS_H
#define TRAIN_CROSS_H

#include "train/tasks.h"

/* Records what is wrong between the options given so far, before they are checked one by one
 * (config_check then reports everything). TACIT_RESOURCES. */
status cross_check(const struct task *task, struct config *config);

#endif
