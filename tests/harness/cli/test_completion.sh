#!/bin/sh
# What is written from the tables of commands and flags for others to read: completion by bash, zsh and
# fish, and the manual page. Each is asked as a user's shell would ask it.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}

commands() {
    ./headroom help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p'
}

# What bash offers at the end of a line, sorted, in one line.
offers_in_bash() { # words... ; the last is what is being typed
    ./headroom completion bash >"$scratch/script"
    # shellcheck disable=SC2016 # expanded by bash
    bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _headroom
        printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "' bash "$scratch/script" "$@"
}

bash_offers_commands_flags_and_words() {
    command -v bash >/dev/null || skip 'bash is not here'
    [ "$(offers_in_bash headroom s)" = 'show status submit sweep ' ]
    [ "$(offers_in_bash ./headroom swe)" = 'sweep ' ]
    [ "$(offers_in_bash headroom --)" = '--help --version ' ]
    [ "$(offers_in_bash headroom sweep --ti)" = '--tier --timeout ' ]
    [ "$(offers_in_bash headroom sweep --tier '')" = 'default full ' ]
    [ "$(offers_in_bash headroom sweep --tier = f)" = 'full ' ]
    [ "$(offers_in_bash headroom list o)" = 'options ' ]
    [ "$(offers_in_bash headroom help dat)" = 'data ' ]
    # What is no word of a table is a file's name, which the shell knows.
    [ "$(offers_in_bash headroom sweep my)" = ' ' ]
    [ "$(offers_in_bash headroom export '')" = ' ' ]
}

# Every flag that a command's help has is offered, and no other.
bash_offers_what_the_help_has() {
    command -v bash >/dev/null || skip 'bash is not here'
    for command in sweep submit trial bench report version; do
        said=$(./headroom $command --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | sort | tr '\n' ' ')
        [ "$(offers_in_bash headroom $command --)" = "$said" ]
    done
}

zsh_reads_its_script() {
    command -v zsh >/dev/null || skip 'zsh is not here: apt-get install zsh'
    ./headroom completion zsh >"$scratch/_headroom"
    zsh -n "$scratch/_headroom"
    # The functions of zsh's completion are made to print what they are told.
    # shellcheck disable=SC2016 # expanded by zsh
    zsh -fc '_describe() { print -l -- $commands }; _arguments() { print -l -- "$@" }
        words=(headroom s); CURRENT=2; . "$1" >"$1.commands"
        words=(headroom sweep --); CURRENT=3; . "$1" >"$1.sweep"' zsh "$scratch/_headroom"
    grep -qx 'sweep:train and profile workloads, store the results, print the table' "$scratch/_headroom.commands"
    [ "$(grep -c '^[a-z]' "$scratch/_headroom.commands")" = "$(commands | wc -l)" ]
    grep -qx -- '--help\[this text\]' "$scratch/_headroom.commands" # in place of a command
    grep -qx -- '--tier=\[.*\]:tier:(default full)' "$scratch/_headroom.sweep"
    grep -qx -- '\*--set=\[.*\]:KEY=VALUE:_files' "$scratch/_headroom.sweep"
    grep -qx -- '--dry-run\[only say what would be done\]' "$scratch/_headroom.sweep"
}

fish_offers_commands_flags_and_words() {
    command -v fish >/dev/null || skip 'fish is not here: apt-get install fish'
    ./headroom completion fish >"$scratch/headroom.fish"
    offers() {
        # shellcheck disable=SC2016 # expanded by fish
        HOME=$scratch fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$scratch/headroom.fish" "$1" |
            cut -f 1 | sort | tr '\n' ' '
    }
    [ "$(offers 'headroom swe')" = 'sweep ' ]
    [ "$(offers 'headroom --')" = '--help --version ' ]
    [ "$(offers 'headroom sweep --tie')" = '--tier ' ]
    [ "$(offers 'headroom sweep --tier ')" = 'default full ' ]
    [ "$(offers 'headroom list o')" = 'options ' ]
}

completion_of_another_shell_says_which_there_are() {
    status=0
    ./headroom completion bahs 2>"$scratch/said" || status=$?
    [ $status = 2 ]
    grep -q "did you mean 'bash'?; there is one for bash, zsh and fish" "$scratch/said"
}

the_manual_is_a_page_with_every_command_and_flag() {
    ./headroom manual >"$scratch/headroom.1"
    for command in $(commands); do grep -q "^\.SS headroom $command\( \|\$\)" "$scratch/headroom.1"; done
    grep -q '^\.B \\-\\-tier \\fIdefault|full\\fR$' "$scratch/headroom.1"
    command -v groff >/dev/null || skip 'groff is not here: the page was not set'
    groff -man -Tascii -P-cbu -ww -rLL=80n "$scratch/headroom.1" >"$scratch/page" 2>"$scratch/warnings"
    cat "$scratch/warnings"
    [ ! -s "$scratch/warnings" ]
    grep -q 'EXIT STATUS' "$scratch/page"
}

behaviours bash_offers_commands_flags_and_words bash_offers_what_the_help_has zsh_reads_its_script \
    fish_offers_commands_flags_and_words completion_of_another_shell_says_which_there_are \
    the_manual_is_a_page_with_every_command_and_flag
