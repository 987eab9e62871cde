#include "cli/command.h"
#include "cli/manual.h"
#include "cli/print.h"

#include <stdio.h>
#include <string.h>

static void print_lines(const char *text, int indent)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        printf("%*s%.*s\n", indent, "", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

void help_first_screen(void)
{
    static const tacit_row first_hour[] = {
        { "tacit plan data=photos/", "what it would take: memory, time", "" },
        { "tacit pretrain data=photos/ out=run", "learn without labels", "" },
        { "tacit eval run data=photos/ labels=folders", "score what was learned", "" },
        { "tacit embed run data=photos/ out=photos.npy", "turn pictures into vectors", "" },
    };
    static const tacit_row with_texts[] = {
        { "tacit pretrain data=books/ method=gpt out=novels", "learn a language model", "" },
        { "tacit generate novels prompt=\"It was\"", "let it go on with a text", "" },
        { "tacit embed MODEL data=docs.jsonl out=docs.npy", "turn texts into vectors", "" },
        { "tacit search docs.npy query=\"heat transfer\"", "find texts by meaning", "" },
    };
    printf("tacit %s: learns from data that nobody labelled\n\nA first hour with pictures:\n",
           tacit_version());
    print_rows((int)(sizeof first_hour / sizeof *first_hour), first_hour, 2);
    puts("\n… and with texts:");
    print_rows((int)(sizeof with_texts / sizeof *with_texts), with_texts, 2);
    puts("\nAll commands:");
    for (int i = 0; commands[i]; i++) {
        bool first = true; /* of its use */
        for (int j = 0; j < i; j++)
            first &= strcmp(commands[j]->use, commands[i]->use) != 0;
        if (!first)
            continue;
        fputs("  ", stdout);
        print_padded(commands[i]->use, 7);
        for (int j = i; commands[j]; j++)
            if (strcmp(commands[j]->use, commands[i]->use) == 0)
                printf(" %s", commands[j]->name);
        putchar('\n');
    }
    puts("\n`tacit help COMMAND` tells its options; they are written key=value or --key value.");
}

void help_commands(void)
{
    tacit_row rows[32];
    int count = 0;
    puts("tacit COMMAND [THING] key=value …\n");
    for (; commands[count] && count < 32; count++)
        rows[count] = (tacit_row){ commands[count]->name, commands[count]->summary, "" };
    print_rows(count, rows, 2);
    puts(
        "\n`tacit help COMMAND` tells its options; --key value and key=value are the same.\n"
        "Results go to standard output, progress and messages to standard error.\n"
        "`tacit help man` writes the manual page, `tacit help bash` the completion for bash.\n"
        "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 unusable data, 4 numeric\n"
        "trouble, 5 resources (memory, disk), 130 stopped on request after saving.");
}

static void print_option(const tacit_option *option, int width)
{
    fputs("  ", stdout);
    print_padded(option->key, width + 2);
    fputs(option->summary, stdout);
    if (option->allowed[0])
        printf("; %s", option->allowed);
    if (option->initial[0])
        printf(" [%s]", option->initial);
    putchar('\n');
}

void help_command(const struct command *command)
{
    tacit_option option;
    int width = 0;
    const char *group = "";
    printf("tacit %s%s%s%s%s: %s\n", command->name, command->thing[0] ? " " : "",
           command->thing_optional ? "[" : "", command->thing, command->thing_optional ? "]" : "",
           command->summary);
    if (command->detail[0])
        puts(command->detail);
    putchar('\n');
    print_lines(command->examples, 2);
    for (int i = 0; tacit_option_at(command->name, i, &option); i++)
        if (text_width(option.key) > width)
            width = text_width(option.key);
    for (int i = 0; tacit_option_at(command->name, i, &option); i++) {
        if (i == 0 || strcmp(group, option.group) != 0)
            printf("\n%s%s[default]\n", option.group, option.group[0] ? "  " : "Options ");
        group = option.group;
        print_option(&option, width);
    }
}

static tacit_status run(struct call *call)
{
    if (!call->thing) {
        help_commands();
        return TACIT_OK;
    }
    if (strcmp(call->thing, "man") == 0) {
        manual_page();
        return TACIT_OK;
    }
    if (strcmp(call->thing, "bash") == 0) {
        manual_completion();
        return TACIT_OK;
    }
    const struct command *command = command_find(call->thing);
    if (command) {
        help_command(command);
        return TACIT_OK;
    }
    char text[512];
    const char *names[32];
    int count = 0;
    for (; commands[count] && count < 32; count++)
        names[count] = commands[count]->name;
    const char *near = nearest_name(call->thing, count, names);
    snprintf(text, sizeof text, "there is no command '%.200s'%s%s%s", call->thing,
             near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    complain(call->command, text);
    return TACIT_USAGE;
}

const struct command command_help = {
    .name = "help",
    .use = "more",
    .thing = "COMMAND",
    .thing_optional = true,
    .summary = "what a command does and takes",
    .detail = "",
    .examples = "tacit help\ntacit help pretrain\ntacit help man > tacit.1\n",
    .run = run,
};
