# shellcheck shell=sh
# For the shell tests, which source it: each behaviour is a function that fails by its first failing
# command (set -e) and skips by printing a reason and calling `skip`. Results are printed as TAP,
# like cmocka's, for tests/run.sh.
#
#   . tests/build/tap.sh; a_behaviour() { ...; }; behaviours a_behaviour ...
#
# $scratch is a private folder, removed in the end. A test must not see the make that runs it.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES CFLAGS LDFLAGS
root=$(pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

skip() { # reason
    echo "$*"
    exit 77
}

# With its library: Debian's python3-minimal has no more than a part of it.
needs_python() { # program
    "$1" -c 'import json, sqlite3, zipfile' 2>/dev/null || skip "$1 is not here with its library: apt-get install python3"
}

not_with_address_sanitizer() { # reason
    ! nm ./headroom | grep -q __asan_init || skip "the address sanitizer $1"
}

behaviours() {
    echo "1..$#"
    number=0
    for behaviour; do
        number=$((number + 1))
        rm -rf "${scratch:?}"/* && cd "$root" || exit 1
        (set -e; "$behaviour") # alone on its line: set -e does not hold inside a condition
        case $? in
        0) echo "ok $number - $behaviour" ;;
        77) echo "ok $number # SKIP $behaviour" ;;
        *) echo "not ok $number - $behaviour" ;;
        esac
    done
}

# A folder to be used as PATH, with nothing in it but the named programs.
only_programs() { # folder program...
    folder=$1
    shift
    mkdir -p "$folder"
    for program; do ln -s "$(command -v "$program")" "$folder/$program"; done
}

# A program that is a few lines of shell.
fake_program() { # path text
    printf '#!/bin/sh\n%s\n' "$2" >"$1"
    chmod +x "$1"
}
