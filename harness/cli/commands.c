/*
 * The list of commands, and their help; see commands.h.
 */
#include "harness/cli/commands.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"
#include "models/base/closest_name.h"
#include "models/base/text.h"

#include <string.h>

static const struct command *const commands[] = {
    &sweep_command,    &submit_command,  &trial_command,  &status_command, &report_command,
    &export_command,   &compare_command, &card_command,   &plot_command,   &list_command,
    &validate_command, &show_command,    &data_command,   &new_command,    &evaluate_command,
    &predict_command,  &count_command,   &doctor_command, &bench_command,  &forward_command,
    &merge_command,    &clean_command,   &help_command,   &manual_command, &completion_command,
    &version_command,
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

const char commands_purpose[] =
    "how many attention heads does an input need, and what does leaving the others\n"
    "out really save? Trains small Transformer encoders, runs them with the unused heads not\n"
    "computed, and stores accuracy, FLOPs, counters, time and memory side by side in SQLite.\n";

const char commands_examples[] =
    "  headroom sweep --dry-run                  what would run, and how much work\n"
    "  headroom sweep                            train and profile the default grid\n"
    "  headroom sweep offsets --jobs 2           one workload\n"
    "  headroom new my                           my.yaml, for a CSV of your own\n"
    "  headroom validate my.yaml                 check it\n"
    "  headroom list policies                    ways to choose heads, with options\n";

const char commands_environment[] =
    "  HEADROOM_DATA   folder with trec/, agnews/, ...  (default: data)\n"
    "  TMPDIR          folder for files of a simulation (default: /tmp)\n";

const char commands_status[] =
    "0 done, 1 something failed (its reason is on stderr), 2 the command line\n"
    "was not understood, 130 interrupted (finished trials are kept; repeat it to resume)\n";

const struct command *commands_at(size_t i) {
    return i < N_COMMANDS ? commands[i] : NULL;
}

bool commands_find(const char *name, const struct command **out, struct error *error) {
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i]->name;
        if (strcmp(names[i], name) != 0) continue;
        *out = commands[i];
        return true;
    }
    const char *guess = closest_name(name, names, N_COMMANDS);
    return error_set(error, "unknown command '%s'%s%s%s; see headroom --help", name,
                     guess ? ", did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
}

/* Paragraphs, the first behind `lead`, are filled; lines that begin with a blank stay lines, as in the
 * manual. */
static void write_paragraphs(const char *lead, const char *text, FILE *out) {
    struct text paragraph = {0};
    int width = width_of(out);
    text_append(&paragraph, "%s", lead);
    for (size_t length; *text; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        const char *next = text + length + (text[length] == '\n');
        if (length == 0 || *text == ' ') {
            wrap_print(out, width, 6, "%.*s", (int)length, text);
            continue;
        }
        text_append(&paragraph, "%.*s", (int)length, text);
        if (*next && *next != '\n' && *next != ' ') {
            text_append(&paragraph, " ");
            continue;
        }
        if (paragraph.data) wrap_print(out, width, 0, "%s", paragraph.data);
        text_free(&paragraph);
    }
    text_free(&paragraph);
}

void commands_help(FILE *out) {
    write_paragraphs("headroom: ", commands_purpose, out);
    fputs("\nusage: headroom COMMAND [ARGUMENTS]     (headroom COMMAND --help explains each)\n"
          "       headroom -V                        (or version: which program this is)\n\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        wrap_print(out, width_of(out), 14, "  %-11s %s", commands[i]->name, commands[i]->summary);
    fputs("\nexamples:\n", out);
    write_paragraphs("", commands_examples, out);
    fputs("\nenvironment:\n", out);
    write_paragraphs("", commands_environment, out);
    fputc('\n', out);
    write_paragraphs("exit status: ", commands_status, out);
}

void commands_help_of(const struct command *command, FILE *out) {
    struct flag_shown flag[COMMAND_FLAGS_MAX + 2];
    size_t n = command_line_flags(command, flag);
    wrap_print(out, width_of(out), 2, "headroom %s: %s\n\nusage: headroom %s%s%s [OPTIONS]\n",
               command->name, command->summary, command->name, *command->words ? " " : "",
               command->words);
    write_paragraphs("", command->text, out);
    fputs("\noptions:\n", out);
    for (size_t i = 0; i < n; i++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", flag[i].name, flag[i].value ? " " : "",
                 flag[i].value ? flag[i].value : "");
        wrap_print(out, width_of(out), 25, "  %-22s %s", left, flag[i].help);
    }
}
