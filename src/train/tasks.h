/* Tasks and their options, as data. What a command understands, `tacit help` shows and a run folder
 * keeps comes from these tables. */
#ifndef TRAIN_TASKS_H
#define TRAIN_TASKS_H

#include "base/config.h"
#include "methods/methods.h"
#include "tacit/tacit.h"

/* A table of options under a heading. */
struct task_group {
    const char *heading, *prefix;
    const struct option *options;
};

enum { TASK_GROUPS = 16 };

struct task {
    const char *name;
    struct task_group group[TASK_GROUPS]; /* ends with one that has no heading */
    bool method;                          /* the chosen method's options come, too ("method.…") */
};

/* A configuration as the public functions hand it around. */
struct tacit_config {
    const struct task *task;
    struct config config;
    struct option_set set;
    bool loaded, checked;
    size_t problems, problem_bytes; /* recorded before the first check */
};

/* The task of this name, NULL if there is none. */
const struct task *task_find(const char *name);

/* Makes the set of all its options; of methods those of `method`, or of all when that is NULL.
 * TACIT_RESOURCES. Free the set with option_set_free, also on failure. */
status task_options(const struct task *task, const struct method_type *method,
                    struct option_set *set);

/* The rows, each table ended by a row without a name. */
extern const struct option data_options[], network_options[], training_options[], optim_options[],
    watch_options[], output_options[], common_options[], synth_options[];

/* What a task takes of the machine; with steps, it can tell where their time goes. */
extern const struct option machine_options[], step_options[];

/* Those of the tasks that live above this room. */
extern const struct option evaluate_options[], embed_options[], tokenize_options[],
    predict_options[], search_options[], judge_options[];

/* Models that come and go. */
extern const struct option import_options[], export_options[];
extern const struct option perplexity_options[], generate_options[];

/* Names of rows for options of kind choice, ended by NULL; "auto" is not among them. */
extern const char *method_choices[], *network_choices[], *optimizer_choices[], *schedule_choices[],
    *recipe_choices[];

/* Fills the lists above; tasks call it, once is enough. */
void choices_fill(void);

/* The rows behind protocol= of the task "eval". */
extern const tacit_row protocol_rows[];

#endif
