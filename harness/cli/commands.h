/*
 * The commands of the program, in the order of its help, and what is told of them: by main.c, and by
 * those commands that are about all others.
 */
#ifndef HEADROOM_HARNESS_CLI_COMMANDS_H
#define HEADROOM_HARNESS_CLI_COMMANDS_H

#include "harness/cli/command.h"

/* NULL from the n-th on. */
const struct command *commands_at(size_t i);

/* False: there is none of that name; the error says which may have been meant. */
bool commands_find(const char *name, const struct command **out, struct error *error);

/* What stands above and below the list in the program's help. */
extern const char commands_purpose[], commands_examples[], commands_environment[],
    commands_status[];

/* The program's help, and that of a command. */
void commands_help(FILE *out);
void commands_help_of(const struct command *command, FILE *out);

#endif
