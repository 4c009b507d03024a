#!/bin/sh
# Which lines of the sources the tests run, by folder:
#
#   tests/coverage.sh [LEAST]      percent that every folder has to reach (95)
#
# A clone, with the changes to files that it has, is built with gcc's counters in a temporary folder and runs its
# tests there, so that neither the objects nor the program of this one are touched. What is killed by a
# test leaves no counts. A card's files are for `make test-gpu`, and are left out.
set -eu
least=${1:-95}
copy=$(mktemp -d "${TMPDIR:-/tmp}/headroom-coverage-XXXXXX")
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM HUP
git clone -q . "$copy/tree"
git diff --binary HEAD | git -C "$copy/tree" apply --allow-empty
unset MAKEFLAGS MAKELEVEL MFLAGS
tested=0
make -C "$copy/tree" CUDA=0 SANITIZER= CFLAGS='--coverage -O1 -fprofile-update=atomic' LDFLAGS=--coverage test \
    >"$copy/test.log" 2>&1 || tested=$?
tail -n 1 "$copy/test.log" >&2
[ "$tested" -eq 0 ] || grep '^not ok' "$copy/test.log" >&2 || tail -n 20 "$copy/test.log" >&2

# One object at a time: gcov names its source, and the headers that it took in, which are left out.
cd "$copy/tree"
find build/models build/workloads build/harness -name '*.gcno' | while read -r notes; do
    gcov -n -o "${notes%/*}" "$notes" 2>/dev/null
done | awk -v least="$least" -v tested="$tested" '
    /^File / { name = $2; gsub(/\047/, "", name) }
    /^Lines executed:/ && name ~ /^(models|workloads|harness)\/.*\.c$/ {
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
        exit low > 0 || tested != 0 || length(lines) == 0
    }'
