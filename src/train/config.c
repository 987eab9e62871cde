/* tacit_config_* and tacit_option_at: the public side of the option tables. */
#include "io/yaml.h"
#include "train/cross.h"
#include "train/recipe.h"
#include "train/tasks.h"

#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
    [OPTION_INTEGER] = "integer", [OPTION_REAL] = "number", [OPTION_BOOLEAN] = "true|false",
    [OPTION_TEXT] = "text",       [OPTION_PATH] = "path",   [OPTION_CHOICE] = "one of",
    [OPTION_LIST] = "list",
};

/* What is allowed, short: "1 to 4096", "f32|bf16|auto". */
static void allowed_append(const struct option *option, struct text *text)
{
    const char *space = "";
    for (const char *const *choice = option->choices; choice && *choice; choice++)
        text_append(text, "%s%s", choice == option->choices ? "" : "|", *choice);
    if (option->choices && option->automatic)
        text_append(text, "|auto");
    if (option->choices || (option->kind != OPTION_INTEGER && option->kind != OPTION_REAL))
        return;
    bool limits = option->minimum != 0 || option->maximum != 0 || option->above;
    bool upper = limits && option->maximum < 1e300 && !(option->above && option->maximum == 0);
    if (limits && option->minimum > -1e300) {
        text_append(text, "%s", option->above ? "above " : upper ? "" : "at least ");
        text_append_real(text, option->minimum);
        space = " ";
    }
    if (upper) {
        text_append(text, "%sto ", space);
        text_append_real(text, option->maximum);
        space = " ";
    }
    if (option->unit)
        text_append(text, "%s(%s)", space, option->unit);
    if (option->automatic)
        text_append(text, "%s", limits || option->unit ? ", or auto" : "auto");
}

/* Texts of the rows, kept for ever: made when first asked for. */
static const char *kept_text(const char *text)
{
    static struct arena arena;
    static struct map index;
    static void *kept;
    static size_t count, capacity;
    int64_t at = map_get(&index, text);
    if (at >= 0)
        return ((char **)kept)[at];
    char *copy = arena_text(&arena, "%s", text);
    if (!copy || !memory_reserve(&kept, &capacity, count, sizeof copy) ||
        !map_set(&index, copy, (int64_t)count))
        return "";
    ((char **)kept)[count++] = copy;
    return copy;
}

static void option_describe(const struct option *option, const char *prefix, const char *heading,
                            tacit_option *out)
{
    struct text text = { 0 };
    text_append(&text, "%s%s%s", prefix, *prefix ? "." : "", option->name);
    out->key = kept_text(text_string(&text));
    text_clear(&text);
    allowed_append(option, &text);
    out->allowed = kept_text(text_string(&text));
    text_free(&text);
    out->type = kind_names[option->kind];
    out->initial = option->fallback ? option->fallback : "";
    out->summary = option->help;
    out->group = heading;
}

/* Counts *index down along a table; true when the row was met. */
static bool row_at(const struct option *rows, int *index, const struct option **found)
{
    for (; rows && rows->name; rows++)
        if ((*index)-- == 0) {
            *found = rows;
            return true;
        }
    return false;
}

int tacit_option_at(const char *name, int index, tacit_option *option)
{
    const struct task *task = task_find(name);
    const struct option *found;
    char heading[128];
    if (!task || index < 0)
        return 0;
    for (int i = 0; i < TASK_GROUPS && task->group[i].heading; i++)
        if (row_at(task->group[i].options, &index, &found)) {
            option_describe(found, task->group[i].prefix, task->group[i].heading, option);
            return 1;
        }
    for (int i = 0; task->method && all_methods[i]; i++)
        if (row_at(all_methods[i]->options, &index, &found)) {
            snprintf(heading, sizeof heading, "method %s", all_methods[i]->name);
            option_describe(found, "method", kept_text(heading), option);
            return 1;
        }
    return 0;
}

tacit_status tacit_config_new(const char *name, tacit_config **config)
{
    *config = NULL;
    const struct task *task = task_find(name);
    if (!task)
        return fail(TACIT_USAGE, "there is no task \"%.100s\"", name);
    tacit_config *made = memory_new(1, sizeof *made);
    if (!made)
        return TACIT_RESOURCES;
    made->task = task;
    status result = task_options(task, NULL, &made->set);
    if (result == TACIT_OK)
        *config = made;
    else
        tacit_config_free(made);
    return result;
}

void tacit_config_free(tacit_config *config)
{
    if (!config)
        return;
    config_free(&config->config);
    option_set_free(&config->set);
    memory_free(config);
}

tacit_status tacit_config_set(tacit_config *config, const char *key, const char *value)
{
    config->checked = false;
    return config_set(&config->config, key, value, CONFIG_COMMAND, "command line");
}

tacit_status tacit_config_words(tacit_config *config, int count, char *const words[],
                                const char *things[], int *thing_count)
{
    config->checked = false;
    return config_words(&config->config, &config->set, count, words, things, thing_count);
}

tacit_status tacit_config_load(tacit_config *config, const char *path)
{
    config->checked = false;
    return yaml_read(path, &config->config);
}

/* The method whose options are allowed: the one named, NULL (all) if there is none of this name. */
static const struct method_type *method_named(const tacit_config *config)
{
    const char *given = config_value(&config->config, "method");
    bool tunes = strcmp(config->task->name, "finetune") == 0;
    if (tunes && (!given || strcmp(given, "auto") == 0)) /* regression has the same options */
        return method_find("supervised");
    return method_find(recipe_method(&config->config));
}

static status config_prepare(tacit_config *config)
{
    const char *path = config_value(&config->config, "config");
    if (!config->loaded && path && *path) {
        TRY(yaml_read(path, &config->config));
        config->loaded = true;
    }
    /* What earlier checks found must not count twice. */
    struct config *inner = &config->config;
    if (!config->problem_bytes)
        config->problem_bytes = inner->problems.length + 1, config->problems = inner->problem_count;
    inner->problem_count = config->problems;
    inner->problems.length = config->problem_bytes - 1;
    if (inner->problems.bytes)
        inner->problems.bytes[inner->problems.length] = 0;
    bool all = strcmp(config->task->name, "resume") == 0;
    option_set_free(&config->set);
    TRY(task_options(config->task, all ? NULL : method_named(config), &config->set));
    return cross_check(config->task, inner);
}

tacit_status tacit_config_check(tacit_config *config)
{
    if (config->checked)
        return TACIT_OK;
    TRY(config_prepare(config));
    TRY(config_check(&config->config, &config->set));
    config->checked = true;
    return TACIT_OK;
}

const char *tacit_config_get(const tacit_config *config, const char *key)
{
    return config_value(&config->config, key);
}

tacit_status tacit_config_print(const tacit_config *config, char **text)
{
    struct text yaml = { 0 };
    *text = NULL;
    if (!config->config.set)
        return fail(TACIT_USAGE, "the configuration must be checked before it is printed");
    status result = config_write(&config->config, &yaml);
    if (result == TACIT_OK && !text_reserve(&yaml, 1))
        *text = yaml.bytes;
    else
        text_free(&yaml);
    return result;
}
