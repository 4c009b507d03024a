/*
 * `headroom completion bash|zsh|fish`: a script that completes commands, their flags, and values that
 * are words. It is written from the tables that the command line is read by, so that it offers what
 * the program takes and nothing else; what is no word of a table is left to the shell, as a file.
 */
#include "harness/cli/commands.h"
#include "models/base/closest_name.h"

#include <string.h>

/* Text with what the shell would take for its own behind `escape`; a quote as the shell wants it. */
static void write_escaped(FILE *out, const char *text, const char *special, const char *quote) {
    for (; *text; text++) {
        if (*text == '\'') {
            fputs(quote, out);
            continue;
        }
        if (strchr(special, *text)) fputc('\\', out);
        fputc(*text, out);
    }
}

/* Whether these are words to choose from, "default|full"; names of what is meant are in capitals. */
static bool is_choice(const char *words) {
    return words && strchr(words, '|') &&
           strspn(words, "abcdefghijklmnopqrstuvwxyz|") == strlen(words);
}

static void write_choice(FILE *out, const char *words) {
    for (; *words; words++) fputc(*words == '|' ? ' ' : *words, out);
}

static void write_commands(FILE *out) {
    const struct command *command;
    for (size_t i = 0; (command = commands_at(i)); i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", command->name);
}

/* Whether a table has what a command's words are chosen from. */
static bool has_words(const struct command *command) {
    return command == &help_command || is_choice(command->words);
}

static void write_words(FILE *out, const struct command *command) {
    if (command == &help_command)
        write_commands(out);
    else
        write_choice(out, command->words);
}

/* ---- bash ---- */

/* The values of every flag that has words for them, once. */
static void write_bash_values(FILE *out) {
    const struct command *command;
    const char *seen[64];
    size_t n_seen = 0;
    for (size_t i = 0; (command = commands_at(i)); i++) {
        struct flag_shown flag[COMMAND_FLAGS_MAX + 2];
        size_t n = command_line_flags(command, flag);
        for (size_t k = 0; k < n; k++) {
            bool known = !is_choice(flag[k].value) || n_seen == sizeof seen / sizeof *seen;
            for (size_t s = 0; s < n_seen && !known; s++) known = seen[s] == flag[k].name;
            if (known) continue;
            seen[n_seen++] = flag[k].name;
            fprintf(out, "    --%s) words='", flag[k].name);
            write_choice(out, flag[k].value);
            fputs("' ;;\n", out);
        }
    }
}

/* Those that stand in place of a command. */
static void write_bash_program_flags(FILE *out) {
    struct flag_shown flag[COMMAND_FLAGS_MAX + 2];
    size_t n = command_line_flags(NULL, flag);
    for (size_t k = 0; k < n; k++) fprintf(out, " --%s", flag[k].name);
}

static void write_bash(FILE *out) {
    const struct command *command;
    fputs("# bash completion of headroom, made by `headroom completion bash`.\n"
          "_headroom() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=\n"
          "    [ \"$word\" != = ] || word=\n"
          "    [ \"$before\" != = ] || before=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    case $before in\n",
          out);
    write_bash_values(out);
    fputs("    headroom | */headroom) [ \"$COMP_CWORD\" -gt 1 ] || words='", out);
    write_commands(out);
    write_bash_program_flags(out);
    fputs("' ;;\n    esac\n    [ \"$words\" ] || case ${COMP_WORDS[1]} in\n", out);
    for (size_t i = 0; (command = commands_at(i)); i++) {
        struct flag_shown flag[COMMAND_FLAGS_MAX + 2];
        size_t n = command_line_flags(command, flag);
        fprintf(out, "    %s) case $word in -*) words='", command->name);
        for (size_t k = 0; k < n; k++) fprintf(out, "%s--%s", k > 0 ? " " : "", flag[k].name);
        fputs("' ;;", out);
        if (has_words(command)) {
            fputs(" *) words='", out);
            write_words(out, command);
            fputs("' ;;", out);
        }
        fputs(" esac ;;\n", out);
    }
    fputs("    esac\n"
          "    [ -z \"$words\" ] || COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "}\n"
          "complete -o bashdefault -o default -F _headroom headroom\n",
          out);
}

/* ---- zsh ---- */

static void write_zsh_flag(FILE *out, const struct flag_shown *flag) {
    fprintf(out, "            '%s--%s%s[", flag->again ? "*" : "", flag->name,
            flag->value ? "=" : "");
    write_escaped(out, flag->help, "[]\\", "'\\''");
    fputc(']', out);
    if (is_choice(flag->value)) {
        fprintf(out, ":%s:(", flag->name);
        write_choice(out, flag->value);
        fputc(')', out);
    } else if (flag->value) {
        fprintf(out, ":%s:_files", flag->value);
    }
    fputs("' \\\n", out);
}

