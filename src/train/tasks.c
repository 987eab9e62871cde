#include "train/tasks.h"
#include "augment/settings.h"
#include "train/optimizer.h"
#include "train/recipe.h"
#include "train/schedule.h"

#include <pthread.h>
#include <string.h>

enum { MOST_CHOICES = 64 };

const char *method_choices[MOST_CHOICES], *network_choices[MOST_CHOICES],
    *optimizer_choices[MOST_CHOICES], *schedule_choices[MOST_CHOICES],
    *recipe_choices[MOST_CHOICES];

static pthread_once_t choices_once = PTHREAD_ONCE_INIT;

static void choices_make(void)
{
    enum { LAST = MOST_CHOICES - 1 };
    for (int i = 0; all_methods[i] && i < LAST; i++)
        method_choices[i] = all_methods[i]->name;
    for (int i = 0; all_networks[i] && i < LAST; i++)
        network_choices[i] = all_networks[i]->name;
    for (int i = 0; all_optimizers[i] && i < LAST; i++)
        optimizer_choices[i] = all_optimizers[i]->name;
    for (int i = 0; all_schedules[i].name && i < LAST; i++)
        schedule_choices[i] = all_schedules[i].name;
    for (int i = 0; all_recipes[i].name && i < LAST; i++)
        recipe_choices[i] = all_recipes[i].name;
}

void choices_fill(void)
{
    pthread_once(&choices_once, choices_make);
}

#define PRETRAIN                                                                           \
    {                                                                                      \
        { "data", "", data_options }, { "network", "", network_options },                  \
            { "training", "", training_options }, { "optimiser", "optim", optim_options }, \
            { "views", "augment", augment_options }, { "watch", "watch", watch_options },  \
            { "machine", "", step_options }, { "run", "", output_options },                \
        {                                                                                  \
            "common", "", common_options                                                   \
        }                                                                                  \
    }

static const struct task tasks[] = {
    { "pretrain", PRETRAIN, true },
    { "finetune", PRETRAIN, true },
    { "plan", PRETRAIN, true },
    { "resume", PRETRAIN, true },
    { "eval",
      { { "evaluation", "", evaluate_options },
        { "evaluation of a search", "", judge_options },
        { "machine", "", machine_options },
        { "common", "", common_options } },
      false },
    { "predict",
      { { "prediction", "", predict_options },
        { "machine", "", machine_options },
        { "common", "", common_options } },
      false },
    { "embed",
      { { "embedding", "", embed_options },
        { "machine", "", machine_options },
        { "common", "", common_options } },
      false },
    { "search",
      { { "search", "", search_options },
        { "machine", "", machine_options },
        { "common", "", common_options } },
      false },
    { "tokenize",
      { { "tokenizer", "", tokenize_options },
        { "machine", "", machine_options },
        { "common", "", common_options } },
      false },
    { "import", { { "model", "", import_options }, { "common", "", common_options } }, false },
    { "export", { { "model", "", export_options }, { "common", "", common_options } }, false },
    { "perplexity",
      { { "texts", "", perplexity_options },
        { "machine", "", machine_options },
        { "common", "", common_options } },
      false },
    { "generate",
      { { "generation", "", generate_options },
        { "machine", "", machine_options },
        { "common", "", common_options } },
      false },
    { "synth", { { "generator", "", synth_options }, { "common", "", common_options } }, false },
    { "list", { { "common", "", common_options } }, false },
    { "version", { { "common", "", common_options } }, false },
    { "help", { { "common", "", common_options } }, false },
};

const struct task *task_find(const char *name)
{
    choices_fill();
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        if (strcmp(tasks[i].name, name) == 0)
            return &tasks[i];
    return NULL;
}

status task_options(const struct task *task, const struct method_type *method,
                    struct option_set *set)
{
    *set = (struct option_set){ 0 };
    for (int i = 0; i < TASK_GROUPS && task->group[i].heading; i++)
        TRY(option_set_add(set, task->group[i].prefix, task->group[i].options));
    for (int i = 0; task->method && all_methods[i]; i++)
        if (!method || method == all_methods[i])
            TRY(option_set_add(set, "method", all_methods[i]->options));
        else
            TRY(option_set_owner(set, all_methods[i]->name, "method", all_methods[i]->options));
    set->choice = method ? method->name : NULL;
    return TACIT_OK;
}
