/*
 * `headroom help [COMMAND]`: what `--help` says, for those who ask the other way round.
 */
#include "harness/cli/commands.h"

static int run(const struct arguments *arguments, struct error *error) {
    const struct command *command;
    if (arguments->n_words == 0) {
        commands_help(stdout);
        return EXIT_OK;
    }
    if (!commands_find(arguments->words[0], &command, error)) return EXIT_USAGE;
    commands_help_of(command, stdout);
    return EXIT_OK;
}

const struct command help_command = {"help",
                                     "explain the program or a command, as --help does",
                                     "[COMMAND]",
                                     0,
                                     1,
                                     {NULL},
                                     "examples:\n"
                                     "  headroom help\n"
                                     "  headroom help sweep\n",
                                     run};
