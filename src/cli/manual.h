/* Made from the tables of commands and options: the manual page and shell completion. */
#ifndef CLI_MANUAL_H
#define CLI_MANUAL_H

/* Prints tacit(1) in roff (man macros) to standard output. */
void manual_page(void);

/* Prints a completion script for bash to standard output. */
void manual_completion(void);

#endif
