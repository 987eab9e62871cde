/* tacit COMMAND [THING] key=value …: finds the command, reads its words, runs it. Results go to
 * standard output, everything else to standard error; the exit code is the status. */
#include "cli/command.h"
#include "cli/print.h"
#include "cli/signals.h"
#include "cli/waiting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct command *const commands[] = {
    &command_pretrain, &command_resume,   &command_finetune,
    &command_plan,     &command_eval,     &command_perplexity,
    &command_predict,  &command_embed,    &command_search,
    &command_generate, &command_import,   &command_export,
    &command_synth,    &command_tokenize, &command_list,
    &command_version,  &command_help,     NULL,
};

const struct command *command_find(const char *name)
{
    for (int i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

void complain(const struct command *command, const char *text)
{
    fprintf(stderr, "tacit%s%s: ", command ? " " : "", command ? command->name : "");
    for (; *text; text++) {
        fputc(*text, stderr);
        if (*text == '\n' && text[1])
            fputs("  ", stderr);
    }
    fputc('\n', stderr);
}

static tacit_status complain_unknown(const char *word)
{
    const char *names[32];
    int count = 0;
    for (; commands[count] && count < 32; count++)
        names[count] = commands[count]->name;
    const char *near = nearest_name(word, count, names);
    char text[512];
    snprintf(text, sizeof text, "there is no command '%.200s'%s%s%s (`tacit help` lists all)", word,
             near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    complain(NULL, text);
    return TACIT_USAGE;
}

/* What is wrong with the number of things, into `text`; false if nothing is. */
static bool wrong_things(const struct command *command, int count, const char *const things[],
                         char *text, size_t size)
{
    int most = command->thing[0] ? 1 : 0;
    if (count > most && !most && command->no_thing)
        snprintf(text, size, "%.200s: not an option; did you mean %s=%.200s?", things[0],
                 command->no_thing, things[0]);
    else if (count > most)
        snprintf(text, size, "%.200s: one word too many; options are written key=value",
                 things[most]);
    else if (count < most && !command->thing_optional)
        snprintf(text, size, "%s is missing: tacit %s %s …", command->thing, command->name,
                 command->thing);
    else
        return false;
    return true;
}

static bool is_true(const tacit_config *config, const char *key)
{
    const char *value = tacit_config_get(config, key);
    return value && strcmp(value, "true") == 0;
}

/* Reads and checks the words; all that is wrong with them is said in one go. */
static tacit_status read_words(struct call *call, int count, char *const words[],
                               const char *things[])
{
    char text[512];
    int thing_count = 0;
    tacit_status outcome = tacit_config_words(call->config, count, words, things, &thing_count);
    if (outcome != TACIT_OK) {
        complain(call->command, tacit_message());
        return outcome;
    }
    call->thing = thing_count ? things[0] : NULL;
    outcome = tacit_config_check(call->config);
    if (outcome != TACIT_OK)
        complain(call->command, tacit_message());
    if (wrong_things(call->command, thing_count, things, text, sizeof text)) {
        complain(call->command, text);
        outcome = TACIT_USAGE;
    }
    if (outcome != TACIT_OK) {
        fprintf(stderr, "`tacit help %s` lists what it takes\n", call->command->name);
        return outcome;
    }
    call->quiet = is_true(call->config, "quiet");
    call->json = is_true(call->config, "json");
    return TACIT_OK;
}

static tacit_status run_command(const struct command *command, int count, char *const words[])
{
    struct call call = { .command = command };
    const char **things = calloc((size_t)count + 1, sizeof *things);
    tacit_status outcome = things ? tacit_config_new(command->name, &call.config) : TACIT_RESOURCES;
    if (outcome != TACIT_OK)
        complain(command, things ? tacit_message() : "out of memory");
    else
        outcome = read_words(&call, count, words, things);
    if (outcome == TACIT_OK) {
        progress_start(&call.progress, call.quiet, isatty(STDERR_FILENO));
        call.observer = (tacit_observer){ .user = &call.progress,
                                          .progress = progress_show,
                                          .message = progress_message,
                                          .stop = signals_stop_requested };
        outcome = command->run(&call);
    }
    tacit_config_free(call.config);
    free(things);
    return outcome;
}

static bool asks_for_help(int count, char *const words[])
{
    for (int i = 0; i < count && strcmp(words[i], "--"); i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            return true;
    return false;
}

static tacit_status dispatch(int count, char *const words[])
{
    if (count < 2) {
        help_first_screen();
        return TACIT_OK;
    }
    const char *name = words[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    const struct command *command = command_find(name);
    if (!command && asks_for_help(1, words + 1)) {
        help_commands();
        return TACIT_OK;
    }
    if (!command)
        return complain_unknown(name);
    if (asks_for_help(count - 2, words + 2)) {
        help_command(command);
        return TACIT_OK;
    }
    if (command->computes)
        waiting_settle(words);
    return run_command(command, count - 2, words + 2);
}

int main(int count, char *words[])
{
    tacit_status outcome = dispatch(count, words);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain(NULL, "cannot write to standard output");
        if (outcome == TACIT_OK)
            outcome = TACIT_RESOURCES;
    }
    return (int)outcome;
}
