#!/bin/sh
# Installs the packages that Headroom needs and this machine lacks; does nothing, quickly, when all
# are there. `make` calls it before it compiles anything, so that a bare machine needs no list of
# prerequisites to be read first.
#
#   harness/install_packages.sh [base|data]     base: build, test and plot; data: download
#
# The exact command is printed, then run as root or through sudo. With NO_INSTALL=1, or where that
# cannot be done, the commands for three package managers are printed and the exit status is 1.
# Only the apt column is tested (on Debian and Ubuntu); the others are written from the distributions' package names.
set -eu
group=${1:-base}

system=$(uname -s)
[ "$system" = Linux ] || {
    echo "headroom: error: Headroom needs Linux, and this is $system: trials are watched, timed and" \
        "counted through prctl, sigtimedwait, perf events and /proc. A Linux virtual machine will do." >&2
    exit 1
}

# PAPI and oneDNN (dnnl.h) are optional: without them the program is built without hardware counters
# and with OpenBLAS alone, and says so. Two of the data sets come as zip files.
# "-" where a package manager does not have it, or any version will do. Names for apt are those of Debian 12
# and 13 and of Ubuntu 22.04 and 24.04, all tried. What is optional and too old is left out by the Makefile.
packages="
group need     kind    name       oldest apt                      dnf                pacman
base  required program cc         -      gcc                      gcc                gcc
base  required program pkg-config -      pkg-config               pkgconf-pkg-config pkgconf
base  required library openblas   -      libopenblas-dev          openblas-devel     openblas
base  required library yaml-0.1   -      libyaml-dev              libyaml-devel      libyaml
base  required library sqlite3    3.37   libsqlite3-dev           sqlite-devel       sqlite
base  required library zlib       -      zlib1g-dev               zlib-devel         zlib
base  required library cmocka     -      libcmocka-dev            libcmocka-devel    cmocka
base  optional library papi       -      libpapi-dev              papi-devel         -
base  optional header  dnnl.h     -      libdnnl-dev              onednn-devel       onednn
base  required program sqlite3    -      sqlite3                  sqlite             sqlite
base  required program gnuplot    -      gnuplot-nox,fonts-dejavu-core gnuplot,dejavu-sans-fonts gnuplot,ttf-dejavu
data  required fetcher curl       -      curl,ca-certificates     curl               curl
data  optional program unzip      -      unzip                    unzip              unzip
"

present() { # kind name oldest
    case $1 in
    program) command -v "$2" ;;
    library) if [ "$3" = - ]; then pkg-config --exists "$2"; else pkg-config --atleast-version="$3" "$2"; fi ;;
    header) echo "#include <$2>" | cc -E - ;;
    fetcher) command -v curl || command -v wget ;;
    esac >/dev/null 2>&1
}

# Lines as words, each once.
one_line() {
    words=
    while read -r word; do
        case " $words " in *" $word "*) ;; *) words="$words${words:+ }$word" ;; esac
    done
    echo "$words"
}

# The names of what is missing, one a line: `missing required` or `missing optional`.
missing() {
    echo "$packages" | while read -r row_group need kind name oldest _; do
        [ "$row_group $need" = "$group $1" ] || continue
        present "$kind" "$name" "$oldest" || echo "$name"
    done
}

# The packages of one manager for the names in $lacking.
# shellcheck disable=SC2034 # the columns are used through eval
packages_of() {
    echo "$packages" | while read -r row_group _ _ name _ apt dnf pacman; do
        [ "$row_group" = "$group" ] || continue
        case " $lacking " in *" $name "*) eval "printf '%s\n' \"\$$1\"" ;; esac
    done | tr ',' '\n' | grep -v '^-$' | one_line
}

install_command() {
    case $1 in
    apt) echo "env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(packages_of apt)" ;;
    dnf) echo "dnf install -y $(packages_of dnf)" ;;
    pacman) echo "pacman -S --needed --noconfirm $(packages_of pacman)" ;;
    esac
}

# Those of $lacking that are there, and too old.
too_old() {
    echo "$packages" | while read -r _ _ kind name oldest _; do
        case "$kind $oldest $lacking " in "library "[0-9]*" $name "*) ;; *) continue ;; esac
        if ! pkg-config --exists "$name" 2>/dev/null; then continue; fi
        echo "headroom: $name is here in version $(pkg-config --modversion "$name"), $oldest is the oldest that works"
    done
}

# Without a way to install: optional packages may stay away, required ones end it here.
give_up() {
    if [ -z "$(missing required)" ]; then
        [ "$group" = base ] && doing=building || doing='going on'
        echo "headroom: $doing without $lacking ($1)" >&2
        exit 0
    fi
    {
        optional=$(missing optional | one_line)
        echo "headroom: error: missing: $(missing required | one_line)${optional:+; optional: $optional}"
        too_old
        echo "headroom: $1. Install them with the line for your system, then try again:"
        for manager in apt dnf pacman; do
            printf '  %-7s sudo %s\n' "$manager:" "$(install_command $manager)"
        done
    } >&2
    exit 1
}

lacking=$({ missing required; missing optional; } | one_line)
[ -n "$lacking" ] || exit 0

case ${NO_INSTALL:-0} in 0) ;; *) give_up 'NO_INSTALL is set, so nothing was installed' ;; esac

manager=
for candidate in apt-get dnf pacman; do
    if command -v $candidate >/dev/null 2>&1; then manager=${candidate%-get} && break; fi
done
[ -n "$manager" ] || give_up 'no known package manager was found'
[ -n "$(packages_of "$manager")" ] || give_up "$manager does not have it"

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root='sudo -n '
elif command -v sudo >/dev/null 2>&1 && (: </dev/tty) 2>/dev/null; then
    as_root='sudo ' # it asks for the password on the terminal
else
    give_up 'installing needs root or sudo, and neither is at hand'
fi

run() {
    echo "headroom: running: $as_root$*" >&2
    # shellcheck disable=SC2086 # as_root is a prefix of words, or nothing
    $as_root "$@" >&2
}

# shellcheck disable=SC2046 # the command is a list of words
install() { run $(install_command "$manager"); }

if [ "$manager" = apt ]; then
    update() { run apt-get update -q; }
    # A machine without package lists needs them first; one with old lists may find out by failing.
    if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then update || true; fi
    install || { update && install; } || give_up 'apt-get failed; its messages are above'
else
    install || give_up "$manager failed; its messages are above"
fi

[ -z "$(missing required)" ] || give_up 'they are still missing after the installation'
