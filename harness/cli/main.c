/*
 * The `headroom` program: finds the command, reads its arguments, prints its error, returns its
 * exit status. Everything else is behind a command.
 */
#include "harness/cli/blas_start.h"
#include "harness/cli/command.h"
#include "harness/config/installation.h"
#include "harness/table/shown.h"
#include "models/base/closest_name.h"

#include <signal.h>
#include <string.h>

static const struct command *const commands[] = {
    &sweep_command,    &submit_command,  &trial_command,   &status_command, &report_command,
    &export_command,   &compare_command, &card_command,    &plot_command,   &list_command,
    &validate_command, &show_command,    &data_command,    &new_command,    &evaluate_command,
    &predict_command,  &count_command,   &doctor_command,  &bench_command,  &forward_command,
    &merge_command,    &clean_command,   &version_command,
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void help_program(FILE *out) {
    fputs(
        "headroom: how many attention heads does an input need, and what does leaving the others\n"
        "out really save? Trains small Transformer encoders, runs them with the unused heads not\n"
        "computed, and stores accuracy, FLOPs, counters, time and memory side by side in SQLite.\n"
        "\n"
        "usage: headroom COMMAND [ARGUMENTS]     (headroom COMMAND --help explains each)\n"
        "\n",
        out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n"
          "examples:\n"
          "  headroom sweep --dry-run                        what would run, and how much work\n"
          "  headroom sweep                                  train and profile the default grid\n"
          "  headroom sweep offsets --jobs 2                 one workload\n"
          "  headroom new my                                 my.yaml, for a CSV of your own\n"
          "  headroom validate my.yaml                       check it\n"
          "  headroom list policies                          ways to choose heads, with options\n"
          "\n"
          "environment:\n"
          "  HEADROOM_DATA   folder with trec/, agnews/, ...  (default: data)\n"
          "  TMPDIR          folder for files of a simulation (default: /tmp)\n"
          "\n"
          "exit status: 0 done, 1 something failed (its reason is on stderr), 2 the command line\n"
          "was not understood, 130 interrupted (finished trials are kept; repeat it to resume)\n",
          out);
}

static void help_command(const struct command *command, FILE *out) {
    fprintf(out, "headroom %s: %s\n\nusage: headroom %s%s%s [OPTIONS]\n\n%s\noptions:\n",
            command->name, command->summary, command->name, *command->words ? " " : "",
            command->words, command->text);
    command_line_describe(command, out);
}

static int fail(const char *context, const struct error *error, int status) {
    char text[sizeof error->text + sizeof error->at.file + 32];
    error_format(error, text, sizeof text);
    shown_print(stderr, "headroom%s%s: %s\n", *context ? " " : "", context, text);
    return status;
}

static const struct command *find_command(const char *name) {
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

static int unknown_command(const char *name) {
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) names[i] = commands[i]->name;
    const char *guess = closest_name(name, names, N_COMMANDS);
    shown_print(stderr, "headroom: unknown command '%s'%s%s%s; see headroom --help\n", name,
                guess ? ", did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
    return EXIT_USAGE;
}

int main(int argc, char **argv) {
    struct arguments arguments;
    struct error error = {0};
    /* Whoever ignores its children hands that down: then nobody hears how a trial ended. */
    signal(SIGCHLD, SIG_DFL);
    if (!blas_start(argv, &error)) return fail("", &error, EXIT_FAILED);
    if (argc < 2) {
        help_program(stderr);
        return EXIT_USAGE;
    }
    if (argv[1][0] == '-') {
        if (!command_line_read(NULL, argc - 1, argv + 1, &arguments, &error))
            return fail("", &error, EXIT_USAGE);
        if (!arguments.version) {
            help_program(stdout);
            return EXIT_OK;
        }
        argv[1] = "version", argc = 2;
    }
    const struct command *command = find_command(argv[1]);
    if (!command) return unknown_command(argv[1]);
    if (!command_line_read(command, argc - 2, argv + 2, &arguments, &error))
        return fail(command->name, &error, EXIT_USAGE);
    if (arguments.help) {
        help_command(command, stdout);
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
