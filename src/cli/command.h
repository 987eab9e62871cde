/* What all commands share: their table, a call of one of them, and what is shown to the user. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli/progress.h"
#include "tacit/tacit.h"

#include <stdbool.h>

struct call;

/* One row of the table of commands; each command's file ends with its own. */
struct command {
    const char *name;
    const char *use;     /* what it is for, the heading on the first screen: "learn", "judge" … */
    const char *thing;   /* the word after the command, as help shows it; "" if it takes none */
    const char *things;  /* the list (`tacit list`) that it is taken from, or NULL */
    bool thing_optional; /* the thing may be left out */
    bool computes;       /* runs the engine: see waiting.h */
    const char *no_thing; /* for commands without a thing: the key that was meant, such as "data" */
    const char *summary;  /* one line */
    const char *detail;   /* what more there is to know, for its help; "" if nothing */
    const char *examples; /* lines as typed */
    tacit_status (*run)(struct call *call);
};

extern const struct command *const commands[]; /* ends with NULL */

/* A command as typed. */
struct call {
    const struct command *command;
    tacit_config *config; /* checked */
    const char *thing;    /* NULL if none was given */
    bool quiet, json;
    struct progress progress;
    tacit_observer observer;
};

/* The command of this name, or NULL. */
const struct command *command_find(const char *name);

/* Among `count` names the one nearest to `word`, or NULL if none is near: for "did you mean". */
const char *nearest_name(const char *word, int count, const char *const names[]);

/* The screens: without arguments, all commands, one command with its options. */
void help_first_screen(void);
void help_commands(void);
void help_command(const struct command *command);

/* Shows on standard output what a task came to (as JSON if the call says so) and frees the report.
 * Returns `outcome`, or TACIT_RESOURCES with a line on standard error if it cannot be shown. */
tacit_status call_finish(const struct call *call, tacit_status outcome, tacit_report *report);

/* One line on standard error, "tacit COMMAND: TEXT"; of several lines the others are indented. */
void complain(const struct command *command, const char *text);

extern const struct command command_pretrain, command_finetune, command_predict, command_resume,
    command_eval, command_embed, command_tokenize, command_plan, command_synth, command_list,
    command_version, command_help;
extern const struct command command_import, command_export, command_search;
extern const struct command command_perplexity, command_generate;

#endif
