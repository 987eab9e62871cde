#include "cli/manual.h"

#include "cli/command.h"

#include <stdio.h>
#include <string.h>

/* Text in roff: backslashes and hyphens escaped, no line begins with a control character. */
static void print_roff(const char *text)
{
    bool fresh = true;
    for (; *text; text++) {
        if (fresh && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
        fresh = *text == '\n';
    }
}

/* A heading before the first option of a group: "method simclr". */
static void print_group(const char *group)
{
    fputs(".PP\n.I ", stdout);
    print_roff(group[0] ? group : "options");
    putchar('\n');
}

static void print_command(const struct command *command)
{
    tacit_option option;
    const char *group = NULL;
    printf(".SS tacit %s %s\n", command->name, command->thing);
    print_roff(command->summary);
    if (command->detail[0]) {
        fputs(".\n", stdout);
        print_roff(command->detail);
    }
    fputs("\n.PP\n.nf\n", stdout);
    print_roff(command->examples);
    puts(".fi");
    for (int i = 0; tacit_option_at(command->name, i, &option); i++) {
        if (!group || strcmp(group, option.group) != 0)
            print_group(option.group);
        group = option.group;
        fputs(".TP\n.B ", stdout);
        print_roff(option.key);
        putchar('\n');
        print_roff(option.summary);
        if (option.allowed[0]) {
            fputs("; ", stdout);
            print_roff(option.allowed);
        }
        if (option.initial[0]) {
            fputs("; default ", stdout);
            print_roff(option.initial);
        }
        putchar('\n');
    }
}

void manual_page(void)
{
    printf(".TH TACIT 1 \"\" \"tacit %s\" \"User Commands\"\n", tacit_version());
    fputs(".SH NAME\ntacit \\- learns from data that nobody labelled\n.SH SYNOPSIS\n"
          ".B tacit\n.I COMMAND\n[\\fITHING\\fR] \\fIkey\\fR=\\fIvalue\\fR ...\n.SH DESCRIPTION\n"
          "Results go to standard output, progress and messages to standard error.\n"
          "\\fIkey\\fR=\\fIvalue\\fR and \\-\\-\\fIkey\\fR \\fIvalue\\fR are the same.\n.SH "
          "COMMANDS\n",
          stdout);
    for (int i = 0; commands[i]; i++)
        print_command(commands[i]);
    fputs(".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage or configuration, 3 unusable data, "
          "4 numeric trouble, 5 resources, 130 stopped on request after saving.\n",
          stdout);
}

/* What may stand after the command: commands for help, rows of the list it names; with a blank. */
static void print_things(const struct command *command)
{
    tacit_row row;
    if (command == &command_help)
        for (int i = 0; commands[i]; i++)
            printf("%s ", commands[i]->name);
    for (int i = 0; command->things && tacit_list(command->things, i, &row); i++)
        printf("%s ", row.name);
}

void manual_completion(void)
{
    fputs("# bash completion for tacit: tacit help bash > /etc/bash_completion.d/tacit\n"
          "_tacit()\n{\n    local word=${COMP_WORDS[COMP_CWORD]} words=\n"
          "    if [ \"$COMP_CWORD\" = 1 ]; then\n        COMPREPLY=($(compgen -W \"",
          stdout);
    for (int i = 0; commands[i]; i++)
        printf("%s%s", i ? " " : "", commands[i]->name);
    fputs("\" -- \"$word\"))\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n", stdout);
    for (int i = 0; commands[i]; i++) {
        tacit_option option;
        printf("    %s) words=\"", commands[i]->name);
        print_things(commands[i]);
        for (int j = 0; tacit_option_at(commands[i]->name, j, &option); j++)
            printf("%s%s=", j ? " " : "", option.key);
        puts("\" ;;");
    }
    fputs("    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\") $(compgen -f -- "
          "\"$word\"))\n"
          "    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n}\n"
          "complete -o filenames -F _tacit tacit\n",
          stdout);
}
