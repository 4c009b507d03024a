/*
 * `headroom manual`: the page that `man headroom` shows, from the texts that --help has. Lines that
 * begin with a blank are kept as they are, as help has them; all others are filled.
 */
#include "harness/cli/commands.h"

#include <string.h>

/* What roff would take for its own: a backslash, a dash that is to be one, a line's first character. */
static void write_text(FILE *out, const char *text, size_t length) {
    if (length > 0 && (*text == '.' || *text == '\'')) fputs("\\&", out);
    for (size_t i = 0; i < length; i++) switch (text[i]) {
        case '\\':
            fputs("\\e", out);
            break;
        case '-':
            fputs("\\-", out);
            break;
        default:
            fputc(text[i], out);
        }
}

static void write_word(FILE *out, const char *word) {
    write_text(out, word, strlen(word));
}

static void write_paragraphs(FILE *out, const char *text) {
    bool kept = false, empty = false;
    for (size_t length; *text; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        if (length == 0) {
            empty = true;
            continue;
        }
        bool keeps = *text == ' ';
        if (kept && !keeps) fputs(".fi\n", out);
        if (empty) fputs(".PP\n", out);
        if (!kept && keeps) fputs(".nf\n", out);
        write_text(out, text, length);
        fputc('\n', out);
        kept = keeps;
        empty = false;
    }
    if (kept) fputs(".fi\n", out);
}

static void write_flags(FILE *out, const struct command *command) {
    struct flag_shown flag[COMMAND_FLAGS_MAX + 2];
    size_t n = command_line_flags(command, flag);
    for (size_t i = 0; i < n; i++) {
        fputs(".TP\n.B ", out);
        write_text(out, "--", 2);
        write_word(out, flag[i].name);
        if (flag[i].value) {
            fputs(" \\fI", out);
            write_word(out, flag[i].value);
            fputs("\\fR", out);
        }
        fputc('\n', out);
        write_word(out, flag[i].help);
        fputc('\n', out);
    }
}

static void write_command(FILE *out, const struct command *command) {
    fprintf(out, ".SS headroom %s %s\n", command->name, command->words);
    write_word(out, command->summary);
    fputs("\n.PP\n", out);
    write_paragraphs(out, command->text);
    write_flags(out, command);
}

static int run(const struct arguments *arguments, struct error *error) {
    const struct command *command;
    (void)arguments, (void)error;
    fputs(".TH HEADROOM 1 \"\" headroom\n.SH NAME\nheadroom \\- measure what leaving out attention "
          "heads saves\n.SH SYNOPSIS\n.B headroom\n.I COMMAND\n[\\fIARGUMENTS\\fR]\n"
          ".SH DESCRIPTION\n",
          stdout);
    write_paragraphs(stdout, commands_purpose);
    fputs(".SH COMMANDS\n", stdout);
    for (size_t i = 0; (command = commands_at(i)); i++) write_command(stdout, command);
    fputs(".SH EXAMPLES\n", stdout);
    write_paragraphs(stdout, commands_examples);
    fputs(".SH ENVIRONMENT\n", stdout);
    write_paragraphs(stdout, commands_environment);
    fputs(".SH \"EXIT STATUS\"\n", stdout);
    write_paragraphs(stdout, commands_status);
    return EXIT_OK;
}

const struct command manual_command = {"manual",
                                       "write the page of `man headroom`",
                                       "",
                                       0,
                                       0,
                                       {NULL},
                                       "`make install` puts it where `man` looks.\n"
                                       "\n"
                                       "examples:\n"
                                       "  headroom manual | man -l -\n",
                                       run};
