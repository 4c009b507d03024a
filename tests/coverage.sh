#!/bin/sh
# Which lines of the sources the tests run, by folder:
#
#   tests/coverage.sh [LEAST]      percent that every folder has to reach (95)
#
# A clone, with the changes to files that it has, is built with gcc's counters in a temporary folder and runs its
# tests there, so that neither the objects nor the program of this one are touched. Counts are written when
# a process ends, and here also before one becomes another program or leaves at once; one that is killed
# leaves none. A card's files are for `make test-gpu`, and are left out. Tests that fail are named, and judged
# by `make test`: a program that counts its lines executes other instructions than one that does not.
set -eu
least=${1:-95}
copy=$(mktemp -d "${TMPDIR:-/tmp}/headroom-coverage-XXXXXX")
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM HUP
git clone -q . "$copy/tree"
git diff --binary HEAD | git -C "$copy/tree" apply --allow-empty
cat >"$copy/leave.h" <<'END'
#include <unistd.h>
void __gcov_dump(void);
static inline _Noreturn void counted_exit(int status) { __gcov_dump(), _exit(status); }
#define _exit counted_exit
#define execv(...) (__gcov_dump(), execv(__VA_ARGS__))
#define execvp(...) (__gcov_dump(), execvp(__VA_ARGS__))
#define execve(...) (__gcov_dump(), execve(__VA_ARGS__))
#define execvpe(...) (__gcov_dump(), execvpe(__VA_ARGS__))
END
unset MAKEFLAGS MAKELEVEL MFLAGS
flags="--coverage -O1 -fprofile-update=atomic -Wno-format-truncation -include $copy/leave.h"
make -C "$copy/tree" CUDA=0 SANITIZER= CFLAGS="$flags" LDFLAGS=--coverage test >"$copy/test.log" 2>&1 ||
    grep '^FAIL ' "$copy/test.log" >&2 || tail -n 20 "$copy/test.log" >&2
grep ' passed, .* skipped$' "$copy/test.log" >&2

# One object at a time: gcov names its source, and the headers that it took in, which are left out.
cd "$copy/tree"
find build/models build/workloads build/harness -name '*.gcno' | while read -r notes; do
    gcov -n -o "${notes%/*}" "$notes" 2>/dev/null
done | awk -v least="$least" '
    /^File / { name = $2; gsub(/\047/, "", name) }
    /^Lines executed:/ && name ~ /^(models|workloads|harness)\/.*\.c$/ && name !~ /\/card_work\.c$/ {
        split($0, part, /[:%]| of /)
        folder = name
        sub(/\/[^\/]*$/, "", folder)
        lines[folder] += part[4]
        run[folder] += part[2] * part[4] / 100
        name = ""
    }
    END {
        for (folder in lines) {
            share = 100 * run[folder] / lines[folder]
            printf "%-20s %6d lines %6.1f%%%s\n", folder, lines[folder], share, share < least ? "  too few" : "" | "sort"
            low += share < least
        }
        close("sort")
        exit low > 0 || length(lines) == 0
    }'
