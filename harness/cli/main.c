/*
 * The `headroom` program: finds the command, reads its arguments, prints its error, returns its
 * exit status. Everything else is behind a command.
 */
#include "harness/cli/blas_start.h"
#include "harness/cli/commands.h"
#include "harness/config/installation.h"
#include "harness/table/shown.h"

#include <signal.h>

static int fail(const char *context, const struct error *error, int status) {
    char text[sizeof error->text + sizeof error->at.file + 32];
    error_format(error, text, sizeof text);
    fflush(stdout); /* the cause comes last, also where both go to one file */
    shown_print(stderr, "headroom%s%s: %s\n", *context ? " " : "", context, text);
    return status;
}

int main(int argc, char **argv) {
    struct arguments arguments;
    struct error error = {0};
    /* Whoever ignores its children hands that down: then nobody hears how a trial ended. */
    signal(SIGCHLD, SIG_DFL);
    if (!blas_start(argv, &error)) return fail("", &error, EXIT_FAILED);
    if (argc < 2) {
        commands_help(stderr);
        return EXIT_USAGE;
    }
    if (argv[1][0] == '-') {
        if (!command_line_read(NULL, argc - 1, argv + 1, &arguments, &error))
            return fail("", &error, EXIT_USAGE);
        if (!arguments.version) {
            commands_help(stdout);
            return EXIT_OK;
        }
        argv[1] = "version", argc = 2;
    }
    const struct command *command;
    if (!commands_find(argv[1], &command, &error)) return fail("", &error, EXIT_USAGE);
    if (!command_line_read(command, argc - 2, argv + 2, &arguments, &error))
        return fail(command->name, &error, EXIT_USAGE);
    if (arguments.help) {
        commands_help_of(command, stdout);
        return EXIT_OK;
    }
    installation_workloads(arguments.workloads, sizeof arguments.workloads);
    int status = command->run(&arguments, &error);
    if (error.text[0]) fail(command->name, &error, status);
    /* A full disk or a closed pipe must not look like success. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == EXIT_OK) {
        fputs("headroom: the output could not be written\n", stderr);
        return EXIT_FAILED;
    }
    return status;
}