/* Those that stand in place of a command. */
static void write_zsh_program_flags(FILE *out) {
    struct flag_shown flag[COMMAND_FLAGS_MAX + 2];
    size_t n = command_line_flags(NULL, flag);
    for (size_t k = 0; k < n; k++) {
        fprintf(out, "            '--%s[", flag[k].name);
        write_escaped(out, flag[k].help, "[]\\", "'\\''");
        fputs(k + 1 < n ? "]' \\\n" : "]'\n", out);
    }
}

static void write_zsh(FILE *out) {
    const struct command *command;
    fputs("#compdef headroom\n"
          "# zsh completion of headroom, made by `headroom completion zsh`.\n"
          "_headroom() {\n"
          "    local -a commands\n"
          "    commands=(\n",
          out);
    for (size_t i = 0; (command = commands_at(i)); i++) {
        fprintf(out, "        '%s:", command->name);
        write_escaped(out, command->summary, "\\", "'\\''");
        fputs("'\n", out);
    }
    fputs("    )\n"
          "    if (( CURRENT == 2 )); then\n"
          "        _describe command commands\n"
          "        _arguments \\\n",
          out);
    write_zsh_program_flags(out);
    fputs("        return\n"
          "    fi\n"
          "    shift words\n"
          "    (( CURRENT-- ))\n"
          "    case $words[1] in\n",
          out);
    for (size_t i = 0; (command = commands_at(i)); i++) {
        struct flag_shown flag[COMMAND_FLAGS_MAX + 2];
        size_t n = command_line_flags(command, flag);
        fprintf(out, "    %s)\n        _arguments \\\n", command->name);
        for (size_t k = 0; k < n; k++) write_zsh_flag(out, &flag[k]);
        fputs("            '*:word:", out);
        fputs(has_words(command) ? "(" : "_files", out);
        if (has_words(command)) {
            write_words(out, command);
            fputc(')', out);
        }
        fputs("' ;;\n", out);
    }
    fputs("    esac\n}\n_headroom \"$@\"\n", out);
}

/* ---- fish ---- */

static void write_fish(FILE *out) {
    const struct command *command;
    fputs("# fish completion of headroom, made by `headroom completion fish`.\n", out);
    for (size_t i = 0; (command = commands_at(i)); i++) {
        fprintf(out, "complete -c headroom -n __fish_use_subcommand -f -a %s -d '", command->name);
        write_escaped(out, command->summary, "\\", "\\'");
        fputs("'\n", out);
    }
    struct flag_shown own[COMMAND_FLAGS_MAX + 2];
    size_t n_own = command_line_flags(NULL, own);
    for (size_t k = 0; k < n_own; k++) { /* in place of a command */
        fprintf(out, "complete -c headroom -n __fish_use_subcommand -l %s -d '", own[k].name);
        write_escaped(out, own[k].help, "\\", "\\'");
        fputs("'\n", out);
    }
    for (size_t i = 0; (command = commands_at(i)); i++) {
        struct flag_shown flag[COMMAND_FLAGS_MAX + 2];
        size_t n = command_line_flags(command, flag);
        for (size_t k = 0; k < n; k++) {
            fprintf(out, "complete -c headroom -n '__fish_seen_subcommand_from %s' -l %s",
                    command->name, flag[k].name);
            if (is_choice(flag[k].value)) {
                fputs(" -x -a '", out);
                write_choice(out, flag[k].value);
                fputs("'", out);
            } else if (flag[k].value) {
                fputs(" -r", out);
            }
            fputs(" -d '", out);
            write_escaped(out, flag[k].help, "\\", "\\'");
            fputs("'\n", out);
        }
        if (!has_words(command)) continue;
        fprintf(out, "complete -c headroom -n '__fish_seen_subcommand_from %s' -f -a '",
                command->name);
        write_words(out, command);
        fputs("'\n", out);
    }
}

static int run(const struct arguments *arguments, struct error *error) {
    static const char *const names[] = {"bash", "zsh", "fish"};
    static void (*const writers[])(FILE *) = {write_bash, write_zsh, write_fish};
    enum { N = sizeof names / sizeof *names };
    const char *name = arguments->words[0];
    for (size_t i = 0; i < N; i++)
        if (strcmp(name, names[i]) == 0) {
            writers[i](stdout);
            return EXIT_OK;
        }
    const char *guess = closest_name(name, names, N);
    error_set(error, "no completion for '%s'%s%s%s; there is one for bash, zsh and fish", name,
              guess ? ", did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
    return EXIT_USAGE;
}

const struct command completion_command = {
    "completion",
    "write a script that completes commands and options in a shell",
    "bash|zsh|fish",
    1,
    1,
    {NULL},
    "`make install` puts all three where shells look for them. By hand:\n"
    "\n"
    "examples:\n"
    "  . <(headroom completion bash)                   in ~/.bashrc\n"
    "  headroom completion zsh >~/.zfunc/_headroom     a folder of $fpath\n"
    "  headroom completion fish >~/.config/fish/completions/headroom.fish\n",
    run};
